import numpy as np
import pandas as pd
import polars as pl
import pytest

from unrolled.data import read_texts
from unrolled.errors import ArgumentError, DataError


def test_lists_and_frames():
    data = read_texts(np.array(["a b", "c"]), [1, 0])
    assert data.texts == ("a b", "c") and data.labels.tolist() == [1, 0] and data.names[1] == "texts[1]"
    table = {"said": ["a b", "c"], "mood": ["x", "y"]}
    for source in (table, pd.DataFrame(table), pl.DataFrame(table)):
        data = read_texts(source, text="said", label="mood")
        assert data.texts == ("a b", "c") and data.labels.tolist() == ["x", "y"]
        assert data.frame is not None and data.names[1] == "row 2"


def test_a_csv_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"NA, ""so""\ntwo lines",None\nnull,01\n')
    data = read_texts(path, text="text", label="label")
    assert data.texts == ('NA, "so"\ntwo lines', "null") and data.labels.tolist() == ["None", "01"]
    assert data.names == (f"{path}, line 3", f"{path}, line 4")
    path.write_bytes("text;label\nné;a\nb;c\n".encode("latin-1"))
    assert read_texts(path, text="text", label="label", encoding="latin-1").texts == ("né", "b")
    with pytest.raises(DataError, match="byte 0xe9 in line 2"):
        read_texts(path, text="text", label="label")


def test_a_long_field_is_read(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("text\tlabel\n" + "word " * 100_000 + "\tx\n")
    assert len(read_texts(path, text="text", label="label").texts[0]) == 500_000


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (
            "text,label\n,x\n",
            DataError,
            "text, .*a.csv, line 2: expected a text, got an empty one. Fill it in",
        ),
        ("text,label\na,\n", DataError, "label, .*a.csv, line 2: expected a label, got none. Fill it in"),
        (
            "text,label\na,x,y\n",
            DataError,
            "line 2: expected 2 fields, as in line 1, got 3. Correct the line",
        ),
        ("text,text\na,x\n", DataError, "line 1: expected different column names, got 'text' twice"),
        ("", DataError, "expected a table with column names, got an empty file or line"),
        ("text,label\n", DataError, "at least one row of data, got none"),
        (
            "texts,label\na,x\n",
            ArgumentError,
            "text: expected a column of the data, got 'text'. Did you mean",
        ),
    ],
)
def test_bad_tables(tmp_path, content, error, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_texts(path, text="text", label="label")


def test_a_file_for_each_class(tmp_path):
    (tmp_path / "mood.pos").write_text("good\nfine\n")
    (tmp_path / "mood.neg").write_text("bad\n")
    for source in (tmp_path, str(tmp_path / "mood.*"), {n: tmp_path / f"mood.{n}" for n in ("neg", "pos")}):
        data = read_texts(source)
        assert data.texts == ("bad", "good", "fine") and data.labels.tolist() == ["neg", "pos", "pos"]
    assert data.names[-1] == f"{tmp_path / 'mood.pos'}, line 2"
    (tmp_path / "other.pos").write_text("good\n")
    with pytest.raises(ArgumentError, match=r"data: expected a file for each class, got 'mood.pos' beside"):
        read_texts(tmp_path)
    (tmp_path / "mood.pos").unlink()
    assert read_texts(tmp_path).labels.tolist() == ["mood", "other"]


def test_plain_lines_have_no_labels(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    data = read_texts(path)
    assert data.texts == ("one", "two") and data.labels is None
    with pytest.raises(
        ArgumentError, match=r"expected a .csv, .tsv or .parquet file, got '.txt'. Labels come"
    ):
        read_texts(path, label="x")


def test_bad_lists():
    with pytest.raises(ArgumentError, match=r"texts\[1\]: expected a text, got None. Fill it in"):
        read_texts(["a", None])
    with pytest.raises(ArgumentError, match=r"y: expected 2 labels, got 1. Give one label a text"):
        read_texts(["a", "b"], ["x"])
    with pytest.raises(DataError, match=r"texts\[1\]: expected a label, got none"):
        read_texts(["a", "b"], ["x", None])
    with pytest.raises(ArgumentError, match=r"text: expected the text's column, got None. Name one of: a"):
        read_texts({"a": ["x"]})
