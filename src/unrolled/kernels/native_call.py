"""What a native call is made of: sizes, the room for what is saved, addresses; see recurrent.h."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled import _native
from unrolled.errors import ArgumentError, ShapeError, explain

LSTM, GRU, GRU_BEFORE = 2, 3, 4
# Multiplications below which a second thread costs more than it brings.
ENOUGH_FOR_THREADS = 1 << 21


FIELDS = tuple(_native.call_fields())


def place(first: str, last: str) -> slice:
    """Where neighbouring fields of a native call lie."""
    return slice(FIELDS.index(first), FIELDS.index(last) + 1)


SIZES, GIVEN = place("cell", "hidden"), place("x", "keep_c")
STRIDES, SAVED = place("x_stride_t", "keep_c_stride_b"), place("gates", "scales")
OUTPUTS, PULLS, GRADIENTS = place("y", "cn"), place("dy", "dcn"), place("dx", "dhs")
STRIDES_OF_DY = place("dy_stride_t", "dy_stride_b")


class Plan:
    """The sizes of a call, and where each saved array begins. H is rounded up to W, whole cache lines."""

    def __init__(self, shape: tuple[int, ...], H: int, size: int, cell: int, has_mask: bool, has_gains: bool):
        self.T, self.B, self.I = T, B, inputs = shape
        self.H, self.size, self.cell = H, size, cell
        line = 64 // size
        self.W = (H + line - 1) // line * line
        self.G = {LSTM: 4, GRU: 3, GRU_BEFORE: 3}.get(cell, 1)
        self.S = 1 if self.G == 1 else 4  # column blocks of a row of gates
        self.first = 1 if self.G == 3 else 0  # the first of them that W x fills
        row, rows = self.G * self.W, self.G * H
        self.widths = {"gates": self.S * self.W, "hs": self.W}
        if cell == LSTM:
            self.widths["cs"] = self.W
        if has_mask:
            self.widths["ms"] = self.W
        if cell == GRU_BEFORE:
            self.widths["rs"] = self.W
        if has_gains:
            self.widths |= {"xs": row, "us": row, "scales": 2 * self.G}
        self.places = {}
        self.saved = 0  # numbers in all of them
        for name, width in self.widths.items():
            self.places[name] = self.saved
            self.saved += width * T * B
        self.work = T * B * rows * (inputs + H)
        # Of what is given, in its order.
        self.shapes = (shape, (B, H), (B, H), (rows, inputs), (rows, H), *[(rows,)] * 4)
        self.shapes += ((B,), (B, H), (T, B, H), (T, B, H))

    @property
    def threads(self) -> int:
        """How many parts the batch is cut into. Small work stays on one thread."""
        return 1 if self.work < ENOUGH_FOR_THREADS else max(1, min(torch.get_num_threads(), self.B))

    def addresses(self, saved: Tensor) -> list[int]:
        """Where each saved array begins; 0 for what this call has none of."""
        start, places = saved.data_ptr(), self.places
        return [start + self.size * places[name] if name in places else 0 for name in FIELDS[SAVED]]


plan_again = lru_cache(maxsize=256)(Plan)  # a training loop has few shapes, and asks for them at every step


class Given(NamedTuple):
    """What both operators are given, as the native side can read it."""

    x: Tensor
    h: Tensor | None
    c: Tensor | None
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    gain_ih: Tensor | None
    gain_hh: Tensor | None
    lengths: Tensor | None
    mask: Tensor | None
    keep_h: Tensor | None
    keep_c: Tensor | None

    def numbers(self, plan: Plan, bf16: bool, reverse: bool) -> list[int]:
        """A native call in which these are what is given; what else it is made of is 0, no array."""
        x = self.x
        numbers = [0] * len(FIELDS)
        is_double = x.dtype is torch.float64
        numbers[SIZES] = plan.cell, is_double, bf16, reverse, plan.threads, plan.T, plan.B, plan.I, plan.H
        numbers[GIVEN] = [0 if t is None else t.data_ptr() for t in self]
        numbers[STRIDES] = *strides(x), *strides(self.keep_h), *strides(self.keep_c)
        return numbers


def readable(*given: Tensor | None) -> Given:
    """The same values: x and the shares of zoneout with rows in one piece, all others contiguous."""
    x, *rest, keep_h, keep_c = given
    assert x is not None
    rest = [t if t is None or t.is_contiguous() else t.contiguous() for t in rest]
    keeps = [None if keep is None else with_rows(keep) for keep in (keep_h, keep_c)]
    return Given._make((with_rows(x), *rest, *keeps))


def with_rows(tensor: Tensor) -> Tensor:
    """The same values, with those of the last axis side by side."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def address(tensor: Tensor | None) -> int:
    """Where a tensor's numbers begin; 0 for None and for an empty one."""
    return 0 if tensor is None else tensor.data_ptr()


def strides(tensor: Tensor | None) -> tuple[int, int]:
    """Of the first two axes."""
    return (0, 0) if tensor is None else (tensor.stride(0), tensor.stride(1))


def check(given: Given, plan: Plan) -> None:
    """That everything fits x and weight_hh. Anybody may call the operators, and an address knows no size.

    Raises: ArgumentError, ShapeError.
    """
    dtype = given.x.dtype
    for tensor, shape in zip(given, plan.shapes, strict=True):
        if tensor is not None and (tensor.shape != shape or tensor.dtype is not dtype):
            _check_each(given, plan)
            break
    for first, second in (("bias_ih", "bias_hh"), ("gain_ih", "gain_hh")):
        if (getattr(given, first) is None) != (getattr(given, second) is None):
            raise ArgumentError(
                explain(first, f"given where {second} is", "one of them", "Pass both or none.")
            )
    if (given.c is None) == (plan.cell == LSTM and given.h is not None):
        cure = "Pass both h and c, or neither."
        raise ArgumentError(explain("c", "given for an LSTM with h only", type(given.c).__name__, cure))
    if given.lengths is not None and plan.B:
        low, high = (int(end) for end in given.lengths.aminmax())
        if low < 0 or high > plan.T:
            wrong = low if low < 0 else high
            raise ArgumentError(
                explain("lengths", f"each in 0..{plan.T}", wrong, "x has no more steps than that.")
            )


def _check_each(given: Given, plan: Plan) -> None:
    for name, tensor, shape in zip(Given._fields, given, plan.shapes, strict=True):
        if tensor is None:
            continue
        if tensor.shape != shape:
            cure = f"x says time, batch and input; weight_hh says hidden, {plan.H}."
            raise ShapeError(explain(name, str(shape), tuple(tensor.shape), cure))
        dtype = torch.int64 if name == "lengths" else given.x.dtype
        if tensor.dtype != dtype:
            raise ArgumentError(explain(name, str(dtype), tensor.dtype, f"Pass {name}.to({dtype})."))
