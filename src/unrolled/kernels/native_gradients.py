"""From the gradients of the sums before activation to those of x and the weights."""

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled import _native
from unrolled.kernels.native_call import ENOUGH_FOR_THREADS, GRU_BEFORE, Given, Plan, address


class SumGradients:
    """The gradients of the sums before activation, packed, and what follows from them by matrix products."""

    def __init__(self, given: Given, plan: Plan, reverse: bool):
        self.given, self.plan, self.reverse = given, plan, reverse
        x, size = given.x, plan.T * plan.B
        self.rows = size if given.lengths is None else int(given.lengths.sum())
        self.gates = x.new_empty(size, plan.S * plan.W)
        self.bias = x.new_empty(plan.threads, plan.S * plan.W)
        # Of the two products apart, where they are normalised apart.
        self.inputs: Tensor | None = None
        self.recurrent: Tensor | None = None
        if given.gain_ih is not None:
            self.inputs, self.recurrent = (x.new_empty(size, plan.G * plan.W) for _ in range(2))
            self.gains = [x.new_empty(plan.threads, plan.G * plan.W) for _ in range(2)]

    def addresses(self) -> dict[str, int]:
        """The fields of a call that are made here."""
        fields = {"dgates": self.gates.data_ptr(), "dbias": self.bias.data_ptr()}
        if self.inputs is not None:
            fields |= {"dxs": address(self.inputs), "dus": address(self.recurrent)}
            fields |= {"dgain_ih": self.gains[0].data_ptr(), "dgain_hh": self.gains[1].data_ptr()}
        return fields

    def of_weights(self, saved: Tensor, index: Tensor) -> list[Tensor]:
        """The gradients of both weights, both biases and both gains; empty for those that are not there."""
        plan, given = self.plan, self.given
        sums = self.gates if self.recurrent is None else self.recurrent
        weight_ih = self._outer(self._input_sums(), plan.G, self._packed_x(index), plan.I).flatten(0, 1)
        learned = [weight_ih.contiguous(), self._of_recurrent(sums, saved).contiguous()]
        if given.bias_ih is None:
            learned += [given.x.new_empty(0), given.x.new_empty(0)]
        else:
            bias = self.bias.sum(0).view(plan.S, plan.W)[:, : plan.H]
            learned += [bias[plan.first :].reshape(-1).clone(), self._in_order(bias[: plan.G]).reshape(-1)]
        if self.inputs is None:
            return [*learned, given.x.new_empty(0), given.x.new_empty(0)]
        gain_ih, gain_hh = (g.sum(0).view(plan.G, plan.W)[:, : plan.H] for g in self.gains)
        return [*learned, gain_ih.reshape(-1), self._in_order(gain_hh).reshape(-1)]

    def of_x(self, index: Tensor) -> Tensor:
        """The gradient of x, (T, B, I)."""
        plan, given = self.plan, self.given
        weight = F.pad(given.weight_ih.view(plan.G, plan.H, plan.I), (0, 0, 0, plan.W - plan.H))
        packed = self._input_sums()[: self.rows] @ weight.flatten(0, 1)
        if given.lengths is None:
            dx = packed.view(plan.T, plan.B, plan.I)
            return dx.flip(0) if self.reverse else dx
        dx = packed.new_zeros(plan.B * plan.T, plan.I)
        dx.index_copy_(0, index[: self.rows], packed)
        return dx.view(plan.B, plan.T, plan.I).transpose(0, 1)

    def _input_sums(self) -> Tensor:
        """Those of W x, in torch's order of gates."""
        return self.gates[:, self.plan.first * self.plan.W :] if self.inputs is None else self.inputs

    def _of_recurrent(self, sums: Tensor, saved: Tensor) -> Tensor:
        plan = self.plan
        seen = self._saved(saved, "ms" if "ms" in plan.places else "hs")
        if plan.cell != GRU_BEFORE:
            return self._in_order(self._outer(sums, plan.G, seen, plan.H)).flatten(0, 1)
        candidate = self._outer(sums, 1, self._saved(saved, "rs"), plan.H)
        gates = self._outer(sums[:, plan.W :], 2, seen, plan.H)
        return torch.cat((gates, candidate)).flatten(0, 1)

    def _saved(self, saved: Tensor, name: str) -> Tensor:
        plan = self.plan
        width, place = plan.widths[name], plan.places[name]
        return saved[place : place + plan.T * plan.B * width].view(-1, width)

    def _packed_x(self, index: Tensor) -> Tensor:
        """The rows of x that were used, in the order of the saved rows."""
        x, plan = self.given.x, self.plan
        if self.given.lengths is None:
            return (x.flip(0) if self.reverse else x).reshape(-1, plan.I)
        return x.transpose(0, 1).reshape(-1, plan.I).index_select(0, index[: self.rows])

    def _outer(self, sums: Tensor, blocks: int, seen: Tensor, columns: int) -> Tensor:
        """sums^T seen over the packed rows, (blocks, H, columns)."""
        plan, line = self.plan, self.plan.line
        out = sums.new_zeros(blocks, plan.W, (columns + line - 1) // line * line)
        work = self.rows * blocks * plan.H * columns
        threads = 1 if work < ENOUGH_FOR_THREADS else torch.get_num_threads()
        is_double = int(sums.dtype == torch.float64)
        sizes = [is_double, threads, self.rows, blocks * plan.W, columns]
        arrays = [[a.data_ptr(), a.stride(-2)] for a in (sums, seen, out)]
        _native.outer_product(sum(arrays, sizes))
        return out[:, : plan.H, :columns]

    def _in_order(self, blocks: Tensor) -> Tensor:
        """Recurrent blocks in torch's order of gates: a GRU's are n, r, z here."""
        return torch.cat((blocks[1:], blocks[:1])) if self.plan.first else blocks
