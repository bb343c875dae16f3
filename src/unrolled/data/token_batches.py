"""Batches of texts of like length, as many as a budget of tokens holds."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from unrolled.arguments import integer
from unrolled.data.order import shuffled
from unrolled.errors import ShapeError, explain


class TokenBatches:
    """Which texts are in which batch: a pure function of (seed, epoch, index).

    Texts are ordered by length and cut so that a padded batch holds at most `tokens` tokens, and at most
    `most` texts. Each epoch mixes texts of the same length, to within `spread` tokens, and the order of the
    batches; where the cuts are never changes, so every epoch has as many steps. A text longer than the budget
    is a batch of its own.

    Shapes: lengths int (texts,).

    Example:
        >>> batches = TokenBatches([5, 1, 4, 1], tokens=10)
        >>> batches.steps, sorted(sorted(batches.indices(0, step).tolist()) for step in range(2))
        (2, [[0, 2], [1, 3]])
        >>> round(batches.waste, 3)  # one padded step of twelve
        0.083
    """

    def __init__(
        self, lengths: object, tokens: int, seed: int = 0, most: int | None = None, spread: int = 1
    ) -> None:
        self.lengths = np.asarray(lengths, np.int64)
        if self.lengths.ndim != 1 or not len(self.lengths):
            cure = "Give the length of each text."
            raise ShapeError(explain("lengths", "(texts,)", self.lengths.shape, cure))
        integer("tokens", tokens, 1, "4096 is usual.")
        integer("spread", spread, 1, "1 mixes texts of equal length only.")
        self._bucket = -(-self.lengths // spread)
        self._seed = integer("seed", seed, 0)
        self._cuts = _cuts(np.sort(self._bucket) * spread, tokens, most)
        self._order = lru_cache(maxsize=1)(self._ordered)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return len(self._cuts) - 1

    def indices(self, epoch: int, index: int) -> np.ndarray:
        """The texts of the batch at a place of an epoch, int64 (batch,)."""
        order, batches = self._order(epoch)
        place = batches[index]
        return order[self._cuts[place] : self._cuts[place + 1]]

    @property
    def waste(self) -> float:
        """The share of padding among the tokens of the first epoch's batches."""
        order, _ = self._order(0)
        pieces = [self.lengths[order[a:b]] for a, b in zip(self._cuts, self._cuts[1:], strict=False)]
        padded = sum(int(piece.max()) * len(piece) for piece in pieces)
        return 1.0 - int(self.lengths.sum()) / max(padded, 1)

    def _ordered(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Texts by length, mixed within a bucket, and the order of the batches."""
        mixed = shuffled(len(self.lengths), self._seed, 2 * epoch)
        order = mixed[np.argsort(self._bucket[mixed], kind="stable")]
        return order, shuffled(self.steps, self._seed, 2 * epoch + 1)


def even_batches(lengths: np.ndarray, tokens: int, most: int) -> Iterator[np.ndarray]:
    """Places of texts of like length, as many as one call may hold: `most`, and `tokens` with the padding.

    Example:
        >>> [places.tolist() for places in even_batches(np.array([40, 3, 40]), tokens=65, most=256)]
        [[1], [0], [2]]
    """
    order = np.argsort(lengths, kind="stable")
    if len(order):
        cuts = _cuts(lengths[order], tokens, most)
        yield from (order[start:stop] for start, stop in pairwise(cuts))


def _cuts(rising: np.ndarray, tokens: int, most: int | None) -> list[int]:
    """Where batches begin and end, from lengths in rising order."""
    cuts, start = [0], 0
    for stop, length in enumerate(rising.tolist()):
        count = stop - start + 1
        if count > 1 and (count * length > tokens or (most is not None and count > most)):
            cuts.append(stop)
            start = stop
    return [*cuts, len(rising)]
