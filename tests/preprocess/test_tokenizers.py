import json

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.preprocess import Tokenizer

TEXTS = ["The cat sat.", "The dog sat, too!", "A cat?"]


@pytest.mark.parametrize("kind", ["words", "spaces", "characters", "bpe"])
def test_texts_come_back_from_numbers_and_the_card(kind):
    tokenizer = Tokenizer.fit(TEXTS, kind, specials=["<start>", "<end>"], size=300)
    again = Tokenizer.from_card(json.loads(json.dumps(tokenizer.card())))
    for text in TEXTS:
        numbers = tokenizer.encode(text)
        assert numbers.dtype == np.int64 and numbers.min() > 2 and numbers.max() < len(tokenizer)
        assert again.encode(text).tolist() == numbers.tolist()
        assert again.decode([1, *numbers, 2]) == text


def test_the_cut_is_by_count_and_the_rest_is_unknown():
    tokenizer = Tokenizer.fit(TEXTS, "words", min_count=2)
    assert tokenizer.vocabulary.words == ("The", "cat", "sat")
    assert tokenizer.encode("The dog sat").tolist() == [1, 0, 3]
    assert tokenizer.decode([1, 0, 3]) == "The <unk> sat"
    assert Tokenizer.fit(TEXTS, "words", size=1).vocabulary.words == ("The",)


def test_lowercase_is_kept_in_the_card():
    tokenizer = Tokenizer.from_card(Tokenizer.fit(TEXTS, "words", lowercase=True).card())
    assert tokenizer.split("The CAT") == ["the", "cat"] and tokenizer.encode("CAT")[0] > 0


def test_a_word_spelled_like_a_special_is_not_it():
    tokenizer = Tokenizer.fit(["<end> of it"], "spaces", specials=["<end>"])
    assert tokenizer.encode("<end> of").tolist() == [2, 4]
    assert tokenizer.vocabulary.number("<end>") == 1
    with pytest.raises(ArgumentError, match="special: expected one of <end>, got '<go>'"):
        tokenizer.vocabulary.number("<go>")


def test_refusals():
    with pytest.raises(ArgumentError, match="tokenizer: expected one of words, spaces, characters, bpe, got"):
        Tokenizer.fit(TEXTS, "wrods")
    with pytest.raises(ArgumentError, match="min_count: expected a whole number >= 1, got 0"):
        Tokenizer.fit(TEXTS, min_count=0)


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "x"},
        {"vocabulary": None},
        {"kind": "bpe"},
        {"lowercase": 1},
        {"kind": "bpe", "merges": [[1]]},
    ],
)
def test_a_damaged_card_is_refused(damage):
    with pytest.raises(ModelFileError, match=r"tokenizer: expected|vocabulary: expected"):
        Tokenizer.from_card(Tokenizer.fit(TEXTS).card() | damage)
