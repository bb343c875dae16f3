"""What is known of a forecaster beside the plain baselines: scores, intervals, and the verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import Verdict
from unrolled.tasks.evaluation import aligned


@dataclass(frozen=True)
class Score:
    """One row of the table; `mae` and `mse` in training standard deviations, `raw_mae` in the target's unit.

    `coverage` and `interval_score` belong to the widest interval of the quantiles, meant to cover `level`;
    they are None where the quantiles hold no interval.
    """

    name: str
    mae: float
    mse: float
    mase: float
    coverage: float | None
    interval_score: float | None
    raw_mae: dict[str, float]
    coverage_by_target: dict[str, float]


@dataclass(frozen=True)
class Losses:
    """The scaled squared error of each window, (windows,), by name; the row and the series of each window."""

    by_name: dict[str, np.ndarray]
    rows: np.ndarray
    series: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model (first) and its baselines on the same windows, and the verdict on squared errors."""

    title: str
    scores: tuple[Score, ...]
    verdict: Verdict
    level: float | None
    windows: int
    notes: tuple[str, ...]
    losses: Losses

    @property
    def model(self) -> Score:
        """The model's own scores."""
        return self.scores[0]

    def score(self, name: str) -> Score:
        """The scores of a baseline by its name."""
        return next(score for score in self.scores if score.name == name)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The table as text: column names and rows."""
        targets = list(self.model.raw_mae)
        unit = f"MAE ({targets[0]})" if len(targets) == 1 else None
        columns = ["", *([unit] if unit else []), "MAE (scaled)", "MSE (scaled)", "MASE"]
        columns += [] if self.level is None else [f"{self.level:.0%} covers", "interval score"]
        return columns, [self._row(score, targets, unit is not None) for score in self.scores]

    def _row(self, score: Score, targets: list[str], raw: bool) -> list[str]:
        cells = [score.name, *([f"{score.raw_mae[targets[0]]:.4g}"] if raw else [])]
        cells += [f"{score.mae:.4f}", f"{score.mse:.4f}", f"{score.mase:.3f}"]
        if self.level is not None:
            covered = score.coverage is not None and score.interval_score is not None
            cells += [f"{score.coverage:.1%}", f"{score.interval_score:.4f}"] if covered else ["", ""]
        return cells

    def __str__(self) -> str:
        lines = [self.title, *aligned(*self.table()), *self.notes, f"Verdict: {self.verdict.text}"]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "windows": self.windows,
            "level": self.level,
            "scores": [score.__dict__ for score in self.scores],
            "verdict": self.verdict.card(),
            "notes": list(self.notes),
        }
