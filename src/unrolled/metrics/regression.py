"""Scores of one number per sequence, such as a remaining life. A truth that is NaN does not count."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.errors import ArgumentError, ShapeError, explain

Array = NDArray[np.float64]


def mae(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error.

    Shapes: truth and predicted (n,) or (n, targets).

    Example:
        >>> mae([1.0, 2.0], [2.0, 4.0])
        1.5
    """
    return float(np.abs(errors(truth, predicted)).mean())


def mse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean squared error; shapes as `mae`."""
    return float((errors(truth, predicted) ** 2).mean())


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared error; shapes as `mae`."""
    return float(np.sqrt(mse(truth, predicted)))


def r2(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The share of the variance that is explained: 1 is perfect, 0 no better than the mean of this truth.

    Returns: NaN for a truth that is all one value.
    """
    error = errors(truth, predicted)
    known = np.asarray(truth, np.float64)
    spread = float(((known[np.isfinite(known)] - np.nanmean(known)) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread > 0 else float("nan")


def nasa_score(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The sum of exp(-d/13) - 1 for d < 0 and exp(d/10) - 1 above: a remaining life told too long costs more.

    Units: cycles.
    Source: Saxena, Goebel, Simon & Eklund 2008, "Damage propagation modeling for aircraft engine
    run-to-failure simulation".
    """
    late = errors(truth, predicted)
    return float(np.expm1(np.where(late < 0, -late / 13, late / 10)).sum())


def errors(truth: ArrayLike, predicted: ArrayLike) -> Array:
    """Predicted - truth where the truth is known, flat."""
    truth, predicted = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if predicted.shape != truth.shape:
        cure = "Predict one value for each truth."
        raise ShapeError(explain("predicted", f"{truth.shape}", predicted.shape, cure))
    known = np.isfinite(truth)
    if not known.any():
        raise ArgumentError(
            explain("truth", "at least one known value", f"{truth.size} NaN", "Score other rows.")
        )
    return predicted[known] - truth[known]
