import numpy as np
import polars as pl
import pytest

from unrolled.data import read_frame, read_sequences
from unrolled.errors import ArgumentError, DataError, ShapeError
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.data import (
    SequenceColumns,
    choose_columns,
    digests,
    encode_labels,
    is_arrays,
    part_sizes,
    read_training,
    split_sequences,
)

TABLE = {
    "id": ["p", "q", "p", "q"],
    "at": [0, 0, 1, 1],
    "u": [1.0, 2.0, 3.0, 4.0],
    "on": [True, False, True, True],
    "sky": ["sun", "rain", "sun", "sun"],
    "kind": ["a", "b", "a", "b"],
}
OPEN = {"y": None, "lengths": None, "series": "id", "time": "at", "target": "kind", "past": None}


def test_a_table_by_columns():
    columns, data = read_training(pl.DataFrame(TABLE), **OPEN)
    assert columns == SequenceColumns(("u", "on"), "id", ("at",), "kind", ("sky",))
    assert columns.unread == ("at", "kind", "sky")
    assert data.names == ("p", "q") and data.labels.tolist() == ["a", "b"]
    assert data.values.tolist() == [[1, 1], [3, 1], [2, 0], [4, 1]]
    assert SequenceColumns.from_card(columns.card()) == columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"series": None}, "series: expected the name of a column, got None. Name the column that tells"),
        ({"target": None}, "target: expected the label's column, got None. Name one of: id, at, u, on, sky"),
        ({"target": ["kind", "u"]}, "target: expected the label's column, got several."),
        ({"target": "id"}, "target: expected another column than series and time, got 'id'. Name a column"),
        ({"target": "knid"}, "target: expected a column of the data, got 'knid'. Did you mean 'kind'?"),
        ({"past": "kind"}, "past: expected columns without another role, got 'kind'. Leave it out."),
        ({"past": "uu"}, "past: expected a column of the data, got 'uu'. Did you mean 'u'?"),
        ({"series": "ib"}, "series: expected a column of the data, got 'ib'. The columns are: id"),
        ({"time": "att"}, "time: expected a column of the data, got 'att'. Did you mean 'at'?"),
        ({"y": ["a", "b"]}, "y: expected None: a table has them in its columns, got list. Leave it out."),
        ({"lengths": [2, 2]}, "lengths: expected None: a table has them in its columns"),
    ],
)
def test_a_table_that_cannot_be_read(changes, message):
    with pytest.raises(ArgumentError) as error:
        read_training(TABLE, **OPEN | changes)
    assert str(error.value).startswith(message)


def test_a_column_of_words_is_no_feature():
    with pytest.raises(DataError, match="sky, row 1: expected a number, got 'sun'"):
        read_training(TABLE, **OPEN | {"past": ["u", "sky"]})
    broken = TABLE | {"u": ["1.0", "2.0", "??", "4.0"]}
    with pytest.raises(DataError, match=r"u, row 3: expected a number, got '\?\?'"):
        read_training(broken, **OPEN)
    words = {name: TABLE[name] for name in ("id", "sky", "kind")}
    with pytest.raises(
        ArgumentError, match="past: expected a column of numbers, got none without another role"
    ):
        choose_columns(read_frame(words), "id", None, "kind", None)


def test_labels_with_gaps():
    with pytest.raises(DataError, match=r"kind, row 2: expected a label, got None. Fill it in, or drop"):
        read_training(TABLE | {"kind": ["a", None, "a", "b"]}, **OPEN)
    with pytest.raises(DataError, match=r"y\[1\]: expected a label, got None"):
        read_training([np.zeros((2, 1))] * 2, **dict.fromkeys(OPEN) | {"y": ["a", None]})
    with pytest.raises(ArgumentError, match="y: expected a label for each sequence, got None"):
        read_training([np.zeros((2, 1))] * 2, **dict.fromkeys(OPEN))


def test_arrays():
    none = dict.fromkeys(OPEN)
    columns, data = read_training(np.zeros((2, 3, 2)), **none | {"y": [1, 0], "past": "u,v"})
    assert columns == SequenceColumns(("u", "v")) and data.columns == ("u", "v")
    with pytest.raises(ArgumentError, match="series: expected None: arrays have no columns, got str"):
        read_training([np.zeros((2, 1))], **none | {"y": [1], "series": "id"})
    with pytest.raises(
        ShapeError, match=r"X: expected \(batch, time, features\), got \(5, 2\). One sequence. Pass"
    ):
        is_arrays(np.zeros((5, 2)))
    assert not is_arrays(pl.DataFrame(TABLE)) and not is_arrays("data.csv") and is_arrays([np.zeros((1, 1))])
    with pytest.raises(ShapeError, match=r"X: expected 2 features \(u, v\), got 3. Pass the features"):
        columns.read(np.zeros((1, 3, 3)))
    with pytest.raises(
        ArgumentError, match=r"X: expected arrays .* as in fit, got a table. Pass arrays here too"
    ):
        columns.open(TABLE)


def test_one_label_a_sequence_serves_each_step():
    classes = Classes(("a", "b"))
    data = read_sequences([np.zeros((2, 1)), np.zeros((1, 1))], y=["b", "a"])
    assert encode_labels(data, classes, every=True, name="y").labels.tolist() == [1, 1, 0]
    steps = read_sequences([np.zeros((2, 1)), np.zeros((1, 1))], y=[["b", "a"], ["a"]])
    assert encode_labels(steps, classes, every=True, name="y").labels.tolist() == [1, 0, 0]
    with pytest.raises(
        DataError, match=r"y: expected one label a sequence, got labels that change.*head='every'"
    ):
        encode_labels(steps, classes, every=False, name="y")


def test_parts_share_no_sequence_and_keep_the_classes_in_proportion():
    classes = np.array([0] * 60 + [1] * 30 + [2] * 10)
    parts = split_sequences(100, (0.7, 0.1, 0.2), seed=3, classes=classes)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(100))
    counted = [np.bincount(classes[part]).tolist() for part in (parts.train, parts.validation, parts.test)]
    assert counted == [[42, 21, 7], [6, 3, 1], [12, 6, 2]]
    assert parts.left.tolist() == [*parts.train, *parts.validation]
    again, other = (split_sequences(100, seed=seed, classes=classes) for seed in (3, 4))
    np.testing.assert_array_equal(parts.train, again.train)
    assert not np.array_equal(parts.train, other.train)
    rare = split_sequences(20, classes=np.array([1] + [0] * 19))
    assert 0 in rare.train  # the one sequence of a class is learned from


@pytest.mark.parametrize(
    ("count", "split", "kind", "message"),
    [
        (1, (0.7, 0.1, 0.2), DataError, "X: expected at least 3 sequences, got 1. Collect more"),
        (10, (8, 2, 1), DataError, "split: expected counts of at most 10 sequences, got 11 in all. Lower"),
        (
            10,
            (0.7, 0.3),
            ArgumentError,
            "split: expected three fractions above 0 with a sum of at most 1, or",
        ),
        (10, (0.7, 0.3, 0.0), ArgumentError, "split: expected three fractions"),
        (10, (0.7, 0.3, 0.1), ArgumentError, "split: expected three fractions"),
        (10, "half", ArgumentError, "split: expected .*got 'half'. Try"),
    ],
)
def test_a_split_that_cannot_be(count, split, kind, message):
    with pytest.raises(kind, match=message):
        part_sizes(count, split)


def test_digests_tell_sequences_apart():
    data = read_sequences([np.ones((2, 1)), np.ones((2, 1)), np.zeros((2, 1))])
    plain, named = (digests(data, range(3), named) for named in (False, True))
    assert plain[0] == plain[1] != plain[2] and len(set(named.tolist())) == 3
