"""Texts that go on and blanks that are filled, on programs made by hand: no training, no torch."""

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.format import new_card, write_model
from unrolled.preprocess import TextCodec
from unrolled.runtime import BlankFiller, Graph, Input, Node, Program, Sampling, TextGenerator
from unrolled.runtime import operations as ops

GREEDY = Sampling(temperature=0)


def follower(codec, pairs):
    """A program that answers each token with the one that `pairs` puts behind it."""
    table = np.zeros((len(codec), len(codec)), np.float32)
    numbers = codec.tokenizer.vocabulary
    for before, behind in pairs.items():
        codes = [
            codec.end if word == "<end>" else int(numbers.encode([word])[0]) for word in (before, behind)
        ]
        table[codes[0], codes[1]] = 5.0
    nodes = (Node("code", ops.Reshape(()), ("x_codes",)), Node("scores", ops.Embed("table"), ("code",)))
    graph = Graph((Input("x_codes", ops.Spec((1,), "int64")),), nodes, {"scores": "scores"})
    return Program(graph, {"table": table})


def test_words_get_their_spaces_and_lines():
    codec = TextCodec.fit(["the cat sat.\n"], "words")
    program = follower(codec, {"<end>": "the", "the": "cat", "cat": "sat", "sat": ".", ".": "<end>"})
    generator = TextGenerator(program, codec)
    assert generator.generate("the", 9, GREEDY) == "the cat sat.\nthe cat sat.\n"
    assert list(generator.pieces("the ", 3, GREEDY)) == ["cat", " sat", "."]
    assert generator.candidates("the", 2)[0].token == "cat"
    assert generator.candidates("the", 2)[0].probability == pytest.approx(np.exp(5) / (np.exp(5) + 5))


def test_a_text_of_its_own_ends():
    codec = TextCodec.fit(["the cat sat"], "words", by_text=True)
    generator = TextGenerator(follower(codec, {"the": "cat", "cat": "sat", "sat": "<end>"}), codec)
    assert generator.generate("the", 50, GREEDY) == "the cat sat"


def test_unknown_and_end_are_never_drawn_in_a_running_text():
    codec = TextCodec.fit(["ab\n"], "characters")
    generator = TextGenerator(follower(codec, {}), codec)
    drawn = generator.generate("", 300, Sampling(seed=3))
    assert set(drawn) == {"a", "b", "\n"} and len(drawn) == 300


def test_half_a_character_waits_for_the_rest():
    codec = TextCodec.fit(["ß"], "characters")
    pieces = TextGenerator(follower(codec, {"ß": "ß"}), codec).pieces("ß", 2, GREEDY)
    assert list(pieces) == ["ß", "ß"]


def test_length_and_prompt_are_checked_before_the_first_piece():
    codec = TextCodec.fit(["ab"], "characters")
    generator = TextGenerator(follower(codec, {}), codec)
    with pytest.raises(ArgumentError, match=r"length: expected a whole number >= 0, got -1"):
        generator.pieces("a", -1)
    with pytest.raises(ArgumentError, match=r"prompt: expected characters of the training text, got '!'"):
        generator.pieces("!")
    assert generator.generate("ab", 0) == "ab"


def filler(codec):
    """A program whose answer at a row is its own token: so at the row behind a blank, the word behind it."""
    return BlankFiller(follower(codec, {word: word for word in codec.tokenizer.vocabulary.words}), codec)


def test_blanks_stand_where_they_are_written():
    codec = TextCodec.fit(["the cat sat"], "words", by_text=True)
    codes, blanks = filler(codec).encode("___ cat ___sat")
    assert codes.tolist() == [1, 0, 2, 0, 3, 1] and blanks == [1, 3]
    first, second = filler(codec).fill("___ cat ___sat", top=2)
    assert [first[0].token, second[0].token] == ["cat", "sat"] and len(first) == 2


def test_a_text_without_a_blank_is_refused():
    codec = TextCodec.fit(["the cat sat"], "words", by_text=True)
    with pytest.raises(ArgumentError, match=r"blank: expected ___ in the text, got 'the cat'. Write three"):
        filler(codec).fill("the cat")
    with pytest.raises(ArgumentError, match=r"words: expected words of the training text, got 'dog'"):
        filler(codec).fill("the dog ___")


def test_a_file_of_another_task_is_refused(tmp_path):
    codec = TextCodec.fit(["the cat"], "words")
    program = follower(codec, {})
    card = {"program": program.to_card(), "text": codec.card()}
    write_model(tmp_path / "m", new_card("model", "lm", card), dict(program.weights))
    assert TextGenerator.load(tmp_path / "m").generate("the", 1, GREEDY).startswith("the")
    with pytest.raises(ModelFileError, match=r"model: expected a model of task 'mlm', got one of task 'lm'"):
        BlankFiller.load(tmp_path / "m")
    write_model(
        tmp_path / "m", new_card("model", "lm", {"program": program.to_card()}), dict(program.weights)
    )
    with pytest.raises(ModelFileError, match=r"card\.text: expected an object, got no such field"):
        TextGenerator.load(tmp_path / "m")
    other = TextCodec.fit(["the cat sat on"], "words")
    write_model(tmp_path / "m", new_card("model", "lm", card | {"text": other.card()}), dict(program.weights))
    with pytest.raises(ModelFileError, match=r"card\.program: expected scores of 6 tokens, got \(4,\)"):
        TextGenerator.load(tmp_path / "m")
