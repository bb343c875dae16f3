"""What is known of a tagger beside the plain baseline, with the sentences worth reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unrolled.metrics import judge
from unrolled.metrics.spans import score_spans, span_errors, tag_errors
from unrolled.preprocess import spans_of
from unrolled.tasks.evaluation import Detail, MetricScore, shown
from unrolled.tasks.sequence.evaluation import SequenceEvaluation
from unrolled.tasks.text.evaluation import PRINTED, shortened

MISTAKES = 10  # sentences that an evaluation keeps
Tags = list[list[str]]


@dataclass(frozen=True)
class TagMistake:
    """A sentence with the most errors: what was missed or made up, as "text (kind)"."""

    words: tuple[str, ...]
    missed: tuple[str, ...]
    made_up: tuple[str, ...]


@dataclass(frozen=True)
class TagEvaluation(SequenceEvaluation):
    """Scores, verdict, the score of each type of span, and the sentences with most errors."""

    by_kind: tuple[MetricScore, ...] = ()
    mistakes: tuple[TagMistake, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        kinds = [{"name": score.name} | score.metrics for score in self.by_kind]
        return super().to_dict() | {"by kind": kinds, "mistakes": [vars(m) for m in self.mistakes]}

    def details(self) -> list[Detail]:
        """The score of each type, and the sentences with most errors."""
        columns = ("", "F1", "precision", "recall", "spans")
        kinds = tuple(
            (kind.name, *(shown(name, kind.metrics[name]) for name in columns[1:])) for kind in self.by_kind
        )
        worst = tuple(
            (", ".join(m.missed), ", ".join(m.made_up), shortened(" ".join(m.words)))
            for m in self.mistakes[:PRINTED]
        )
        found = [Detail("By type", columns, kinds)] if kinds else []
        return [*found, Detail("Most errors", ("missed", "made up", "sentence"), worst)] if worst else found


def evaluate_tags(
    answers: dict[str, Tags],
    truth: Tags,
    sentences: Sequence[Sequence[str]],
    spans: bool,
    notes: Sequence[str],
) -> TagEvaluation:
    """Scores of the model (first) and its baseline; the verdict goes by the errors of each sentence."""
    errors = span_errors if spans else tag_errors
    losses = {name: errors(truth, found) for name, found in answers.items()}
    own, *others = answers
    by_kind = score_spans(truth, answers[own])[1] if spans else {}
    words = sum(map(len, truth))
    counted = "spans missed or made up" if spans else "wrong tags"
    return TagEvaluation(
        title=f"{words:,} words of {len(truth):,} sentence{'s' if len(truth) > 1 else ''}",
        scores=tuple(MetricScore(name, metrics_of(truth, found, spans)) for name, found in answers.items()),
        verdict=judge(losses[own], {name: losses[name] for name in others}, block=1),
        sequences=len(truth),
        notes=(*notes, f"The verdict goes by {counted}, a sentence."),
        losses=losses,
        by_kind=tuple(
            MetricScore(kind, {"F1": s.f1, "precision": s.precision, "recall": s.recall, "spans": s.truth})
            for kind, s in by_kind.items()
        ),
        mistakes=worst(truth, answers[own], sentences, spans),
    )


def metrics_of(truth: Tags, found: Tags, spans: bool) -> dict[str, float]:
    """Span F1, precision, recall, and the share of right tags; of plain tags the last alone."""
    pairs = [pair for both in zip(truth, found, strict=True) for pair in zip(*both, strict=True)]
    right = sum(a == b for a, b in pairs) / max(1, len(pairs))
    if not spans:
        return {"accuracy": right}
    score, _ = score_spans(truth, found)
    return {"F1": score.f1, "precision": score.precision, "recall": score.recall, "accuracy": right}


def worst(
    truth: Tags, found: Tags, sentences: Sequence[Sequence[str]], spans: bool
) -> tuple[TagMistake, ...]:
    """The sentences with most errors, the first of equals first."""
    read = _spans if spans else _words
    told = []
    for words, true, answered in zip(sentences, truth, found, strict=True):
        want, got = read(words, true), read(words, answered)
        told.append(TagMistake(tuple(words), tuple(sorted(want - got)), tuple(sorted(got - want))))
    wrong = [mistake for mistake in told if mistake.missed or mistake.made_up]
    return tuple(sorted(wrong, key=lambda m: -len(m.missed) - len(m.made_up))[:MISTAKES])


def _spans(words: Sequence[str], tags: Sequence[str]) -> set[str]:
    return {f"{' '.join(words[span.start : span.stop])} ({span.kind})" for span in spans_of(tags)}


def _words(words: Sequence[str], tags: Sequence[str]) -> set[str]:
    return {f"{word} ({tag})" for word, tag in zip(words, tags, strict=True)}
