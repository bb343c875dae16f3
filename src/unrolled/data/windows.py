"""Windows of history and horizon: where they may start, and cutting a batch of them."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from unrolled import arguments
from unrolled.data.series import SeriesSet
from unrolled.errors import DataError, ShapeError, explain


@dataclass(frozen=True)
class Origins:
    """First forecast rows: rows int64 (n,), counted over all series, and the series of each, int64 (n,)."""

    rows: np.ndarray
    series: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def origins(series: SeriesSet, ranges: np.ndarray, history: int, horizon: int, stride: int = 1) -> Origins:
    """Every row at which a forecast can start.

    The `horizon` rows from an origin on lie inside the range of its series; the `history` rows before it may
    reach back before the range, but not before the series starts. A series that is too short has none.

    Shapes: ranges int64 (series, 2), as in `Split`.
    Raises: DataError if there is not a single one.
    """
    history = arguments.integer("history", history, 0)
    horizon = arguments.integer("horizon", horizon, 1)
    stride = arguments.integer("stride", stride, 1)
    ranges = np.asarray(ranges, np.int64)
    if ranges.shape != (len(series.names), 2):
        raise ShapeError(
            explain("ranges", f"({len(series.names)}, 2)", ranges.shape, "Pass a part of a Split.")
        )
    first = np.maximum(ranges[:, 0], series.offsets[:-1] + history)
    last = ranges[:, 1] - horizon
    counts = np.maximum(0, (last - first) // stride + 1)
    if not counts.any():
        longest = int((ranges[:, 1] - series.offsets[:-1]).max(initial=0))
        expected = f"a series with {history} rows of history and, in this part, {horizon} rows of horizon"
        widest = int((ranges[:, 1] - ranges[:, 0]).max(initial=0))
        got = f"at most {longest} rows up to its end, {widest} of them in this part"
        raise DataError(explain("data", expected, got, "Lower history or horizon, or take more rows."))
    which = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Origins(first[which] + place * stride, which)


def gather(values: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Cut `length` rows from each start on: a copy of these windows only.

    Shapes: values (rows, ...); starts int (n,); returns (n, length, ...).
    Raises: ShapeError if a window leaves the rows.

    Example:
        >>> gather(np.arange(5), np.array([0, 2]), 3).tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    starts = np.asarray(starts, np.int64)
    rows = len(values)
    if len(starts) and not (starts.min() >= 0 and starts.max() + length <= rows):
        got = f"starts {starts.min()} to {starts.max()} with length {length}"
        raise ShapeError(explain("starts", f"windows inside {rows} rows", got, "Take starts from origins()."))
    if len(starts) == 0 or length == 0:
        return np.empty((len(starts), length, *values.shape[1:]), values.dtype)
    shape = (rows - length + 1, length, *values.shape[1:])
    windows = as_strided(values, shape, (values.strides[0], *values.strides), writeable=False)
    return windows[starts]
