import gzip

import numpy as np
import polars as pl
import pytest

from unrolled.data import read_frame
from unrolled.errors import ArgumentError, DataError, ShapeError


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def columns_of(frame):
    return {name: frame.column(name).to_list() for name in frame.columns}


def test_missing_words_of_a_csv_file(write):
    frame = read_frame(write("a,b,c\n1,NA,x\nNaN,2.5,\n3,null,NA\n"))
    assert columns_of(frame) == {"a": [1, None, 3], "b": [None, 2.5, None], "c": ["x", None, None]}
    assert frame.rows == 3 and frame.native is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("a,b\n1,2\n3,4\n", "d.csv"),
        ("a;b\n1;2\n3;4\n", "d.csv"),
        ("a\tb\n1\t2\n3\t4\n", "d.tsv"),
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n\r\n\r\n", "d.csv"),
        ("a, b\n1, 2\n3, 4", "d.CSV"),
        ('"a","b"\n"1",2\n3,"4"\n', "d.csv"),
    ],
)
def test_forms_of_the_same_table(write, content, name):
    assert columns_of(read_frame(write(content, name))) == {"a": [1, 3], "b": [2, 4]}


def test_text_keeps_a_column_as_it_is_written(write):
    path = write("id,y\n007,1\n1.50,2\n")
    assert read_frame(path, text={"id"}).column("id").to_list() == ["007", "1.50"]


@pytest.mark.parametrize("late", ["2.5", "word", "99999999999999999999"])
def test_types_that_only_late_rows_show(write, late):
    column = read_frame(write("a,b\n" + "1,\n" * 10_001 + f"{late},7\n")).column("a")
    assert len(column) == 10_002 and str(column[-1]) == late
    assert column[0] == ("1" if late == "word" else 1)


def test_a_column_that_starts_late_holds_numbers(write):
    column = read_frame(write("a,b\n" + "1,\n" * 10_001 + "1,7\n")).column("b")
    assert column.dtype.is_numeric() and column[-1] == 7 and column.null_count() == 10_001


def test_quotes_may_hold_separators_and_line_ends(write):
    frame = read_frame(write('a,b\n"x,y\nz",1\n"NA",2\n'))
    assert frame.column("a").to_list()[0] == "x,y\nz" and frame.rows == 2


def test_parquet(tmp_path):
    pl.DataFrame({"a": [1.5, None]}).write_parquet(tmp_path / "d.parquet")
    assert read_frame(str(tmp_path / "d.parquet")).column("a").to_list() == [1.5, None]


def test_arrays_and_dicts():
    assert columns_of(read_frame(np.array([[1, 2], [3, 4]]))) == {"x0": [1, 3], "x1": [2, 4]}
    assert columns_of(read_frame(np.array([1, 2]), columns=["y"])) == {"y": [1, 2]}
    assert read_frame({"a": [1, 2], "t": np.array(["u", None], object)}).column("t").to_list() == ["u", None]
    record = np.array([(1, 2.5)], dtype=[("n", "i4"), ("f", "f8")])
    assert columns_of(read_frame(record)) == {"n": [1], "f": [2.5]}


def test_a_pandas_frame_with_its_index_and_awkward_types():
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2024-01-01", periods=2, freq="D")
    made = pd.DataFrame(
        {
            "mixed": pd.Series([1, "y"], dtype=object, index=index),
            "truth": pd.Series([True, None], dtype=object, index=index),
            "whole": pd.array([1, None], dtype="Int64"),
            "kind": pd.Categorical(["u", None]),
            "month": pd.period_range("2020-01", periods=2, freq="M"),
        },
        index=index,
    )
    frame = read_frame(made)
    assert frame.columns == ("index", "mixed", "truth", "whole", "kind", "month")
    assert frame.column("mixed").to_list() == ["1", "y"]
    assert frame.column("truth").to_list() == [True, None]
    assert frame.column("whole").to_list() == [1, None]
    assert frame.column("kind").to_list() == ["u", None]
    assert [str(s)[:10] for s in frame.column("month").to_list()] == ["2020-01-01", "2020-02-01"]
    assert [str(s)[:10] for s in frame.column("index").to_list()] == ["2024-01-01", "2024-01-02"]
    assert list(frame.same_kind({"a": np.ones(2)}).columns) == ["a"]


def test_pandas_columns_that_are_numbers():
    pd = pytest.importorskip("pandas")
    assert columns_of(read_frame(pd.DataFrame([[1, 2], [3, 4]]))) == {"0": [1, 3], "1": [2, 4]}


def test_an_arrow_table():
    pa = pytest.importorskip("pyarrow")
    frame = read_frame(pa.table({"a": [1, None], "t": pa.array(["u", "v"]).dictionary_encode()}))
    assert columns_of(frame) == {"a": [1, None], "t": ["u", "v"]}
    assert isinstance(frame.same_kind({"a": np.ones(2)}), pa.Table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a table with column names, got an empty file or line. The first line names"),
        ("a,b\n", "expected at least one row of data, got none"),
        ("a,a\n1,2\n", "line 1: expected different column names, got 'a' twice. Rename one"),
        ("1,2\n3,4\n", "line 1: expected column names, got numbers: 1, 2. Add a first line"),
        (
            "a,b\n1,2\n3\n",
            "line 3: expected 2 fields, as in line 1, got 1. Correct the line; is the file cut off",
        ),
        ("a,b\n1,2\n3,4,5\n", "line 3: expected 2 fields, as in line 1, got 3"),
        ("a,b\n1,2\n\n3,4\n", "line 3: expected 2 fields, as in line 1, got an empty line"),
        (b"a,b\n1,2\n3,\xe4\n", "expected text in UTF-8, got byte 0xe4 in line 3. Save the file as UTF-8"),
        ('a,b\n1,"x"\n\n3,4\n', "line 3: expected 2 fields, as in line 1, got an empty line"),
        ('a,b\n1,"x"\n3\n', "line 3: expected 2 fields, as in line 1, got 1"),
        ('a,b\n1,"x\ny",5\n3,4\n', "line 3: expected 2 fields, as in line 1, got 3"),
        ("a,b\r1,2\r3,4\r", "expected a table of text, got new-line character seen in unquoted field"),
        ('a,b\n1,"x\n2,3\n', "Correct the"),
        ("a,b\n1,2\n".encode("utf-16"), "expected text in UTF-8, got byte 0xff in line 1"),
    ],
)
def test_wrong_files(write, content, message):
    with pytest.raises(DataError) as caught:
        read_frame(write(content))
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert "data.csv" in str(caught.value)


def test_a_broken_parquet_file(write):
    with pytest.raises(DataError, match=r"d\.parquet: expected a Parquet file, got .*Is it whole"):
        read_frame(write("PAR1 not really", "d.parquet"))


def test_wrong_paths(write, tmp_path):
    path = write("a\n1\n", "weather.csv")
    with pytest.raises(
        ArgumentError, match=r"expected a file, got no such file. Did you mean 'weather.csv'\?"
    ):
        read_frame(tmp_path / "wether.csv")
    with pytest.raises(ArgumentError, match=r"expected a file, got a folder. Name one file in it"):
        read_frame(path.parent)
    with pytest.raises(ArgumentError, match=r"ending in .csv, .tsv or .parquet, got '.gz'. Save it as one"):
        read_frame(write(gzip.compress(b"a\n1\n"), "d.csv.gz"))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (7, ArgumentError, r"data: expected a .csv.* got int. Convert it"),
        (pl.LazyFrame({"a": [1]}), ArgumentError, r"got a LazyFrame. Call .collect\(\) on it first"),
        ({"a": [1], "b": [1, 2]}, ShapeError, r"columns of equal length, got 1 in 'a' and 2 in 'b'"),
        (np.ones((2, 2, 2)), ShapeError, r"data: expected an array \(rows, columns\), got \(2, 2, 2\)"),
        ({"a": np.ones((2, 2))}, ShapeError, r"column 'a': expected \(rows,\), got \(2, 2\)"),
        (np.ones((0, 2)), DataError, r"data: expected at least one row of data, got none"),
    ],
)
def test_wrong_sources(source, error, message):
    with pytest.raises(error, match=message):
        read_frame(source)


def test_a_mistyped_column_names_the_nearest():
    frame = read_frame({"temp_max": [1.0], "wind": [2.0]})
    with pytest.raises(
        ArgumentError, match=r"target: expected a column of the data, got 'tempmax'. Did you mean"
    ):
        frame.column("tempmax", "target")
    with pytest.raises(ArgumentError, match=r"got 'zzz'. The columns are: temp_max, wind"):
        frame.column("zzz")
