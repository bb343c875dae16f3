import pytest

from unrolled.data import read_conll, read_sentences, write_conll
from unrolled.errors import ArgumentError, DataError


def write(tmp_path, text):
    path = tmp_path / "a.conll"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "New\tB\nYork\tI\n\nis\tO\n\n",
        "New\tB\r\nYork\tI\r\n\t\r\nis\tO",
        "\n\n-DOCSTART- O\n\nNew B\nYork   I \n  \t \n\nis\tO\n\t\n\t\n",
    ],
)
def test_separators_however_messy(tmp_path, text):
    data = read_conll(write(tmp_path, text))
    assert data.words == ("New", "York", "is") and data.tags == ("B", "I", "O")
    assert data.offsets.tolist() == [0, 2, 3] and data.lengths.tolist() == [2, 1]
    assert data.sentence(0) == ("New", "York") and data.sentence_tags(1) == ("O",)


def test_words_may_hold_spaces_and_signs(tmp_path):
    data = read_conll(write(tmp_path, "1 000\tB\n#\tO\n# \tO\n\xa0x\tO\n"))
    assert data.words == ("1 000", "#", "#", "\xa0x") and data.where(1).endswith("a.conll, line 2")


def test_columns_are_chosen_and_one_column_has_no_tags(tmp_path):
    path = write(tmp_path, "Hunde NOUN O\nbellen VERB O\n")
    assert read_conll(path, tag=1).tags == ("NOUN", "VERB")
    assert read_conll(path, tag=-1).tags == ("O", "O")
    assert read_conll(write(tmp_path, "a\nb\n\nc\n")).tags is None
    with pytest.raises(ArgumentError, match="tag: expected a column from 0 to 2, got 3"):
        read_conll(path := write(tmp_path, "Hunde NOUN O\n"), tag=3)


def test_conllu(tmp_path):
    rows = ["# text = a b", "1-2\tab" + "\t_" * 8, "1\ta\ta\tDET" + "\t_" * 6, "2\tb\tb\tNOUN" + "\t_" * 6]
    data = read_conll(write(tmp_path, "\n".join([*rows[:1], *rows[2:], "", *rows, ""])))
    assert data.words == ("a", "b") * 2 and data.tags == ("DET", "NOUN") * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tO\nb\n", "line 2: expected 2 columns, as in the first line, got 1. Correct the line"),
        ("a\tO\n\tO\n", "line 2: expected no empty column, got column 1 empty"),
        ("a\tO\nb\t\n", "line 2: expected no empty column, got column 2 empty"),
        ("\n\t\n", "expected sentences, got none"),
    ],
)
def test_bad_lines_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_conll(write(tmp_path, text))


def test_lists_and_back_to_a_file(tmp_path):
    data = read_sentences([["New", "York"], ["is"]], [["B", "I"], ["O"]])
    write_conll(tmp_path / "b.conll", data, [data.tags])
    again = read_conll(tmp_path / "b.conll")
    assert again.words == data.words and again.tags == data.tags
    assert again.offsets.tolist() == data.offsets.tolist()
    with pytest.raises(ArgumentError, match=r"sentences\[0\]: expected a list of words, got 'New York'"):
        read_sentences(["New York"])
    with pytest.raises(DataError, match=r"sentences\[0\]: expected 2 tags, got 1 tags"):
        read_sentences([["New", "York"]], [["B"]])
    with pytest.raises(DataError, match=r"sentences\[1\]: expected at least one word, got none"):
        read_sentences([["a"], []])
