"""Forecast the whole horizon at every step of a series, with a state that never starts anew.

The steps, in order: scale · mask · embed · recurrent · dense over what is known ahead · dense (quantile head)
· offsets · unscale and unanchor. Trained by truncated BPTT over whole series.

Key: B batch · T steps of a chunk · H horizon · C targets · d hidden · n steps answered.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import integer
from unrolled.models.forecast_lowering import lower_direct
from unrolled.models.heads import ConformalOffsets, QuantileHead, forecast_loss
from unrolled.models.inputs import Batch, ScaledInputs, fill, last_valid, valid_steps
from unrolled.models.recurrent import (
    CellStart,
    map_state,
    recurrent_cost,
    recurrent_stack,
    restart,
    stack_options,
    top_hidden,
)
from unrolled.models.shape import ForecastShape
from unrolled.runtime import Program
from unrolled.types import DirectState


class DirectNetwork(nn.Module):
    """Advance by one row, answer the next H rows.

    A chunk's rows are right-padded to T steps; `lengths` (B,) says how many are there (absent: all). The
    known columns of row b go on for H steps after its own length. `stride` thins out the steps at which the
    loss is taken, counted back from the chunk's end: memory grows with T / stride * H.

    Shapes: batch["target"] (B, T, C) -> quantiles (B, H, C, quantiles) after each row's last step.
    Raises: ArgumentError for an option that cannot be used.
    """

    def __init__(
        self,
        shape: ForecastShape,
        cell: str = "gru",
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        stride: int = 1,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.stride = integer("stride", stride, minimum=1, cure="1 takes the loss at every step.")
        self.inputs = ScaledInputs(shape)
        self.input_size = self.inputs.row_size
        self.cells = CellStart.from_card(cells)
        self.recurrent = recurrent_stack(cell, self.input_size, hidden, layers, dropout, start=self.cells)
        ahead = shape.horizon * self.inputs.sizes["known"]
        # relu(A h + B known): a plain sum could not let the known columns mean different things in different
        # states.
        self.mix_hidden = nn.Linear(hidden, hidden) if ahead else None
        self.mix_known = nn.Linear(ahead, hidden, bias=False) if ahead else None
        self.dropout = nn.Dropout(dropout)
        self.head = QuantileHead(hidden, shape.horizon * shape.targets, shape.quantiles)
        self.offsets = ConformalOffsets(shape.horizon, shape.targets, shape.quantiles)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "direct",
            **stack_options(self),
            "dropout": self.dropout.p,
            "stride": self.stride,
        }

    def loss(self, batch: Batch, state: DirectState | None = None) -> tuple[Tensor, DirectState]:
        """The quantile loss in scaled units over a chunk, and the state after it, detached.

        Shapes: batch["after"] (B, H, C), the rows that follow each row's chunk, NaN past the series' end: the
        answers at step t are the rows t + 1 to t + H of the two together.
        """
        hidden, last, state = self.read(batch, state)
        steps = torch.arange(hidden.shape[1] - 1, -1, -self.stride, device=hidden.device).flip(0)
        first = (steps + 1).expand(len(hidden), -1)  # (B, n)
        quantiles = self.answer(hidden[:, steps], batch, first)
        mean, scale = self.inputs.target_scaling(batch)
        anchor = torch.where(last.isnan(), mean[:, None], last)[:, steps]  # (B, n, C)
        answers = (self.rows_ahead(batch, first) - anchor[:, :, None]) / scale[:, None, None]
        return forecast_loss(quantiles, answers, self.shape.quantiles), map_state(Tensor.detach, state)

    def forecast(
        self, batch: Batch, state: DirectState | None = None, noise: None = None
    ) -> tuple[Tensor, DirectState]:
        """The quantiles after each row's last step, raw units, (B, H, C, quantiles), and the state there."""
        _, _, state = self.read(batch, state)
        first = valid_steps(batch).sum(1, keepdim=True)
        quantiles = self.answer(top_hidden(state.recurrent)[:, None], batch, first)
        return self.raw(quantiles, state.last[:, None], batch)[:, 0], state

    def forecast_at(
        self, batch: Batch, steps: Tensor, state: DirectState | None = None
    ) -> tuple[Tensor, DirectState]:
        """The quantiles after each of the given steps of a chunk: many origins for one pass over the series.

        Shapes: steps int64 (n,) -> quantiles (B, n, H, C, quantiles), raw units.
        """
        hidden, last, state = self.read(batch, state)
        quantiles = self.answer(hidden[:, steps], batch, (steps + 1).expand(len(hidden), -1))
        return self.raw(quantiles, last[:, steps], batch), state

    def read(self, batch: Batch, state: DirectState | None) -> tuple[Tensor, Tensor, DirectState]:
        """Advance over a chunk.

        Returns: the hidden state (B, T, d) and the last valid target (B, T, C) at each step; the state at the
        end.
        """
        self.inputs.check(batch)
        mean, scale = self.inputs.target_scaling(batch)
        state = self.started(state, batch)
        target = torch.where(valid_steps(batch)[..., None], batch["target"], torch.nan)
        last = last_valid(target, state.last)
        steps = target.shape[1]
        parts = [
            *fill((target - mean[:, None]) / scale[:, None], self.shape.masked_target),
            *self.inputs.features("past", batch),
            *(part[:, :steps] for part in self.inputs.features("known", batch)),
            *(part[:, None].expand(-1, steps, -1) for part in self.inputs.features("static", batch)),
        ]
        hidden, recurrent = self.recurrent(torch.cat(parts, dim=-1), state.recurrent, batch.get("lengths"))
        newest = torch.cat([state.last[:, None], last], dim=1)[:, -1]
        return hidden, last, DirectState(recurrent, newest)

    def started(self, state: DirectState | None, batch: Batch) -> DirectState:
        """The state to go on from: nothing yet at the first chunk, and in the rows that are `fresh`."""
        if state is None:
            return DirectState(None, torch.full_like(batch["target"][:, 0], torch.nan))
        fresh = batch.get("fresh")
        if fresh is None:
            return state
        last = torch.where(fresh[:, None], torch.nan, state.last)
        return DirectState(restart(state.recurrent, fresh), last)

    def answer(self, hidden: Tensor, batch: Batch, first: Tensor) -> Tensor:
        """The quantiles in scaled units relative to the anchor.

        Shapes: hidden (B, n, d); first int64 (B, n), the chunk's step that each answer starts at
        -> (B, n, H, C, quantiles).
        """
        if self.mix_hidden is not None and self.mix_known is not None:
            known = torch.cat(self.inputs.features("known", batch), dim=-1)
            ahead = take_ahead(known, first, self.shape.horizon).flatten(2)  # (B, n, H * columns)
            hidden = (self.mix_hidden(hidden) + self.mix_known(ahead)).relu()
        quantiles = self.head(self.dropout(hidden))
        return quantiles.unflatten(2, (self.shape.horizon, self.shape.targets))

    def rows_ahead(self, batch: Batch, first: Tensor) -> Tensor:
        """The true rows for each answer, NaN where there is none. first (B, n) -> (B, n, H, C)."""
        valid = valid_steps(batch)
        target, after = batch["target"], batch["after"]
        room = torch.cat([target, torch.full_like(after, torch.nan)], dim=1)
        place = valid.sum(1)[:, None] + torch.arange(after.shape[1], device=first.device)  # (B, H)
        rows = room.scatter(1, place[..., None].expand_as(after), after)
        counts = valid.gather(1, first - 1)  # no answer is asked for at a step that is padding
        return torch.where(counts[..., None, None], take_ahead(rows, first, self.shape.horizon), torch.nan)

    def raw(self, quantiles: Tensor, last: Tensor, batch: Batch) -> Tensor:
        """Offsets added, unscaled, unanchored. quantiles (B, n, H, C, quantiles); last (B, n, C)."""
        mean, scale = self.inputs.target_scaling(batch)
        anchor = torch.where(last.isnan(), mean[:, None], last)
        return anchor[:, :, None, :, None] + scale[:, None, None, :, None] * self.offsets(quantiles)

    def lower(self, paths: int = 0, seed: int = 0) -> Program:
        """The Program that every runtime runs. Paths and seed are for `RecursiveNetwork` alone."""
        return lower_direct(self)

    def cost(self) -> int:
        """Multiply-adds of one streamed step."""
        mixing = 0 if self.mix_known is None else (self.hidden + self.mix_known.in_features) * self.hidden
        head = self.hidden * self.head.dense.out_features
        return recurrent_cost(self.cell, self.input_size, self.hidden, self.layers) + mixing + head


def take_ahead(values: Tensor, first: Tensor, count: int) -> Tensor:
    """`count` steps of each row from each first one on.

    Shapes: values (B, T, k); first (B, n) -> (B, n, count, k).
    """
    steps = first[..., None] + torch.arange(count, device=first.device)  # (B, n, count)
    rows = torch.arange(len(values), device=first.device)[:, None, None]
    return values[rows, steps]
