"""What every plain forecast may know: the rows before the origin, with gaps in them.

Key: rows of all series one after the other · targets columns · n origins.
"""

from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ShapeError, explain

Values = NDArray[np.float32]
Rows = NDArray[np.int64]


class Origins(Protocol):
    """Where forecasts start: the first forecast row, and the series it is in, both int64 (n,)."""

    @property
    def rows(self) -> Rows:
        """The first forecast row of each."""

    @property
    def series(self) -> Rows:
        """The series of each."""


class Rowed(NamedTuple):
    """Origins as a plain pair: rows (n,) and series (n,)."""

    rows: Rows
    series: Rows


class ForecastBaseline(Protocol):
    """A plain forecasting method, to be beaten.

    `fit` learns from the training rows and may choose by the validation rows; `forecast` answers
    (n, horizon, targets) float32 in raw units and never reads a value at or after an origin.
    """

    name: str

    def fit(self, values: Values, offsets: Rows, train: Rows, validation: Rows, horizon: int) -> Any:
        """Learn; returns itself."""

    def forecast(self, values: Values, offsets: Rows, origins: Origins) -> Values:
        """Forecast from each origin."""


def check_table(values: Values, offsets: Rows) -> tuple[Values, Rows]:
    """Values as float32 (rows, targets) and offsets as int64 (series + 1,), if they fit each other."""
    values, offsets = np.asarray(values, np.float32), np.asarray(offsets, np.int64)
    if values.ndim != 2:
        raise ShapeError(
            explain("values", "(rows, targets)", values.shape, "One target? Pass values[:, None].")
        )
    if offsets.ndim != 1 or offsets.size < 2 or offsets[0] != 0 or offsets[-1] != len(values):
        got = f"{offsets.tolist()[:4]} for {len(values)} rows"
        raise ShapeError(
            explain("offsets", "0 ... rows, (series + 1,)", got, "One series? Pass [0, len(values)].")
        )
    return values, offsets


def check_ranges(name: str, ranges: Rows, offsets: Rows) -> Rows:
    """Row ranges as int64 (series, 2), each inside its series."""
    ranges = np.asarray(ranges, np.int64)
    if ranges.shape != (offsets.size - 1, 2):
        expected = f"({offsets.size - 1}, 2)"
        raise ShapeError(explain(name, expected, ranges.shape, "Give one row range for each series."))
    outside = (ranges[:, 0] < offsets[:-1]) | (ranges[:, 1] > offsets[1:])
    if outside.any():
        first = int(np.argmax(outside))
        expected = f"rows in [{offsets[first]}, {offsets[first + 1]}] for series {first}"
        raise ArgumentError(
            explain(name, expected, ranges[first].tolist(), "Take the ranges from split_rows.")
        )
    return ranges


def check_origins(origins: Origins, offsets: Rows) -> tuple[Rows, Rows]:
    """Rows and series of the origins, if each row lies in its series or directly behind it."""
    rows, series = np.asarray(origins.rows, np.int64), np.asarray(origins.series, np.int64)
    if rows.shape != series.shape or rows.ndim != 1:
        raise ShapeError(explain("origins", "rows and series (n,)", (rows.shape, series.shape), "Pair them."))
    if rows.size and (series.min() < 0 or series.max() >= offsets.size - 1):
        cure = "Use origins of the same series set."
        raise ArgumentError(explain("origins.series", f"0 to {offsets.size - 2}", int(series.max()), cure))
    outside = (rows < offsets[series]) | (rows > offsets[series + 1])
    if outside.any():
        got = f"row {rows[outside][0]} for series {series[outside][0]}"
        raise ArgumentError(
            explain("origins.rows", "rows of their series", got, "Take them from data.origins.")
        )
    return rows, series


def check_fitted(baseline: object, fitted: bool) -> None:
    """Refuse to forecast before `fit`."""
    if not fitted:
        name = type(baseline).__name__
        raise ArgumentError(explain(name, "a fitted baseline", "one that is not", "Call fit first."))


def check_series_count(name: str, expected: int, offsets: Rows) -> None:
    """Refuse another set of series than the one fitted on: what is learned per series would not fit."""
    if offsets.size - 1 != expected:
        cure = "Forecast the series it was fitted on, in the same order."
        raise ShapeError(
            explain("offsets", f"{expected} series, as {name} was fitted on", offsets.size - 1, cure)
        )


def carried_forward(values: Values, offsets: Rows) -> Values:
    """Each value, or where it is missing the last valid one before it in its series; NaN without one."""
    carried = values.copy()
    for start, stop in pairwise(offsets):  # by series: the places of all rows at once outweigh the values
        part = carried[start:stop]
        missing = ~np.isfinite(part)
        if missing.any():
            source = np.where(missing, -1, np.arange(len(part))[:, None])
            source = np.maximum.accumulate(source, axis=0)
            found = np.take_along_axis(part, np.maximum(source, 0), 0)
            carried[start:stop] = np.where(source >= 0, found, np.float32("nan"))
    return carried


def last_valid(values: Values, offsets: Rows, origins: Origins, instead: Values) -> Values:
    """The last valid value before each origin, (n, targets).

    `instead` (series or 1, targets) answers where no value came before.
    """
    rows, series = check_origins(origins, offsets)
    before = carried_forward(values, offsets)[np.maximum(rows - 1, 0)]
    before = np.where((rows > offsets[series])[:, None], before, np.float32("nan"))
    default = np.broadcast_to(instead, (offsets.size - 1, values.shape[1]))[series]
    return np.where(np.isfinite(before), before, default).astype(np.float32)


def training_mean(values: Values, train: Rows) -> Values:
    """The mean of each target over all training rows, (1, targets); 0 for a target without any value."""
    inside = np.zeros(len(values), bool)
    for start, stop in train:
        inside[start:stop] = True
    known = values[inside].astype(np.float64)
    count = np.isfinite(known).sum(0)
    return (np.nansum(known, 0) / np.maximum(count, 1))[None].astype(np.float32)


def interpolated(values: Values, ranges: Rows) -> Values:
    """A copy in which gaps inside each row range are closed by straight lines; ends take the nearest value.

    Nothing crosses a range's border. A column without a value in a range stays NaN there.
    """
    filled = values.copy()
    for start, stop in ranges:
        part = filled[start:stop]
        for column in np.flatnonzero(np.isnan(part).any(0)):
            known = np.flatnonzero(np.isfinite(part[:, column]))
            if known.size:
                part[:, column] = np.interp(np.arange(len(part)), known, part[known, column])
    return filled
