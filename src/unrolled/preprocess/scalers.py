"""Scaling of numbers: mean and standard deviation per group (a series) and column."""

import itertools
from typing import Any

import numpy as np

from unrolled.errors import ArgumentError, ModelFileError, ShapeError, explain

BLOCK = 1 << 16  # values turned into float64 at a time


class StandardScaler:
    """Scales a column to mean 0 and standard deviation 1, each group (series) by itself.

    A missing value (NaN) counts for nothing and stays NaN. A constant column has scale 1; a column
    without a single value has mean 0 and scale 1.

    Shapes: mean, scale (groups, columns), float32.

    Example:
        >>> scaler = StandardScaler.fit(np.array([[1.0], [3.0], [np.nan]]))
        >>> scaler.transform(np.array([[5.0], [np.nan]])).tolist()
        [[3.0], [nan]]
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray):
        self.mean = np.asarray(mean, np.float32)
        self.scale = np.asarray(scale, np.float32)
        if self.mean.ndim != 2 or self.mean.shape != self.scale.shape:
            shapes = f"mean {self.mean.shape} and scale {self.scale.shape}"
            raise ShapeError(explain("scaler", "mean and scale of one shape (groups, columns)", shapes, ""))
        if not (np.isfinite(self.mean).all() and np.isfinite(self.scale).all() and (self.scale > 0).all()):
            raise ArgumentError(
                explain("scaler", "finite means and scales above 0", "others", "Fit it anew.")
            )

    @classmethod
    def fit(cls, values: np.ndarray, offsets: np.ndarray | None = None) -> "StandardScaler":
        """Measure mean and scale in one pass, in float64, without a float64 copy of the data.

        Shapes: values (rows, columns); offsets (groups + 1,): group i is rows offsets[i] to offsets[i + 1].
        Raises: ShapeError if the shapes do not fit; ArgumentError if a value is infinite.
        """
        values = np.asarray(values)
        if values.ndim != 2:
            cure = "One column? Pass values[:, None]."
            raise ShapeError(explain("values", "(rows, columns)", values.shape, cure))
        bounds = _bounds(offsets, len(values))
        mean = np.zeros((len(bounds) - 1, values.shape[1]))
        scale = np.ones_like(mean)
        for group, (first, last) in enumerate(itertools.pairwise(bounds)):
            mean[group], scale[group] = _moments(values[first:last])
        return cls(mean, scale)

    def transform(self, values: np.ndarray, groups: Any = 0) -> np.ndarray:
        """Raw units to scaled, float32.

        Shapes: values (..., columns); groups an int, or ints shaped as the leading axes of `values`:
        (batch,) for values (batch, columns) or (batch, time, columns).
        """
        values = self._checked(values)
        mean, scale = self._of(groups, values.ndim)
        return (values - mean) / scale

    def inverse(self, values: np.ndarray, groups: Any = 0) -> np.ndarray:
        """Scaled to raw units, float32. Shapes as in `transform`."""
        values = self._checked(values)
        mean, scale = self._of(groups, values.ndim)
        return values * scale + mean

    def card(self) -> dict:
        """What the model file keeps: JSON, exact."""
        return {"kind": "standard", "mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_card(cls, card: dict) -> "StandardScaler":
        """The scaler that `card()` described.

        Raises: ModelFileError if it is not the card of a standard scaler.
        """
        try:
            if card["kind"] != "standard":
                raise ValueError(f"kind {card['kind']!r}")
            return cls(np.array(card["mean"], np.float32), np.array(card["scale"], np.float32))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(
                explain("scaler", "a standard scaler's card", got, "Save it anew.")
            ) from None

    def _checked(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, np.float32)
        columns = self.mean.shape[1]
        if values.ndim == 0 or values.shape[-1] != columns:
            raise ShapeError(
                explain("values", f"(..., {columns})", values.shape, "Pass the columns it was fitted on.")
            )
        return values

    def _of(self, groups: Any, ndim: int) -> tuple[np.ndarray, np.ndarray]:
        index = np.asarray(groups, np.int64)
        if index.size and not (index.min() >= 0 and index.max() < len(self.mean)):
            got = f"{index.min()} to {index.max()}"
            raise ArgumentError(
                explain("groups", f"0 to {len(self.mean) - 1}", got, "Pass groups it was fitted on.")
            )
        shape = (*index.shape, *[1] * (ndim - 1 - index.ndim), self.mean.shape[1])
        return self.mean[index].reshape(shape), self.scale[index].reshape(shape)


def _bounds(offsets: np.ndarray | None, rows: int) -> np.ndarray:
    bounds = np.array([0, rows]) if offsets is None else np.asarray(offsets, np.int64)
    if (
        bounds.ndim != 1
        or len(bounds) < 2
        or bounds[0] != 0
        or bounds[-1] != rows
        or (np.diff(bounds) < 0).any()
    ):
        cure = "Pass the first row of each group, and the number of rows at the end."
        raise ShapeError(
            explain("offsets", f"row numbers rising from 0 to {rows}", bounds.tolist()[:8], cure)
        )
    return bounds


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of each column, block by block (Chan, Golub and LeVeque 1983)."""
    columns = values.shape[1]
    count, mean, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    step = max(1, BLOCK // max(columns, 1))
    for start in range(0, len(values), step):
        block = values[start : start + step].astype(np.float64)
        if np.isinf(block).any():
            raise ArgumentError(
                explain("values", "finite numbers or NaN", "infinity", "Remove it, or make it NaN.")
            )
        here = ~np.isnan(block)
        n = here.sum(0)
        center = np.where(here, block, 0).sum(0) / np.maximum(n, 1)
        moved = np.where(here, block - center, 0)
        total = np.maximum(count + n, 1)
        delta = np.where(n > 0, center - mean, 0)
        squares += (moved**2).sum(0) + delta**2 * count * n / total
        mean += delta * n / total
        count += n
        low = np.minimum(low, np.where(here, block, np.inf).min(0))
        high = np.maximum(high, np.where(here, block, -np.inf).max(0))
    scale = np.sqrt(squares / np.maximum(count, 1))
    # By smallest and largest: rounding would leave a constant column a deviation of 1e-17, not 0.
    usable = (high > low) & (scale.astype(np.float32) >= np.finfo(np.float32).tiny)
    return mean, np.where(usable, scale, 1.0)
