"""What a sequence task answers: one of some classes, or a number. What differs between the two is here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from unrolled.arguments import number
from unrolled.baselines import plain_classifiers, plain_regressions
from unrolled.errors import ArgumentError, DataError, ModelFileError, explain, nearest
from unrolled.format import field
from unrolled.metrics import classification, regression
from unrolled.models import SequenceShape
from unrolled.preprocess import StandardScaler

Buffers = dict[str, np.ndarray]


@dataclass(frozen=True)
class Classes:
    """Classes in sorted order: text, whole numbers or floats. A label's code is its place.

    Example:
        >>> classes = Classes.fit(np.array(["up", "down", "up"], object), "y")
        >>> classes.encode(np.array(["up"], object), "y").tolist(), classes.decode([0]).tolist()
        ([1], ['down'])
    """

    values: tuple[Any, ...]

    task: ClassVar[str] = "classify"
    missing: ClassVar[int] = -1

    @classmethod
    def fit(cls, labels: np.ndarray, name: str) -> "Classes":
        """The classes of some labels. Raises: DataError if they are one class, or measured numbers."""
        found = tuple(np.unique(labels).tolist())
        fractions = [value for value in found if isinstance(value, float) and value % 1]
        if fractions:
            cure = "Numbers to predict? Use SequenceRegressor (regress on the command line)."
            raise DataError(explain(name, "classes: text or whole numbers", repr(fractions[0]), cure))
        if len(found) < 2:
            cure = "Add sequences of another class: one alone cannot be told from anything."
            raise DataError(explain(name, "two classes or more", f"only {found[0]!r}", cure))
        return cls(found)

    @property
    def array(self) -> np.ndarray:
        """The classes as an array (classes,) of their own type."""
        return np.array(self.values)

    def encode(self, labels: np.ndarray, name: str) -> np.ndarray:
        """Codes int64 (n,). Raises: DataError naming a label that training has not seen."""
        codes = {value: code for code, value in enumerate(self.values)}
        found, places = np.unique(labels, return_inverse=True)
        for label in found.tolist():
            if label not in codes:
                known = ", ".join(repr(value) for value in self.values[:12])
                known += ", ..." if len(self.values) > 12 else ""
                cure = nearest(str(label), [str(value) for value in self.values])
                cure = cure or "Train with sequences of this class, or leave it out."
                raise DataError(explain(name, f"a class of the training data ({known})", repr(label), cure))
        return np.array([codes[label] for label in found.tolist()], np.int64)[places]

    def decode(self, codes: Any) -> np.ndarray:
        """The labels of some codes, in their own type."""
        return self.array[np.asarray(codes)]

    def shape(self, features: int, masked: bool) -> SequenceShape:
        """The shape of a network that answers so."""
        return SequenceShape(features=features, classes=len(self.values), masked=masked)

    def buffers(self, train: np.ndarray, class_weight: Any = None) -> Buffers:
        """The class weights. "balanced": each class counts alike; a mapping: as it says, and else 1.

        Shapes: train, codes (n,).
        Raises: ArgumentError for a weight of no class, or below 0.
        """
        weights = np.ones(len(self.values), np.float32)
        if class_weight is None:
            return {"class_weights": weights}
        if isinstance(class_weight, Mapping):
            for label, weight in class_weight.items():
                if label not in self.values:
                    cure = nearest(str(label), [str(value) for value in self.values]) or "Leave it out."
                    known = ", ".join(repr(value) for value in self.values[:12])
                    raise ArgumentError(explain("class_weight", f"only {known}", repr(label), cure))
                cure = "1 is the usual weight."
                weights[self.values.index(label)] = number(f"class_weight[{label!r}]", weight, 0.0, cure=cure)
        elif class_weight == "balanced":
            counts = np.bincount(train, minlength=len(weights))
            weights[counts > 0] = len(train) / (np.count_nonzero(counts) * counts[counts > 0])
        else:
            cure = "Leave it out for equal weights."
            raise ArgumentError(explain("class_weight", "'balanced' or a mapping", repr(class_weight), cure))
        return {"class_weights": weights}

    def tensor(self, codes: np.ndarray) -> torch.Tensor:
        """Labels as a network's loss takes them: int64, -1 = none."""
        return torch.from_numpy(np.asarray(codes, np.int64))

    def outputs(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities, float64 (n, classes), from scores."""
        scores = np.asarray(scores, np.float64)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def points(self, outputs: np.ndarray) -> np.ndarray:
        """The likeliest class of each answer, as a label."""
        return self.decode(outputs.argmax(axis=-1))

    def losses(self, truth: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """The log loss of each answer, (n,)."""
        return classification.log_losses(truth, outputs)

    def metrics(self, truth: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """The scores of some answers."""
        predicted = outputs.argmax(axis=-1)
        return {
            "accuracy": classification.accuracy(truth, predicted),
            "macro-F1": classification.macro_f1(truth, predicted),
            "log loss": classification.log_loss(truth, outputs),
        }

    def confusion(self, truth: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """How often each class (row) was taken for each (column)."""
        return classification.confusion_matrix(truth, outputs.argmax(axis=-1), len(self.values))

    def plain(self, x: list, y: np.ndarray, validation_x: list, validation_y: np.ndarray) -> list[Any]:
        """The plain baselines, fitted; one that needs two classes is left out where there is one."""
        chosen = plain_classifiers()
        if len(np.unique(y)) < 2:
            chosen = chosen[:1]
        return [b.fit(x, y, validation_x, validation_y, len(self.values)) for b in chosen]

    def told(self, labels: np.ndarray) -> str:
        """How many labels each class has, in a line."""
        counts = np.bincount(labels, minlength=len(self.values))
        listed = [f"{value} {count:,}" for value, count in zip(self.values, counts, strict=True)]
        return f"{len(listed)} classes: {', '.join(listed[:12])}" + (", ..." if len(listed) > 12 else "")

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {"classes": list(self.values)}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "Classes":
        """From JSON. Raises: ModelFileError."""
        values = field(card, "classes", list, "card.answers")
        kinds = {type(value) for value in values}
        if (
            len(values) < 2
            or len(kinds) != 1
            or not kinds <= {str, int, float}
            or len(set(values)) < len(values)
        ):
            cure = "Take another copy of the file."
            expected = "two different texts, whole numbers or numbers, or more"
            raise ModelFileError(explain("card.answers.classes", expected, repr(values)[:60], cure))
        return cls(tuple(values))


@dataclass(frozen=True)
class Numbers:
    """One number, in the unit of the labels."""

    task: ClassVar[str] = "regress"
    missing: ClassVar[float] = math.nan

    @classmethod
    def fit(cls, labels: np.ndarray, name: str) -> "Numbers":
        """Check that the labels are numbers, and not all the same. Raises: DataError."""
        numbers = cls().encode(labels, name)
        if len(numbers) and numbers.min() == numbers.max():
            cure = "A constant needs no model. Is it the right column?"
            raise DataError(explain(name, "numbers that differ", f"only {numbers[0]:g}", cure))
        return cls()

    def encode(self, labels: np.ndarray, name: str) -> np.ndarray:
        """Numbers float64 (n,). Raises: DataError for text."""
        if labels.dtype == object:
            cure = "Classes? Use SequenceClassifier (classify on the command line)."
            raise DataError(explain(name, "numbers", repr(labels[0]), cure))
        return labels.astype(np.float64)

    def shape(self, features: int, masked: bool) -> SequenceShape:
        """The shape of a network that answers so."""
        return SequenceShape(features=features, targets=1, masked=masked)

    def buffers(self, train: np.ndarray, class_weight: Any = None) -> Buffers:
        """Mean and scale of the training labels (n,)."""
        scaler = StandardScaler.fit(train[:, None])
        return {"target_mean": scaler.mean[0], "target_scale": scaler.scale[0]}

    def tensor(self, numbers: np.ndarray) -> torch.Tensor:
        """Labels as a network's loss takes them: float32 (..., 1), NaN = none."""
        return torch.from_numpy(np.asarray(numbers, np.float32)[..., None])

    def outputs(self, scores: np.ndarray) -> np.ndarray:
        """Numbers, float64 (n,), from scores (n, 1)."""
        return np.asarray(scores, np.float64)[:, 0]

    def points(self, outputs: np.ndarray) -> np.ndarray:
        """The numbers themselves."""
        return outputs

    def losses(self, truth: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """The squared error of each answer, (n,)."""
        return (outputs - truth) ** 2

    def metrics(self, truth: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """The scores of some answers."""
        return {
            "MAE": regression.mae(truth, outputs),
            "RMSE": regression.rmse(truth, outputs),
            "R2": regression.r2(truth, outputs),
        }

    def confusion(self, truth: np.ndarray, outputs: np.ndarray) -> None:
        """None: numbers are not confused."""

    def plain(self, x: list, y: np.ndarray, validation_x: list, validation_y: np.ndarray) -> list[Any]:
        """The plain baselines, fitted."""
        return [baseline.fit(x, y, validation_x, validation_y) for baseline in plain_regressions()]

    def told(self, labels: np.ndarray) -> str:
        """The labels in a line."""
        return f"numbers from {labels.min():.4g} to {labels.max():.4g}, mean {labels.mean():.4g}"

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "Numbers":
        """From JSON."""
        return cls()


Answers = Classes | Numbers
