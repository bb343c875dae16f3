import pytest

from unrolled.data.vectors import read_vectors
from unrolled.errors import DataError


@pytest.mark.parametrize("head", ["", "3 2\n"])
def test_words_are_found_as_written_or_in_small_letters(tmp_path, head):
    path = tmp_path / "v.txt"
    path.write_text(head + "rome 1 2\nRome 3 4\nthe 5 6\n")
    found = read_vectors(path, ["Rome", "The", "it", "rome"])
    assert found.values.tolist() == [[3, 4], [5, 6], [0, 0], [1, 2]]
    assert found.found.tolist() == [True, True, False, True]
    assert found.width == 2 and found.coverage == 0.75


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1\n", r"line 2: expected a word and 2 numbers, got 1\. Correct the line"),
        ("a 1 x\n", "line 1: expected finite numbers, got others"),
        ("", "expected vectors, got none"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "v.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_vectors(path, ["a"])
