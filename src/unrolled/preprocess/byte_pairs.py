"""Byte pair encoding: pieces of words that are learned from a text, so that no word is unknown.

A text is cut into words with the space before them, a word is its UTF-8 bytes, and the pairs of neighbours
that training met most are merged, the first learned first. A byte is written as one character: printable
ASCII as it is, any other as the character 256 above it, so that a space is written "Ġ".

Source: Sennrich et al. 2016, arXiv:1508.07909; on bytes, Radford et al. 2019.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from unrolled.arguments import integer, part
from unrolled.errors import ArgumentError, explain

BYTES = tuple(chr(byte) if 32 < byte < 127 else chr(256 + byte) for byte in range(256))
_BYTE_OF = {character: byte for byte, character in enumerate(BYTES)}
# Letters and digits, other signs, or white space; a space before a word belongs to it. No word is endless:
# the merges of one take time that grows with the square of its length.
_WORDS = re.compile(r" ?\w{1,64}| ?[^\w\s]{1,64}|\s{1,64}?(?= ?\S)|\s{1,64}")
_BETWEEN = "\ue000"  # a character of private use: no byte is written so
PIECES = 256  # one for every byte, before anything is merged


class BytePairs:
    """Cuts a text into pieces by merges that were learned; without merges into bytes.

    Example:
        >>> pairs = BytePairs([("l", "o"), ("lo", "w")])
        >>> pairs.split("low lows")
        ['low', 'Ġ', 'low', 's']
        >>> pairs.join(pairs.split("low lows"))
        'low lows'
    """

    def __init__(self, merges: Iterable[Sequence[str]] = ()) -> None:
        self.merges = tuple((str(left), str(right)) for left, right in merges)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        known = set(BYTES)
        for left, right in self.merges:
            if left not in known or right not in known:
                cure = "Use BytePairs.fit."
                raise ArgumentError(explain("merges", "pairs of pieces made before", f"{left} {right}", cure))
            known.add(left + right)
        self.pieces = tuple(sorted(known))
        self._word = lru_cache(maxsize=1 << 16)(self._merged)

    @classmethod
    def fit(cls, texts: Iterable[str], pieces: int) -> "BytePairs":
        """Learn merges until there are `pieces` pieces, or no pair is left that occurs twice.

        Raises: MissingPartError without the library `tokenizers`, which learns them; running needs none.
        """
        integer("pieces", pieces, PIECES + 1, "8000 is usual.")
        tokenizers = part("tokenizers", "text")
        learner = tokenizers.Tokenizer(tokenizers.models.BPE())
        learner.pre_tokenizer = tokenizers.pre_tokenizers.CharDelimiterSplit(_BETWEEN)
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=pieces, min_frequency=2, show_progress=False, initial_alphabet=list(BYTES)
        )
        learner.train_from_iterator((_BETWEEN.join(_words(text)) for text in texts), trainer)
        return cls(_merges_of(learner.to_str()))

    def split(self, text: str) -> list[str]:
        """The pieces of a text."""
        return [piece for word in _words(text) for piece in self._word(word)]

    @staticmethod
    def join(pieces: Iterable[str]) -> str:
        """The text of some pieces; bytes that are no UTF-8 become the replacement character."""
        return bytes(_BYTE_OF[character] for piece in pieces for character in piece).decode(errors="replace")

    def _merged(self, word: str) -> tuple[str, ...]:
        parts, last = list(word), len(self._ranks)
        while len(parts) > 1:
            ranks = [self._ranks.get(pair, last) for pair in pairwise(parts)]
            best = min(ranks)
            if best == last:
                break
            parts = _merge(parts, *self.merges[best])
        return tuple(parts)


def _words(text: str) -> Iterator[str]:
    """The words of a text, their bytes written as characters."""
    for match in _WORDS.finditer(text):
        yield "".join([BYTES[byte] for byte in match[0].encode("utf-8", "surrogatepass")])


def _merge(parts: list[str], left: str, right: str) -> list[str]:
    """The parts with every `left` before a `right` joined to it."""
    merged: list[str] = []
    place = 0
    while place < len(parts):
        if parts[place] == left and place + 1 < len(parts) and parts[place + 1] == right:
            merged.append(left + right)
            place += 2
        else:
            merged.append(parts[place])
            place += 1
    return merged


def _merges_of(told: str) -> list[tuple[str, str]]:
    """The merges in what the library says of itself, in the order they were learned."""
    import json

    found = json.loads(told)["model"]["merges"]
    pairs = (pair.split(" ") if isinstance(pair, str) else pair for pair in found)
    return [(left, right) for left, right in pairs]
