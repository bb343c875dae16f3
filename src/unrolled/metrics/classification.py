"""Scores of classes: integers from 0, as the task's label vocabulary numbers them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled import arguments
from unrolled.errors import ArgumentError, ShapeError, explain

Labels = NDArray[np.int64]


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The share of right answers.

    Shapes: truth and predicted (n,), integers.

    Example:
        >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
        0.75
    """
    truth, predicted = labels(truth, predicted)
    return float((truth == predicted).mean())


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int | None = None) -> NDArray[np.int64]:
    """How often each class (row) was taken for each (column): (classes, classes).

    Example:
        >>> confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
        [[1, 0], [1, 1]]
    """
    truth, predicted = labels(truth, predicted)
    least = int(max(truth.max(), predicted.max())) + 1
    cure = "Count every class of the truth and of the answers."
    count = least if classes is None else arguments.integer("classes", classes, least, cure)
    return np.bincount(truth * count + predicted, minlength=count**2).reshape(count, count).astype(np.int64)


def f1_per_class(truth: ArrayLike, predicted: ArrayLike, classes: int | None = None) -> NDArray[np.float64]:
    """2 TP / (2 TP + FP + FN) of each class; NaN for a class that is neither in the truth nor answered."""
    matrix = confusion_matrix(truth, predicted, classes)
    either = matrix.sum(0) + matrix.sum(1)
    return np.where(either > 0, 2 * np.diag(matrix) / np.maximum(either, 1), np.nan)


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The mean F1 over the classes in the truth or the answers: each class counts alike, however rare."""
    return float(np.nanmean(f1_per_class(truth, predicted)))


def log_loss(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean of -log p(true class), in nats.

    Shapes: truth (n,); probabilities (n, classes), rows sum to 1.
    """
    return float(log_losses(truth, probabilities).mean())


def log_losses(truth: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """-log p(true class) of each sequence, (n,). A probability of 0 counts as float32's smallest step,
    1.2e-7.

    Raises: ShapeError, ArgumentError.

    Example:
        >>> log_losses([1], [[0.5, 0.5]]).round(4).tolist()
        [0.6931]
    """
    p = np.asarray(probabilities, np.float64)
    truth, _ = labels(truth, truth)
    if p.ndim != 2 or len(p) != truth.size or truth.max() >= p.shape[1]:
        expected = f"({truth.size}, at least {truth.max() + 1})"
        raise ShapeError(explain("probabilities", expected, p.shape, "Give a column for each class."))
    total = p.sum(1)
    if not np.allclose(total, 1, atol=1e-3):
        worst = float(total[np.argmax(np.abs(np.nan_to_num(total, nan=np.inf) - 1))])
        raise ArgumentError(
            explain("probabilities", "rows that sum to 1", worst, "Pass them through a softmax.")
        )
    return -np.log(np.clip(p[np.arange(truth.size), truth], np.finfo(np.float32).eps, 1.0))


def labels(truth: ArrayLike, predicted: ArrayLike) -> tuple[Labels, Labels]:
    """Both as int64 (n,), n >= 1, none below 0."""
    pair = []
    for name, values in (("truth", truth), ("predicted", predicted)):
        array = np.asarray(values)
        if array.ndim != 1 or array.size == 0:
            raise ShapeError(explain(name, "(n,), n >= 1", array.shape, "Give one class for each sequence."))
        if array.dtype.kind not in "iu" or array.min() < 0:
            got = array.dtype if array.dtype.kind not in "iu" else int(array.min())
            raise ArgumentError(explain(name, "integers >= 0", got, "Number the classes from 0."))
        pair.append(array.astype(np.int64))
    if pair[0].shape != pair[1].shape:
        cure = "Answer once for each truth."
        raise ShapeError(explain("predicted", f"{pair[0].shape}", pair[1].shape, cure))
    return pair[0], pair[1]
