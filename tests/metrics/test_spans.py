"""Span scores against seqeval, and against conlleval's rules as its authors wrote them down."""

import random

import pytest
import seqeval.metrics
from seqeval.scheme import IOB2, IOBES

from unrolled.errors import ShapeError
from unrolled.metrics.spans import score_spans, span_errors, tag_errors


def drawn(prefixes, seed, count=300):
    generator = random.Random(seed)
    tags = ["O", "O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in ("x", "y"))]
    return [[generator.choice(tags) for _ in range(generator.randint(1, 9))] for _ in range(count)]


def conlleval(truth, predicted):
    """conlleval's loop: two flags for where chunks end and start, and one for a chunk that is right so
    far."""
    counts = {"truth": 0, "answered": 0, "right": 0}
    for true, answered in zip(truth, predicted, strict=True):
        correct, before, before_p = False, ("O", ""), ("O", "")
        for now, now_p in zip([*true, "O"], [*answered, "O"], strict=True):
            tag, tag_p = ([*t.split("-", 1), ""][:2] for t in (now, now_p))
            ends, ends_p = chunk_ends(before, tag), chunk_ends(before_p, tag_p)
            starts, starts_p = chunk_starts(before, tag), chunk_starts(before_p, tag_p)
            if correct and ends and ends_p and before[1] == before_p[1]:
                counts["right"] += 1
                correct = False
            elif correct and (ends != ends_p or tag[1] != tag_p[1]):
                correct = False
            if starts and starts_p and tag[1] == tag_p[1]:
                correct = True
            counts["truth"] += starts
            counts["answered"] += starts_p
            before, before_p = tag, tag_p
    return counts


def chunk_ends(before, tag):
    (was, kind_was), (now, kind) = before, tag
    pairs = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "B"), ("E", "O")}
    return (
        (was, now) in pairs or (now == "S" and was != "O") or was == "S" or (was != "O" and kind_was != kind)
    )


def chunk_starts(before, tag):
    (was, kind_was), (now, kind) = before, tag
    pairs = {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("O", "E"), ("E", "B")}
    return (
        (was, now) in pairs or now == "S" or (was == "S" and now != "O") or (now != "O" and kind_was != kind)
    )


@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES"])
def test_equal_to_conlleval_on_tags_of_any_kind(prefixes):
    truth, predicted = drawn(prefixes, 1), drawn(prefixes, 2)
    predicted = [p if len(p) == len(t) else t for t, p in zip(truth, predicted, strict=True)]
    score, by_kind = score_spans(truth, predicted)
    assert vars(score) == conlleval(truth, predicted) and score.right < score.truth
    assert sum(part.right for part in by_kind.values()) == score.right


@pytest.mark.parametrize(("prefixes", "scheme", "theirs"), [("BI", "bio", IOB2), ("BIES", "bioes", IOBES)])
def test_equal_to_seqeval_in_strict_mode(prefixes, scheme, theirs):
    truth, predicted = drawn(prefixes, 3), drawn(prefixes, 4)
    predicted = [p if len(p) == len(t) else t for t, p in zip(truth, predicted, strict=True)]
    score, by_kind = score_spans(truth, predicted, scheme)
    told = seqeval.metrics.classification_report(
        truth, predicted, mode="strict", scheme=theirs, output_dict=True, zero_division=0
    )
    for kind, part in by_kind.items():
        assert part.precision == pytest.approx(told[kind]["precision"])
        assert part.recall == pytest.approx(told[kind]["recall"])
        assert part.f1 == pytest.approx(told[kind]["f1-score"]) and part.truth == told[kind]["support"]
    assert score.f1 == pytest.approx(told["micro avg"]["f1-score"])


def test_equal_to_seqeval_in_its_usual_mode_on_bio():
    truth, predicted = drawn("BI", 5), drawn("BI", 6)
    predicted = [p if len(p) == len(t) else t for t, p in zip(truth, predicted, strict=True)]
    assert score_spans(truth, predicted)[0].f1 == pytest.approx(seqeval.metrics.f1_score(truth, predicted))


def test_errors_of_sentences():
    truth, predicted = [["B-x", "I-x", "O"], ["O"]], [["B-x", "O", "B-x"], ["O"]]
    assert span_errors(truth, predicted).tolist() == [3.0, 0.0]
    assert tag_errors(truth, predicted).tolist() == [pytest.approx(2 / 3), 0.0]


def test_nothing_found_is_zero():
    score, _ = score_spans([["B-x"]], [["O"]])
    assert (score.precision, score.recall, score.f1) == (0.0, 0.0, 0.0)
    with pytest.raises(ShapeError, match=r"predicted\[0\]: expected 1 tags, got 2"):
        score_spans([["O"]], [["O", "O"]])
