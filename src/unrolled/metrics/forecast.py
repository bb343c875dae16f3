"""Scores of forecasts. A truth that is NaN is not known and never counts.

Key: n windows · horizon steps · targets columns · levels quantiles.
`per` says of what the score is one number: None of everything, "origin" of each window, "step", or "target".
The mean over channels that papers report is `mse(truth, forecast, per="target").mean()`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled import arguments
from unrolled.errors import ArgumentError, ShapeError, explain

Array = NDArray[np.float64]
AXES = {None: (0, 1, 2), "origin": (1, 2), "step": (0, 2), "target": (0, 1)}


def mae(truth: ArrayLike, forecast: ArrayLike, per: str | None = None) -> Array:
    """Mean absolute error.

    Shapes: truth and forecast (n, horizon, targets).
    Units: the target's.
    Returns: a number, or one of each `per`; NaN where nothing is known.
    Raises: ShapeError, ArgumentError.

    Example:
        >>> float(mae([[[1.0], [float("nan")]]], [[[3.0], [9.0]]]))
        2.0
    """
    truth, forecast = pair(truth, forecast)
    return masked_mean(np.abs(truth - forecast), per)


def mse(truth: ArrayLike, forecast: ArrayLike, per: str | None = None) -> Array:
    """Mean squared error; shapes and returns as `mae`.

    Units: the target's, squared.
    """
    truth, forecast = pair(truth, forecast)
    return masked_mean((truth - forecast) ** 2, per)


def rmse(truth: ArrayLike, forecast: ArrayLike, per: str | None = None) -> Array:
    """Root of the mean squared error; shapes and returns as `mae`. The root is taken last."""
    return np.sqrt(mse(truth, forecast, per))


def seasonal_scale(values: ArrayLike, offsets: ArrayLike, train: ArrayLike, season: int = 1) -> Array:
    """The in-sample error of the seasonal-naive forecast, by which MASE divides: mean |y[t] - y[t - season]|.

    Shapes: values (rows, targets); offsets (series + 1,); train (series, 2) row ranges.
    Returns: (series, targets); NaN where it is 0 or cannot be taken, and that series then has no MASE.
    Source: Hyndman & Koehler 2006, "Another look at measures of forecast accuracy".
    """
    values, ranges = np.asarray(values, np.float64), np.asarray(train, np.int64)
    season = arguments.integer("season", season, 1, "1 compares with the value before.")
    if ranges.shape != (np.asarray(offsets).size - 1, 2):
        raise ShapeError(explain("train", "(series, 2)", ranges.shape, "Give one row range for each series."))
    scale = np.full((len(ranges), values.shape[1]), np.nan)
    for series, (start, stop) in enumerate(ranges):
        steps = np.abs(values[start + season : stop] - values[start : max(start, stop - season)])
        known = np.isfinite(steps).sum(0)
        total = np.nansum(steps, 0)
        scale[series] = np.where(total > 0, total / np.maximum(known, 1), np.nan)
    return scale


def mase(
    truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike, series: ArrayLike, per: str | None = None
) -> Array:
    """Mean absolute scaled error: 1 is as good as the seasonal-naive forecast was one season ahead,
    in-sample.

    Shapes: truth and forecast (n, horizon, targets); scale (series, targets) of `seasonal_scale`; series
    (n,).
    Returns: as `mae`; a series without a scale does not count.
    """
    truth, forecast = pair(truth, forecast)
    divisor = np.asarray(scale, np.float64)[np.asarray(series, np.int64)][:, None]  # (n, 1, targets)
    return masked_mean(np.abs(truth - forecast) / divisor, per)


def pinball(truth: ArrayLike, quantiles: ArrayLike, levels: Sequence[float], per: str | None = None) -> Array:
    """Mean pinball loss over the levels: max(q (y - f), (q - 1) (y - f)). At 0.5 it is half the absolute
    error.

    Shapes: truth (n, horizon, targets); quantiles (n, horizon, targets, levels).
    Returns: as `mae`.
    Source: Koenker & Bassett 1978.

    Example:
        >>> float(pinball([[[10.0]]], [[[[8.0, 9.0]]]], [0.1, 0.5]))
        0.35
    """
    level = check_levels(levels)
    quantiles = np.asarray(quantiles, np.float64)
    truth, _ = pair(truth, quantiles[..., 0])
    if quantiles.shape[-1] != level.size:
        cure = "Name the level of each quantile."
        raise ShapeError(explain("levels", f"{quantiles.shape[-1]} levels", level.size, cure))
    error = truth[..., None] - quantiles
    return masked_mean(np.maximum(level * error, (level - 1) * error).mean(-1), per)


def coverage(truth: ArrayLike, low: ArrayLike, high: ArrayLike, per: str | None = None) -> Array:
    """The share of known values inside [low, high]; shapes and returns as `mae`."""
    truth, low = pair(truth, low)
    truth, high = pair(truth, high)
    inside = ((low <= truth) & (truth <= high)).astype(np.float64)
    return masked_mean(np.where(np.isfinite(truth), inside, np.nan), per)


def interval_score(
    truth: ArrayLike, low: ArrayLike, high: ArrayLike, level: float, per: str | None = None
) -> Array:
    """The Winkler score of intervals meant to cover `level`: their width, and 2 / (1 - level) times each
    miss.

    Shapes: truth, low and high (n, horizon, targets).
    Units: the target's. Lower is better.
    Source: Winkler 1972; Gneiting & Raftery 2007, equation 43.

    Example:
        >>> float(interval_score([[[5.0]]], [[[1.0]]], [[[4.0]]], 0.8))
        13.0
    """
    level = float(check_levels([level])[0])
    truth, low = pair(truth, low)
    truth, high = pair(truth, high)
    miss = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return masked_mean(high - low + 2 / (1 - level) * miss, per)


def pair(truth: ArrayLike, forecast: ArrayLike) -> tuple[Array, Array]:
    """Both as float64 (n, horizon, targets). A forecast of a known value must be known."""
    truth, forecast = np.asarray(truth, np.float64), np.asarray(forecast, np.float64)
    if truth.ndim != 3:
        raise ShapeError(
            explain("truth", "(n, horizon, targets)", truth.shape, "One window? Pass it as truth[None].")
        )
    if forecast.shape != truth.shape:
        cure = "Forecast exactly the windows of the truth."
        raise ShapeError(explain("forecast", f"{truth.shape}", forecast.shape, cure))
    missing = int((~np.isfinite(forecast) & np.isfinite(truth)).sum())
    if missing:
        cure = "A forecast must answer wherever the truth is known."
        raise ArgumentError(explain("forecast", "finite numbers", f"{missing} that are NaN or inf", cure))
    return truth, forecast


def check_levels(levels: Sequence[float]) -> Array:
    """Quantile levels as float64, each strictly between 0 and 1."""
    array = np.asarray(levels, np.float64)
    if array.ndim != 1 or array.size == 0 or not ((array > 0) & (array < 1)).all():
        cure = "Write 0.9 for 90 %."
        raise ArgumentError(explain("levels", "numbers between 0 and 1", np.atleast_1d(array).tolist(), cure))
    return array


def masked_mean(errors: Array, per: str | None) -> Array:
    """The mean of what is known, kept apart by `per`; NaN where nothing is known."""
    axes = AXES[arguments.one_of("per", per, AXES)]
    known = np.isfinite(errors).sum(axes)
    total = np.nansum(errors, axes)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)
