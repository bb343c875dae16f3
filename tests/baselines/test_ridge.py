import os
from pathlib import Path

import numpy as np
import pytest

from unrolled.baselines import LastValue, RidgeWindow, Rowed
from unrolled.errors import ArgumentError, DataError, ShapeError


def wave(n=900, seed=0):
    random = np.random.default_rng(seed)
    t = np.arange(n)
    clean = np.stack([np.sin(t / 5), 10 + 4 * np.cos(t / 8)], 1)
    return (clean + 0.02 * random.standard_normal((n, 2))).astype(np.float32)


def walk(memory, n, seed=0):
    """An AR(1) around 20."""
    noise = np.random.default_rng(seed).standard_normal(n)
    for t in range(1, n):
        noise[t] += memory * noise[t - 1]
    return (noise[:, None] + 20).astype(np.float32)


def fitted(values, history=24, horizon=6, train=500, validation=700):
    ranges = np.array([[0, train]]), np.array([[train, validation]])
    return RidgeWindow(history).fit(values, [0, len(values)], *ranges, horizon)


def last_value(values, horizon=6, train=500, validation=700):
    ranges = np.array([[0, train]]), np.array([[train, validation]])
    return LastValue().fit(values, [0, len(values)], *ranges, horizon)


def windows(values, first, horizon):
    rows = np.arange(first, len(values) - horizon + 1)
    truth = np.lib.stride_tricks.sliding_window_view(values, horizon, axis=0)[rows].transpose(0, 2, 1)
    return Rowed(rows, np.zeros_like(rows)), truth


def error(model, values, horizon=6, first=700):
    origins, truth = windows(values, first, horizon)
    return float(np.nanmean((model.forecast(values, [0, len(values)], origins) - truth) ** 2))


def test_a_wave_is_foretold():
    values = wave()
    assert error(fitted(values), values) < 0.003  # the noise itself is 0.0004


def test_a_drift_to_another_level_does_not_matter():
    values = wave()
    moved = values.copy()
    moved[690:] += 1000
    model, first = fitted(values), 690 + 24  # from here on the window lies on the new level
    assert error(model, moved, first=first) == pytest.approx(error(model, values, first=first), rel=0.01)


def test_a_level_that_training_never_saw_is_not_extrapolated():
    values = walk(0.5, 6000)
    moved = values.copy()
    moved[4990:] += 1000
    model = fitted(values, history=4, horizon=5, train=4000, validation=5000)
    assert model.form.level
    assert error(model, values, 5, 5000) < error(model, moved, 5, 5000) < 1.5 * error(model, values, 5, 5000)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_a_stationary_series_is_foretold_as_well_as_can_be(memory):
    values = walk(memory, 6000)
    model = fitted(values, history=8, horizon=5, train=4000, validation=5000)
    best = np.mean([sum(memory ** (2 * k) for k in range(h + 1)) for h in range(5)])
    origins, truth = windows(values, 5000, 5)
    ideal = 20 + (values[origins.rows - 1] - 20)[:, None] * (memory ** np.arange(1, 6))[:, None]
    reached = float(((ideal - truth) ** 2).mean())
    assert reached == pytest.approx(best, rel=0.1)
    assert error(model, values, 5, 5000) < 1.02 * reached


def test_a_random_walk_is_as_good_as_the_last_value():
    values = np.cumsum(np.random.default_rng(0).standard_normal((3000, 1)), 0).astype(np.float32)
    model = fitted(values, train=2000, validation=2500)
    last = LastValue().fit(values, [0, 3000], [[0, 2000]], [[2000, 2500]], 6)
    assert error(model, values, first=2500) < 1.05 * error(last, values, first=2500)


def test_nothing_at_or_after_the_origin_is_seen():
    values = wave()
    model = fitted(values)
    origins = Rowed(np.array([710, 800]), np.array([0, 0]))
    changed = values.copy()
    changed[800:] = 1e6
    changed[805:] = np.nan
    before = model.forecast(values, [0, 900], origins)
    np.testing.assert_array_equal(model.forecast(changed, [0, 900], origins), before)
    changed = values.copy()
    changed[700:] = -5
    again = fitted(changed)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.slope, other.slope)


def test_gaps_get_flags_and_do_little_harm():
    values = wave(1500)
    holes = values.copy()
    holes[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    model = fitted(holes, train=1000, validation=1200)
    assert model.flags
    origins, _ = windows(holes, 1200, 6)
    answer = model.forecast(holes, [0, 1500], origins)
    assert np.isfinite(answer).all()
    _, truth = windows(values, 1200, 6)
    assert ((answer - truth) ** 2).mean() < 0.35
    last = LastValue().fit(holes, [0, 1500], [[0, 1000]], [[1000, 1200]], 6)
    assert ((answer - truth) ** 2).mean() < 0.05 * (
        (last.forecast(holes, [0, 1500], origins) - truth) ** 2
    ).mean()


def test_an_origin_without_any_past_gets_the_training_mean():
    values = wave()
    model = fitted(values)
    answer = model.forecast(values, [0, 900], Rowed(np.array([0]), np.array([0])))
    assert abs(answer[0, 0] - values[:500].mean(0)).max() < 4


def test_own_weights_where_targets_behave_differently():
    random = np.random.default_rng(0)
    echo = np.zeros((6000, 2))
    noise = random.standard_normal((6000, 2))
    for t in range(1, 6000):
        echo[t] = np.array([0.9, -0.9]) * echo[t - 1] + noise[t]
    values = echo.astype(np.float32)
    model = fitted(values, history=8, horizon=3, train=4000, validation=5000)
    assert model.form.own
    assert len(model.weights) == 2
    ideal = np.mean([1, 1.81, 1.81 + 0.9**4])
    assert error(model, values, 3, 5000) < 1.1 * ideal


def test_several_series_share_the_weights_each_in_its_own_units():
    one, other = wave(600)[:, :1], 500 + 100 * wave(400, seed=5)[:, :1]
    values, offsets = np.concatenate([one, other]), np.array([0, 600, 1000])
    train, validation = np.array([[0, 400], [600, 800]]), np.array([[400, 500], [800, 900]])
    model = RidgeWindow(24).fit(values, offsets, train, validation, 6)
    rows = np.arange(920, 990)
    answer = model.forecast(values, offsets, Rowed(rows, np.ones_like(rows)))
    truth = np.stack([values[row : row + 6] for row in rows])
    assert np.sqrt(((answer - truth) ** 2).mean()) < 6  # of an amplitude of 100


def test_missing_validation_rows_and_short_series():
    values = wave(80)
    model = RidgeWindow(336).fit(values, [0, 80], [[0, 80]], [[80, 80]], 6)
    assert model.history == 37
    assert np.isfinite(model.forecast(values, [0, 80], Rowed(np.array([80]), np.array([0])))).all()


def test_errors_name_the_value_and_the_cure():
    values = wave(100)
    with pytest.raises(DataError, match=r"at least 102 training rows, got 50. Shorten the horizon"):
        RidgeWindow(8).fit(values, [0, 100], [[0, 50]], [[50, 100]], 100)
    with pytest.raises(
        DataError, match=r"half of its answers known, got none. Shorten the horizon, fill the gaps"
    ):
        RidgeWindow(8).fit(values * np.nan, [0, 100], [[0, 50]], [[50, 100]], 5)
    with pytest.raises(ArgumentError, match=r"got 0. Say how many values to look back"):
        RidgeWindow(0)
    model = fitted(wave())
    with pytest.raises(ShapeError, match=r"expected 1 series, as ridge regression was fitted on, got 2"):
        model.forecast(values, [0, 50, 100], Rowed(np.array([60]), np.array([1])))


@pytest.mark.real_data
@pytest.mark.skipif("UNROLLED_DATA" not in os.environ, reason="UNROLLED_DATA names no folder")
@pytest.mark.parametrize(("horizon", "limit"), [(96, 0.385), (720, 0.435)])
def test_etth1(horizon, limit):
    path = Path(os.environ["UNROLLED_DATA"]) / "forecast" / "ETTh1.csv"
    values = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=range(1, 8))[:14400].astype(np.float32)
    model = fitted(values, 336, horizon, 8640, 11520)
    origins, truth = windows(values, 11520, horizon)
    answer = model.forecast(values, [0, 14400], origins)
    assert (((answer - truth) / values[:8640].std(0)) ** 2).mean() <= limit
