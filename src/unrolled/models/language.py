"""What the networks of language models share: the vocabulary's size, the reading of tokens, the output layer.

Key: B batch · T time · V tokens · E embedding · d hidden.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import flag, integer
from unrolled.errors import ShapeError, explain
from unrolled.models.recurrent import check_recurrent
from unrolled.models.shape import check_names
from unrolled.nn import GRU, LSTM, CellOptions, Elman, Recurrent, Stack, embedding_dropout, locked_dropout
from unrolled.nn.recurrent import check_probability

NO_TOKEN = -1  # where nothing is to be predicted
START = 0.1  # embeddings start uniform in +-START, as in AWD-LSTM


@dataclass(frozen=True)
class LanguageShape:
    """How many tokens there are, the unknown one (code 0) included.

    Example:
        >>> LanguageShape.from_card(LanguageShape(tokens=65).card())
        LanguageShape(tokens=65)
    """

    tokens: int = 2

    def __post_init__(self) -> None:
        integer("tokens", self.tokens, minimum=2)

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "LanguageShape":
        """From JSON. Raises: ArgumentError for a field that a shape does not have."""
        check_names("shape", card, [field.name for field in fields(cls)])
        return cls(**card)


@dataclass(frozen=True)
class LanguageOptions:
    """The options of a language network; what is 0 costs nothing.

    - embedding: numbers a token; `tied` takes the same table for the answers (Press and Wolf 2017).
    - residual, layer_norm: of the recurrent stack.
    - dropout: locked, between the layers and before the answer; input_dropout: locked, of the embeddings;
      embedding_dropout: of whole words; weight_drop: of recurrent weights.

    Source: Merity et al. 2018, arXiv:1708.02182.
    """

    cell: str = "lstm"
    hidden: int = 512
    layers: int = 1
    embedding: int = 64
    tied: bool = False
    residual: bool = False
    layer_norm: bool = False
    dropout: float = 0.0
    input_dropout: float = 0.0
    embedding_dropout: float = 0.0
    weight_drop: float = 0.0

    def __post_init__(self) -> None:
        check_recurrent(self.cell, self.hidden, self.layers, self.dropout)
        integer("embedding", self.embedding, 1, "64 suits characters, 256 words.")
        for name in ("tied", "residual", "layer_norm"):
            flag(name, getattr(self, name))
        for name in ("input_dropout", "embedding_dropout", "weight_drop"):
            check_probability(name, getattr(self, name))

    def stack(self) -> Stack:
        """The recurrent layers, one after another."""
        sizes = [self.embedding] + [self.hidden] * (self.layers - 1)
        layers = [self._layer(size) for size in sizes]
        return Stack(layers, dropout=self.dropout, residual=self.residual, locked=True)

    def _layer(self, size: int) -> Recurrent:
        options = CellOptions(orthogonal=True, recurrent_dropout=self.weight_drop, layer_norm=self.layer_norm)
        if self.cell == "lstm":
            return LSTM(size, self.hidden, forget_bias=1.0, options=options)
        if self.cell == "elman":
            return Elman(size, self.hidden, options=options)
        return GRU(size, self.hidden, reset_after=self.cell == "gru", options=options)


class TokenReader(nn.Module):
    """Codes to vectors: an embedding with its two dropouts. Shapes: codes (B, T) -> (B, T, E)."""

    def __init__(self, tokens: int, options: LanguageOptions) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tokens, options.embedding).uniform_(-START, START))
        self.words, self.features = options.embedding_dropout, options.input_dropout

    def forward(self, codes: Tensor) -> Tensor:
        """The vectors of some codes; one below 0 is read as unknown."""
        table = embedding_dropout(self.weight, self.words, self.training)
        return locked_dropout(F.embedding(codes.clamp(min=0), table), self.features, self.training)


class TokenScores(nn.Module):
    """States to a score for each token: dropout, where need be a projection, the table of answers and a bias.

    With `reader` its table is the table of answers; a projection brings states of another width to it.
    Shapes: (..., width) -> (..., V).
    """

    projection: nn.Linear | None
    weight: nn.Parameter | None

    def __init__(self, width: int, tokens: int, options: LanguageOptions, project: bool = False) -> None:
        super().__init__()
        answers = options.embedding if options.tied else width
        self.projection = nn.Linear(width, answers) if project or answers != width else None
        bound = START if options.tied else width**-0.5
        weight = nn.Parameter(torch.empty(tokens, answers).uniform_(-bound, bound))
        self.register_parameter("weight", None if options.tied else weight)
        self.bias = nn.Parameter(torch.zeros(tokens))

    def forward(self, hidden: Tensor, table: Tensor) -> Tensor:
        """The scores. `table` is the reader's, for tied answers."""
        if self.projection is not None:
            hidden = self.projection(hidden)
        return F.linear(hidden, table if self.weight is None else self.weight, self.bias)

    def start_at(self, counts: Tensor) -> None:
        """Start the bias at the logarithm of each token's share; one that never came counts as half."""
        shares = counts.double().clamp(min=0.5) / counts.sum().clamp(min=1)
        with torch.no_grad():
            self.bias.copy_(shares.log())


def token_loss(scores: Tensor, answers: Tensor) -> Tensor:
    """The mean over the tokens that are to be predicted, in nats; 0 where none is.

    Shapes: scores (..., V); answers int64 (...), NO_TOKEN where there is none.
    """
    if scores.shape[:-1] != answers.shape:
        cure = "Give one token to predict for each one read."
        raise ShapeError(explain("batch['next']", str(tuple(scores.shape[:-1])), tuple(answers.shape), cure))
    flat, wanted = scores.flatten(0, -2), answers.flatten()
    total = F.cross_entropy(flat, wanted, ignore_index=NO_TOKEN, reduction="sum")
    return total / (wanted != NO_TOKEN).sum().clamp(min=1)


def check_codes(codes: Tensor, name: str = "tokens") -> None:
    """Raise ShapeError unless codes are (batch, time)."""
    if codes.ndim != 2:
        cure = "One text? Pass codes[None]."
        raise ShapeError(explain(f"batch['{name}']", "(batch, time)", tuple(codes.shape), cure))
