"""The forecasts that learn nothing: the last value, and the last season."""

from itertools import pairwise
from typing import Self

import numpy as np

from unrolled import arguments
from unrolled.baselines.past import (
    Origins,
    Rows,
    Values,
    carried_forward,
    check_fitted,
    check_origins,
    check_ranges,
    check_table,
    last_valid,
    training_mean,
)


class LastValue:
    """Every step is the last valid value before the origin; the training mean where there is none.

    Example:
        >>> from unrolled.baselines import Rowed
        >>> values, offsets = np.array([[1.0], [4.0], [np.nan]], np.float32), np.array([0, 3])
        >>> whole, none = np.array([[0, 3]]), np.array([[3, 3]])
        >>> last = LastValue().fit(values, offsets, whole, none, horizon=2)
        >>> last.forecast(values, offsets, Rowed(np.array([3]), np.array([0]))).ravel().tolist()
        [4.0, 4.0]
    """

    name = "last value"

    def __init__(self) -> None:
        self.horizon = 0

    def fit(self, values: Values, offsets: Rows, train: Rows, validation: Rows, horizon: int) -> Self:
        """Keep the horizon and the training mean."""
        values, offsets = check_table(values, offsets)
        self.horizon = arguments.integer("horizon", horizon, 1, "Say how many steps to forecast.")
        self.mean = training_mean(values, check_ranges("train", train, offsets))
        return self

    def forecast(self, values: Values, offsets: Rows, origins: Origins) -> Values:
        """The last valid value, repeated: (n, horizon, targets)."""
        check_fitted(self, self.horizon > 0)
        values, offsets = check_table(values, offsets)
        return np.repeat(last_valid(values, offsets, origins, self.mean)[:, None], self.horizon, axis=1)


class SeasonalNaive:
    """Every step is the value one season before it; where that is missing, the newest of the seasons before.

    A phase of the season that was never seen takes the last valid value.
    """

    def __init__(self, season: int) -> None:
        self.season = arguments.integer("season", season, 2, "A season of 1 is LastValue.")
        self.name = f"last season ({season} steps)"
        self.plain = LastValue()

    def fit(self, values: Values, offsets: Rows, train: Rows, validation: Rows, horizon: int) -> Self:
        """Keep the horizon and the training mean."""
        self.plain.fit(values, offsets, train, validation, horizon)
        return self

    def forecast(self, values: Values, offsets: Rows, origins: Origins) -> Values:
        """The last season, repeated: (n, horizon, targets)."""
        last = self.plain.forecast(values, offsets, origins)
        values, offsets = check_table(values, offsets)
        rows, series = check_origins(origins, offsets)
        source = (
            rows[:, None] - self.season + np.arange(last.shape[1]) % self.season
        )  # always before the origin
        inside = source >= offsets[series][:, None]
        found = carried_by_season(values, offsets, self.season)[np.where(inside, source, 0)]
        return np.where(inside[..., None] & np.isfinite(found), found, last)


def carried_by_season(values: Values, offsets: Rows, season: int) -> Values:
    """Each value, or where it is missing the last valid one of the same phase before it in its series."""
    carried = values.copy()
    if not np.isnan(values).any():
        return carried
    for start, stop in pairwise(offsets):
        padding = -(stop - start) % season
        grid = np.pad(values[start:stop], ((0, padding), (0, 0)), constant_values=np.nan)
        seasons = grid.reshape(-1, season * values.shape[1])  # one row is one season, one column one phase
        filled = carried_forward(seasons, np.array([0, len(seasons)]))
        carried[start:stop] = filled.reshape(grid.shape)[: stop - start]
    return carried
