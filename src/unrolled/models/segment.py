"""Forecast from one window, segment by segment: the default decoder.

A recurrent network over hundreds of single steps is slow and forgets; over a dozen segments it is neither.
Every target column of every window is a sequence of its own, with shared weights.

The steps, in order: anchor · scale · mask · segments · embed · recurrent · decoder inputs · recurrent · dense
(quantile head) · highway · offsets · unscale and unanchor. Source: Lin et al. 2023, SegRNN, arXiv:2308.11200;
the highway, Lai et al. 2018, LSTNet, arXiv:1703.07015.

Key: B batch · T history · H horizon · C targets · w segment length · S segments read · M segments answered ·
d hidden.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.models.architectures import check_streams, reading_cost, reading_stack
from unrolled.models.forecast_lowering import lower_segment
from unrolled.models.heads import ConformalOffsets, QuantileHead, forecast_loss
from unrolled.models.inputs import Batch, ScaledInputs, fill, last_valid
from unrolled.models.recurrent import CellStart, map_state, stack_options
from unrolled.models.shape import ForecastShape
from unrolled.runtime import Program

LEVELS = ("off", "zero", "normal")
MAX_SEGMENT = 48


class SegmentNetwork(nn.Module):
    """Read a window in segments of `segment` steps, answer all segments of the horizon at once.

    `cell` is a recurrent one; "transformer" and "feed-forward" are there to compare with.
    `level` feeds the scaled anchor and the window's standard deviation to the decoder, which the anchored
    values alone do not show: "off", or through a Linear that starts at "zero" or "normal" (small).
    `segment=None` chooses the length. `highway` is how many of the last values also go to the answer
    straight, by weights that all targets share and that start at 0: where there is little to learn from, a
    straight line is learned sooner than a network.

    Shapes: batch["target"] (B, T, C) -> quantiles (B, H, C, quantiles).
    Raises: ArgumentError for an option that cannot be used.
    """

    def __init__(
        self,
        shape: ForecastShape,
        cell: str = "gru",
        hidden: int = 64,
        layers: int = 1,
        segment: int | None = None,
        dropout: float = 0.0,
        level: str = "off",
        highway: int = 0,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if segment is None:
            segment = default_segment(shape.history, shape.horizon)
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.segment = integer("segment", segment, 1, "Give the steps of one segment, such as 24.")
        self.level = one_of("level", level, LEVELS)
        self.read_segments = math.ceil(shape.history / segment)
        self.answered_segments = math.ceil(shape.horizon / segment)
        self.inputs = ScaledInputs(shape)
        self.cells = CellStart.from_card(cells)
        self.recurrent = reading_stack(
            cell, hidden, hidden, layers, dropout, steps=self.read_segments, goes_on=True, start=self.cells
        )
        self._add_embeddings()
        self._add_highway(highway)
        self.dropout = nn.Dropout(dropout)
        self.head = QuantileHead(hidden, segment, shape.quantiles)
        self.offsets = ConformalOffsets(shape.horizon, shape.targets, shape.quantiles)

    def _add_embeddings(self) -> None:
        """The Linears into the encoder and the decoder; None where there is nothing to feed."""
        sizes, w, d = self.inputs.sizes, self.segment, self.hidden
        # One Linear over a segment's own values and the shared covariates, in two parts: the covariates'
        # product is the same for every target column and is taken once.
        self.embed_own = nn.Linear(w * (1 + self.shape.masked_target), d)
        self.embed_shared = optional_linear(w * (sizes["past"] + sizes["known"]), d)
        self.position = nn.Parameter(torch.randn(self.answered_segments, d // 2))
        self.channel = nn.Parameter(torch.randn(self.shape.targets, d - d // 2))
        self.decode_known = optional_linear(w * sizes["known"], d)
        self.decode_static = optional_linear(sizes["static"], d)
        self.decode_level = optional_linear(0 if self.level == "off" else 2, d)
        if self.decode_level is not None:
            nn.init.normal_(self.decode_level.weight, std=0.02 if self.level == "normal" else 0.0)

    def _add_highway(self, steps: int) -> None:
        """The weights that take the last values straight to the answers, from 0 on; None without steps."""
        cure = "0 is none; it is at most the history."
        self.highway_steps = integer("highway", steps, 0, cure)
        if steps > self.shape.history:
            raise ArgumentError(explain("highway", f"at most {self.shape.history} steps", steps, cure))
        self.highway = nn.Linear(steps, self.shape.horizon, bias=False) if steps else None
        if self.highway is not None:
            nn.init.zeros_(self.highway.weight)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "segment",
            **stack_options(self),
            "segment": self.segment,
            "dropout": self.dropout.p,
            "level": self.level,
            "highway": self.highway_steps,
        }

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """The quantile loss in scaled units, over the answers that are there.

        Shapes: batch["future"] (B, H, C), NaN = missing.
        """
        quantiles, anchor, scale = self(batch)
        answers = (batch["future"] - anchor[:, None]) / scale[:, None]
        return forecast_loss(quantiles, answers, self.shape.quantiles), None

    def forecast(self, batch: Batch, state: None = None, noise: None = None) -> tuple[Tensor, None]:
        """The quantiles in raw units, (B, H, C, quantiles). A window stands alone: no state, no noise."""
        quantiles, anchor, scale = self(batch)
        return anchor[:, None, :, None] + scale[:, None, :, None] * self.offsets(quantiles), None

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """The quantiles in scaled units relative to the anchor, before the offsets.

        Returns: quantiles (B, H, C, quantiles); anchor (B, C), raw; scale (B, C).
        """
        self._check(batch)
        mean, scale = self.inputs.target_scaling(batch)
        anchor = last_valid(batch["target"], mean)[:, -1]
        values = (batch["target"] - anchor[:, None]) / scale[:, None]  # (B, T, C), NaN where missing
        state = self.read(batch, values)
        features = self.decode(self.decoder_inputs(batch, values, (anchor - mean) / scale), state)
        quantiles = self.head(self.dropout(features)).flatten(2, 3)  # (B, C, M * w, quantiles)
        quantiles = quantiles[:, :, : self.shape.horizon]
        if self.highway is not None:
            quantiles = quantiles + self.straight(self.highway, values)[..., None]
        return quantiles.transpose(1, 2), anchor, scale

    def straight(self, highway: nn.Linear, values: Tensor) -> Tensor:
        """What the last values add to the answers. values (B, T, C) -> (B, C, H)."""
        last = values[:, -self.highway_steps :].transpose(1, 2)
        return highway(torch.where(last.isnan(), 0.0, last))

    def read(self, batch: Batch, values: Tensor) -> Any:
        """The recurrent state after the window.

        Shapes: values (B, T, C) scaled, relative to the anchor -> a state whose parts are (B * C, d).
        """
        own = torch.stack(fill(values, self.shape.masked_target), dim=-1).transpose(
            1, 2
        )  # (B, C, T, channels)
        embedded = self.embed_own(cut(own, self.segment, at_end=False))  # (B, C, S, d)
        if self.embed_shared is not None:
            known = [part[:, : self.shape.history] for part in self.inputs.features("known", batch)]
            shared = torch.cat([*self.inputs.features("past", batch), *known], dim=-1)
            embedded = embedded + self.embed_shared(cut(shared, self.segment, at_end=False))[:, None]
        # Autocast makes this bfloat16; the recurrence takes and gives what its weights are.
        _, state = self.recurrent(embedded.relu().flatten(0, 1).to(self.position.dtype))
        return state

    def decoder_inputs(self, batch: Batch, values: Tensor, level: Tensor) -> Tensor:
        """What the decoder is told of each segment to answer.

        Shapes: values (B, T, C); level (B, C), the scaled anchor -> (B, C, M, d).
        """
        rows, count, columns = len(values), self.answered_segments, self.shape.targets
        position = self.position.expand(columns, count, -1)
        channel = self.channel[:, None].expand(columns, count, -1)
        total = torch.cat([position, channel], dim=-1).expand(rows, -1, -1, -1)
        if self.decode_known is not None:
            known = torch.cat(self.inputs.features("known", batch), dim=-1)[:, self.shape.history :]
            total = total + self.decode_known(cut(known, self.segment, at_end=True))[:, None]
        if self.decode_static is not None:
            static = torch.cat(self.inputs.features("static", batch), dim=-1)
            total = total + self.decode_static(static)[:, None, None]
        if self.decode_level is not None:
            levels = torch.stack([level, spread(values)], dim=-1)  # (B, C, 2)
            total = total + self.decode_level(levels)[:, :, None]
        return total

    def decode(self, inputs: Tensor, state: Any) -> Tensor:
        """One recurrent step per answered segment, each from the state after the window.

        Shapes: inputs (B, C, M, d); state parts (B * C, d) -> (B, C, M, d).
        """
        copies = map_state(lambda part: part.repeat_interleave(self.answered_segments, dim=0), state)
        answers, _ = self.recurrent(inputs.flatten(0, 2)[:, None], copies)
        return answers.reshape(inputs.shape)

    def lower(self, paths: int = 0, seed: int = 0) -> Program:
        """The Program that every runtime runs. Paths and seed are for `RecursiveNetwork` alone."""
        check_streams(self.cell)
        return lower_segment(self)

    def cost(self) -> int:
        """Multiply-adds of one streamed step: the whole window is read, the whole horizon answered."""
        sizes, w, d, columns = self.inputs.sizes, self.segment, self.hidden, self.shape.targets
        steps, answers = self.read_segments, self.answered_segments
        both = columns * reading_cost(self.recurrent, self.cell, d, steps, answers)
        head = d * w * len(self.shape.quantiles)
        own = self.embed_own.in_features * d
        reading = steps * (columns * own + w * (sizes["past"] + sizes["known"]) * d)
        answering = answers * (columns * head + w * sizes["known"] * d)
        straight = self.highway_steps * self.shape.horizon * columns
        level = 0 if self.level == "off" else 2 * d * columns
        return both + reading + answering + straight + sizes["static"] * d + level

    def _check(self, batch: Batch) -> None:
        self.inputs.check(batch)
        if batch["target"].shape[1] != self.shape.history:
            got = f"{batch['target'].shape[1]} steps"
            cure = "A shorter window is filled up with NaN at its start."
            raise ShapeError(explain("batch['target']", f"{self.shape.history} steps", got, cure))


def default_segment(history: int, horizon: int) -> int:
    """The segment length for a window: the horizon or a fifteenth of the window, at most 48; one that fits.

    Of the lengths within a factor of two of that, the best by three things: its distance (in octaves), six
    times the padded share of the window, half the unused share of the answered segments.

    Example:
        >>> [default_segment(*pair) for pair in [(720, 96), (336, 24), (96, 96), (42, 7), (96, 1), (10, 3)]]
        [48, 24, 48, 7, 6, 2]
    """
    wanted = min(max(history / 15, min(horizon, history / 2), 1.0), MAX_SEGMENT)

    def badness(w: int) -> float:
        padded = -history % w / history
        unused = -horizon % w / (horizon + -horizon % w)
        return abs(math.log2(w / wanted)) + 6 * padded + unused / 2

    lowest, highest = math.ceil(wanted / 2), min(math.floor(wanted * 2), MAX_SEGMENT, history)
    return min(range(lowest, highest + 1), key=badness)


def cut(values: Tensor, w: int, at_end: bool) -> Tensor:
    """Cut time into segments of w steps, filled up with zeros at the start or at the end.

    Shapes: values (..., time, features) -> (..., segments, w * features), the steps of a segment one after
    another.

    Example:
        >>> cut(torch.tensor([[1.0], [2.0], [3.0]]), 2, at_end=False)
        tensor([[0., 1.], [2., 3.]])
    """
    missing = -values.shape[-2] % w
    padded = F.pad(values, (0, 0, 0, missing) if at_end else (0, 0, missing, 0))
    return padded.unflatten(-2, (-1, w)).flatten(-2)


def spread(values: Tensor) -> Tensor:
    """The standard deviation over time of the values that are there. values (B, T, C) -> (B, C)."""
    valid = ~values.isnan()
    count = valid.sum(1).clamp(min=1)
    centre = torch.where(valid, values, 0.0).sum(1) / count
    variance = torch.where(valid, values - centre[:, None], 0.0).square().sum(1) / count
    return variance.clamp(min=1e-12).sqrt()  # the root's slope at 0 is infinite


def optional_linear(input_size: int, output_size: int) -> nn.Linear | None:
    """A Linear, or None where there is nothing to feed it."""
    return nn.Linear(input_size, output_size) if input_size else None
