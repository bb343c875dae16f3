import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.data import Roles, gather, origins, read_series, shuffled
from unrolled.errors import ArgumentError, DataError, ShapeError

ORDER = [4, 2, 0, 6, 1, 5, 7, 3]  # written down once: it must never change


def series_of(lengths):
    names = np.repeat(np.arange(len(lengths)), lengths)
    return read_series({"id": names, "y": np.arange(len(names))}, Roles("y", series="id"))


def test_the_usual_count_of_a_benchmark():
    data = read_series(np.zeros(17420), Roles("x0"))
    test = origins(data, [[11520, 14400]], history=336, horizon=96)
    assert len(test) == 2880 - 96 + 1 and test.rows[0] == 11520 and test.rows[-1] == 14400 - 96
    train = origins(data, [[0, 8640]], history=336, horizon=96)
    assert len(train) == 8640 - 336 - 96 + 1 and train.rows[0] == 336


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(0, 5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 10**6),
)
def test_the_rule_row_by_row(lengths, history, horizon, stride, seed):
    data = series_of(lengths)
    rng = np.random.default_rng(seed)
    ranges = np.sort(
        data.offsets[:-1, None] + rng.integers(0, np.array(lengths)[:, None] + 1, (len(lengths), 2))
    )
    expected = []
    for i, (first, last) in enumerate(ranges):
        fits = [o for o in range(first, last) if o + horizon <= last and o - history >= data.offsets[i]]
        expected += [(o, i) for o in fits[::stride]]
    if not expected:
        with pytest.raises(DataError, match="Lower history or horizon"):
            origins(data, ranges, history, horizon, stride)
        return
    found = origins(data, ranges, history, horizon, stride)
    assert list(zip(found.rows.tolist(), found.series.tolist(), strict=True)) == expected


def test_origins_that_cannot_be():
    data = series_of([5, 8])
    message = r"data: expected a series with 10 rows of history.* 3 rows of horizon, got at most 8 rows"
    with pytest.raises(DataError, match=message):
        origins(data, [[0, 5], [5, 13]], history=10, horizon=3)
    with pytest.raises(ShapeError, match=r"ranges: expected \(2, 2\), got \(1, 2\)"):
        origins(data, [[0, 5]], history=1, horizon=1)
    with pytest.raises(ArgumentError, match="horizon: expected a whole number >= 1, got 0"):
        origins(data, [[0, 5], [5, 13]], history=1, horizon=0)


def test_gather_copies_the_windows():
    values = np.arange(20.0, dtype=np.float32).reshape(10, 2)
    windows = gather(values, np.array([7, 0, 7]), 3)
    assert windows.shape == (3, 3, 2) and windows.flags.c_contiguous and windows.dtype == np.float32
    assert windows[1].tolist() == [[0, 1], [2, 3], [4, 5]]
    windows[0] = -1
    assert values.min() == 0 and windows[2, 0, 0] == 14
    assert gather(values[:, 1], np.array([8]), 2).tolist() == [[17, 19]]
    assert gather(values[::2], np.array([1]), 2).tolist() == [[[4, 5], [8, 9]]]
    assert gather(values, np.array([], np.int64), 3).shape == (0, 3, 2)


@pytest.mark.parametrize("start", [-1, 8])
def test_a_window_outside_the_rows_is_refused(start):
    with pytest.raises(
        ShapeError, match=rf"starts: expected windows inside 10 rows, got starts {start} to {start}"
    ):
        gather(np.zeros((10, 1)), np.array([start]), 3)


def test_the_order_is_a_pure_function_and_known():
    assert shuffled(8, 1, 2).tolist() == ORDER
    assert shuffled(1000, 3, 4).tolist() == shuffled(1000, 3, 4).tolist()
    assert sorted(shuffled(1000, 3, 4).tolist()) == list(range(1000))
    assert shuffled(1000, 3, 4).tolist() != shuffled(1000, 3, 5).tolist() != shuffled(1000, 4, 4).tolist()
    assert shuffled(0, 0, 0).tolist() == []
    with pytest.raises(ArgumentError, match="seed: expected a whole number >= 0, got -1"):
        shuffled(3, -1, 0)


def test_the_order_favours_no_place():
    places = np.stack([shuffled(5, seed, 0) for seed in range(2000)])
    counts = np.stack([(places == value).sum(0) for value in range(5)])
    assert abs(counts - 400).max() < 5 * np.sqrt(400 * 0.8)
