import numpy as np
import pytest
from scipy import stats

from unrolled.baselines import (
    LogisticStatistics,
    MajorityClass,
    MeanValue,
    RidgeStatistics,
    plain_classifiers,
    plain_regressions,
    statistics,
    unpadded,
)
from unrolled.errors import ArgumentError, ShapeError

NAN = np.nan


def ramps(n, seed=0):
    """Sequences of different lengths; the class is the direction, the value the slope."""
    random = np.random.default_rng(seed)
    slopes = random.uniform(-1, 1, n)
    lengths = random.integers(5, 30, n)
    x = [
        np.stack([s * np.arange(t) + random.normal(0, 0.3, t), random.normal(size=t)], 1)
        for s, t in zip(slopes, lengths, strict=True)
    ]
    return x, (slopes > 0).astype(np.int64), slopes


def test_statistics_equal_numpy_and_scipy():
    x = np.random.default_rng(0).normal(size=(40, 3))
    found = statistics([x])[0]
    column = x[:, 1]
    slope = stats.linregress(np.arange(40), column).slope
    expected = [column.mean(), column.std(), column.min(), column.max(), column[0], column[-1], slope]
    np.testing.assert_allclose(found[7:14], expected)
    assert found[-1] == 40


def test_statistics_skip_missing_values():
    x = np.array([[NAN, NAN], [2.0, NAN], [NAN, NAN], [6.0, NAN]])
    found = statistics([x])[0]
    np.testing.assert_allclose(found[:7], [4, 2, 2, 6, 2, 6, 2])  # from step 1 to step 3 by 4
    assert np.isnan(found[7:14]).all()
    assert statistics([x[:0]])[0][-1] == 0


def test_padding_is_cut():
    x = np.arange(12.0).reshape(2, 3, 2)
    parts = unpadded(x, [1, 3])
    assert [part.shape for part in parts] == [(1, 2), (3, 2)]
    assert unpadded(x)[0].shape == (3, 2)


def test_the_commonest_class():
    model = MajorityClass().fit([], np.array([0, 2, 2, 2]), [], np.array([0]), classes=4)
    p = model.probabilities([np.zeros((2, 1))] * 3)
    np.testing.assert_allclose(p, np.tile(np.array([1, 0.5, 3, 0.5]) / 5, (3, 1)))


def test_logistic_regression_learns_the_direction():
    x, y, _ = ramps(400)
    model = LogisticStatistics().fit(x[:200], y[:200], x[200:300], y[200:300], classes=3)
    p = model.probabilities(x[300:])
    assert (p.argmax(1) == y[300:]).mean() > 0.95
    np.testing.assert_allclose(p.sum(1), 1)
    np.testing.assert_array_equal(p[:, 2], 0)


def test_ridge_regression_learns_the_slope():
    x, _, slopes = ramps(400)
    model = RidgeStatistics().fit(x[:200], slopes[:200], x[200:300], slopes[200:300])
    error = model.predict(x[300:])[:, 0] - slopes[300:]
    assert (error**2).mean() < 0.03 * slopes.var()


def test_missing_targets_and_several_of_them():
    x, _, slopes = ramps(300)
    y = np.stack([slopes, 1000 * slopes + 5], 1)
    y[::9, 0] = NAN
    mean = MeanValue().fit(x[:200], y[:200], x[200:], y[200:]).predict(x[:2])
    np.testing.assert_allclose(mean, np.tile(np.nanmean(y[:200], 0), (2, 1)))
    answer = RidgeStatistics().fit(x[:200], y[:200], x[200:], y[200:]).predict(x)
    np.testing.assert_allclose(answer[:, 1], 1000 * answer[:, 0] + 5, rtol=1e-6, atol=1e-6)


def test_a_missing_feature_counts_as_the_mean():
    x, y, _ = ramps(300)
    x[0][:, 1] = NAN
    model = LogisticStatistics().fit(x[:200], y[:200], x[200:], y[200:], classes=2)
    assert np.isfinite(model.probabilities(x[:1])).all()


def test_the_lists_for_a_task():
    names = [b.name for b in plain_classifiers()] + [b.name for b in plain_regressions()]
    assert names == [
        "commonest class", "logistic regression on statistics", "mean", "ridge regression on statistics",
    ]  # fmt: skip


def test_errors_name_the_value_and_the_cure():
    x, y, _ = ramps(20)
    with pytest.raises(ArgumentError, match=r"expected classes 0 to 0, got 1. Count every class"):
        MajorityClass().fit(x, y, x, y, classes=1)
    with pytest.raises(ArgumentError, match=r"two classes or more, got one. Leave this baseline out"):
        LogisticStatistics().fit(x, y * 0, x, y, classes=2)
    with pytest.raises(ShapeError, match=r"got \[1, 2\] features. Use the same columns in each"):
        statistics([np.zeros((3, 2)), np.zeros((3, 1))])
    with pytest.raises(ShapeError, match=r"got no sequence. Use the same columns"):
        statistics([])
    with pytest.raises(ShapeError, match=r"got \(3,\). One feature\? Pass x\[:, None\]"):
        statistics([np.zeros(3)])
    with pytest.raises(ShapeError, match=r"expected \(2,\), got \(1,\). Give the length of each"):
        unpadded(np.zeros((2, 3, 1)), [3])
    with pytest.raises(ShapeError, match=r"got \(2, 3\). One sequence\? Pass x\[None\]"):
        unpadded(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"got \(1, 1, 1\). Give one for each sequence"):
        MeanValue().fit(x, np.zeros((1, 1, 1)), x, y)
