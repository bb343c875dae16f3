import pytest

from unrolled.data import read_pairs, read_parallel
from unrolled.errors import DataError


def files(tmp_path, left, right):
    (tmp_path / "a.de").write_text(left)
    (tmp_path / "a.en").write_text(right)
    return tmp_path / "a.de", tmp_path / "a.en"


def test_lines_belong_together_and_two_empty_ones_go(tmp_path):
    data = read_parallel(*files(tmp_path, "eins\n\ndrei\n", "one\n\nthree\n"))
    assert data.source == ("eins", "drei") and data.target == ("one", "three") and len(data) == 2
    assert data.names[1].endswith("a.de, line 3")


def test_unequal_files_name_both_counts_and_the_line(tmp_path):
    message = (
        r"equally many lines, got 2 in .*a.de and 3 in .*a.en. Line 3 of .*a.en has no partner in .*a.de"
    )
    with pytest.raises(DataError, match=message):
        read_parallel(*files(tmp_path, "eins\nzwei\n", "one\ntwo\nthree\n"))


def test_a_line_that_is_empty_on_one_side_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a.en, line 2: expected a text, as in .*a.de, got an empty one"):
        read_parallel(*files(tmp_path, "eins\nzwei\n", "one\n \n"))
    with pytest.raises(DataError, match=r"target\[0\]: expected a text, as in source"):
        read_parallel(["eins"], [""])


def test_pairs_of_a_table(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("de\ten\neins\tone\nNA\tnull\n")
    assert read_pairs(path, "de", "en").target == ("one", "null")
    with pytest.raises(DataError, match="en, row 1: expected a text, as in de"):
        read_pairs({"de": ["eins"], "en": [None]}, "de", "en")
