import numpy as np
import pytest

from unrolled.data import pad, pad_labels, read_sequences
from unrolled.errors import ArgumentError, DataError, ShapeError

PIECES = [np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, np.nan], [7.0, 8.0]])]


def test_a_list_of_arrays():
    data = read_sequences(PIECES, y=["up", "down"])
    assert data.values.dtype == np.float32 and data.values.shape == (4, 2)
    assert data.offsets.tolist() == [0, 1, 4] and data.lengths.tolist() == [1, 3]
    assert data.labels.tolist() == ["up", "down"] and not data.every_step and len(data) == 2


def test_a_padded_array_with_lengths_is_the_same():
    x = np.full((2, 3, 2), 99.0)
    x[0, :1], x[1] = PIECES[0], PIECES[1]
    data = read_sequences(x, y=np.array([1, 0]), lengths=[1, 3], columns=["a", "b"])
    np.testing.assert_array_equal(data.values, read_sequences(PIECES).values)
    assert data.labels.dtype == np.int64 and data.columns == ("a", "b")
    assert read_sequences(x).lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("y", "dtype", "kept"),
    [
        (["a", "b"], object, ["a", "b"]),
        ([2, 1], np.int64, [2, 1]),
        ([True, False], np.int64, [1, 0]),
        (np.array([0.5, 1.0], np.float32), np.float64, [0.5, 1.0]),
        (np.array(["x", "y"]), object, ["x", "y"]),
    ],
)
def test_labels_keep_their_kind(y, dtype, kept):
    labels = read_sequences(PIECES, y=y).labels
    assert labels.dtype == dtype and labels.tolist() == kept


def test_labels_of_every_step():
    data = read_sequences(PIECES, y=[["a"], ["b", "a", "c"]])
    assert data.every_step and data.labels.tolist() == ["a", "b", "a", "c"]
    padded = pad_labels(data, [1, 0], missing="")
    assert padded.tolist() == [["b", "a", "c"], ["a", "", ""]]
    x = np.zeros((2, 3, 2))
    data = read_sequences(x, y=np.array([[1, 0, 0], [2, 3, 4]]), lengths=[1, 3])
    assert data.labels.tolist() == [1, 2, 3, 4]


def test_a_padded_batch():
    x, lengths = pad(read_sequences(PIECES), [1, 0])
    assert x.dtype == np.float32 and lengths.tolist() == [3, 1]
    np.testing.assert_array_equal(x, [[[3, 4], [5, np.nan], [7, 8]], [[1, 2], [0, 0], [0, 0]]])


TABLE = {
    "id": ["b", "a", "b", "a"],
    "t": [0, 0, 1, 1],
    "u": [1.0, 2.0, 3.0, 4.0],
    "v": [5.0, 6.0, 7.0, 8.0],
    "what": ["x", "y", "x", "y"],
    "step": [1, 2, 3, 4],
}


def test_a_long_table():
    data = read_sequences(TABLE, series="id", time="t", label="what", columns=["u", "v"])
    assert data.names == ("b", "a") and data.columns == ("u", "v")
    assert data.values.tolist() == [[1, 5], [3, 7], [2, 6], [4, 8]]
    assert data.labels.tolist() == ["x", "y"] and not data.every_step
    steps = read_sequences(TABLE, series="id", label="step", columns=["u"])
    assert steps.every_step and steps.labels.tolist() == [1, 3, 2, 4]
    rest = {name: TABLE[name] for name in ("id", "u", "v", "what")}
    assert read_sequences(rest, series="id", label="what").columns == ("u", "v")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), DataError, "X: expected at least one sequence, got none"),
        (
            ([np.ones(3)],),
            ShapeError,
            r"X\[0\]: expected numbers \(time, features\), got float64 \(3,\).*x\[:, None\]",
        ),
        (([np.ones((3, 2)), np.ones((3, 1))],), ShapeError, r"X\[1\]: expected numbers \(time, 2\), got"),
        (([np.array([["a"]])],), ShapeError, r"X\[0\]: expected numbers \(time, 1\), got <U1"),
        (([np.ones((0, 2))],), DataError, r"X\[0\]: expected at least one step, got none. Drop"),
        (([np.array([[1.0], [np.inf]])],), DataError, r"X\[0\]\[1, 0\]: expected a finite number"),
        ((PIECES, ["a"]), ShapeError, "y: expected 2 labels, got 1. Pass one label a sequence"),
        ((PIECES, ["a", None]), DataError, r"y\[1\]: expected a label, got None. Fill it in"),
        ((PIECES, ["a", 3]), DataError, r"y\[1\]: expected labels of one kind, got 3"),
        ((PIECES, [1.0, float("nan")]), DataError, r"y\[1\]: expected a label, got nan"),
        ((PIECES, [["a"], ["b"]]), ShapeError, r"y\[1\]: expected 3 labels, got 1. Pass one label a step"),
        ((PIECES, None, [1, 3]), ArgumentError, "lengths: expected None for a list of arrays"),
        (
            (np.ones((2, 3, 1)), None, [1, 4]),
            ArgumentError,
            r"lengths\[1\]: expected 1 to 3, got 4. Give the true",
        ),
        ((np.ones((2, 3, 1)), None, [1, 0]), ArgumentError, r"lengths\[1\]: expected 1 to 3, got 0"),
        (
            (np.ones((2, 3, 1)), None, [1]),
            ShapeError,
            r"lengths: expected whole numbers \(2,\), got int64 \(1,\)",
        ),
        ((np.ones((2, 3, 1)), None, None, ["a", "b"]), ShapeError, "columns: expected 1 names, got 2"),
        ((TABLE,), ArgumentError, "series: expected the name of a column, got None. Name the column"),
        (
            (TABLE, None, None, ["u", "what"], "id"),
            DataError,
            "what, row 1: expected a number, got 'x'",
        ),
        (
            ({**TABLE, "what": ["x", None, "x", "y"]}, None, None, ["u"], "id", (), "what"),
            DataError,
            "what, row 2: expected a label, got None",
        ),
    ],
)
def test_wrong_sequences(arguments, error, message):
    with pytest.raises(error, match=message):
        read_sequences(*arguments)


def test_step_labels_are_asked_of_those_who_have_them():
    with pytest.raises(ArgumentError, match="sequences: expected a label for every step, got one a sequence"):
        pad_labels(read_sequences(PIECES, y=[1, 2]), [0], missing=0)
