"""Two programs measured side by side, turn by turn: the machine's mood hits both alike."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Seconds of each pair's two runs."""

    peer: np.ndarray
    ours: np.ndarray

    @property
    def quartiles(self) -> np.ndarray:
        """Of the pairwise ratio peer / ours: how many times faster ours is."""
        return np.quantile(self.peer / self.ours, [0.25, 0.5, 0.75])


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def interleave(peer: Callable[[], object], ours: Callable[[], object], pairs: int) -> Pairs:
    """Measure A B A B ..., after three pairs to warm up."""
    taken = np.array([[seconds(peer), seconds(ours)] for _ in range(pairs + 3)])[3:]
    return Pairs(taken[:, 0], taken[:, 1])
