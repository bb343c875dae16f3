"""Conformalised quantiles: intervals that cover what they promise, however poor the model's own are.

On windows the training has not seen, count how far the truth falls outside each interval, and move its two
bounds by the amount that would have covered the promised share.

Source: Romano, Patterson & Candes 2019, "Conformalized quantile regression", arXiv:1905.03222.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.metrics.forecast import check_levels

Array = NDArray[np.float64]


def fit_offsets(quantiles: ArrayLike, truth: ArrayLike, levels: Sequence[float]) -> Array:
    """What to add to each quantile so that the calibration windows are covered as promised.

    Levels q and 1 - q form an interval and move apart (or together) by one amount; a level without a partner
    moves alone; the median stays. The amount is the ceil((n + 1) share)-th smallest miss of n known ones, the
    largest where n is too small for that; 0 where no truth is known.

    Shapes: quantiles (n, horizon, targets, levels), levels rising; truth (n, horizon, targets), NaN =
    missing.
    Units: those of the forecasts: fit in scaled units to share the offsets between series.
    Returns: (horizon, targets, levels), float64.
    Raises: ShapeError, ArgumentError.
    """
    level = check_rising(levels)
    quantiles, truth = np.asarray(quantiles, np.float64), np.asarray(truth, np.float64)
    if quantiles.ndim != 4 or quantiles.shape[-1] != level.size:
        expected = f"(n, horizon, targets, {level.size})"
        raise ShapeError(explain("quantiles", expected, quantiles.shape, "Name the level of each quantile."))
    if truth.shape != quantiles.shape[:-1]:
        cure = "Forecast exactly the windows of the truth."
        raise ShapeError(explain("truth", f"{quantiles.shape[:-1]}", truth.shape, cure))
    offsets = np.zeros(quantiles.shape[1:])
    for low, high in pairs(level):
        above = -np.inf if high is None else truth - quantiles[..., high]
        below = -np.inf if low is None else quantiles[..., low] - truth
        share = (1.0 if high is None else level[high]) - (0.0 if low is None else level[low])
        amount = smallest(np.maximum(below, above), share)
        if low is not None:
            offsets[..., low] = -amount
        if high is not None:
            offsets[..., high] = amount
    return offsets


def apply_offsets(quantiles: ArrayLike, offsets: ArrayLike, levels: Sequence[float]) -> NDArray[np.floating]:
    """The quantiles moved by the offsets, and kept in order from the level nearest 0.5 outwards.

    A quantile above the middle is raised to its inner neighbour where it would cross it, one below is
    lowered: the median is untouched, and no interval becomes narrower than its offsets make it.

    Shapes: quantiles (..., horizon, targets, levels); offsets (horizon, targets, levels).
    Returns: as quantiles, of their dtype; the input is not modified.
    """
    level = check_rising(levels)
    quantiles = np.asarray(quantiles)
    moved = quantiles + np.asarray(offsets).astype(quantiles.dtype)
    middle = int(np.argmin(np.abs(level - 0.5)))
    moved[..., middle:] = np.maximum.accumulate(moved[..., middle:], -1)
    moved[..., : middle + 1] = np.minimum.accumulate(moved[..., middle::-1], -1)[..., ::-1]
    return moved


def pairs(level: Array) -> list[tuple[int | None, int | None]]:
    """Places of (lower, upper) quantile of each interval; one of them None for a level without a partner."""
    found: list[tuple[int | None, int | None]] = []
    for place, q in enumerate(level):
        partner = next((k for k, other in enumerate(level) if abs(other - (1 - q)) < 1e-6), None)
        if abs(q - 0.5) < 1e-6:
            continue
        if q < 0.5:
            found.append((place, partner))
        elif partner is None:
            found.append((None, place))
    return found


def smallest(misses: Array, share: float) -> Array:
    """The ceil((n + 1) share)-th smallest of the n known misses in each cell: (horizon, targets)."""
    known = np.isfinite(misses).sum(0)
    ordered = np.sort(misses, axis=0)  # NaN last
    rank = np.ceil((known + 1) * share - 1e-9).astype(
        np.int64
    )  # 11 * 0.8 is 8.8, but 10 * 0.8 may be 8.000000001
    place = np.clip(np.minimum(rank, known) - 1, 0, None)
    return np.where(known > 0, np.take_along_axis(ordered, place[None], 0)[0], 0.0)


def check_rising(levels: Sequence[float]) -> Array:
    """Levels between 0 and 1, each above the one before."""
    level = check_levels(levels)
    if not (np.diff(level) > 0).all():
        raise ArgumentError(explain("levels", "rising levels", level.tolist(), "Sort them, each once."))
    return level
