from unrolled.preprocess import Vocabulary
from unrolled.preprocess.word_shapes import LONGEST, encode_characters, word_shape


def test_shapes():
    assert [word_shape(w) for w in ("McDonald's", "B2B", "...", "", "ÄÖ", "x" * 99)] == [
        "XxXx+'x", "XdX", ".+", "", "X+", "x+",
    ]  # fmt: skip


def test_characters_of_a_long_word_are_its_ends():
    characters = Vocabulary("abz")
    codes, lengths = encode_characters(["ab", "a" * 50 + "z", "", "?"], characters)
    assert lengths.tolist() == [2, LONGEST, 1, 1] and codes.shape == (4, LONGEST)
    assert codes[0, :3].tolist() == [1, 2, 0] and codes[1, -1] == 3 and codes[2:].sum() == 0
