import numpy as np
import pytest

from unrolled.data import check_lengths, read_corpus, read_lines, read_text
from unrolled.errors import ArgumentError, DataError


def test_lines_end_at_line_feeds_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("one\x85still\u2028one\r\n\r\nthree\x0c".encode())
    assert read_lines(path) == ["one\x85still\u2028one", "", "three\x0c"]
    path.write_bytes(b"")
    assert read_lines(path) == []
    path.write_bytes("\ufeffa\n".encode())
    assert read_text(path) == "a\n"


def test_a_wrong_encoding_names_the_line_and_the_right_one_reads_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("fine\ncaf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"text in utf-8, got byte 0xe9 in line 2\. .*encoding='latin-1'"):
        read_lines(path)
    assert read_lines(path, "latin-1") == ["fine", "café"]
    with pytest.raises(
        ArgumentError, match=r"encoding: expected a name such as 'utf-8', got 'latin-one'\. .*latin-1"
    ):
        read_lines(path, "latin-one")
    path.write_bytes("wide".encode("utf-16"))
    with pytest.raises(DataError, match="encoding='utf-16'"):
        read_lines(path)
    path.write_bytes(b"PK\0\0")
    with pytest.raises(DataError, match=r"got a zero byte in line 1. Is it a text file"):
        read_lines(path)


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "plays.txt").write_text("x")
    with pytest.raises(ArgumentError, match=r"expected a file, got no such file\. Did you mean 'plays.txt'"):
        read_lines(tmp_path / "play.txt")
    with pytest.raises(ArgumentError, match=r"expected a file, got a folder. Name one file in it"):
        read_lines(tmp_path)


def test_a_corpus_of_files_of_a_folder_or_of_lines(tmp_path):
    (tmp_path / "b.txt").write_text("second\n\n")
    (tmp_path / "a.txt").write_text("first")
    assert read_corpus(tmp_path) == "first\nsecond\n" == read_corpus(str(tmp_path / "*.txt"))
    assert read_corpus(["first", "second"]) == "first\nsecond\n"
    with pytest.raises(DataError, match="text: expected text, got nothing but white space"):
        read_corpus([" "])
    with pytest.raises(ArgumentError, match="expected files, got none"):
        read_corpus(tmp_path / "*.csv")


def test_empty_and_endless_texts_are_one_line_each():
    names = ("a.txt, line 1", "a.txt, line 2", "a.txt, line 3")
    check_lengths(np.array([1, 2, 3]), names)
    with pytest.raises(DataError, match=r"a.txt, line 2: expected a text, got an empty one\. Fill it in"):
        check_lengths([1, 0, 100_000], names)
    with pytest.raises(
        DataError, match=r"line 3: expected a text of at most 10,000 tokens, got 100,000\. Does"
    ):
        check_lengths([1, 2, 100_000], names)
