"""What must hold before a forecaster is trained: every part has windows, and something is known in them."""

import numpy as np

from unrolled.data import SeriesSet, Split, origins
from unrolled.errors import DataError, explain
from unrolled.tasks.forecast.fit import halves
from unrolled.tasks.forecast.settings import ForecastSettings


def check_parts(settings: ForecastSettings, data: SeriesSet, split: Split) -> None:
    """Refuse data that would fail after the training.

    Raises: DataError naming the part.
    """
    stopping, calibration = halves(split.validation)
    parts = {
        "training part": split.train,
        "first half of the validation part": stopping,
        "second half of the validation part": calibration,
        "test part": split.test,
    }
    target = data.values[:, data.numeric("target")]
    for name, ranges in parts.items():
        check_windows(settings, data, name, ranges)
        if not any(np.isfinite(target[start:stop]).any() for start, stop in ranges):
            cure = "Change the split, or look for the values that are missing."
            got = f"{int((ranges[:, 1] - ranges[:, 0]).sum())} rows without any"
            raise DataError(explain(name, f"a value of {', '.join(data.roles.target)}", got, cure))


def check_windows(settings: ForecastSettings, data: SeriesSet, name: str, ranges: np.ndarray) -> None:
    """Refuse a part in which no forecast can start."""
    needed = least_history(settings)
    try:
        origins(data, ranges, needed, settings.horizon)
    except DataError:
        longest = int((ranges[:, 1] - ranges[:, 0]).max())
        before = int((ranges[:, 0] - data.offsets[:-1]).max())
        rows = "row" if needed == 1 else "rows"
        expected = f"a window: {needed} {rows} to look back at and {settings.horizon} to forecast"
        got = f"at most {longest} rows, {before} rows before them"
        cure = "Lower history or horizon, take more rows, or change the split."
        raise DataError(explain(name, expected, got, cure)) from None


def too_short(settings: ForecastSettings, data: SeriesSet, split: Split) -> tuple[int, list[str]]:
    """How many training rows a series must have to be learned from, and the series that have fewer."""
    segment = settings.decoder == "segment"
    needed = settings.history + settings.horizon if segment else 2
    rows = split.train[:, 1] - split.train[:, 0]
    return needed, [data.names[number] for number in np.flatnonzero(rows < needed)]


def least_history(settings: ForecastSettings) -> int:
    """How many rows must lie before an origin."""
    return settings.history if settings.decoder == "segment" else 1
