"""The plain baselines of a sequence task: linear in statistics of a sequence, small enough for its file.

So that a model that comes out of a file is judged beside the same baselines as on the day it was trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.baselines import LogisticStatistics, MajorityClass, MeanValue, RidgeStatistics, statistics
from unrolled.data import SequenceSet
from unrolled.format import array
from unrolled.tasks.sequence.answers import Answers
from unrolled.tasks.sequence.run import answers_of

MOST = 20_000  # answers that are looked at; beyond it evenly spaced
WINDOW = 32  # steps whose statistics a baseline reads where each step is answered
PARTS = ("mean", "scale", "weight", "bias")


@dataclass(frozen=True)
class PlainModel:
    """A fitted baseline: scores = weight @ ((statistics - mean) / scale) + bias, a missing one as the mean.

    Shapes: mean, scale (statistics,); weight (scores, statistics); bias (scores,); float64. A scale is
    infinite where a statistic says nothing, a bias -infinity where a class is never answered.
    """

    name: str
    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, fitted: Any, scores: int, width: int) -> "PlainModel":
        """A fitted baseline of `scores` answers and `width` statistics in this form."""
        if isinstance(fitted, LogisticStatistics):
            seen, coefficients, intercept = fitted.model.classes_, fitted.model.coef_, fitted.model.intercept_
            if len(seen) == 2:  # one row of weights for the second class; the first has score 0
                coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
                intercept = np.append(0.0, intercept)
            weight, bias = np.zeros((scores, width)), np.full(scores, -np.inf)
            weight[seen], bias[seen] = coefficients, intercept
            return cls(fitted.name, *fitted.standard, weight, bias)
        if isinstance(fitted, RidgeStatistics):
            weight, bias = fitted.model.coef_.reshape(scores, width), np.ravel(fitted.model.intercept_)
            return cls(fitted.name, *fitted.standard, weight, bias)
        if not isinstance(fitted, MajorityClass | MeanValue):
            raise TypeError(f"{type(fitted).__name__} has no linear form")
        bias = np.log(fitted.shares) if isinstance(fitted, MajorityClass) else fitted.mean
        return cls(fitted.name, np.zeros(width), np.ones(width), np.zeros((scores, width)), np.ravel(bias))

    def scores(self, numbers: np.ndarray) -> np.ndarray:
        """The scores (n, scores) of statistics (n, statistics)."""
        standard = np.nan_to_num((numbers - self.mean) / self.scale)
        return standard @ self.weight.T + self.bias

    def arrays(self, place: int) -> dict[str, np.ndarray]:
        """As arrays of a model file."""
        return {f"plain.{place}.{part}": np.asarray(getattr(self, part), np.float64) for part in PARTS}

    @classmethod
    def from_arrays(
        cls, name: str, tensors: Mapping[str, np.ndarray], place: int, scores: int, width: int
    ) -> "PlainModel":
        """From a model file. Raises: ModelFileError naming the array."""
        shapes = ((width,), (width,), (scores, width), (scores,))
        return cls(
            name,
            *(
                array(tensors, f"plain.{place}.{part}", "float64", shape)
                for part, shape in zip(PARTS, shapes, strict=True)
            ),
        )


def fit_plain(
    answers: Answers, data: SequenceSet, train: np.ndarray, validation: np.ndarray, both_ways: bool
) -> tuple[PlainModel, ...]:
    """The baselines, fitted on the training sequences, their penalties chosen on the validation sequences."""
    assert data.labels is not None
    x: list[list[np.ndarray]] = []
    y: list[np.ndarray] = []
    for part in (train, validation):
        places = thinned(answers_of(data, part)[0])
        x.append(windows(data, places, both_ways))
        y.append(data.labels[places])
    width = statistics(x[0][:1]).shape[1]
    shape = answers.shape(1, False)
    fitted = answers.plain(x[0], y[0], x[1], y[1])
    return tuple(PlainModel.of(baseline, shape.classes or shape.targets, width) for baseline in fitted)


def thinned(places: np.ndarray) -> np.ndarray:
    """At most `MOST` of the places, evenly spaced."""
    if len(places) <= MOST:
        return places
    return places[np.linspace(0, len(places) - 1, MOST).round().astype(np.int64)]


def windows(data: SequenceSet, places: np.ndarray, both_ways: bool) -> list[np.ndarray]:
    """What a baseline sees of each answer: the sequence; of a step the last `WINDOW` steps up to it.

    `both_ways`: as many steps after it too, as a bidirectional model sees them.
    """
    if not data.every_step:
        return [data.values[data.offsets[i] : data.offsets[i + 1]] for i in places]
    owner = np.searchsorted(data.offsets, places, "right") - 1
    first = np.maximum(data.offsets[owner], places - WINDOW + 1)
    last = np.minimum(data.offsets[owner + 1], places + (WINDOW if both_ways else 1))
    return [data.values[start:stop] for start, stop in zip(first, last, strict=True)]
