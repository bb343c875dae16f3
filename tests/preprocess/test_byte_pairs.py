import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import ArgumentError, MissingPartError
from unrolled.preprocess import BytePairs
from unrolled.preprocess.byte_pairs import _BETWEEN, BYTES, _words

TEXT = ["the cat sat on the mat, the cats sat", "lower and lowest: low, lower", "Ärger über Öl — 日本"]
LEARNED = BytePairs.fit(TEXT * 3, 320)


def library(pairs):
    tokenizers = pytest.importorskip("tokenizers", reason="the part 'unrolled[text]' is not installed")
    numbers = {piece: number for number, piece in enumerate(pairs.pieces)}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=numbers, merges=list(pairs.merges)))
    made.pre_tokenizer = tokenizers.pre_tokenizers.CharDelimiterSplit(_BETWEEN)
    return made


def test_a_byte_a_character_all_different():
    assert len(set(BYTES)) == 256 and BYTES[ord("a")] == "a" and BYTES[ord(" ")] == "Ġ"


def test_training_is_the_most_frequent_pair_first():
    learned = BytePairs.fit(["aab aab aab ab"], 258)
    assert learned.merges[0] == ("a", "b")  # 4 times, before the space (3) and the two a (3)


@pytest.mark.parametrize("text", [*TEXT, "unseen wörds, tabs\tand\n\nlines  here", ""])
def test_pieces_are_the_librarys(text):
    expected = library(LEARNED).encode(_BETWEEN.join(_words(text))).tokens
    assert LEARNED.split(text) == expected
    assert len(LEARNED.pieces) == 256 + len(LEARNED.merges) > 280 and len(expected) <= len(text.encode())


@given(st.text())
def test_every_text_comes_back(text):
    assert LEARNED.join(LEARNED.split(text)) == text


def test_a_word_without_end_is_cut():
    text = "x" * 100_000
    assert LEARNED.join(LEARNED.split(text)) == text


def test_learning_needs_the_library_and_running_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingPartError, match=r"tokenizers: expected the part 'unrolled\[text\]'"):
        BytePairs.fit(["a b"], 300)
    assert BytePairs(LEARNED.merges).split("the cat") == LEARNED.split("the cat")


def test_refusals():
    with pytest.raises(ArgumentError, match="pieces: expected a whole number >= 257, got 100"):
        BytePairs.fit(["a"], 100)
    with pytest.raises(ArgumentError, match="merges: expected pairs of pieces made before, got ab c"):
        BytePairs([("ab", "c")])


def test_the_order_of_texts_and_numpy_do_not_matter():
    assert BytePairs.fit(np.array(TEXT).tolist(), 300).merges == BytePairs.fit(TEXT, 300).merges
