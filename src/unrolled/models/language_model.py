"""Predict the next token at every step, with a state that is carried on.

The steps, in order: embed · recurrent stack · (project) · dense. Trained by truncated BPTT.

Key: B batch · T time · V tokens · d hidden.
"""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import number
from unrolled.models.inputs import Batch
from unrolled.models.language import (
    LanguageOptions,
    LanguageShape,
    TokenReader,
    TokenScores,
    check_codes,
    token_loss,
)
from unrolled.models.language_lowering import lower_language
from unrolled.models.recurrent import recurrent_cost, restart
from unrolled.nn import locked_dropout
from unrolled.runtime import Program


class LanguageNetwork(nn.Module):
    """A left-to-right language model. The options are those of `LanguageOptions`, and two penalties.

    - ar: weight of the mean square of the last layer's dropped output (activation regularisation).
    - tar: weight of the mean square of its change from step to step (temporal activation regularisation).

    Shapes: batch["tokens"] int64 (B, T); batch["next"] int64 (B, T), NO_TOKEN = nothing to predict;
        batch["lengths"] (B,) and batch["fresh"] bool (B,), absent: all T steps, no row starts anew.
    Raises: ArgumentError for an option that cannot be used.
    Source: Merity et al. 2018, arXiv:1708.02182.
    """

    def __init__(
        self,
        shape: LanguageShape,
        cell: str = "lstm",
        hidden: int = 512,
        layers: int = 1,
        embedding: int = 64,
        tied: bool = False,
        residual: bool = False,
        layer_norm: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        weight_drop: float = 0.0,
        ar: float = 0.0,
        tar: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.options = LanguageOptions(
            cell, hidden, layers, embedding, tied, residual, layer_norm,
            dropout, input_dropout, embedding_dropout, weight_drop,
        )  # fmt: skip
        self.ar, self.tar = number("ar", ar, 0.0), number("tar", tar, 0.0)
        self.reader = TokenReader(shape.tokens, self.options)
        self.recurrent = self.options.stack()
        self.head = TokenScores(hidden, shape.tokens, self.options)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        own = {"kind": "language", "shape": self.shape.card(), "ar": self.ar, "tar": self.tar}
        return own | asdict(self.options)

    def loss(self, batch: Batch, state: Any = None) -> tuple[Tensor, Any]:
        """The mean nats a token, with the two penalties where they are on; and the state after the batch."""
        hidden, dropped, state = self.read(batch, state)
        loss = token_loss(self.head(dropped, self.reader.weight), batch["next"])
        if self.ar:
            loss = loss + self.ar * dropped.square().mean()
        if self.tar and hidden.shape[1] > 1:
            loss = loss + self.tar * (hidden[:, 1:] - hidden[:, :-1]).square().mean()
        return loss, state

    def scores(self, batch: Batch, state: Any = None) -> tuple[Tensor, Any]:
        """For each token a score whose softmax is its probability to come next, (B, T, V); and the state."""
        _, dropped, state = self.read(batch, state)
        return self.head(dropped, self.reader.weight).to(torch.float32), state

    def read(self, batch: Batch, state: Any) -> tuple[Tensor, Tensor, Any]:
        """The output of the stack (B, T, d), the same after dropout, and the state after the last step."""
        codes = batch["tokens"]
        check_codes(codes)
        if state is not None:
            state = restart(state, batch.get("fresh"))
        hidden, state = self.recurrent(self.reader(codes), state, batch.get("lengths"))
        return hidden, locked_dropout(hidden, self.options.dropout, self.training), state

    def lower(self) -> Program:
        """The Program that every runtime runs: a token's code in, scores of the next one out."""
        return lower_language(self)

    def cost(self) -> int:
        """Multiply-adds of one streamed step."""
        return language_cost(self.options, self.head)


def language_cost(options: LanguageOptions, head: TokenScores, directions: int = 1) -> int:
    """Multiply-adds of one step through the stack, or the two stacks, and the answer."""
    lowest = recurrent_cost(options.cell, options.embedding, options.hidden, 1)
    above = (options.layers - 1) * recurrent_cost(options.cell, options.hidden, options.hidden, 1)
    width = options.embedding if options.tied else directions * options.hidden
    projection = 0 if head.projection is None else head.projection.weight.numel()
    return directions * (lowest + above) + projection + width * head.bias.numel()
