"""Fill a blank from both sides: a state of all before it and a state of all behind it, never the word itself.

The steps, in order: embed · a stack from the left and a stack from the right · both states that touch the
blank · dense, relu · dense. Every word of a text is a blank once, in one pass over the text.

Key: B batch · T time · V tokens · d hidden.
"""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.models.inputs import Batch
from unrolled.models.language import (
    LanguageOptions,
    LanguageShape,
    TokenReader,
    TokenScores,
    check_codes,
    token_loss,
)
from unrolled.models.language_lowering import lower_masked
from unrolled.models.language_model import language_cost
from unrolled.nn import Recurrent, Stack, locked_dropout
from unrolled.runtime import Program


class MaskedLanguageNetwork(nn.Module):
    """A bidirectional language model. The options are those of `LanguageOptions`.

    The first and the last token of each row are its ends: read, and never asked for. The two stacks share
    nothing but the embedding and the answer: a layer that read both ways would have seen the word.

    Shapes: batch["tokens"] int64 (B, T), batch["lengths"] (B,), each at least 2; absent: all T steps
    -> scores (B, T - 2, V) of the tokens 1 to T - 2, from those before and those behind each.
    Raises: ArgumentError for an option that cannot be used.
    Source: Schuster and Paliwal 1997, doi:10.1109/78.650093; Peters et al. 2018, arXiv:1802.05365.
    """

    def __init__(
        self,
        shape: LanguageShape,
        cell: str = "lstm",
        hidden: int = 256,
        layers: int = 1,
        embedding: int = 128,
        tied: bool = True,
        residual: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        weight_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.options = LanguageOptions(
            cell, hidden, layers, embedding, tied, residual, layer_norm,
            dropout, input_dropout, embedding_dropout, weight_drop,
        )  # fmt: skip
        self.reader = TokenReader(shape.tokens, self.options)
        self.from_left = self.options.stack()
        self.from_right = mirrored(self.options.stack())
        self.mix = nn.Linear(2 * hidden, hidden)
        self.head = TokenScores(hidden, shape.tokens, self.options)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        return {"kind": "masked", "shape": self.shape.card()} | asdict(self.options)

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """The mean nats a token over all of them, each from the others alone.

        Shapes: batch["next"] int64 (B, T - 2), the tokens to find, NO_TOKEN behind a row's end.
        """
        return token_loss(self(batch), batch["next"]), None

    def scores(self, batch: Batch) -> Tensor:
        """For each token a score whose softmax is its probability to stand there, (B, T - 2, V)."""
        return self(batch).to(torch.float32)

    def forward(self, batch: Batch) -> Tensor:
        """The scores of every inner token."""
        codes, lengths = batch["tokens"], batch.get("lengths")
        check_codes(codes)
        x = self.reader(codes)
        before, _ = self.from_left(x, None, lengths)
        behind, _ = self.from_right(x, None, lengths)
        around = torch.cat([before[:, :-2], behind[:, 2:]], dim=-1)  # of token t: after t - 1, down to t + 1
        dropped = locked_dropout(around, self.options.dropout, self.training)
        mixed = locked_dropout(self.mix(dropped).relu(), self.options.dropout, self.training)
        return self.head(mixed, self.reader.weight)

    def lower(self) -> Program:
        """The Program of whole texts: the answer at a row is about the row before it."""
        return lower_masked(self)

    def cost(self) -> int:
        """Multiply-adds of one token."""
        return language_cost(self.options, self.head, directions=2) + self.mix.weight.numel()


def mirrored(stack: Stack) -> Stack:
    """A stack that reads from the end of each row, its weights drawn anew."""
    layers = [layer.reversed() for layer in stack.layers if isinstance(layer, Recurrent)]
    return Stack(layers, dropout=stack.dropout, residual=stack.residual, locked=stack.locked)
