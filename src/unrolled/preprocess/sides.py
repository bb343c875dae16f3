"""The two sides of a translation: texts to codes and back, each by its own tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.errors import ModelFileError, explain
from unrolled.preprocess.lengths import check_lengths
from unrolled.preprocess.tokenizers import Tokenizer

UNKNOWN, BEGIN, END = 0, 1, 2
SPECIALS = ("<begin>", "<end>")  # 1 and 2; 0 is an unknown token


@dataclass(frozen=True)
class Sides:
    """The tokenizers of both sides."""

    source: Tokenizer
    target: Tokenizer

    @property
    def can_replace(self) -> bool:
        """Whether an unknown token of the target can be a word of the source: not among pieces of words."""
        return self.target.kind != "bpe"

    def split_source(self, text: str) -> list[str]:
        """The tokens of a source text."""
        return self.source.split(spaced(self.source, text))

    def split_target(self, text: str) -> list[str]:
        """The tokens of a target text."""
        return self.target.split(spaced(self.target, text))

    def write(self, codes: Sequence[int]) -> str:
        """Target codes as text."""
        return self.target.decode(codes).strip() if self.target.kind == "bpe" else self.target.decode(codes)

    def read(self, texts: Sequence[str], names: Sequence[str]) -> list[np.ndarray]:
        """Source texts as codes. Raises: DataError naming one that is empty or endless."""
        return encoded(self.source, texts, names)

    def card(self) -> dict[str, Any]:
        """As JSON: the fields "source" and "target"."""
        return {"source": self.source.card(), "target": self.target.card()}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "Sides":
        """From the card of a model file. Raises: ModelFileError naming the side that is wrong."""
        return cls(*(_side(card, name) for name in ("source", "target")))


def encoded(tokenizer: Tokenizer, texts: Sequence[str], names: Sequence[str]) -> list[np.ndarray]:
    """Texts as codes. Raises: DataError naming one that is empty or endless."""
    codes = [
        tokenizer.encode(spaced(tokenizer, text)) if text.strip() else np.zeros(0, np.int64) for text in texts
    ]
    check_lengths([len(row) for row in codes], names)
    return codes


def spaced(tokenizer: Tokenizer, text: str) -> str:
    """A text as its tokenizer reads it: before pieces of words a space, that the first be like any other."""
    return f" {text.strip()}" if tokenizer.kind == "bpe" else text


def _side(card: dict[str, Any], name: str) -> Tokenizer:
    cure = "Take another copy of the file."
    if not isinstance(card.get(name), dict):
        raise ModelFileError(explain(f"card.{name}", "a tokenizer", repr(card.get(name))[:60], cure))
    tokenizer = Tokenizer.from_card(card[name])
    if tokenizer.vocabulary.specials != SPECIALS:
        got = repr(tokenizer.vocabulary.specials)
        raise ModelFileError(explain(f"card.{name}", f"the specials {SPECIALS}", got, cure))
    return tokenizer
