"""A masked language model as a user holds it."""

import numpy as np
import pytest

import unrolled
from unrolled.errors import ArgumentError
from unrolled.runtime import BlankFiller
from unrolled.tasks import MaskedLanguageModel


def test_blanks_are_filled_from_both_sides(masked):
    ((first, *_),) = masked.fill("the ___ saw the fish")
    assert first.token in ("cat", "dog", "bird", "cow")
    (verb,) = masked.fill("the cat ___ the corn", top=3)
    assert {candidate.token for candidate in verb} == {"saw", "ate", "took"}
    _, what = masked.fill("the ___ saw the ___", top=4)
    assert {candidate.token for candidate in what} == {"fish", "corn", "bread", "grass"}
    assert 0.9 < sum(candidate.probability for candidate in what) <= 1
    assert masked.fill("the ___ saw the fish", top=1)[0] == [first]


def test_it_knows_the_frame_of_the_lines(masked):
    metrics = masked.evaluation_.model.metrics
    assert metrics["nats"] < 0.85 < masked.evaluation_.score("unigram").metrics["nats"]
    assert set(metrics) == {"nats", "perplexity", "accuracy"}
    assert masked.evaluation_.tokens == 5 * 15
    assert "___" in masked.evaluation_.surprises[0].before


def test_predict_has_a_row_for_each_candidate_of_each_blank(masked):
    frame = masked.predict(["the ___ ate the corn", "the ___ ate the ___"], top=2)
    assert frame.columns == ["text", "blank", "rank", "token", "p"]
    assert frame["blank"].to_list() == [1, 1, 1, 1, 2, 2] and frame["rank"].to_list() == [1, 2] * 3
    expected = [c.probability for c in masked.fill("the ___ ate the corn", 2)[0]]
    np.testing.assert_array_equal(frame["p"].to_numpy()[:2], expected)


def test_a_file_fills_the_same_without_the_task(masked, tmp_path):
    masked.save(tmp_path / "m.unrolled")
    expected = masked.fill("the cow ___ the bread")
    assert BlankFiller.load(tmp_path / "m.unrolled").fill("the cow ___ the bread") == expected
    assert unrolled.load(tmp_path / "m.unrolled").fill("the cow ___ the bread") == expected


def test_the_export_of_a_masked_model_reads_whole_texts(masked, lines, tmp_path):
    done = masked.export(tmp_path / "out", to="onnx", texts=lines[-2:])
    assert done.parity.share <= 1e-5
    with pytest.raises(ArgumentError, match=r"node .* needs the whole sequence"):
        masked.export(tmp_path / "c", to="c")


def test_what_cannot_be_is_refused(masked, lines):
    with pytest.raises(ArgumentError, match=r"blank: expected ___ in the text, got 'the cat'"):
        masked.fill("the cat")
    with pytest.raises(ArgumentError, match=r"node .* needs the whole sequence"):
        masked.stream()
    with pytest.raises(ArgumentError, match=r"tokenizer: expected one of words, .*, got 'bpe'"):
        MaskedLanguageModel("bpe").fit(lines)
    with pytest.raises(ArgumentError, match=r"top: expected a whole number >= 1, got 0"):
        masked.fill("the ___", top=0)
