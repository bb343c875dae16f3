import warnings

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from unrolled.baselines import ETS, LastValue, Rowed, plain_forecasts
from unrolled.baselines.ets import Parameters, extend, fit_form, smooth

SEASON = 7


def series(n=300, seed=0):
    random = np.random.default_rng(seed)
    t = np.arange(n)
    level = 50 + np.cumsum(random.normal(0, 0.3, n))
    return (level + 8 * np.sin(2 * np.pi * t / SEASON) + random.normal(0, 0.5, n)).astype(np.float32)


@pytest.mark.parametrize(("trend", "season"), [(False, None), (True, None), (False, SEASON), (True, SEASON)])
def test_the_filter_forecasts_what_statsmodels_forecasts(trend, season):
    values = series().astype(np.float64)
    parameters, criterion = fit_form([values], trend, season)
    spread = values.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ETSModel(
            values / spread,
            trend="add" if trend else None,
            damped_trend=trend,
            seasonal="add" if season else None,
            seasonal_periods=season,
            initialization_method="heuristic",
        ).fit(disp=False, maxiter=200)
    states = smooth(values[:, None], parameters)
    answer = extend(states, parameters, np.array([[300]]), np.array([[0]]), 20)[0, :, 0]
    np.testing.assert_allclose(answer, model.forecast(20) * spread, rtol=1e-5)
    assert criterion[0] == pytest.approx(model.aicc)


def test_a_step_by_hand_and_a_missing_value():
    parameters = Parameters(*np.array([[0.5], [0.2], [0.1], [0.8], [10.0], [1.0]]), np.array([[2.0], [-2.0]]))
    states = smooth(np.array([[13.8], [np.nan]]), parameters)
    # e = 13.8 - (10 + 0.8 + 2) = 1
    np.testing.assert_allclose(states.level[:, 0], [10, 10.8 + 0.5, 11.3 + 0.8])
    np.testing.assert_allclose(states.trend[:, 0], [1, 1.0, 0.8])
    np.testing.assert_allclose(states.season[:, 0], [2, -2, 2.1, -2])
    answer = extend(states, parameters, np.array([[2]]), np.array([[0]]), 3)[0, :, 0]
    damped = 0.8 * np.array([0.8, 0.8 + 0.64, 0.8 + 0.64 + 0.512])
    np.testing.assert_allclose(answer, 12.1 + damped + [2.1, -2, 2.1])


def test_the_season_is_found_and_beats_the_last_value():
    values = np.stack([series(), 100 * series(seed=1)], 1)
    arguments = [0, 300], [[0, 200]], [[200, 250]]
    rows = np.arange(250, 290)
    origins = Rowed(rows, np.zeros_like(rows))
    truth = np.stack([values[row : row + 10] for row in rows])
    mine = ETS(SEASON).fit(values, *arguments, 10).forecast(values, [0, 300], origins)
    last = LastValue().fit(values, *arguments, 10).forecast(values, [0, 300], origins)
    assert (((mine - truth) ** 2).mean((0, 1)) < 0.1 * ((last - truth) ** 2).mean((0, 1))).all()


def test_nothing_at_or_after_the_origin_is_seen_and_gaps_are_skipped():
    values = series()[:, None].copy()
    values[100:103] = values[260] = np.nan
    model = ETS(SEASON).fit(values, [0, 300], [[0, 200]], [[200, 250]], 5)
    origins = Rowed(np.array([251, 265]), np.array([0, 0]))
    before = model.forecast(values, [0, 300], origins)
    assert np.isfinite(before).all()
    changed = values.copy()
    changed[265:] = 1e6
    np.testing.assert_array_equal(model.forecast(changed, [0, 300], origins), before)


def test_series_of_different_lengths_and_one_too_short_to_fit():
    long, short = series(200), np.array([3.0, 4.0, 6.0], np.float32)
    values, offsets = np.concatenate([long, short])[:, None], np.array([0, 200, 203])
    model = ETS(SEASON).fit(values, offsets, [[0, 150], [200, 202]], [[150, 200], [202, 203]], 4)
    answer = model.forecast(values, offsets, Rowed(np.array([180, 203, 200, 0]), np.array([0, 1, 1, 0])))[
        ..., 0
    ]
    alone = ETS(SEASON).fit(long[:, None], [0, 200], [[0, 150]], [[150, 200]], 4)
    np.testing.assert_allclose(
        answer[0], alone.forecast(long[:, None], [0, 200], Rowed(*np.array([[180], [0]])))[0, :, 0]
    )
    np.testing.assert_allclose(answer[1], 6.0)
    mean = values[np.r_[0:150, 200:202]].mean()
    np.testing.assert_allclose(answer[2:], mean, rtol=1e-6)  # no past: the training mean


def test_it_is_left_out_where_it_would_be_slow_and_says_so():
    many = np.stack([np.arange(100) * 50, np.arange(100) * 50 + 40], 1)
    found = plain_forecasts(many, targets=1, horizon=50, history=24, season=SEASON)
    assert [baseline.name for baseline in found.baselines] == ["last value", "last season (7 steps)"]
    assert found.left_out == [
        "ridge regression is left out: 40 training rows for a horizon of 50",
        "exponential smoothing is left out: 100 series x 1 targets would be fitted one by one, at most 64",
    ]
    slow = plain_forecasts(np.array([[0, 9000]]), targets=1, horizon=50, history=24, season=720)
    assert slow.left_out == ["exponential smoothing is left out: its season would be 720 steps, at most 168"]
    plain = plain_forecasts(np.array([[0, 9000]]), targets=1, horizon=50, history=24)
    assert [b.name for b in plain.baselines] == ["last value", "ridge regression", "exponential smoothing"]
