import numpy as np
import pytest

from unrolled.baselines import LastValue, Rowed, SeasonalNaive
from unrolled.baselines.past import carried_forward, interpolated
from unrolled.errors import ArgumentError, ShapeError

NAN = np.nan
VALUES = np.array([[1, NAN], [2, NAN], [3, 30], [NAN, 40], [5, 50], [6, NAN], [7, 70], [8, 80]], np.float32)
OFFSETS = np.array([0, 5, 8])
TRAIN = np.array([[0, 4], [5, 7]])
NONE = np.array([[4, 4], [7, 7]])


def at(rows, series):
    return Rowed(np.array(rows), np.array(series))


def test_the_last_valid_value_of_the_own_series():
    fitted = LastValue().fit(VALUES, OFFSETS, TRAIN, NONE, horizon=2)
    answer = fitted.forecast(VALUES, OFFSETS, at([4, 5, 2, 5], [0, 0, 0, 1]))
    assert answer.dtype == np.float32 and answer.shape == (4, 2, 2)
    # before series 1's first row, and where target 1 is not known yet: the training mean
    expected = [[3, 40], [5, 50], [2, 140 / 3], [19 / 5, 140 / 3]]
    np.testing.assert_allclose(answer[:, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(answer[:, 0], answer[:, 1])


def test_the_last_season_and_the_newest_one_where_it_is_missing():
    values = np.array([10, 11, 12, 20, NAN, 22, NAN, NAN, 32], np.float32)[:, None]
    fitted = SeasonalNaive(3).fit(values, [0, 9], [[0, 9]], [[9, 9]], horizon=7)
    answer = fitted.forecast(values, np.array([0, 9]), at([9, 8, 3], [0, 0, 0]))[..., 0]
    np.testing.assert_allclose(answer[0], [20, 11, 32, 20, 11, 32, 20])
    np.testing.assert_allclose(answer[1], [22, 20, 11, 22, 20, 11, 22])
    np.testing.assert_allclose(answer[2], [10, 11, 12, 10, 11, 12, 10])


def test_a_phase_that_was_never_seen_takes_the_last_value():
    values = np.array([10, 11, 12, 13], np.float32)[:, None]
    fitted = SeasonalNaive(4).fit(values, [0, 4], [[0, 4]], [[4, 4]], horizon=4)
    answer = fitted.forecast(values, [0, 4], at([2], [0]))[0, :, 0]
    np.testing.assert_allclose(answer, [11, 11, 10, 11])


def test_seasons_do_not_run_from_one_series_into_the_next():
    values = np.array([1, 2, 3, 101, 102, 103], np.float32)[:, None]
    fitted = SeasonalNaive(2).fit(values, [0, 3, 6], [[0, 3], [3, 6]], [[3, 3], [6, 6]], horizon=2)
    answer = fitted.forecast(values, [0, 3, 6], at([4, 6], [1, 1]))[..., 0]
    np.testing.assert_allclose(answer, [[101, 101], [102, 103]])


def test_carrying_forward_and_interpolating():
    np.testing.assert_array_equal(
        carried_forward(VALUES, OFFSETS)[:, 1], np.array([NAN, NAN, 30, 40, 50, NAN, 70, 80], np.float32)
    )
    filled = interpolated(VALUES, np.array([[0, 5], [5, 8]]))
    np.testing.assert_allclose(filled[:, 0], [1, 2, 3, 4, 5, 6, 7, 8])
    np.testing.assert_allclose(filled[:, 1], [30, 30, 30, 40, 50, 70, 70, 80])
    assert np.isnan(VALUES[3, 0])


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda b: b.forecast(VALUES, OFFSETS, at([1], [0])),
            ArgumentError,
            "one that is not. Call fit first",
        ),
        (
            lambda b: b.fit(VALUES[:, 0], OFFSETS, TRAIN, NONE, 1),
            ShapeError,
            r"got \(8,\). One target\? Pass values",
        ),
        (
            lambda b: b.fit(VALUES, [0, 9], TRAIN, NONE, 1),
            ShapeError,
            r"got \[0, 9\] for 8 rows. One series\?",
        ),
        (
            lambda b: b.fit(VALUES, OFFSETS, TRAIN[:1], NONE, 1),
            ShapeError,
            r"expected \(2, 2\), got \(1, 2\)",
        ),
        (
            lambda b: b.fit(VALUES, OFFSETS, TRAIN + 2, NONE, 1),
            ArgumentError,
            r"got \[2, 6\]. Take the ranges from",
        ),
        (lambda b: b.fit(VALUES, OFFSETS, TRAIN, NONE, 0), ArgumentError, "got 0. Say how many steps"),
    ],
)
def test_errors_name_the_value_and_the_cure(call, kind, message):
    with pytest.raises(kind, match=message):
        call(LastValue())


def test_origins_must_lie_in_their_series():
    fitted = LastValue().fit(VALUES, OFFSETS, TRAIN, NONE, 1)
    with pytest.raises(ArgumentError, match=r"got row 6 for series 0. Take them from data.origins"):
        fitted.forecast(VALUES, OFFSETS, at([6], [0]))
    with pytest.raises(ArgumentError, match=r"expected 0 to 1, got 2. Use origins of the same series set"):
        fitted.forecast(VALUES, OFFSETS, at([6], [2]))
    with pytest.raises(ArgumentError, match=r"got 1. A season of 1 is LastValue"):
        SeasonalNaive(1)
