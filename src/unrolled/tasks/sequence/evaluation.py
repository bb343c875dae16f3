"""What is known of a sequence task beside the plain baselines: scores and the verdict."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import Verdict

SHOWN = {
    "accuracy": ".1%",
    "F1": ".1%",
    "precision": ".1%",
    "recall": ".1%",
    "macro-F1": ".3f",
    "log loss": ".4f",
    "MAE": ".4g",
    "RMSE": ".4g",
    "R2": ".3f",
}


@dataclass(frozen=True)
class SequenceScore:
    """One row of the table: a name and its metrics, in the unit of the labels."""

    name: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class SequenceEvaluation:
    """Scores of a model (first) and its baselines on the same sequences, and the verdict.

    Shapes: losses, by name the mean loss of each sequence, (sequences,); confusion (classes, classes), how
    often each true class (row) was taken for each (column), or None for numbers.
    """

    title: str
    scores: tuple[SequenceScore, ...]
    verdict: Verdict
    sequences: int
    notes: tuple[str, ...]
    losses: dict[str, np.ndarray]
    classes: tuple[Any, ...] = ()
    confusion: np.ndarray | None = None

    @property
    def model(self) -> SequenceScore:
        """The model's own scores."""
        return self.scores[0]

    def score(self, name: str) -> SequenceScore:
        """The scores of a baseline by its name."""
        return next(score for score in self.scores if score.name == name)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The table as text: column names and rows."""
        columns = list(self.model.metrics)
        rows = [
            [score.name, *(_shown(name, score.metrics[name]) for name in columns)] for score in self.scores
        ]
        return ["", *columns], rows

    def __str__(self) -> str:
        columns, rows = self.table()
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        lines = [
            "  ".join(f"{cell:{'<' if place == 0 else '>'}{widths[place]}}" for place, cell in enumerate(row))
            for row in (columns, *rows)
        ]
        return "\n".join([self.title, *lines, *self.notes, f"Verdict: {self.verdict.text}"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a metric that is not a number is None."""
        return {
            "title": self.title,
            "sequences": self.sequences,
            "scores": [
                {"name": score.name}
                | {name: value if math.isfinite(value) else None for name, value in score.metrics.items()}
                for score in self.scores
            ],
            "verdict": self.verdict.card(),
            "notes": list(self.notes),
            "classes": list(self.classes),
            "confusion": None if self.confusion is None else self.confusion.tolist(),
        }


def _shown(name: str, value: float) -> str:
    return f"{value:{SHOWN[name]}}" if math.isfinite(value) else "-"
