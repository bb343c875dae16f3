import numpy as np
import pytest

from unrolled.data import Roles, read_series, split_rows
from unrolled.errors import ArgumentError, DataError


def lone(rows):
    return read_series(np.arange(float(rows)), Roles("x0"))


def several(lengths, starts=None):
    names = np.repeat([f"s{i}" for i in range(len(lengths))], lengths)
    frame = {"id": names, "y": np.arange(float(sum(lengths)))}
    roles = Roles("y", series="id")
    if starts is not None:
        days = [np.datetime64(start) + np.arange(n) for start, n in zip(starts, lengths, strict=True)]
        frame["t"] = np.concatenate(days)
        roles = Roles("y", series="id", time="t")
    return read_series(frame, roles)


def test_counts_leave_the_rest_out():
    parts = split_rows(lone(17420), (8640, 2880, 2880))
    assert (parts.train.tolist(), parts.validation.tolist(), parts.test.tolist()) == (
        [[0, 8640]],
        [[8640, 11520]],
        [[11520, 14400]],
    )
    assert parts.rows == (8640, 2880, 2880) and parts.train.dtype == np.int64


def test_fractions_of_one_series_use_every_row():
    parts = split_rows(lone(101), (0.7, 0.1, 0.2))
    assert (parts.train.tolist(), parts.validation.tolist(), parts.test.tolist()) == (
        [[0, 71]],
        [[71, 81]],
        [[81, 101]],
    )
    assert split_rows(lone(100), (0.5, 0.1, 0.1)).test.tolist() == [[60, 70]]


def test_without_stamps_every_series_is_cut_by_itself():
    parts = split_rows(several([10, 20]), (0.5, 0.2, 0.3))
    assert parts.train.tolist() == [[0, 5], [10, 20]]
    assert parts.validation.tolist() == [[5, 7], [20, 24]]
    assert parts.test.tolist() == [[7, 10], [24, 30]]


def test_with_stamps_all_series_are_cut_at_the_same_dates():
    data = several([100, 60, 10], ["2024-01-01", "2024-02-10", "2024-04-01"])
    parts = split_rows(data, (0.7, 0.1, 0.2))
    assert sum(parts.rows) == 170
    ends = [data.stamps[last - 1] for first, last in parts.train if last > first]
    for later, sooner in ((parts.validation, parts.train), (parts.test, parts.validation)):
        first = min(data.stamps[a] for a, b in later if b > a)
        assert first > max(data.stamps[b - 1] for a, b in sooner if b > a)
    assert max(ends) < np.datetime64("2024-04-01") and parts.train[2].tolist() == [160, 160]
    np.testing.assert_allclose(np.array(parts.rows) / 170, [0.7, 0.1, 0.2], atol=0.02)


def test_a_cut_by_date_falls_where_the_fraction_says():
    parts = split_rows(several([10, 10], ["2024-01-01", "2024-01-01"]), (0.5, 0.2, 0.3))
    assert parts.train.tolist() == [[0, 5], [10, 15]]
    assert parts.validation.tolist() == [[5, 7], [15, 17]]
    assert parts.test.tolist() == [[7, 10], [17, 20]]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((0.7, 0.3), "split: expected three counts of rows, or three fractions"),
        ((0.7, 0.3, 0.3), r"got \(0.7, 0.3, 0.3\). For example split=\(0.7, 0.1, 0.2\)"),
        ((0.7, 0.3, 0.0), "three fractions above 0"),
        ((50, -1, 3), "split: expected three counts"),
        ("0.7", "split: expected three counts"),
        (None, "split: expected three counts"),
    ],
)
def test_wrong_splits(split, message):
    with pytest.raises(ArgumentError, match=message):
        split_rows(lone(100), split)


def test_splits_that_the_data_cannot_hold():
    with pytest.raises(
        DataError, match=r"split: expected counts of at most 100 rows, got \(80, 20, 20\), 120 in all"
    ):
        split_rows(lone(100), (80, 20, 20))
    with pytest.raises(
        DataError, match=r"split: expected at least one row for validation, got none of 4 with split"
    ):
        split_rows(lone(4), (0.7, 0.1, 0.2))
    with pytest.raises(
        ArgumentError, match=r"split: expected fractions, as there are several series, got \(5, 2, 3\)"
    ):
        split_rows(several([10, 10]), (5, 2, 3))
