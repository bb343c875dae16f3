"""A tag for each word of a sentence.

The steps, in order: embed · recurrent · dense · chain (a CRF, whose forbidden moves no answer makes).

Key: B batch · T time · K tags.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import flag
from unrolled.models.inputs import Batch
from unrolled.models.recurrent import CellStart, recurrent_cost, recurrent_stack, stack_options
from unrolled.models.sequence import weighted_cross_entropy
from unrolled.models.text import TextInputs, TextShape, row_lengths
from unrolled.nn import CRF
from unrolled.nn.dropout import locked_dropout
from unrolled.runtime import Program


class TaggerNetwork(nn.Module):
    """A recurrent network over the words of a sentence, with a conditional random field on top.

    Without `crf` each word is learned by itself; the chain then only keeps what may not follow out of the
    answers. `chain.allow` says what that is.

    Shapes: batch["words"] (B, T), batch["lengths"] (B,) -> emissions (B, T, K).
    """

    def __init__(
        self,
        shape: TextShape,
        cell: str = "lstm",
        hidden: int = 100,
        layers: int = 1,
        bidirectional: bool = True,
        crf: bool = True,
        dropout: float = 0.5,
        input_dropout: float = 0.5,
        width: int = 100,
        spelling: str = "none",
        spelling_size: int = 50,
        word_dropout: float = 0.0,
        frozen: bool = False,
        cells: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.cell, self.hidden, self.layers = shape, cell, hidden, layers
        self.bidirectional, self.crf = flag("bidirectional", bidirectional), flag("crf", crf)
        self.inputs = TextInputs(shape, width, spelling, spelling_size, word_dropout, input_dropout, frozen)
        self.cells = CellStart.from_card(cells)
        self.recurrent = recurrent_stack(
            cell, self.inputs.output_size, hidden, layers, dropout, bidirectional, self.cells
        )
        self.dropout = dropout
        self.head = nn.Linear(self.recurrent.output_size, shape.answers)
        self.chain = CRF(shape.answers).requires_grad_(crf)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {
            "kind": "tagger",
            **stack_options(self),
            "bidirectional": self.bidirectional,
            "crf": self.crf,
            "dropout": self.dropout,
            "input_dropout": self.inputs.dropout,
            **self.inputs.configuration,
        }

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """The negative log-likelihood a word, batch["tags"] int64 (B, T)."""
        lengths, emissions = row_lengths(batch), self(batch)
        if self.crf:
            loss = self.chain.loss(emissions, batch["tags"], lengths).sum() / lengths.sum()
            return loss.to(emissions.dtype), None
        steps = torch.arange(emissions.shape[1], device=emissions.device)
        counts = steps < lengths.to(emissions.device)[:, None]
        weights = emissions.new_ones(self.shape.answers)
        return weighted_cross_entropy(emissions, batch["tags"], counts, weights), None

    def forward(self, batch: Batch) -> Tensor:
        """The score of each tag at each word, before the chain."""
        hidden, _ = self.recurrent(self.inputs(batch), None, row_lengths(batch))
        return self.head(locked_dropout(hidden, self.dropout, self.training)).to(hidden.dtype)

    def lower(self) -> Program:
        """The Program that every runtime runs: the emissions of each word, before the chain."""
        from unrolled.models.text_lowering import lower_tagger

        return lower_tagger(self)

    def cost(self) -> int:
        """Multiply-adds of one word, without its characters."""
        ways = 1 + self.bidirectional
        lowest = recurrent_cost(self.cell, self.inputs.output_size, self.hidden, 1)
        above = recurrent_cost(self.cell, ways * self.hidden, self.hidden, 1)
        return ways * (lowest + (self.layers - 1) * above) + self.head.in_features * self.head.out_features
