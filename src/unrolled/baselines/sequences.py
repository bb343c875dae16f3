"""The plain answers to "which class?" and "how much?" for whole sequences.

A sequence is an array (time, feature), NaN = missing; sequences may differ in length.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled import arguments
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.metrics import classification

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Sequences = Iterable[NDArray[np.floating]]

STATISTICS = ("mean", "deviation", "smallest", "largest", "first", "last", "slope")
PENALTIES = tuple(10.0**k for k in range(-4, 4))
ROUNDS = 500  # of the solver; enough for standardised inputs


class ClassBaseline(Protocol):
    """A plain classifier. `fit` chooses by the validation sequences; `probabilities` gives (n, classes)."""

    name: str

    def fit(
        self, x: Sequences, y: Labels, validation_x: Sequences, validation_y: Labels, classes: int
    ) -> Any:
        """Learn; returns itself."""

    def probabilities(self, x: Sequences) -> Array:
        """Of each class, rows sum to 1."""


class ValueBaseline(Protocol):
    """A plain regression. `fit` chooses by the validation sequences; `predict` gives (n, targets)."""

    name: str

    def fit(self, x: Sequences, y: Array, validation_x: Sequences, validation_y: Array) -> Any:
        """Learn; returns itself."""

    def predict(self, x: Sequences) -> Array:
        """Of each sequence."""


def unpadded(x: NDArray[np.floating], lengths: ArrayLike | None = None) -> list[NDArray[np.floating]]:
    """The sequences of a right-padded batch, (batch, time, feature), each cut to its length."""
    x = np.asarray(x)
    if x.ndim != 3:
        raise ShapeError(explain("x", "(batch, time, feature)", x.shape, "One sequence? Pass x[None]."))
    count = np.full(len(x), x.shape[1]) if lengths is None else np.asarray(lengths, np.int64)
    if count.shape != (len(x),):
        raise ShapeError(explain("lengths", f"({len(x)},)", count.shape, "Give the length of each sequence."))
    return [row[:length] for row, length in zip(x, count, strict=True)]


def statistics(x: Sequences) -> Array:
    """Seven numbers of each feature, in the order of `STATISTICS`, and the length: (n, 7 * features + 1).

    The slope is of the least-squares line over the known values, per step. A feature without a known value
    has NaN.

    Example:
        >>> statistics([np.array([[1.0], [2.0], [3.0]])]).round(4).tolist()
        [[2.0, 0.8165, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0]]
    """
    rows = [row_statistics(np.asarray(sequence, np.float64)) for sequence in x]
    if not rows or len({row.size for row in rows}) != 1:
        features = sorted({(row.size - 1) // len(STATISTICS) for row in rows})
        got = f"{features} features" if rows else "no sequence"
        cure = "Use the same columns in each."
        raise ShapeError(explain("x", "sequences of the same features", got, cure))
    return np.stack(rows)


def row_statistics(sequence: Array) -> Array:
    """The statistics of one sequence, (time, feature)."""
    if sequence.ndim != 2:
        raise ShapeError(
            explain("x", "(time, feature) each", sequence.shape, "One feature? Pass x[:, None].")
        )
    length, features = sequence.shape
    known = np.isfinite(sequence)
    count = known.sum(0)
    if not count.all():  # an all-missing feature has no statistics, and takes the training mean later
        found = np.full((len(STATISTICS), features), np.nan)
        if count.any():
            found[:, count > 0] = column_statistics(sequence[:, count > 0], known[:, count > 0])
    else:
        found = column_statistics(sequence, known)
    return np.append(found.T.ravel(), length)


def column_statistics(values: Array, known: NDArray[np.bool_]) -> Array:
    """The statistics of columns that all have a known value, (7, columns)."""
    count, step = known.sum(0), np.arange(len(values))[:, None]
    filled = np.where(known, values, 0.0)
    mean = filled.sum(0) / count
    away = np.where(known, values - mean, 0.0)
    time = np.where(known, step - (known * step).sum(0) / count, 0.0)
    first, last = known.argmax(0), len(values) - 1 - known[::-1].argmax(0)
    column = np.arange(values.shape[1])
    return np.stack([
        mean,
        np.sqrt((away**2).sum(0) / count),
        np.where(known, values, np.inf).min(0),
        np.where(known, values, -np.inf).max(0),
        values[first, column],
        values[last, column],
        (away * time).sum(0) / np.maximum((time**2).sum(0), 1e-12),
    ])  # fmt: skip


class Standardised(NamedTuple):
    """Mean and scale of each statistic over the training sequences."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, numbers: Array) -> "Standardised":
        """NaN does not count; a statistic that is all one value, or never known, becomes 0."""
        count = np.maximum(np.isfinite(numbers).sum(0), 1)
        mean = np.nansum(numbers, 0) / count
        spread = np.sqrt(np.nansum((numbers - mean) ** 2, 0) / count)
        return cls(mean, np.where(spread > 1e-9 * np.maximum(np.abs(mean), 1e-30), spread, np.inf))

    def apply(self, numbers: Array) -> Array:
        """Standardised; what is missing counts as the mean."""
        return np.nan_to_num((numbers - self.mean) / self.scale)


class MajorityClass:
    """Answers the commonest class of the training sequences, its probabilities their shares of each class."""

    name = "commonest class"

    def fit(
        self, x: Sequences, y: Labels, validation_x: Sequences, validation_y: Labels, classes: int
    ) -> Self:
        """Count the classes. One that never occurs counts one half, so that its loss is finite."""
        counts = np.bincount(check_labels(y, classes), minlength=classes).astype(np.float64)
        counts[counts == 0] = 0.5
        self.shares = counts / counts.sum()
        return self

    def probabilities(self, x: Sequences) -> Array:
        """The same for every sequence: (n, classes)."""
        return np.tile(self.shares, (sum(1 for _ in x), 1))


class LogisticStatistics:
    """Logistic regression on standardised `statistics`; its penalty has the least validation log loss."""

    name = "logistic regression on statistics"

    def fit(
        self, x: Sequences, y: Labels, validation_x: Sequences, validation_y: Labels, classes: int
    ) -> Self:
        """Try each penalty, keep the best. Classes that do not occur in y get probability 0."""
        model = arguments.part("sklearn.linear_model", "train").LogisticRegression
        y, validation_y = check_labels(y, classes), check_labels(validation_y, classes)
        if np.unique(y).size < 2:
            raise ArgumentError(explain("y", "two classes or more", "one", "Leave this baseline out."))
        self.classes = classes
        numbers = statistics(x)
        self.standard = Standardised.of(numbers)
        train, choose = self.standard.apply(numbers), self.standard.apply(statistics(validation_x))
        best = np.inf
        for penalty in PENALTIES:
            fitted = model(C=1 / (penalty * len(train)), max_iter=ROUNDS).fit(train, y)
            loss = classification.log_loss(validation_y, self.spread(fitted, choose))
            if loss < best:
                best, self.model, self.penalty = loss, fitted, penalty
        return self

    def spread(self, fitted: Any, numbers: Array) -> Array:
        """Probabilities of every class, also of those the training has not seen."""
        probabilities = np.zeros((len(numbers), self.classes))
        probabilities[:, fitted.classes_] = fitted.predict_proba(numbers)
        return probabilities

    def probabilities(self, x: Sequences) -> Array:
        """Of each class: (n, classes)."""
        return self.spread(self.model, self.standard.apply(statistics(x)))


class MeanValue:
    """Answers the mean of the training sequences."""

    name = "mean"

    def fit(self, x: Sequences, y: Array, validation_x: Sequences, validation_y: Array) -> Self:
        """Take the mean of each target; NaN does not count."""
        self.mean = np.nanmean(check_values(y), 0)
        return self

    def predict(self, x: Sequences) -> Array:
        """The same for every sequence: (n, targets)."""
        return np.tile(self.mean, (sum(1 for _ in x), 1))


class RidgeStatistics:
    """Ridge regression on standardised `statistics`; its penalty has the least squared validation error."""

    name = "ridge regression on statistics"

    def fit(self, x: Sequences, y: Array, validation_x: Sequences, validation_y: Array) -> Self:
        """Try each penalty, keep the best. Sequences with a missing target are left out."""
        model = arguments.part("sklearn.linear_model", "train").Ridge
        y, validation_y = check_values(y), check_values(validation_y)
        numbers, kept = statistics(x), np.isfinite(y).all(1)
        self.standard = Standardised.of(numbers[kept])
        train, choose = self.standard.apply(numbers[kept]), self.standard.apply(statistics(validation_x))
        scale = np.maximum(y[kept].std(0), 1e-30)  # of several targets each counts alike
        best = np.inf
        for penalty in PENALTIES:
            fitted = model(alpha=penalty * len(train)).fit(train, y[kept])
            answer = fitted.predict(choose).reshape(validation_y.shape)
            error = float(np.nanmean(((answer - validation_y) / scale) ** 2))
            if error < best:
                best, self.model, self.penalty = error, fitted, penalty
        return self

    def predict(self, x: Sequences) -> Array:
        """Of each sequence: (n, targets)."""
        numbers = self.standard.apply(statistics(x))
        return self.model.predict(numbers).reshape(len(numbers), -1)


def plain_classifiers() -> list[ClassBaseline]:
    """What a classifier is judged against."""
    return [MajorityClass(), LogisticStatistics()]


def plain_regressions() -> list[ValueBaseline]:
    """What a regression is judged against."""
    return [MeanValue(), RidgeStatistics()]


def check_labels(y: ArrayLike | Sequence[int], classes: int) -> Labels:
    """Labels as int64 (n,), 0 to classes - 1."""
    labels, _ = classification.labels(y, y)
    if labels.max() >= classes:
        expected = f"classes 0 to {classes - 1}"
        raise ArgumentError(explain("y", expected, int(labels.max()), "Count every class."))
    return labels


def check_values(y: ArrayLike) -> Array:
    """Targets as float64 (n, targets)."""
    values = np.asarray(y, np.float64)
    if values.ndim not in (1, 2) or values.size == 0:
        raise ShapeError(explain("y", "(n,) or (n, targets)", values.shape, "Give one for each sequence."))
    return values.reshape(len(values), -1)
