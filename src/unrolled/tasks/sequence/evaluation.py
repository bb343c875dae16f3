"""What is known of a sequence task beside the plain baselines: scores and the verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.tasks.evaluation import MetricEvaluation


@dataclass(frozen=True)
class SequenceEvaluation(MetricEvaluation):
    """Scores on some sequences, metrics in the unit of the labels; the verdict goes by the loss of each.

    Shapes: losses, by name (sequences,); confusion (classes, classes), how often each true class (row) was
    taken for each (column), or None for numbers.
    """

    sequences: int
    classes: tuple[Any, ...] = ()
    confusion: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a metric that is not a number is None."""
        return super().to_dict() | {
            "sequences": self.sequences,
            "classes": list(self.classes),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
        }
