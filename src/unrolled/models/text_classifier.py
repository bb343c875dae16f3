"""Which class a text belongs to.

The steps, in order: embed · recurrent · pool · dense · sharpen.

Key: B batch · T time · K classes.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import flag
from unrolled.errors import ArgumentError, explain
from unrolled.models.architectures import check_streams, reading_cost, reading_stack, window_of
from unrolled.models.inputs import Batch, copy_buffers
from unrolled.models.recurrent import CELLS, CellStart, recurrent_cost, stack_options
from unrolled.models.sequence import weighted_cross_entropy
from unrolled.models.text import TextInputs, TextShape, row_lengths
from unrolled.nn import Pooling
from unrolled.runtime import Program


class TextClassifierNetwork(nn.Module):
    """A recurrent network over the words of a text that answers once.

    `cell` is a recurrent one; "transformer" and "feed-forward" are there to compare with. The last reads the
    last `steps` words of a text, 0 before the first of a shorter one, and leaves nothing to pool.

    `pool` is "last", "max", "mean" or "attention". `dropout` is that between the layers and before the
    answer; `input_dropout` that of the words' vectors. Buffers: `class_weights` (K,), which the loss weighs
    classes by; `sharpness` (1,), what the scores are multiplied by so that their softmax are calibrated
    probabilities.

    Shapes: batch["words"] (B, T), batch["lengths"] (B,) -> scores (B, K).
    Raises: ArgumentError for an option that cannot be used.
    """

    class_weights: Tensor
    sharpness: Tensor

    def __init__(
        self,
        shape: TextShape,
        cell: str = "lstm",
        hidden: int = 100,
        layers: int = 1,
        pool: str = "max",
        bidirectional: bool = True,
        dropout: float = 0.5,
        input_dropout: float = 0.5,
        width: int = 100,
        spelling: str = "none",
        spelling_size: int = 50,
        word_dropout: float = 0.0,
        frozen: bool = False,
        steps: int = 0,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.steps = window_of(cell, steps)
        if self.steps and pool != "last":
            cure = "It reads a text's last words at once: take pool='last', or a recurrent cell."
            raise ArgumentError(explain("pool", "'last' with cell='feed-forward'", repr(pool), cure))
        self.bidirectional = flag("bidirectional", bidirectional)
        self.inputs = TextInputs(shape, width, spelling, spelling_size, word_dropout, input_dropout, frozen)
        self.cells = CellStart.from_card(cells)
        self.input_size = self.inputs.output_size
        self.recurrent = reading_stack(
            cell, self.input_size, hidden, layers, dropout, bidirectional, self.steps,
            start=self.cells, cuts=True,
        )  # fmt: skip
        width = hidden * (1 + self.bidirectional)
        self.pooling = Pooling(pool, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, shape.answers)
        self.register_buffer("class_weights", torch.ones(shape.answers))
        self.register_buffer("sharpness", torch.ones(1))

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "text classifier",
            **stack_options(self),
            "pool": self.pooling.kind,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout.p,
            "input_dropout": self.inputs.dropout,
            "steps": self.steps,
            **self.inputs.configuration,
        }

    def set_scaling(self, scaling: Mapping[str, Any]) -> None:
        """Copy fitted numbers into the buffers, by name. Raises: ArgumentError, ShapeError."""
        copy_buffers(self, scaling)

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """Cross-entropy with class weights. batch["label"] int64 (B,), -1 = no label."""
        label = batch["label"]
        return weighted_cross_entropy(self(batch), label, label >= 0, self.class_weights), None

    def scores(self, batch: Batch) -> Tensor:
        """For each class a score whose softmax is its probability, (B, K)."""
        return self(batch) * self.sharpness

    def forward(self, batch: Batch) -> Tensor:
        """The scores before they are sharpened."""
        lengths = row_lengths(batch)
        hidden, state = self.recurrent(self.inputs(batch), None, lengths)
        return self.head(self.dropout(self.pooling(hidden, state[-1], lengths))).to(hidden.dtype)

    def lower(self) -> Program:
        """The Program that every runtime runs: the scores of the words so far."""
        check_streams(self.cell, cuts=True)
        from unrolled.models.text_lowering import lower_text_classifier

        return lower_text_classifier(self)

    def cost(self) -> int:
        """Multiply-adds of one word, the head's with it; a Transformer's without its look back."""
        head = self.head.in_features * self.head.out_features
        if self.cell not in CELLS:
            return reading_cost(self.recurrent, self.cell, self.hidden, steps=1) + head
        ways = 1 + self.bidirectional
        lowest = recurrent_cost(self.cell, self.input_size, self.hidden, 1)
        above = recurrent_cost(self.cell, ways * self.hidden, self.hidden, 1)
        return ways * (lowest + (self.layers - 1) * above) + head
