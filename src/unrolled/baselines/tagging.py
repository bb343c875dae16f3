"""The plain answer to "which tag?": the one the word had most often, else the most frequent one of all."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from unrolled.errors import ModelFileError, explain
from unrolled.format import entries


@dataclass(frozen=True)
class MostFrequentTag:
    """Each word's most frequent tag, whatever stands beside it.

    `tags` are all tags, the most frequent first; `words` the known words in order, `places` the place of the
    tag of each. A word that is tagged as most words are is not kept.

    Example:
        >>> plain = MostFrequentTag.fit([["in", "Rome"], ["in", "it"]], [["O", "B-x"], ["O", "O"]])
        >>> plain.predict([["Rome", "in", "Paris"]])
        [['B-x', 'O', 'O']]
    """

    tags: tuple[str, ...]
    words: tuple[str, ...]
    places: tuple[int, ...]
    name: str = "most frequent tag"

    @classmethod
    def fit(cls, sentences: Iterable[Sequence[str]], tags: Iterable[Sequence[str]]) -> "MostFrequentTag":
        """Count the tags of each word; of equally frequent ones the first in order counts."""
        counts: dict[str, Counter[str]] = {}
        total: Counter[str] = Counter()
        for words, told in zip(sentences, tags, strict=True):
            total.update(told)
            for word, tag in zip(words, told, strict=True):
                counts.setdefault(word, Counter())[tag] += 1
        order = sorted(total, key=lambda tag: (-total[tag], tag))
        best = {word: min(found, key=lambda tag: (-found[tag], tag)) for word, found in counts.items()}
        kept = sorted(word for word, tag in best.items() if tag != order[0])
        return cls(tuple(order), tuple(kept), tuple(order.index(best[word]) for word in kept))

    def predict(self, sentences: Iterable[Sequence[str]]) -> list[list[str]]:
        """The tags of each sentence; of spans they may be invalid."""
        known = dict(zip(self.words, self.places, strict=True))
        return [[self.tags[known.get(word, 0)] for word in words] for words in sentences]

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {"tags": list(self.tags), "words": list(self.words), "places": list(self.places)}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "MostFrequentTag":
        """From JSON. Raises: ModelFileError."""
        where = "card.baseline"
        tags, words = (tuple(entries(card, name, str, where)) for name in ("tags", "words"))
        places = tuple(entries(card, "places", int, where))
        if not tags or len(places) != len(words) or not all(0 <= place < len(tags) for place in places):
            cure = "Take another copy of the file."
            raise ModelFileError(explain(f"{where}.places", "a place for each word", "others", cure))
        return cls(tags, words, places)
