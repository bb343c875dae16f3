"""Scores of spans: a span counts as found where its type, its start and its end are right.

`score_spans` counts as the CoNLL shared tasks do (conlleval), which read invalid tags too; with `scheme` it
counts only spans that are written as the scheme wants them, as seqeval does in strict mode.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.errors import ShapeError, explain
from unrolled.preprocess.tag_schemes import spans_of, strict_spans

Tags = Sequence[Sequence[str]]


@dataclass(frozen=True)
class SpanScore:
    """How many spans are in the truth, were answered, and are right."""

    truth: int
    answered: int
    right: int

    @property
    def precision(self) -> float:
        """The share of the answered spans that are right; 0 where none was answered."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        """The share of the true spans that were found; 0 where there is none."""
        return self.right / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / (self.truth + self.answered) if self.right else 0.0


def score_spans(
    truth: Tags, predicted: Tags, scheme: str | None = None
) -> tuple[SpanScore, dict[str, SpanScore]]:
    """The score over all spans, and that of each type in the truth or the answers.

    Example:
        >>> score, by_kind = score_spans([["B-x", "I-x", "O", "B-y"]], [["B-x", "I-x", "B-y", "O"]])
        >>> score, round(score.f1, 2), by_kind["x"].f1
        (SpanScore(truth=2, answered=2, right=1), 0.5, 1.0)
    """
    counts = {name: Counter[str]() for name in ("truth", "answered", "right")}
    for true, answered in spans_by_sentence(truth, predicted, scheme):
        counts["truth"].update(span.kind for span in true)
        counts["answered"].update(span.kind for span in answered)
        counts["right"].update(span.kind for span in true & answered)
    kinds = sorted(counts["truth"] | counts["answered"])
    by_kind = {kind: SpanScore(*(counts[name][kind] for name in counts)) for kind in kinds}
    return SpanScore(*(counts[name].total() for name in counts)), by_kind


def span_errors(truth: Tags, predicted: Tags) -> np.ndarray:
    """How many spans of each sentence were missed or made up, float64 (sentences,)."""
    pairs = spans_by_sentence(truth, predicted)
    return np.array([len(true ^ answered) for true, answered in pairs], np.float64)


def tag_errors(truth: Tags, predicted: Tags) -> np.ndarray:
    """The share of wrong tags of each sentence, float64 (sentences,)."""
    _check(truth, predicted)
    return np.array(
        [np.mean([a != b for a, b in zip(*pair, strict=True)]) for pair in zip(truth, predicted, strict=True)]
    )


def spans_by_sentence(truth: Tags, predicted: Tags, scheme: str | None = None) -> list[tuple[set, set]]:
    """The true and the answered spans of each sentence. Raises: ShapeError where the lengths differ."""
    _check(truth, predicted)

    def read(tags: Sequence[str]) -> set:
        return set(spans_of(tags) if scheme is None else strict_spans(tags, scheme))

    return [(read(true), read(answered)) for true, answered in zip(truth, predicted, strict=True)]


def _check(truth: Tags, predicted: Tags) -> None:
    if len(truth) != len(predicted):
        cure = "Answer each sentence once."
        raise ShapeError(explain("predicted", f"{len(truth)} sentences", len(predicted), cure))
    for place, (true, answered) in enumerate(zip(truth, predicted, strict=True)):
        if len(true) != len(answered):
            cure = "Answer each word once."
            raise ShapeError(explain(f"predicted[{place}]", f"{len(true)} tags", len(answered), cure))
