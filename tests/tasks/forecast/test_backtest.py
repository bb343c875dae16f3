import numpy as np
import polars as pl
import pytest
from small_forecasts import QUIET, counted, ragged, small, wave

from unrolled.data import Roles, Split, read_series, split_rows
from unrolled.errors import ArgumentError, DataError
from unrolled.tasks.forecast.backtest import fold_split, pooled
from unrolled.tasks.forecast.scoring import verdict_of


def one_split():
    data = counted(60)
    return data, Split(np.array([[0, 30]]), np.array([[30, 40]]), np.array([[40, 60]]))


def test_folds_cover_the_test_part_and_each_learns_from_what_came_before():
    data, whole = one_split()
    parts = [fold_split(data, whole, fold, 3) for fold in range(3)]
    assert [part.test.tolist()[0] for part in parts] == [[40, 46], [46, 52], [52, 60]]
    assert [part.validation.tolist()[0] for part in parts] == [[30, 40], [36, 46], [42, 52]]
    assert [part.train.tolist()[0] for part in parts] == [[0, 30], [0, 36], [0, 42]]


def test_one_fold_is_the_split_itself():
    data, whole = one_split()
    part = fold_split(data, whole, 0, 1)
    assert [rows.tolist() for rows in (part.train, part.validation, part.test)] == [
        rows.tolist() for rows in (whole.train, whole.validation, whole.test)
    ]


def test_no_fold_learns_from_the_future_of_another_series():
    frame = pl.concat(
        [
            ragged((160, 130)).select("t", "y", "shop"),
            wave(90, start="2024-01-04").select("t", "y", shop=pl.lit("late")),
        ]
    )
    data = read_series(frame, Roles("y", time="t", series="shop"))
    whole = split_rows(data)
    tested = []
    for fold in range(3):
        part = fold_split(data, whole, fold, 3)
        stamps = {
            name: np.concatenate([data.stamps[start:stop] for start, stop in ranges])
            for name, ranges in (("train", part.train), ("validation", part.validation), ("test", part.test))
        }
        assert stamps["train"].max() < stamps["validation"].min()
        assert stamps["validation"].max() < stamps["test"].min()
        tested += [row for start, stop in part.test for row in range(start, stop)]
    assert sorted(tested) == [row for start, stop in whole.test for row in range(start, stop)]


def test_series_without_stamps_are_cut_by_themselves():
    data = read_series(ragged((100, 100)).drop("t"), Roles("y", series="shop"))
    part = fold_split(data, split_rows(data), 1, 2)
    assert part.test.tolist() == [[90, 100], [190, 200]]


@pytest.fixture
def folds():
    """What each fold finds, fitted by hand."""
    frame = wave()
    data = read_series(frame, Roles("y", time="t"))
    whole = split_rows(data, (90, 30, 40))
    found = [
        small().fit_series(data, fold_split(data, whole, fold, 2), reporter=QUIET).evaluation_
        for fold in range(2)
    ]
    return frame, found


def test_the_backtest_is_every_fold_fitted_anew_and_pooled(folds):
    frame, found = folds
    together = small().backtest(frame, "y", time="t", split=(90, 30, 40), folds=2, reporter=QUIET)
    assert together.windows == sum(one.windows for one in found) == 36
    for score in together.scores:
        parts = [one.score(score.name) for one in found]
        for field in ("mae", "mse", "mase", "coverage", "interval_score"):
            expected = np.mean([getattr(part, field) for part in parts])  # the folds have as many windows
            assert getattr(score, field) == pytest.approx(expected)
        assert score.raw_mae["y"] == pytest.approx(np.mean([part.raw_mae["y"] for part in parts]))
    assert together.losses.rows.tolist() == [*range(120, 138), *range(140, 158)]
    assert together.verdict == verdict_of(together.losses, together.model.name, 3)
    mean = np.concatenate([one.losses.by_name[one.model.name] for one in found]).mean()
    assert together.model.mse == pytest.approx(mean)


def test_means_are_weighted_by_windows(folds):
    _, (one, other) = folds
    few = type(other)(**{**other.__dict__, "windows": 9})
    together = pooled([one, few], 3)
    assert together.model.mse == pytest.approx((2 * one.model.mse + other.model.mse) / 3)


def test_a_baseline_that_not_every_fold_has_is_left_out_with_a_note(folds):
    _, (one, other) = folds
    kept = tuple(score for score in one.scores if score.name != "ridge regression")
    losses = type(one.losses)(
        {name: values for name, values in one.losses.by_name.items() if name != "ridge regression"},
        one.losses.rows,
        one.losses.series,
    )
    first = type(one)(**{**one.__dict__, "scores": kept, "losses": losses})
    for found in ([first, other], [other, first]):
        together = pooled(found, 3)
        assert "ridge regression" not in [score.name for score in together.scores]
        assert together.score("exponential smoothing").mse == pytest.approx(
            (one.score("exponential smoothing").mse + other.score("exponential smoothing").mse) / 2
        )
        assert any("ridge regression is left out" in note for note in together.notes)


def test_the_forecaster_itself_is_not_fitted():
    model = small()
    model.backtest(wave(), "y", time="t", folds=1, reporter=QUIET)
    assert not hasattr(model, "network_")


def test_pieces_shorter_than_the_horizon_are_refused():
    with pytest.raises(
        DataError, match=r"folds: expected pieces of at least 3 rows, got 32 test rows for 11 folds"
    ):
        small().backtest(wave(), "y", time="t", folds=11, reporter=QUIET)
    with pytest.raises(
        ArgumentError, match=r"folds: expected a whole number >= 1, got 0. 3 is a good number."
    ):
        small().backtest(wave(), "y", time="t", folds=0, reporter=QUIET)
