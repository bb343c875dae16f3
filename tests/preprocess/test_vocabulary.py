import json

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.preprocess import Vocabulary


def test_known_words_from_one_sorted_unknown_and_missing_zero():
    vocabulary = Vocabulary.fit(np.array(["sun", "rain", None, "sun", float("nan"), "fog"], object))
    assert vocabulary.words == ("fog", "rain", "sun")
    assert len(vocabulary) == 4
    codes = vocabulary.encode(["sun", "fog", "hail", None, float("nan")])
    assert codes.dtype == np.int64 and codes.tolist() == [3, 1, 0, 0, 0]
    assert vocabulary.decode(codes) == ["sun", "fog", None, None, None]


def test_numpy_text_is_text():
    vocabulary = Vocabulary.fit(np.array(["b", "a"]))
    assert vocabulary.encode(np.array(["a", "b"])).tolist() == [1, 2]
    json.dumps(vocabulary.card())


def test_the_card_goes_both_ways():
    vocabulary = Vocabulary.fit(["ä", "z", "a", "日"])
    again = Vocabulary.from_card(json.loads(json.dumps(vocabulary.card())))
    assert again.words == vocabulary.words == ("a", "z", "ä", "日")


@pytest.mark.parametrize(
    "damage", [{"words": ["b", "a"]}, {"words": "ab"}, {"kind": "x"}, {"words": ["a", "a"]}, {"words": [1]}]
)
def test_a_damaged_card_is_refused(damage):
    with pytest.raises(ModelFileError, match=r"vocabulary: expected a vocabulary's card.*Save it anew"):
        Vocabulary.from_card(Vocabulary.fit("ab").card() | damage)


def test_bad_arguments():
    with pytest.raises(
        ArgumentError, match=r"words: expected text, got 3. Turn numbers into text with str\(\)"
    ):
        Vocabulary.fit(["a", 3])
    with pytest.raises(ArgumentError, match="numbers: expected 0 to 1, got 7"):
        Vocabulary.fit("a").decode([7])


def test_rare_words_and_too_many_are_cut_and_specials_stand_first():
    words = ["a"] * 3 + ["b"] * 2 + ["c"] * 2 + ["d"]
    vocabulary = Vocabulary.fit(words, min_count=2, specials=("<s>",), max_size=2)
    assert vocabulary.words == ("a", "b") and len(vocabulary) == 4
    assert vocabulary.encode(["a", "b", "c", "<s>"]).tolist() == [2, 3, 0, 0]
    assert vocabulary.decode([0, 1, 2]) == [None, "<s>", "a"]
    again = Vocabulary.from_card(json.loads(json.dumps(vocabulary.card())))
    assert again.specials == ("<s>",) and again.number("<s>") == 1
    assert "specials" not in Vocabulary.fit("ab").card()
