"""Scores of strings that were written from other strings: translations, pronunciations, spellings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.arguments import part
from unrolled.errors import ShapeError, explain

Tokens = Sequence[str]


@dataclass(frozen=True)
class CorpusScore:
    """A score of a whole corpus, with the signature that says how it was computed."""

    name: str
    value: float
    signature: str


def corpus_scores(truth: Sequence[str], written: Sequence[str]) -> list[CorpusScore]:
    """BLEU and chrF of lines, by sacrebleu (Post 2018, arXiv:1804.08771), in 0..100.

    Raises: ShapeError for unequal numbers of lines; MissingPartError without sacrebleu.

    Example:
        >>> bleu, chrf = corpus_scores(["a cat sat on the mat"], ["a cat sat on the mat"])
        >>> round(bleu.value), round(chrf.value), bleu.signature[:8]
        (100, 100, 'nrefs:1|')
    """
    _check_pairs(truth, written)
    scores = []
    for name, metric in zip(("BLEU", "chrF"), _metrics(), strict=True):
        value = metric.corpus_score(list(written), [list(truth)]).score
        scores.append(CorpusScore(name, float(value), str(metric.get_signature())))
    return scores


def line_chrf(truth: Sequence[str], written: Sequence[str]) -> np.ndarray:
    """ChrF of each line, (lines,), in 0..100. Raises: as `corpus_scores`."""
    _check_pairs(truth, written)
    _, chrf = _metrics()
    scores = [chrf.sentence_score(ours, [right]).score for right, ours in zip(truth, written, strict=True)]
    return np.array(scores, np.float64)


def edits(truth: Sequence[Tokens], written: Sequence[Tokens]) -> np.ndarray:
    """Fewest insertions, deletions and substitutions that lead from what was written to the truth: (lines,).

    Example:
        >>> edits([["K", "AE", "T"]], [["K", "AE", "T", "S"]]).tolist()
        [1]
    """
    _check_pairs(truth, written)
    distance = part("rapidfuzz.distance.Levenshtein", "text").distance
    pairs = zip(truth, written, strict=True)
    return np.array([distance(list(right), list(ours)) for right, ours in pairs], np.int64)


def token_error_rate(truth: Sequence[Tokens], written: Sequence[Tokens]) -> float:
    """Edits as a share of the true tokens: the word, character or phoneme error rate, by what a token is.

    Example:
        >>> token_error_rate([["K", "AE", "T"], ["IH", "T"]], [["K", "AA", "T"], ["IH", "T"]])
        0.2
    """
    return float(edits(truth, written).sum() / max(sum(map(len, truth)), 1))


def exact_match(truth: Sequence[str], written: Sequence[str]) -> float:
    """The share of lines that are right to the last sign.

    Example:
        >>> exact_match(["a b", "c"], ["a b", "d"])
        0.5
    """
    _check_pairs(truth, written)
    return float(np.mean([right == ours for right, ours in zip(truth, written, strict=True)]))


def _metrics() -> tuple:
    metrics = part("sacrebleu.metrics", "text")
    return metrics.BLEU(), metrics.CHRF()


def _check_pairs(truth: Sequence, written: Sequence) -> None:
    if len(truth) != len(written) or not len(truth):
        cure = "Give one answer for each true line."
        raise ShapeError(explain("written", f"{len(truth)} lines, at least one", len(written), cure))
