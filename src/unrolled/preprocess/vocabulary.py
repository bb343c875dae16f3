"""Words to numbers and back."""

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled.errors import ArgumentError, ModelFileError, explain


class Vocabulary:
    """Gives each known word a number from 1 on, in sorted order; 0 is an unknown or a missing word.

    Example:
        >>> vocabulary = Vocabulary.fit(["sun", "rain", None, "sun"])
        >>> vocabulary.encode(["rain", "sun", "hail", None]).tolist()
        [1, 2, 0, 0]
    """

    def __init__(self, words: Iterable[str]):
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words, start=1)}
        if not all(isinstance(word, str) for word in self.words) or list(self._numbers) != sorted(
            self._numbers
        ):
            raise ArgumentError(explain("words", "sorted text", repr(self.words[:5]), "Use Vocabulary.fit."))
        if len(self._numbers) != len(self.words):
            raise ArgumentError(explain("words", "different words", "repeated ones", "Use Vocabulary.fit."))

    def __len__(self) -> int:
        """How many numbers there are, 0 for the unknown word included: the rows of an embedding."""
        return len(self.words) + 1

    @classmethod
    def fit(cls, words: Iterable[Any]) -> "Vocabulary":
        """Learn the words that occur. None and NaN are missing words and are not learned.

        Raises: ArgumentError if one is neither text nor missing.
        """
        seen = {word for word in words if not _missing(word)}
        for word in seen:
            if not isinstance(word, str):
                raise ArgumentError(
                    explain("words", "text", repr(word), "Turn numbers into text with str().")
                )
        return cls(sorted(str(word) for word in seen))

    def encode(self, words: Iterable[Any]) -> np.ndarray:
        """The number of each word, int64 (words,)."""
        known = self._numbers
        return np.fromiter((known.get(word, 0) for word in words), np.int64)

    def decode(self, numbers: Iterable[int]) -> list[str | None]:
        """The word of each number; None for 0.

        Raises: ArgumentError if a number is outside the vocabulary.
        """
        table = (None, *self.words)
        chosen = [int(number) for number in numbers]
        for number in chosen:
            if not 0 <= number < len(table):
                cure = "Pass numbers of this vocabulary."
                raise ArgumentError(explain("numbers", f"0 to {len(self.words)}", number, cure))
        return [table[number] for number in chosen]

    def card(self) -> dict:
        """What the model file keeps: JSON."""
        return {"kind": "vocabulary", "words": list(self.words)}

    @classmethod
    def from_card(cls, card: dict) -> "Vocabulary":
        """The vocabulary that `card()` described.

        Raises: ModelFileError if it is not the card of a vocabulary.
        """
        try:
            if card["kind"] != "vocabulary" or not isinstance(card["words"], list):
                raise ValueError(f"kind {card['kind']!r}, words {type(card['words']).__name__}")
            return cls(card["words"])
        except (KeyError, TypeError, ValueError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(explain("vocabulary", "a vocabulary's card", got, "Save it anew.")) from None


def _missing(word: Any) -> bool:
    return word is None or (isinstance(word, numbers.Real) and word != word)
