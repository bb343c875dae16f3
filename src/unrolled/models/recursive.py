"""Forecast one step at a time: a distribution for each row from the rows before it, paths by sampling.

The steps, in order: scale · mask · embed · recurrent · dense (mean and spread) · unscale and unanchor; a path
feeds each drawn row back in. Trained with teacher forcing by truncated BPTT. Source: Salinas et al. 2020,
DeepAR, arXiv:1704.04110.

Key: B batch · T steps of a chunk · H horizon · C targets · N paths.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.models.direct import take_ahead
from unrolled.models.forecast_lowering import lower_recursive
from unrolled.models.heads import START_WIDTH, ConformalOffsets, inverse_softplus, keep_order, masked_mean
from unrolled.models.inputs import Batch, ScaledInputs, fill, last_valid, valid_steps
from unrolled.models.recurrent import (
    CellStart,
    map_state,
    recurrent_cost,
    recurrent_stack,
    restart,
    stack_options,
)
from unrolled.models.shape import ForecastShape
from unrolled.runtime import Program
from unrolled.types import RecursiveState

# A series that stands still would otherwise drive the spread to 0 and the likelihood to infinity.
LEAST_SPREAD = 1e-3
HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


class Start(NamedTuple):
    """What sample paths start from: all that is known at some origins, one in each row.

    Shapes: mean, scale (B, C), of the target; context parts (B, H, size), what is known of the rows ahead.
    """

    state: RecursiveState
    mean: Tensor
    scale: Tensor
    context: tuple[Tensor, ...]


class RecursiveNetwork(nn.Module):
    """At step t: the row t - 1, what is known of t, the static columns -> a normal distribution of row t.

    The mean is relative to the last valid value before t, the spread a softplus, both in scaled units and
    independent between target columns. Past columns cannot be used: their future would be needed to go on.

    Shapes: batch["target"] (B, T, C) -> quantiles over the sample paths (B, H, C, quantiles).
    Raises: ArgumentError for past columns or an option that cannot be used.
    """

    def __init__(
        self,
        shape: ForecastShape,
        cell: str = "gru",
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if shape.past or shape.past_codes:
            got = f"{shape.past + len(shape.past_codes)} columns"
            cure = "Call them `known` if their future is known, else use the decoder 'segment' or 'direct'."
            raise ArgumentError(explain("past", "no past columns with the decoder 'recursive'", got, cure))
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.inputs = ScaledInputs(shape)
        self.input_size = self.inputs.row_size
        self.cells = CellStart.from_card(cells)
        self.recurrent = recurrent_stack(cell, self.input_size, hidden, layers, dropout, start=self.cells)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 2 * shape.targets)  # C means, then C spreads before the softplus
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.head.bias[shape.targets :], inverse_softplus(START_WIDTH))
        self.offsets = ConformalOffsets(shape.horizon, shape.targets, shape.quantiles)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "recursive",
            **stack_options(self),
            "dropout": self.dropout.p,
        }

    def loss(self, batch: Batch, state: RecursiveState | None = None) -> tuple[Tensor, RecursiveState]:
        """The negative log-likelihood (scaled units) of a chunk's own rows; the state after it, detached."""
        mean, spread, anchor, state = self.read(batch, state)
        _, scale = self.inputs.target_scaling(batch)
        answers = (batch["target"] - anchor) / scale[:, None]
        valid = valid_steps(batch)[..., None] & ~answers.isnan()
        error = (torch.where(valid, answers, 0.0) - mean) / spread
        likelihood = 0.5 * error.square() + spread.log() + HALF_LOG_TAU
        return masked_mean(likelihood, valid), map_state(Tensor.detach, state)

    def forecast(
        self, batch: Batch, state: RecursiveState | None = None, noise: Tensor | None = None
    ) -> tuple[Tensor, RecursiveState]:
        """The quantiles over sample paths in raw units, (B, H, C, quantiles), and the state after the chunk.

        Shapes: noise as in `paths`.
        Raises: ArgumentError where there is no noise; ShapeError where it does not fit.
        """
        start = self.start(batch, state)
        return self.quantiles(start, noise), start.state

    def start(self, batch: Batch, state: RecursiveState | None = None) -> Start:
        """Advance over a chunk and gather what sample paths after it start from."""
        *_, state = self.read(batch, state)
        first = valid_steps(batch).sum(1, keepdim=True)
        steps = self.shape.horizon
        context = (
            *(take_ahead(part, first, steps)[:, 0] for part in self.inputs.features("known", batch)),
            *(part[:, None].expand(-1, steps, -1) for part in self.inputs.features("static", batch)),
        )
        return Start(state, *self.inputs.target_scaling(batch), context)

    def quantiles(self, start: Start, noise: Tensor | None = None) -> Tensor:
        """The quantiles over sample paths in raw units, (B, H, C, quantiles). Noise as in `paths`."""
        quantiles = path_quantiles(self.paths(start, noise), self.shape.quantiles)
        offsets = start.scale[:, None, :, None] * self.offsets.values
        return keep_order(quantiles + offsets, self.offsets.base)

    def paths(self, start: Start, noise: Tensor | None = None) -> Tensor:
        """Sample paths in raw units, (B, N, H, C).

        All of them advance together, as B * N rows of a batch.
        Shapes: noise (B or 1, N, H, C), standard normal. Zeros give the path of the means.
        Raises: ArgumentError where there is no noise; ShapeError where it does not fit.
        """
        rows = len(start.mean)
        noise = self._checked_noise(noise, rows)
        count = noise.shape[1]

        def repeated(part: Tensor) -> Tensor:
            return part.repeat_interleave(count, 0)  # (B * N, ...)

        draws = noise.expand(rows, -1, -1, -1).flatten(0, 1)  # (B * N, H, C)
        mean, scale = repeated(start.mean), repeated(start.scale)
        recurrent, last, previous = map_state(repeated, start.state)
        anchor = torch.where(last.isnan(), mean, last)
        path = torch.empty_like(draws)
        for step in range(self.shape.horizon):
            now = [repeated(part[:, step : step + 1]) for part in start.context]
            centre, spread, recurrent = self.advance(previous[:, None], now, (mean, scale), recurrent)
            anchor = previous = anchor + scale * (centre[:, 0] + spread[:, 0] * draws[:, step])
            path[:, step] = previous
        return path.unflatten(0, (rows, count))

    def read(
        self, batch: Batch, state: RecursiveState | None
    ) -> tuple[Tensor, Tensor, Tensor, RecursiveState]:
        """Advance over a chunk.

        Returns: the mean and the spread of each row, scaled and relative to the anchor, and the anchor in raw
        units, each (B, T, C); the state at the end.
        """
        self.inputs.check(batch)
        mean, scale = self.inputs.target_scaling(batch)
        state = self.started(state, batch)
        valid = valid_steps(batch)
        target = torch.where(valid[..., None], batch["target"], torch.nan)
        steps = target.shape[1]
        last = torch.cat([state.last[:, None], last_valid(target, state.last)], dim=1)  # (B, 1 + T, C)
        previous = torch.cat([state.previous[:, None], target], dim=1)
        context = [
            *(part[:, :steps] for part in self.inputs.features("known", batch)),
            *(part[:, None].expand(-1, steps, -1) for part in self.inputs.features("static", batch)),
        ]
        lengths = batch.get("lengths")
        centre, spread, recurrent = self.advance(
            previous[:, :-1], context, (mean, scale), state.recurrent, lengths
        )
        anchor = torch.where(last.isnan(), mean[:, None], last)[:, :-1]
        newest = take_ahead(previous, valid.sum(1, keepdim=True), 1)[:, 0, 0]
        return centre, spread, anchor, RecursiveState(recurrent, last[:, -1], newest)

    def advance(
        self,
        previous: Tensor,
        context: list[Tensor],
        scaling: tuple[Tensor, Tensor],
        recurrent: Any,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Any]:
        """From the rows before and the context to the mean and the spread of each row.

        Shapes: previous (B, T, C) raw; context parts (B, T, size); scaling two of (B, C) -> two of (B, T, C),
        scaled.
        """
        mean, scale = scaling
        values = fill((previous - mean[:, None]) / scale[:, None], self.shape.masked_target)
        hidden, recurrent = self.recurrent(torch.cat([*values, *context], dim=-1), recurrent, lengths)
        centre, raw_spread = self.head(self.dropout(hidden)).to(hidden.dtype).chunk(2, dim=-1)
        return centre, F.softplus(raw_spread) + LEAST_SPREAD, recurrent

    def started(self, state: RecursiveState | None, batch: Batch) -> RecursiveState:
        """The state to go on from: nothing yet at the first chunk, and in the rows that are `fresh`."""
        if state is None:
            nothing = torch.full_like(batch["target"][:, 0], torch.nan)
            return RecursiveState(None, nothing, nothing)
        fresh = batch.get("fresh")
        if fresh is None:
            return state
        last, previous = (torch.where(fresh[:, None], torch.nan, part) for part in state[1:])
        return RecursiveState(restart(state.recurrent, fresh), last, previous)

    def lower(self, paths: int = 200, seed: int = 0) -> Program:
        """The Program that every runtime runs, with `paths` sample paths drawn by Philox(seed, rows seen)."""
        return lower_recursive(self, LEAST_SPREAD, paths, seed)

    def cost(self) -> int:
        """Multiply-adds of one streamed step along one path; a forecast takes paths * horizon of them."""
        step = recurrent_cost(self.cell, self.input_size, self.hidden, self.layers)
        return step + self.hidden * self.head.out_features

    def _checked_noise(self, noise: Tensor | None, rows: int) -> Tensor:
        wanted = (self.shape.horizon, self.shape.targets)
        expected = f"standard normals ({rows} or 1, paths, {wanted[0]}, {wanted[1]})"
        if noise is None:
            cure = "Pass torch.randn(1, 100, horizon, targets); zeros give the path of the means."
            raise ArgumentError(explain("noise", expected, "None", cure))
        if (
            noise.ndim != 4
            or noise.shape[0] not in (1, rows)
            or noise.shape[1] < 1
            or noise.shape[2:] != wanted
        ):
            cure = "Draw one number per path, step and target."
            raise ShapeError(explain("noise", expected, str(tuple(noise.shape)), cure))
        return noise


def path_quantiles(paths: Tensor, levels: tuple[float, ...]) -> Tensor:
    """The quantiles over paths, linear between order statistics.

    With the paths in order, p_0 <= ... <= p_(N-1), level q stands at place q * (N - 1): between the two
    neighbours of a place that is not whole, in proportion. (numpy's method "linear".)

    Shapes: paths (B, N, H, C) -> (B, H, C, quantiles).

    Example:
        >>> path_quantiles(torch.tensor([3.0, 1.0, 2.0]).reshape(1, 3, 1, 1), (0.25, 0.5)).flatten()
        tensor([1.5000, 2.0000])
    """
    ordered = paths.sort(dim=1).values
    answers = []
    for level in levels:
        place = level * (paths.shape[1] - 1)
        low = math.floor(place)
        high = min(low + 1, paths.shape[1] - 1)
        answers.append(ordered[:, low] + (place - low) * (ordered[:, high] - ordered[:, low]))
    return torch.stack(answers, dim=-1)
