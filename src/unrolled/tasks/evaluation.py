"""What is known of a model beside the plain baselines, as every task tells it: scores, notes, the verdict."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import Verdict

# How each metric is printed.
SHOWN = {
    "accuracy": ".1%",
    "F1": ".1%",
    "precision": ".1%",
    "recall": ".1%",
    "spans": ",.0f",
    "exact": ".1%",
    "token errors": ".1%",
    "macro-F1": ".3f",
    "log loss": ".4f",
    "nats": ".4f",
    "bits/char": ".4f",
    "perplexity": ".4g",
    "BLEU": ".1f",
    "chrF": ".1f",
    "MAE": ".4g",
    "RMSE": ".4g",
    "R2": ".3f",
}
Rows = list[list[str]]


@dataclass(frozen=True)
class MetricScore:
    """One row of the table: a name and its metrics."""

    name: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Detail:
    """A table below the verdict: a heading, column names, rows."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class MetricEvaluation:
    """Scores of a model (first) and its baselines on the same data, and the verdict.

    Shapes: losses, by name what the verdict goes by, (n,).
    """

    title: str
    scores: tuple[MetricScore, ...]
    verdict: Verdict
    notes: tuple[str, ...]
    losses: dict[str, np.ndarray]

    @property
    def model(self) -> MetricScore:
        """The model's own scores."""
        return self.scores[0]

    def score(self, name: str) -> MetricScore:
        """The scores of a baseline by its name."""
        return next(score for score in self.scores if score.name == name)

    def table(self) -> tuple[list[str], Rows]:
        """The table as text: column names and rows."""
        columns = list(self.model.metrics)
        rows = [
            [score.name, *(shown(name, score.metrics[name]) for name in columns)] for score in self.scores
        ]
        return ["", *columns], rows

    def details(self) -> list[Detail]:
        """What is worth reading below the verdict, such as the worst errors."""
        return []

    def __str__(self) -> str:
        lines = [self.title, *aligned(*self.table()), *self.notes, f"Verdict: {self.verdict.text}"]
        for detail in self.details():
            lines += ["", detail.heading, *aligned(list(detail.columns), [list(row) for row in detail.rows])]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a metric that is not a number is None."""
        return {
            "title": self.title,
            "scores": [
                {"name": score.name}
                | {name: value if math.isfinite(value) else None for name, value in score.metrics.items()}
                for score in self.scores
            ],
            "verdict": self.verdict.card(),
            "notes": list(self.notes),
        }


def shown(name: str, value: float) -> str:
    """A metric as the table shows it.

    Example:
        >>> shown("accuracy", 0.5), shown("MAE", float("nan"))
        ('50.0%', '-')
    """
    return f"{value:{SHOWN[name]}}" if math.isfinite(value) else "-"


def aligned(columns: list[str], rows: Rows) -> list[str]:
    """A table as lines: the first column to the left, the others to the right.

    Example:
        >>> aligned(["", "MAE"], [["ridge", "1"], ["last value", "12"]])
        ['            MAE', 'ridge         1', 'last value   12']
    """
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'<' if place == 0 else '>'}{widths[place]}}" for place, cell in enumerate(row)
        ).rstrip()
        for row in (columns, *rows)
    ]
