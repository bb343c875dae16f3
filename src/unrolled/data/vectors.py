"""Pretrained word vectors in text form: a word and its numbers a line, as GloVe and word2vec write them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unrolled.data.text import read_lines
from unrolled.errors import DataError, explain


@dataclass(frozen=True)
class Vectors:
    """Vectors of the words that were asked for, in their order.

    Shapes: values float32 (words, width), 0 where a word has none; found bool (words,).
    """

    values: np.ndarray
    found: np.ndarray

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return self.values.shape[1]

    @property
    def coverage(self) -> float:
        """The share of the words that have a vector."""
        return float(self.found.mean()) if len(self.found) else 0.0


def read_vectors(path: str | Path, words: Iterable[str], encoding: str = "utf-8") -> Vectors:
    """The vectors of some words. A word that is not there as it is written is looked up in small letters.

    A first line of two whole numbers, as word2vec writes it, is left out.
    Raises: DataError naming the line that does not hold as many numbers as the first.
    """
    wanted = list(words)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(wanted):
        places.setdefault(word, []).append(place)
    small: dict[str, list[int]] = {}
    for place, word in enumerate(wanted):
        small.setdefault(word.lower(), []).append(place)
    width, exact = 0, np.zeros(len(wanted), bool)
    values, found = np.zeros((len(wanted), 0), np.float32), np.zeros(len(wanted), bool)
    for number, line in enumerate(read_lines(path, encoding), start=1):
        word, *numbers = line.rstrip().split(" ")
        if number == 1 and len(numbers) == 1 and word.isdigit():
            continue
        if not width:
            width, values = len(numbers), np.zeros((len(wanted), len(numbers)), np.float32)
        if len(numbers) != width or not width:
            cure = "Correct the line; is the file cut off?"
            raise DataError(
                explain(f"{path}: line {number}", f"a word and {width} numbers", len(numbers), cure)
            )
        own, alike = places.get(word, []), [p for p in small.get(word, []) if not exact[p]]
        if own or alike:
            values[own + alike], found[own + alike] = _numbers(path, number, numbers), True
            exact[own] = True
    if not width:
        raise DataError(explain(str(path), "vectors", "none", "Is it the right file?"))
    return Vectors(values, found)


def _numbers(path: str | Path, line: int, numbers: list[str]) -> np.ndarray:
    try:
        values = np.array(numbers, np.float32)
    except ValueError:
        values = np.array([np.nan], np.float32)
    if not np.isfinite(values).all():
        raise DataError(explain(f"{path}: line {line}", "finite numbers", "others", "Correct the line."))
    return values
