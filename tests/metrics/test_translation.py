import numpy as np
import pytest

from unrolled.errors import ShapeError
from unrolled.metrics import translation

TRUTH = ["the cat sat on the mat .", "two dogs run through deep snow ."]
WRITTEN = ["the cat sat on a mat .", "two dogs run in the snow ."]


def test_bleu_by_hand():
    """Papineni et al. 2002: the geometric mean of n-gram precisions, no penalty where lengths are equal."""
    precisions = [(6 + 5) / 14, (4 + 3) / 12, (2 + 1) / 10, 1 / 8]
    bleu, chrf = translation.corpus_scores(TRUTH, WRITTEN)
    assert bleu.value == pytest.approx(100 * np.prod(precisions) ** 0.25, abs=1e-9)
    assert "tok:13a" in bleu.signature and "version:" in chrf.signature
    assert 50 < chrf.value < 90


def test_chrf_of_lines():
    values = translation.line_chrf([*TRUTH, "x"], [TRUTH[0], WRITTEN[1], "y"])
    assert values[0] == pytest.approx(100) and values[2] == 0 and 0 < values[1] < 100


def test_edits_are_the_fewest():
    truth = [list("kitten"), list("saturday"), [], ["a"]]
    assert translation.edits(truth, [list("sitting"), list("sunday"), ["b"], []]).tolist() == [3, 3, 1, 1]
    assert translation.token_error_rate([list("kitten")], [list("sitting")]) == pytest.approx(0.5)


def test_unequal_numbers_of_lines_are_refused():
    with pytest.raises(ShapeError, match=r"written: expected 2 lines, at least one, got 1\. Give one answer"):
        translation.exact_match(TRUTH, WRITTEN[:1])
