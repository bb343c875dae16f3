"""What is known of a language model beside its plain baselines: scores, the verdict, the surprises."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import Verdict

SHOWN = {"nats": ".4f", "perplexity": ".4g", "bits/char": ".4f", "accuracy": ".1%"}


@dataclass(frozen=True)
class LanguageScore:
    """One row of the table: a name and its metrics. Nats and perplexity are a token's."""

    name: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Surprise:
    """A token that the model did not expect: what stood before it, what it expected, and in how many nats."""

    before: str
    token: str
    expected: str
    nats: float


@dataclass(frozen=True)
class LanguageEvaluation:
    """Scores of a model (first) and its baselines on the same tokens, the verdict, the greatest surprises.

    Shapes: losses, by name the nats of each token, or the mean of each text, (n,).
    """

    title: str
    scores: tuple[LanguageScore, ...]
    verdict: Verdict
    tokens: int
    notes: tuple[str, ...]
    losses: dict[str, np.ndarray]
    surprises: tuple[Surprise, ...] = ()

    @property
    def model(self) -> LanguageScore:
        """The model's own scores."""
        return self.scores[0]

    def score(self, name: str) -> LanguageScore:
        """The scores of a baseline by its name."""
        return next(score for score in self.scores if score.name == name)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The table as text: column names and rows."""
        columns = list(self.model.metrics)
        rows = [
            [score.name, *(f"{score.metrics[name]:{SHOWN[name]}}" for name in columns)]
            for score in self.scores
        ]
        return ["", *columns], rows

    def surprise_table(self) -> tuple[list[str], list[list[str]]]:
        """The greatest surprises as text."""
        rows = [
            [repr(s.before)[1:-1], repr(s.token), repr(s.expected), f"{s.nats:.2f}"] for s in self.surprises
        ]
        return ["before", "came", "expected", "nats"], rows

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
            "tokens": self.tokens,
            "scores": [
                {"name": score.name}
                | {name: value if math.isfinite(value) else None for name, value in score.metrics.items()}
                for score in self.scores
            ],
            "verdict": self.verdict.card(),
            "notes": list(self.notes),
            "surprises": [vars(surprise) for surprise in self.surprises],
        }
