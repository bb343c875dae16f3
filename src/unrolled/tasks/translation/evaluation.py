"""What is known of a translator beside the plain ways: scores, the verdict, the worst lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.metrics import judge, translation
from unrolled.tasks.evaluation import Detail, MetricEvaluation, MetricScore, shown

METRICS = ("BLEU", "chrF", "exact", "token errors")
WORST = 10  # lines that are kept to be read
PRINTED = 3  # of them
LENGTHS = (0, 8, 12, 16, 24)  # source tokens from which a bin of the table by length begins

Split = Callable[[str], list[str]]


@dataclass(frozen=True)
class TranslationEvaluation(MetricEvaluation):
    """Scores on the same lines: BLEU and chrF in 0..100; the verdict goes by the chrF of a line.

    `by_length`: source tokens, lines, BLEU of the model. `worst`: lines far off that the model was surest of.

    Shapes: losses, by name 1 - chrF / 100 of each line, (lines,).
    """

    by_length: tuple[tuple[str, int, float], ...]
    worst: tuple[dict[str, Any], ...]

    def details(self) -> list[Detail]:
        """BLEU by the length of the source, and the worst lines."""
        lengths = tuple((told, f"{lines:,}", shown("BLEU", bleu)) for told, lines, bleu in self.by_length)
        worst = tuple((row["source"], row["truth"], row["written"]) for row in self.worst[:PRINTED])
        found = [Detail("By source tokens", ("", "lines", "BLEU"), lengths)]
        return [*found, Detail("Sure and far off", ("source", "true", "written"), worst)] if worst else found

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        by_length = [
            {"source tokens": told, "lines": lines, "BLEU": bleu} for told, lines, bleu in self.by_length
        ]
        return super().to_dict() | {"by_length": by_length, "worst": list(self.worst)}


def evaluate_lines(
    source: Sequence[str],
    truth: Sequence[str],
    written: Mapping[str, Sequence[str]],
    split_source: Split,
    split_target: Split,
    confidence: Sequence[float],
    notes: Sequence[str] = (),
) -> TranslationEvaluation:
    """Score what the model (first of `written`) and the plain ways wrote.

    `confidence` is the model's log-probability a token of each line: the worst lines are those it was surest
    of among its wrong ones.
    """
    own, *others = written
    losses = {name: 1.0 - translation.line_chrf(truth, lines) / 100.0 for name, lines in written.items()}
    scores = tuple(MetricScore(name, _metrics(truth, lines, split_target)) for name, lines in written.items())
    signature = translation.corpus_scores(truth, written[own])[0].signature
    return TranslationEvaluation(
        title=f"{len(truth):,} lines",
        scores=scores,
        verdict=judge(losses[own], {name: losses[name] for name in others}, block=1),
        notes=(*notes, f"BLEU by sacrebleu, {signature}"),
        losses=losses,
        by_length=_by_length(source, truth, written[own], split_source),
        worst=_worst(source, truth, written[own], losses[own], np.asarray(confidence)),
    )


def _metrics(truth: Sequence[str], written: Sequence[str], split: Split) -> dict[str, float]:
    bleu, chrf = translation.corpus_scores(truth, written)
    errors = translation.token_error_rate([split(t) for t in truth], [split(t) for t in written])
    figures = (bleu.value, chrf.value, translation.exact_match(truth, written), errors)
    return dict(zip(METRICS, figures, strict=True))


def _by_length(
    source: Sequence[str], truth: Sequence[str], written: Sequence[str], split: Split
) -> tuple[tuple[str, int, float], ...]:
    rows = []
    counts = np.array([len(split(text)) for text in source])
    for low, high in zip(LENGTHS, (*LENGTHS[1:], np.inf), strict=True):
        places = np.flatnonzero((counts >= low) & (counts < high)).tolist()
        if places:
            bleu = translation.corpus_scores([truth[p] for p in places], [written[p] for p in places])[0]
            told = f"{low} or more" if np.isinf(high) else f"{low} to {int(high) - 1}"
            rows.append((told, len(places), bleu.value))
    return tuple(rows)


def _worst(
    source: Sequence[str],
    truth: Sequence[str],
    written: Sequence[str],
    losses: np.ndarray,
    confidence: np.ndarray,
) -> tuple[dict[str, Any], ...]:
    wrong = np.flatnonzero(losses > np.quantile(losses, 0.75))
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:WORST]
    return tuple(
        {
            "source": source[p],
            "truth": truth[p],
            "written": written[p],
            "chrF": round(100 * (1 - losses[p]), 1),
        }
        for p in surest.tolist()
    )
