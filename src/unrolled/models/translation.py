"""From one string of tokens to another: an encoder that reads both ways, a decoder, attention or none.

Key: B batch · S source steps · T target steps.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import integer, number
from unrolled.models.decoder import Decoder, DecoderState, Sentence, token_table
from unrolled.models.inputs import Batch
from unrolled.models.recurrent import check_recurrent, recurrent_cost, recurrent_stack
from unrolled.models.shape import Card, check_names
from unrolled.preprocess.sides import END
from unrolled.runtime import EncoderDecoder

DECODER = ("attention", "input_feeding", "coverage", "tied")


@dataclass(frozen=True)
class TranslationShape:
    """How many words each side has, with the three special ones: unknown, begin, end.

    Raises: ArgumentError for a vocabulary without a word of its own.
    """

    source_words: int = END + 2
    target_words: int = END + 2

    def __post_init__(self) -> None:
        cure = f"The first {END + 1} stand for unknown, begin and end."
        integer("source_words", self.source_words, END + 2, cure)
        integer("target_words", self.target_words, END + 2, cure)

    def card(self) -> Card:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "TranslationShape":
        """From JSON. Raises: ArgumentError for a field that a shape does not have."""
        check_names("shape", card, [field.name for field in fields(cls)])
        return cls(**card)


class TranslationNetwork(nn.Module):
    """An encoder-decoder over token codes: 0 unknown, 1 begin, 2 end, words from 3.

    Options of the decoder (`attention`, `input_feeding`, `coverage`, `tied`): `models/decoder.py`.
    `smoothing` is the share of probability that label smoothing gives to all words alike.

    Shapes: batch["source"] int64 (B, S), batch["source_lengths"] (B,); batch["target"] (B, T + 1), begin
        first and end last, batch["target_lengths"] (B,), both counted; batch["sampling"] (), the share of
        tokens that the decoder reads from its own answers in training, absent: 0.
    Raises: ArgumentError for an option that cannot be used.
    """

    def __init__(
        self,
        shape: TranslationShape,
        cell: str = "lstm",
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 1,
        attention: str = "luong",
        input_feeding: bool = False,
        coverage: bool = False,
        tied: bool = True,
        dropout: float = 0.3,
        smoothing: float = 0.1,
    ) -> None:
        super().__init__()
        check_recurrent(cell, hidden, layers, dropout)
        self.shape, self.cell, self.embedding, self.hidden = shape, cell, embedding, hidden
        self.layers = layers
        self.smoothing = number("smoothing", smoothing, 0.0, 0.9, cure="0.1 is usual, 0 turns it off.")
        self.table = token_table(shape.source_words, integer("embedding", embedding, 1))
        self.encoder = recurrent_stack(cell, embedding, hidden, layers, dropout, bidirectional=True)
        self.decoder = Decoder(
            shape.target_words, 2 * hidden, cell, embedding, hidden, layers,
            attention, input_feeding, coverage, tied, dropout,
        )  # fmt: skip
        self.dropout = nn.Dropout(dropout)

    @property
    def configuration(self) -> dict[str, Any]:
        """JSON from which `models.build` makes an equal network."""
        own = {name: getattr(self, name) for name in ("cell", "embedding", "hidden", "layers", "smoothing")}
        own |= {name: getattr(self.decoder, name) for name in DECODER}
        return {"kind": "translation", "shape": self.shape.card(), **own, "dropout": self.dropout.p}

    def loss(self, batch: Batch, state: None = None) -> tuple[Tensor, None]:
        """The mean cross-entropy of the target's tokens, smoothed; the decoder reads the true ones."""
        scores, answers = self.forced(batch)
        return F.cross_entropy(scores, answers, label_smoothing=self.smoothing), None

    def forced(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores (N, words) of every token of the target, and the tokens (N,), one row after the other."""
        out, _ = self._run(batch)
        steps = torch.arange(out.shape[1], device=out.device)
        valid = steps < (batch["target_lengths"] - 1)[:, None]
        return self.decoder.logits(out[valid]), batch["target"][:, 1:][valid]

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Sentence, DecoderState]:
        """Read source tokens (B, S); what the decoder needs before its first token."""
        values, ends = self.encoder(self.dropout(self.table(source)), None, lengths)
        return self.decoder.start(self.dropout(values), ends, lengths)

    def lower(self) -> EncoderDecoder:
        """The two Programs that every runtime runs."""
        from unrolled.models.translation_lowering import lower_translation

        return lower_translation(self)

    def cost(self) -> int:
        """Multiply-adds of reading one source token and writing one target token, scores with it."""
        encoder = recurrent_cost(self.cell, self.embedding, self.hidden, 1)
        encoder += (self.layers - 1) * recurrent_cost(self.cell, 2 * self.hidden, self.hidden, 1)
        decoder = recurrent_cost(self.cell, self.decoder.recurrent.input_size, self.hidden, self.layers)
        head = self.decoder.combine.weight.numel() + self.decoder.output.weight.numel()
        return 2 * encoder + decoder + head

    def _run(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        sentence, state = self.encode(batch["source"], batch["source_lengths"])
        tokens, lengths = batch["target"][:, :-1], batch["target_lengths"] - 1
        sampling = float(batch["sampling"]) if self.training and "sampling" in batch else 0.0
        return self.decoder.forced(sentence, state, tokens, lengths, sampling)
