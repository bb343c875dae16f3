"""Words to numbers and back."""

import numbers
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ModelFileError, explain


class Vocabulary:
    """Gives each known word a number: 0 is an unknown or a missing word, specials follow, then the words.

    Words stand in sorted order. A special, such as the start of a sentence, is a number of its own: no word
    of a text is ever taken for it, though it be spelled alike.

    Example:
        >>> vocabulary = Vocabulary.fit(["sun", "rain", None, "sun"])
        >>> vocabulary.encode(["rain", "sun", "hail", None]).tolist()
        [1, 2, 0, 0]
        >>> Vocabulary.fit(["sun", "rain", "sun"], min_count=2, specials=["<end>"]).number("<end>")
        1
    """

    def __init__(self, words: Iterable[str], specials: Iterable[str] = ()):
        self.words = tuple(words)
        self.specials = tuple(specials)
        self._numbers = {word: number for number, word in enumerate(self.words, start=1 + len(self.specials))}
        if not all(isinstance(word, str) for word in self.words) or list(self._numbers) != sorted(
            self._numbers
        ):
            raise ArgumentError(explain("words", "sorted text", repr(self.words[:5]), "Use Vocabulary.fit."))
        if len(self._numbers) != len(self.words):
            raise ArgumentError(explain("words", "different words", "repeated ones", "Use Vocabulary.fit."))
        if not all(isinstance(word, str) for word in self.specials) or len(set(self.specials)) != len(
            self.specials
        ):
            cure = "Name each special once."
            raise ArgumentError(explain("specials", "different texts", repr(self.specials[:5]), cure))

    def __len__(self) -> int:
        """How many numbers there are, 0 for the unknown word included: the rows of an embedding."""
        return 1 + len(self.specials) + len(self.words)

    @classmethod
    def fit(
        cls,
        words: Iterable[Any],
        min_count: int = 1,
        specials: Iterable[str] = (),
        max_size: int | None = None,
    ) -> "Vocabulary":
        """Learn the words that occur `min_count` times or more. None and NaN are missing words, not learned.

        `max_size`: no more words than that, the most frequent ones; of equally frequent ones the first in
        sorted order.
        Raises: ArgumentError if one is neither text nor missing.
        """
        integer("min_count", min_count, 1, "1 keeps every word.")
        counts: Counter[str] = Counter()
        for word, count in Counter(words).items():
            if _missing(word):
                continue
            if not isinstance(word, str):
                raise ArgumentError(
                    explain("words", "text", repr(word), "Turn numbers into text with str().")
                )
            counts[str(word)] += count
        kept = sorted(word for word, count in counts.items() if count >= min_count)
        if max_size is not None:
            integer("max_size", max_size, 1, "Leave it out to keep every word.")
            kept = sorted(sorted(kept, key=lambda word: -counts[word])[:max_size])
        return cls(kept, specials)

    def encode(self, words: Iterable[Any]) -> np.ndarray:
        """The number of each word, int64 (words,)."""
        known = self._numbers
        return np.fromiter((known.get(word, 0) for word in words), np.int64)

    def number(self, special: str) -> int:
        """The number of a special. Raises: ArgumentError if there is none of this name."""
        if special not in self.specials:
            listed = ", ".join(self.specials) or "none"
            cure = "Fit the vocabulary with it."
            raise ArgumentError(explain("special", f"one of {listed}", repr(special), cure))
        return 1 + self.specials.index(special)

    def decode(self, numbers: Iterable[int]) -> list[str | None]:
        """The word of each number; None for 0.

        Raises: ArgumentError if a number is outside the vocabulary.
        """
        table = (None, *self.specials, *self.words)
        chosen = [int(number) for number in numbers]
        for number in chosen:
            if not 0 <= number < len(table):
                cure = "Pass numbers of this vocabulary."
                raise ArgumentError(explain("numbers", f"0 to {len(table) - 1}", number, cure))
        return [table[number] for number in chosen]

    def card(self) -> dict:
        """What the model file keeps: JSON."""
        specials = {"specials": list(self.specials)} if self.specials else {}
        return {"kind": "vocabulary", "words": list(self.words)} | specials

    @classmethod
    def from_card(cls, card: dict) -> "Vocabulary":
        """The vocabulary that `card()` described.

        Raises: ModelFileError if it is not the card of a vocabulary.
        """
        try:
            words, specials = card["words"], card.get("specials", [])
            if card["kind"] != "vocabulary" or not isinstance(words, list) or not isinstance(specials, list):
                raise ValueError(f"kind {card['kind']!r}, words {type(card['words']).__name__}")
            return cls(words, specials)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(explain("vocabulary", "a vocabulary's card", got, "Save it anew.")) from None


def _missing(word: Any) -> bool:
    return word is None or (isinstance(word, numbers.Real) and word != word)
