import numpy as np
import polars as pl
import pytest
from small_forecasts import DECODERS, counted, fitted, hours, ragged, wave

from unrolled.data import Origins, Roles, Split, read_series
from unrolled.errors import DataError, ModelFileError
from unrolled.metrics.forecast import coverage, mase, mse, seasonal_scale
from unrolled.tasks.forecast import scoring as forecast_scoring
from unrolled.tasks.forecast.evaluation import Losses
from unrolled.tasks.forecast.losses import answers
from unrolled.tasks.forecast.periods import Periods
from unrolled.tasks.forecast.scoring import (
    Forecasts,
    Judge,
    mean_of_known,
    origins_of,
    spanned,
    verdict_of,
    widest,
)

NAN = float("nan")
LAST, SEASON = "last value", "last season (24 steps)"


def losses(model, plain, series=None):
    count = len(model)
    named = {"GRU": np.array(model), "plain": np.array(plain), "poor": np.array(plain) + 9}
    return Losses(named, np.arange(count), np.zeros(count, int) if series is None else series)


@pytest.mark.parametrize(("shift", "kind"), [(-0.5, "better"), (0.5, "worse"), (0.0, "as good")])
def test_the_verdict_is_the_sign_of_the_interval(shift, kind):
    noise = np.random.default_rng(0).standard_normal((2, 300)) * 0.1
    verdict = verdict_of(losses(2 + shift + noise[0], 2 + noise[1]), "GRU", 4)
    assert (verdict.kind, verdict.baseline) == (kind, "plain")


def test_windows_of_which_nothing_is_known_do_not_count():
    model, plain = np.full(100, 1.0), np.full(100, 2.0)
    model[10:90] = plain[10:90] = NAN
    verdict = verdict_of(losses(model, plain), "GRU", 4)
    assert (verdict.kind, verdict.relative) == ("better", -0.5)


def test_the_verdict_takes_series_apart():
    noise = np.random.default_rng(0).standard_normal((2, 100)) * 0.1
    series = np.repeat([0, 1], 50)
    verdict = verdict_of(losses(1 + noise[0], 2 + noise[1], series), "GRU", 4)
    assert verdict.kind == "better"


@pytest.mark.parametrize(
    ("levels", "pair"),
    [
        ((0.5,), None),
        ((0.1, 0.5), None),
        ((0.1, 0.9), (0, 1)),
        ((0.05, 0.1, 0.9, 0.95), (0, 3)),
        ((0.3,), None),
    ],
)
def test_the_widest_interval(levels, pair):
    assert widest(levels) == pair


def test_scores_by_hand():
    truth = np.array([[[1.0, 10.0], [NAN, 20.0]]])
    judge = Judge(truth, np.array([[2.0, 10.0]]), np.array([[0.5, 5.0]]), np.array([0]), ("a", "b"), 0.8)
    bounds = (np.array([[[0.0, 12.0], [0.0, 15.0]]]), np.array([[[4.0, 16.0], [4.0, 25.0]]]))
    found = Forecasts(np.array([[[3.0, 15.0], [9.0, 20.0]]]), bounds)
    score, each = judge.score("it", lambda part: found)
    assert score.raw_mae == {"a": 2.0, "b": 2.5}
    assert score.mae == pytest.approx((1.0 + 0.25) / 2)  # the mean over targets of errors in scales
    assert score.mse == pytest.approx((1.0 + 0.125) / 2)
    assert score.mase == pytest.approx((4.0 + 1.0 + 0.0) / 3)
    assert score.coverage == pytest.approx(2 / 3)
    assert score.coverage_by_target == {"a": 1.0, "b": 0.5}
    widths = [4.0 / 2, 4.0 / 10 + 10 * 2.0 / 10, 10.0 / 10]
    assert score.interval_score == pytest.approx(np.mean(widths))
    assert each == pytest.approx([(1.0 + 0.25 + 0.0) / 3])


def test_blocks_are_scored_as_one(monkeypatch):
    random = np.random.default_rng(0)
    truth, point, low, high = random.standard_normal((4, 50, 3, 2))
    truth[random.random(truth.shape) < 0.2] = NAN
    truth[:20, :, 1] = NAN  # whole blocks in which nothing is known of a target
    series = np.arange(50) % 2
    naive = np.array([[0.5, NAN], [2.0, 1.0]])
    judge = Judge(truth, np.array([[1.0, 2.0], [3.0, 4.0]]), naive, series, ("a", "b"), 0.8)
    found = []
    for size in (10**6, 60):
        monkeypatch.setattr(forecast_scoring, "BLOCK_NUMBERS", size)
        found.append(judge.score("it", lambda part: Forecasts(point[part], (low[part], high[part]))))
    (whole, losses), (pieces, again) = found
    np.testing.assert_array_equal(losses, again)
    for field in ("mae", "mse", "mase", "coverage", "interval_score", "raw_mae", "coverage_by_target"):
        assert getattr(pieces, field) == pytest.approx(getattr(whole, field), rel=1e-12)
    assert whole.mase == pytest.approx(float(mase(truth, point, naive, series)))
    assert whole.coverage == pytest.approx(float(coverage(truth, low, high)))


def test_a_target_of_which_nothing_is_known_does_not_count():
    assert mean_of_known(np.array([NAN, 2.0, 4.0])) == 3.0
    assert np.isnan(mean_of_known(np.array([NAN])))


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_window_of_the_test_part_is_scored(decoder):
    frame = wave()
    model = fitted(frame, time="t", changes={"decoder": decoder}, split=(100, 30, 30))
    found = model.evaluation_
    assert found.windows == 28 and found.losses.rows.tolist() == list(range(130, 158))
    data, runner = model._read(frame), model.runner()
    every = origins_of(runner, data, np.array([[130, 160]]))
    scale = model.inputs_.target_scaler.scale[0]
    truth, point = answers(data, every, 3) / scale, runner.at(data, every)[..., 1] / scale
    assert found.model.mse == pytest.approx(float(mse(truth, point)), rel=1e-6)
    np.testing.assert_allclose(found.losses.by_name[found.model.name], mse(truth, point, per="origin"))


def test_the_last_value_is_scored_as_it_is():
    frame = wave()
    found = fitted(frame, time="t", split=(100, 30, 30)).evaluation_
    y = frame["y"].to_numpy().astype(np.float32)
    errors = np.array([np.abs(y[row : row + 3] - y[row - 1]).mean() for row in range(130, 158)])
    assert found.score(LAST).raw_mae["y"] == pytest.approx(errors.mean(), rel=1e-5)
    scale = seasonal_scale(y[:, None], [0, 160], [[0, 100]], 24)[0, 0]
    assert found.score(LAST).mase == pytest.approx(errors.mean() / scale, rel=1e-5)


def parts_of(split):
    return [part.tolist() for part in (split.train, split.validation, split.test)]


def periods(train=0, validation=10, test=15):
    return Periods(*(hours(20)[row] for row in (train, validation, test)))


def data_of(rows):
    return read_series({"t": hours(30)[rows], "y": np.arange(len(rows))}, Roles("y", time="t"))


def test_periods_split_by_stamps():
    assert parts_of(periods().split(data_of(range(20)))) == [[[0, 10]], [[10, 15]], [[15, 20]]]
    assert parts_of(periods().split(data_of([*range(12), *range(16, 25)]))) == [
        [[0, 10]],
        [[10, 12]],
        [[12, 21]],
    ]


def test_no_training_rows_where_the_data_starts_later():
    assert parts_of(periods().split(data_of(range(3, 20)))) == [[[7, 7]], [[7, 12]], [[12, 17]]]
    assert parts_of(periods().split(data_of(range(18, 25)))) == [[[0, 0]], [[0, 0]], [[0, 7]]]


def test_only_earlier_rows_are_refused():
    with pytest.raises(DataError, match=r"data: expected rows from 2024-01-01T15:00:00 on, which the model"):
        periods().split(data_of(range(15)))


def test_without_stamps_every_row_is_later():
    data = read_series({"y": np.arange(5)}, Roles("y"))
    assert parts_of(Periods(None, None, None).split(data)) == [[[0, 0]], [[0, 0]], [[0, 5]]]


def test_the_periods_of_a_model_are_those_of_its_split():
    data = counted(20)
    split = Split(np.array([[0, 12]]), np.array([[12, 15]]), np.array([[15, 18]]))
    found = Periods.of(data, split)
    assert [found.train, found.validation, found.test] == list(hours(20)[[0, 12, 15]])
    assert Periods.from_card(found.card()) == found


def test_a_stamp_that_is_none_is_refused():
    with pytest.raises(ModelFileError, match=r"card.periods.test: expected a stamp, got 'soon'"):
        Periods.from_card(periods().card() | {"test": "soon"})


@pytest.mark.parametrize("decoder", DECODERS)
def test_new_rows_alone_are_judged_beside_what_learns_nothing(decoder):
    model = fitted(wave(), time="t", changes={"decoder": decoder})
    found = model.evaluate(wave(40, seed=3, start="2024-06-01"))
    assert [score.name for score in found.scores[1:]] == [LAST, SEASON]
    assert "Baselines that learn are left out: the data does not hold the training period." in found.notes
    assert found.model.coverage is not None and found.score(LAST).coverage is None
    columns, rows = found.table()
    assert all(len(row) == len(columns) for row in rows)
    assert "last value" in str(found)


def test_a_few_training_rows_do_not_make_weaker_baselines():
    frame = wave(300)
    model = fitted(frame, time="t")
    found = model.evaluate(frame.tail(110))
    assert [score.name for score in found.scores[1:]] == [LAST, SEASON]
    again = model.evaluate(frame)
    assert found.model.mse == pytest.approx(again.model.mse, rel=1e-6)
    assert found.score(SEASON).mse == pytest.approx(again.score(SEASON).mse, rel=1e-6)


def test_the_season_is_the_one_of_the_training_data():
    model = fitted(wave(), time="t")
    found = model.evaluate(wave(30, seed=3, start="2024-06-01"))  # too short to show a day twice
    assert found.scores[2].name == SEASON


def test_history_before_the_test_part_is_enough():
    frame = wave(300)
    model = fitted(frame, time="t", split=(200, 40, 60))
    found = model.evaluate(frame.tail(68))
    assert found.windows == 58 and found.model.mse == pytest.approx(model.evaluation_.model.mse, rel=1e-6)
    assert found.score(LAST).coverage is None


def test_the_same_frame_gives_the_scores_of_fit():
    frame = ragged()
    model = fitted(frame, time="t", series="shop")
    assert model.evaluate(frame).to_dict() == model.evaluation_.to_dict()


def test_rows_without_stamps_are_judged_with_a_note():
    frame = wave().drop("t")
    found = fitted(frame).evaluate(frame)
    assert found.windows == 150
    assert any("no stamps" in note for note in found.notes)


def test_numbers_for_stamps_are_refused_where_there_were_dates():
    frame = wave()
    model = fitted(frame, time="t")
    with pytest.raises(
        DataError, match=r"t: expected stamps, got plain numbers. Write dates and times as in"
    ):
        model.predict(frame.with_columns(t=pl.int_range(pl.len())))


def test_an_unseen_series_needs_a_global_scale():
    frame = ragged()
    other = wave(40, start="2024-02-01").with_columns(shop=pl.lit("s9"))
    with pytest.raises(DataError, match=r"series 's9': expected one of the 3 series of the training data"):
        fitted(frame, time="t", series="shop").evaluate(other)
    found = fitted(frame, time="t", series="shop", changes={"scaling": "global"}).evaluate(other)
    assert np.isfinite(found.model.mase)


def test_the_span_is_over_all_series():
    data = read_series(
        {
            "t": np.append(hours(10, "2024-03-01"), hours(10)),
            "id": ["b"] * 10 + ["a"] * 10,
            "y": np.arange(20.0),
        },
        Roles("y", time="t", series="id"),
    )
    judged = Origins(np.array([5, 15]), np.array([0, 1]))
    assert spanned(data, judged, 3) == ", 2024-01-01 05:00 to 2024-03-01 07:00"


def test_a_series_without_a_window_is_named():
    frame = pl.concat(
        [ragged((120, 110)).select("t", "y", "shop"), wave(60).select("t", "y", shop=pl.lit("old"))]
    )
    found = fitted(frame, time="t", series="shop").evaluation_
    assert "1 of 3 series are not scored, they have no window in this part: old." in found.notes
