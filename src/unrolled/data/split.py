"""Training, validation and test rows: always in this order in time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.series import SeriesSet
from unrolled.errors import ArgumentError, DataError, explain

PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Row ranges, each int64 (series, 2): first row, and the row after the last."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def rows(self) -> tuple[int, int, int]:
        """How many rows each part has."""
        return tuple(
            int((part[:, 1] - part[:, 0]).sum()) for part in (self.train, self.validation, self.test)
        )  # type: ignore[return-value]


def split_rows(series: SeriesSet, split: Any = (0.7, 0.1, 0.2)) -> Split:
    """Cut every series into a training, a validation and a test part, one after the other.

    `split` is three fractions, or three counts of rows where there is one series; rows beyond them are in no
    part. Several series with stamps are cut at the same two dates, so that no part holds the future of
    another; without stamps each is cut by itself.

    Raises: ArgumentError if the three numbers cannot be used; DataError if a part stays empty.

    Example:
        >>> from unrolled.data import Roles, read_series
        >>> split_rows(read_series(np.arange(10.0), Roles("x0")), (6, 2, 2)).validation.tolist()
        [[6, 8]]
    """
    numbers = _three(split)
    offsets = series.offsets
    if all(isinstance(number, int) for number in numbers):
        cuts = _by_counts(series, numbers)
    elif len(series.names) == 1 or series.stamps is None:
        lengths = np.diff(offsets)
        shares = np.cumsum([0.0, *numbers])
        cuts = offsets[:-1, None] + np.rint(shares * lengths[:, None]).astype(np.int64)
    else:
        cuts = _by_date(series, numbers)
    parts = Split(*(np.stack([cuts[:, i], cuts[:, i + 1]], axis=1).astype(np.int64) for i in range(3)))
    for name, rows in zip(PARTS, parts.rows, strict=True):
        if rows == 0:
            cure = "Take more rows, or give this part more."
            got = f"none of {series.rows} with split {tuple(numbers)}"
            raise DataError(explain("split", f"at least one row for {name}", got, cure))
    return parts


def _three(split: Any) -> list[int] | list[float]:
    expected = "three counts of rows, or three fractions above 0 with a sum of at most 1"
    cure = "For example split=(0.7, 0.1, 0.2)."
    try:
        numbers = [float(number) for number in split]
    except (TypeError, ValueError):
        raise ArgumentError(explain("split", expected, repr(split), cure)) from None
    if len(numbers) == 3 and all(number >= 1 and number % 1 == 0 for number in numbers):
        return [int(number) for number in numbers]
    if len(numbers) != 3 or not all(0 < number < 1 for number in numbers) or sum(numbers) > 1 + 1e-9:
        raise ArgumentError(explain("split", expected, repr(split), cure))
    return numbers


def _by_counts(series: SeriesSet, counts: list) -> np.ndarray:
    if len(series.names) > 1:
        got = f"{tuple(counts)} with {len(series.names)} series"
        cure = "Use fractions, for example split=(0.7, 0.1, 0.2)."
        raise ArgumentError(explain("split", "fractions, as there are several series", got, cure))
    if sum(counts) > series.rows:
        got = f"{tuple(counts)}, {sum(counts)} in all"
        raise DataError(explain("split", f"counts of at most {series.rows} rows", got, "Lower the counts."))
    return np.cumsum([0, *counts])[None]


def _by_date(series: SeriesSet, fractions: list) -> np.ndarray:
    """Cut all series at two stamps, chosen so that the fractions hold over all rows together."""
    stamps, offsets = series.stamps, series.offsets
    assert stamps is not None
    places = np.rint(np.cumsum(fractions) * len(stamps)).astype(np.int64)
    inner = np.minimum(places, len(stamps) - 1)
    dates = np.partition(stamps, inner)[inner]
    cuts = np.empty((len(series.names), 4), np.int64)
    cuts[:, 0] = offsets[:-1]
    for i in range(len(series.names)):
        own = stamps[offsets[i] : offsets[i + 1]]
        cuts[i, 1:] = offsets[i] + np.searchsorted(own, dates, "left")
    if places[-1] == len(stamps):
        cuts[:, 3] = offsets[1:]
    return cuts
