import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import apply_offsets, fit_offsets
from unrolled.metrics.forecast import coverage

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]


def simulate(random, n):
    """Noise that grows with x, and a base model that is biased and far too sure of itself."""
    x = random.uniform(0.5, 3, (n, 2, 1))
    truth = 2 * x + x * random.standard_normal((n, 2, 1))
    answer = (1.8 * x + 0.5)[..., None] + 0.3 * np.array([-1.28, -0.67, 0, 0.67, 1.28])
    return answer, truth


def test_a_bad_model_gets_the_coverage_it_promises():
    random = np.random.default_rng(0)
    found = []
    for _ in range(10):
        answer, truth = simulate(random, 500)
        offsets = fit_offsets(answer, truth, LEVELS)
        answer, truth = simulate(random, 4000)
        moved = apply_offsets(answer, offsets, LEVELS)
        found.append([coverage(truth, moved[..., k], moved[..., -1 - k]) for k in (0, 1)])
    wide, narrow = np.mean(found, axis=0)
    assert coverage(truth, answer[..., 0], answer[..., -1]) < 0.3  # what it was
    assert 0.78 <= wide <= 0.82
    assert 0.48 <= narrow <= 0.52


def test_overlapping_windows_are_covered_too():
    random = np.random.default_rng(1)
    noise = random.standard_normal(8000)
    truth = np.lib.stride_tricks.sliding_window_view(noise, 24)[..., None]  # (n, 24, 1)
    answer = np.broadcast_to(np.array([-0.2, 0.0, 0.2]), (*truth.shape, 3))
    offsets = fit_offsets(answer[:4000], truth[:4000], [0.1, 0.5, 0.9])
    moved = apply_offsets(answer[4000:], offsets, [0.1, 0.5, 0.9])
    assert 0.78 <= coverage(truth[4000:], moved[..., 0], moved[..., 2]) <= 0.82


def test_offsets_by_hand():
    truth = np.arange(1.0, 10.0).reshape(9, 1, 1)  # 9 windows; forecasts of 0 miss by 1 .. 9
    answer = np.zeros((9, 1, 1, 4))
    offsets = fit_offsets(answer, truth, [0.1, 0.5, 0.8, 0.9])[0, 0]
    # the pair: ceil(10 * 0.8) = 8th smallest miss; 0.8 alone: 8th smallest too; the median stays
    np.testing.assert_allclose(offsets, [-8.0, 0.0, 8.0, 8.0])
    low_alone = fit_offsets(answer[..., :1], -truth, [0.1])[0, 0]
    np.testing.assert_allclose(low_alone, [-9.0])  # ceil(10 * 0.9) = 9th
    missing = np.where(truth > 4, np.nan, truth)
    np.testing.assert_allclose(
        fit_offsets(answer[..., :1], missing, [0.75])[0, 0], [4.0]
    )  # ceil(5 * 0.75) = 4th
    np.testing.assert_allclose(fit_offsets(answer[..., :1], truth * np.nan, [0.9])[0, 0], [0.0])


def test_intervals_that_are_too_wide_shrink():
    truth = np.random.default_rng(0).standard_normal((500, 1, 1))
    answer = np.broadcast_to(np.array([-50.0, 0.0, 50.0]), (500, 1, 1, 3))
    offsets = fit_offsets(answer, truth, [0.1, 0.5, 0.9])[0, 0]
    np.testing.assert_allclose(offsets, [48.7, 0, -48.7], atol=0.2)


def test_quantiles_never_cross_and_the_median_stays():
    random = np.random.default_rng(0)
    answer = np.sort(random.standard_normal((50, 3, 2, 5)).astype(np.float32), -1)
    before = answer.copy()
    offsets = random.normal(0, 2, (3, 2, 5))
    offsets[..., 2] = 0
    moved = apply_offsets(answer, offsets, LEVELS)
    assert (np.diff(moved, axis=-1) >= 0).all()
    assert np.array_equal(moved[..., 2], answer[..., 2])
    assert moved.dtype == np.float32
    assert np.array_equal(answer, before)
    plain = answer + offsets.astype(np.float32)
    assert (moved[..., 4] >= plain[..., 4]).all() and (moved[..., 0] <= plain[..., 0]).all()


def test_errors_name_the_value_and_the_cure():
    answer, truth = np.zeros((4, 2, 1, 2)), np.zeros((4, 2, 1))
    with pytest.raises(ArgumentError, match=r"rising levels, got \[0.9, 0.1\]. Sort them"):
        fit_offsets(answer, truth, [0.9, 0.1])
    with pytest.raises(ShapeError, match=r"expected \(n, horizon, targets, 1\), got \(4, 2, 1, 2\)"):
        fit_offsets(answer, truth, [0.5])
    with pytest.raises(ShapeError, match=r"truth: expected \(4, 2, 1\), got \(3, 2, 1\). Forecast exactly"):
        fit_offsets(answer, truth[1:], [0.1, 0.9])
