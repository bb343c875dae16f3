"""Running text to codes and back, for each tokeniser, as one text or as texts of their own."""

import pytest

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.preprocess import TextCodec

TEXT = "To be, or not\nto be: that is\n\nthe question.\n"


@pytest.mark.parametrize("kind", ["characters", "words", "spaces"])
def test_a_running_text_comes_back(kind):
    codec = TextCodec.fit([TEXT], kind)
    codes = codec.encode(TEXT)
    assert codec.decode(codes) == TEXT
    assert (codes == codec.end).sum() == (0 if kind == "characters" else 4)
    assert codec.characters(TEXT) == len(TEXT)


def test_byte_pairs_come_back_and_have_no_unknown():
    pytest.importorskip("tokenizers", reason="the part [text] is not installed")
    codec = TextCodec.fit([TEXT * 3], "bpe", size=270)
    assert codec.decode(codec.encode(TEXT + "ß")) == TEXT + "ß"
    assert not codec.knows_unknown and codec.never == (0, codec.end)


def test_a_text_of_its_own_ends():
    codec = TextCodec.fit(["a cat", "a dog"], "words", by_text=True)
    codes = codec.encode("a dog")
    assert codes.tolist() == [2, 4, codec.end]
    assert codec.decode(codes) == "a dog" and codec.word(codec.end) == "<end>"
    assert codec.characters("a dog") == 6
    assert codec.never == (0,)


@pytest.mark.parametrize(
    ("kind", "by_text", "prompt", "codes"),
    [
        ("words", False, "a cat", [1, 2, 3]),
        ("words", False, "a cat\n", [1, 2, 3, 1]),
        ("words", True, "a cat", [1, 2, 3]),
        ("spaces", False, "", [1]),
        ("characters", False, "a", [1, 3]),
    ],
)
def test_a_prompt_is_not_finished(kind, by_text, prompt, codes):
    codec = TextCodec.fit(["a cat"], kind, by_text=by_text)
    assert codec.encode_prompt(prompt).tolist() == codes


def test_what_is_unknown_is_refused_where_the_model_has_never_met_it():
    codec = TextCodec.fit(["the cat"], "characters")
    expected = r"prompt: expected characters of the training text, got 'é'\. Leave it out"
    with pytest.raises(ArgumentError, match=expected):
        codec.encode_prompt("thé cat")
    codec = TextCodec.fit(["the cat"], "words")
    with pytest.raises(ArgumentError, match=r"words of the training text, got 'cats'. Did you mean 'cat'"):
        codec.encode_prompt("the cats")
    codec = TextCodec.fit(["the cat the dog"], "words", min_count=2)
    assert codec.knows_unknown and codec.encode_prompt("the bird").tolist() == [1, 2, 0]


def test_the_card_makes_an_equal_codec():
    codec = TextCodec.fit([TEXT], "words", lowercase=True)
    again = TextCodec.from_card(codec.card())
    assert again.encode("To be").tolist() == codec.encode("to be").tolist()
    assert again.card() == codec.card()
    for broken in ({}, {"tokenizer": {}}, codec.card() | {"by_text": 3}, None):
        with pytest.raises(ModelFileError):
            TextCodec.from_card(broken)
