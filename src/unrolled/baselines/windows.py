"""Anchored windows in standard units, cut out block by block.

A window's anchor is its last valid value. It is taken from inputs and answers, so that one set of weights
serves a series wherever it has drifted to.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.baselines.past import Origins, Rowed, Rows, Values, carried_forward

Array = NDArray[np.float64]


class Standard(NamedTuple):
    """Mean and scale of each series and target, (series, targets), by the training rows."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, values: Values, train: Rows) -> "Standard":
        """By the training rows; mean 0 for a target without a value there, scale 1 for a constant one."""
        mean, scale = np.zeros((len(train), values.shape[1])), np.ones((len(train), values.shape[1]))
        for series, (start, stop) in enumerate(train):
            part = values[start:stop].astype(np.float64)
            count = np.maximum(np.isfinite(part).sum(0), 1)
            mean[series] = np.nansum(part, 0) / count
            spread = np.sqrt(np.nansum((part - mean[series]) ** 2, 0) / count)
            scale[series] = np.where(spread > 1e-6 * np.abs(mean[series]), spread, 1.0)
        return cls(mean, scale)


class Table(NamedTuple):
    """Values in standard units, (rows, targets) float32, and the last valid one up to and with each row."""

    values: Values
    carried: Values
    offsets: Rows
    standard: Standard

    @classmethod
    def of(cls, values: Values, offsets: Rows, standard: Standard) -> "Table":
        """Standardise all rows once. A row before a series' first value carries 0, the training mean."""
        scaled = np.empty(values.shape, np.float32)
        for series, (start, stop) in enumerate(pairwise(offsets)):
            scaled[start:stop] = (values[start:stop] - standard.mean[series]) / standard.scale[series]
        carried = np.nan_to_num(carried_forward(scaled, offsets), copy=False)
        return cls(scaled, carried, offsets, standard)

    def anchor(self, origins: Origins) -> Array:
        """The last valid value before each origin, (n, targets); 0 where there is none."""
        first = origins.rows <= self.offsets[origins.series]
        return np.where(first[:, None], 0.0, self.carried[np.maximum(origins.rows - 1, 0)].astype(np.float64))

    def inputs(self, origins: Origins, history: int) -> Array:
        """The last `history` values less the anchor, (n, history, targets); NaN: missing, or no such row."""
        source = origins.rows[:, None] + np.arange(-history, 0)
        inside = source >= self.offsets[origins.series][:, None]
        values = np.where(inside[..., None], self.values[np.maximum(source, 0)], np.nan)
        return values - self.anchor(origins)[:, None]

    def answers(self, origins: Origins, horizon: int) -> Array:
        """The `horizon` values from each origin on less the anchor, (n, horizon, targets); NaN = missing."""
        values = self.values[origins.rows[:, None] + np.arange(horizon)]
        return values - self.anchor(origins)[:, None]

    def raw(self, forecast: Array, origins: Origins) -> Values:
        """A forecast relative to the anchor, (n, horizon, targets), in raw units."""
        mean, scale = (part[origins.series][:, None] for part in self.standard)
        return ((forecast + self.anchor(origins)[:, None]) * scale + mean).astype(np.float32)


def window_origins(ranges: Rows, before: int, horizon: int, most: int) -> Rowed:
    """Origins of windows with `before` rows inside the range before them and the horizon inside it too.

    At most `most` of them, evenly spread over all series.
    """
    firsts = ranges[:, 0] + before
    counts = np.maximum(ranges[:, 1] - horizon + 1 - firsts, 0)
    ends = np.cumsum(counts)
    total = int(ends[-1])
    chosen = np.linspace(0, max(total - 1, 0), min(most, total)).round().astype(np.int64)
    series = np.searchsorted(ends, chosen, side="right").astype(np.int64)
    return Rowed(firsts[series] + chosen - (ends - counts)[series], series)
