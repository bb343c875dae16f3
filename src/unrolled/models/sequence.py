"""Label or rate a sequence, or each of its steps.

The steps, in order: scale · mask · recurrent · pool · dense · (regression) unscale.

Key: B batch · T time · F features · K answers (classes, or targets of a regression).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import flag, one_of
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.models.architectures import check_streams, reading_cost, reading_stack, window_of
from unrolled.models.heads import masked_mean
from unrolled.models.inputs import Batch, copy_buffers, fill, valid_steps
from unrolled.models.recurrent import CELLS, CellStart, recurrent_cost, stack_options
from unrolled.models.sequence_lowering import lower_sequence
from unrolled.models.shape import SequenceShape
from unrolled.runtime import Program

HEADS = ("last", "mean", "every")
NO_LABEL = -1


class SequenceNetwork(nn.Module):
    """A recurrent network over x, answering once per sequence or at every step.

    `cell` is a recurrent one; "transformer" and "feed-forward" are there to compare with. The last reads
    sequences of exactly `steps` steps, and answers once.

    `head`: "last" takes the state after each row's last step (of a bidirectional stack both ends' last
    states), "mean" the mean over the row's steps, "every" answers at each step.

    Buffers: `mean`, `scale` (F,) of x; `target_mean`, `target_scale` (K,) of a regression; `class_weights`
    (K,) of a classification. They start at 0 and 1; `set_scaling` fills them.

    Shapes: batch["x"] (B, T, F), NaN = missing; batch["lengths"] (B,), absent: all T steps
    -> scores (B, K), with "every" (B, T, K).
    Raises: ArgumentError for an option that cannot be used.
    """

    mean: Tensor
    scale: Tensor
    target_mean: Tensor
    target_scale: Tensor
    class_weights: Tensor

    def __init__(
        self,
        shape: SequenceShape,
        cell: str = "gru",
        hidden: int = 64,
        layers: int = 1,
        head: str = "last",
        bidirectional: bool = False,
        dropout: float = 0.0,
        steps: int = 0,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.pool = one_of("head", head, HEADS)
        self.steps = window_of(cell, steps)
        if self.steps and head != "last":
            cure = "It reads a sequence at once: take head='last', or a recurrent cell."
            raise ArgumentError(explain("head", "'last' with cell='feed-forward'", repr(head), cure))
        self.bidirectional = flag("bidirectional", bidirectional)
        self.register_buffer("mean", torch.zeros(shape.features))
        self.register_buffer("scale", torch.ones(shape.features))
        self.register_buffer("target_mean", torch.zeros(shape.targets))
        self.register_buffer("target_scale", torch.ones(shape.targets))
        self.register_buffer("class_weights", torch.ones(shape.classes))
        self.input_size = shape.features * (1 + shape.masked)
        self.cells = CellStart.from_card(cells)
        self.recurrent = reading_stack(
            cell, self.input_size, hidden, layers, dropout, bidirectional, self.steps, start=self.cells
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden * (1 + bidirectional), shape.classes or shape.targets)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "sequence",
            **stack_options(self),
            "head": self.pool,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout.p,
            "steps": self.steps,
        }

    def set_scaling(self, scaling: Mapping[str, Any]) -> None:
        """Copy fitted numbers into the buffers, by name: {"mean": array (F,), ...}.

        Raises: ArgumentError for a name that is no buffer; ShapeError for an array of another shape.
        """
        copy_buffers(self, scaling)

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """Cross-entropy with class weights, or the mean squared error of the standardised targets.

        Shapes: batch["label"] int64 (B,) or, with "every", (B, T), -1 = no label; for a regression
        float32 (B, K) or (B, T, K), NaN = missing. Steps behind a row's length do not count.
        """
        scores, label = self(batch), batch["label"]
        self._check_label(scores, label)
        counts = label != NO_LABEL if self.shape.classes else ~label.isnan()
        if self.pool == "every":
            steps = valid_steps(batch, "x")
            counts = counts & (steps if self.shape.classes else steps[..., None])
        if self.shape.classes:
            return weighted_cross_entropy(scores, label, counts, self.class_weights), None
        answers = torch.where(counts, (label - self.target_mean) / self.target_scale, 0.0)
        return masked_mean((answers - scores).square(), counts), None

    def scores(self, batch: Batch) -> Tensor:
        """For each class a score whose softmax is its probability; of a regression the answers in raw units.

        Returns: (B, K), with "every" (B, T, K).
        """
        scores = self(batch)
        return scores if self.shape.classes else self.target_mean + self.target_scale * scores

    def forward(self, batch: Batch) -> Tensor:
        """The scores before unscaling."""
        self._check(batch)
        values = torch.cat(fill((batch["x"] - self.mean) / self.scale, self.shape.masked), dim=-1)
        hidden, state = self.recurrent(values, None, batch.get("lengths"))
        return self.head(self.dropout(self.pooled(hidden, state, batch))).to(hidden.dtype)

    def pooled(self, hidden: Tensor, state: Any, batch: Batch) -> Tensor:
        """What the head reads. hidden (B, T, width) -> (B, width), with "every" hidden itself."""
        if self.pool == "every":
            return hidden
        if self.pool == "last":
            return torch.cat([end.h for end in state[-1]], -1) if self.bidirectional else state[-1].h
        count = valid_steps(batch, "x").sum(1, keepdim=True).clamp(min=1)
        return hidden.sum(1) / count  # behind a row's length `hidden` is 0

    def lower(self) -> Program:
        """The Program that every runtime runs."""
        check_streams(self.cell)
        return lower_sequence(self)

    def cost(self) -> int:
        """Multiply-adds of one step, the head's with it; a Transformer's without its look back."""
        if self.cell not in CELLS:
            read = reading_cost(self.recurrent, self.cell, self.hidden, steps=1)
            return read + self.head.in_features * self.head.out_features
        directions = 1 + self.bidirectional
        lowest = recurrent_cost(self.cell, self.input_size, self.hidden, 1)
        above = recurrent_cost(self.cell, directions * self.hidden, self.hidden, 1)
        head = self.head.in_features * self.head.out_features
        return directions * (lowest + (self.layers - 1) * above) + head

    def _check(self, batch: Batch) -> None:
        shape = tuple(batch["x"].shape)
        if len(shape) != 3 or shape[-1] != self.shape.features:
            cure = "One sequence? Pass x[None]." if len(shape) == 2 else "Pass the features it was made for."
            expected = f"(batch, time, {self.shape.features})"
            raise ShapeError(explain("batch['x']", expected, str(shape), cure))

    def _check_label(self, scores: Tensor, label: Tensor) -> None:
        wanted = scores.shape[:-1] if self.shape.classes else scores.shape
        if label.shape != wanted:
            cure = "Give one label per sequence, or per step with head='every'."
            raise ShapeError(explain("batch['label']", str(tuple(wanted)), str(tuple(label.shape)), cure))


def weighted_cross_entropy(scores: Tensor, label: Tensor, counts: Tensor, weights: Tensor) -> Tensor:
    """The mean over the labels that count, each with its class's weight; 0 where none counts.

    Shapes: scores (..., K); label, counts (...); weights (K,).
    """
    named = torch.where(counts, label, 0)
    each = F.cross_entropy(scores.flatten(0, -2), named.flatten(), weights, reduction="none")
    weight = torch.where(counts, weights[named], 0.0)
    return torch.where(counts, each.reshape(label.shape), 0.0).sum() / weight.sum().clamp(min=1e-12)
