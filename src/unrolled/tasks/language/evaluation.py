"""What is known of a language model beside its plain baselines: scores, the verdict, the surprises."""

from dataclasses import dataclass
from typing import Any

from unrolled.tasks.evaluation import Detail, MetricEvaluation


@dataclass(frozen=True)
class Surprise:
    """A token that the model did not expect: what stood before it, what it expected, and in how many nats."""

    before: str
    token: str
    expected: str
    nats: float


@dataclass(frozen=True)
class LanguageEvaluation(MetricEvaluation):
    """Scores on some tokens, nats and perplexity those of a token, and the greatest surprises.

    Shapes: losses, by name the nats of each token, or the mean of each text, (n,).
    """

    tokens: int
    surprises: tuple[Surprise, ...] = ()

    def details(self) -> list[Detail]:
        """The tokens that were least expected, and what stood before them."""
        rows = tuple(
            (repr(s.before)[1:-1], repr(s.token), repr(s.expected), f"{s.nats:.2f}") for s in self.surprises
        )
        return [Detail("Least expected", ("before", "came", "expected", "nats"), rows)] if rows else []

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a metric that is not a number is None."""
        surprises = [vars(surprise) for surprise in self.surprises]
        return super().to_dict() | {"tokens": self.tokens, "surprises": surprises}
