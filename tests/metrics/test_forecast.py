import numpy as np
import pytest
from sklearn import metrics as sk

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import forecast as scores

NAN = np.nan
TRUTH = np.array([[[1.0, 10.0], [2.0, NAN]], [[3.0, 30.0], [NAN, NAN]]])
ANSWER = np.array([[[2.0, 10.0], [0.0, 7.0]], [[3.0, 26.0], [9.0, 9.0]]])


def test_errors_by_hand():
    assert scores.mae(TRUTH, ANSWER) == pytest.approx((1 + 2 + 0 + 0 + 4) / 5)
    assert scores.mse(TRUTH, ANSWER) == pytest.approx((1 + 4 + 16) / 5)
    assert scores.rmse(TRUTH, ANSWER) == pytest.approx(np.sqrt(21 / 5))
    np.testing.assert_allclose(scores.mae(TRUTH, ANSWER, per="origin"), [1.0, 2.0])
    np.testing.assert_allclose(scores.mae(TRUTH, ANSWER, per="step"), [5 / 4, 2.0])
    np.testing.assert_allclose(scores.mae(TRUTH, ANSWER, per="target"), [1.0, 2.0])
    np.testing.assert_allclose(scores.rmse(TRUTH, ANSWER, per="target"), [np.sqrt(5 / 3), np.sqrt(8)])


def test_a_window_without_truth_is_nan_and_does_not_count():
    truth = np.concatenate([TRUTH, np.full((1, 2, 2), NAN)])
    answer = np.concatenate([ANSWER, np.ones((1, 2, 2))])
    np.testing.assert_allclose(scores.mae(truth, answer, per="origin"), [1.0, 2.0, NAN])
    assert scores.mae(truth, answer) == scores.mae(TRUTH, ANSWER)


def test_the_scale_of_mase_is_the_in_sample_seasonal_error():
    values = np.array([[1.0], [5.0], [2.0], [9.0], [NAN], [10.0], [99.0], [7.0], [7.0], [7.0]])
    scale = scores.seasonal_scale(values, [0, 7, 10], [[0, 6], [7, 10]], season=2)
    np.testing.assert_allclose(scale, [[(1 + 4 + 1) / 3], [NAN]])  # |2-1|, |9-5|, unknown, |10-9|
    truth, answer = np.array([[[4.0]], [[4.0]]]), np.array([[[8.0]], [[100.0]]])
    assert scores.mase(truth, answer, scale, [0, 1]) == pytest.approx(4 / 2)


def test_pinball_equals_scikit_learn():
    random = np.random.default_rng(0)
    truth, answer = random.normal(size=(50, 3, 2)), random.normal(size=(50, 3, 2, 3))
    levels = [0.1, 0.5, 0.9]
    expected = [
        sk.mean_pinball_loss(truth.ravel(), answer[..., k].ravel(), alpha=q) for k, q in enumerate(levels)
    ]
    assert scores.pinball(truth, answer, levels) == pytest.approx(np.mean(expected))
    median = answer[..., 1:2]
    assert scores.pinball(truth, median, [0.5]) == pytest.approx(scores.mae(truth, median[..., 0]) / 2)


def test_coverage_and_winkler_by_hand():
    truth = np.array([[[0.0], [5.0], [NAN], [-3.0]]])
    low, high = np.full((1, 4, 1), -1.0), np.full((1, 4, 1), 4.0)
    assert scores.coverage(truth, low, high) == pytest.approx(1 / 3)
    # width 5; misses of 1 and 2 cost 2 / 0.1 each
    assert scores.interval_score(truth, low, high, 0.9) == pytest.approx(5 + 20 * (1 + 2) / 3)
    np.testing.assert_allclose(scores.coverage(truth, low, high, per="step"), [1, 0, NAN, 0])


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: scores.mae(TRUTH[0], ANSWER[0]),
            ShapeError,
            r"got \(2, 2\). One window\? Pass it as truth\[None\]",
        ),
        (
            lambda: scores.mae(TRUTH, ANSWER[:1]),
            ShapeError,
            r"expected \(2, 2, 2\), got \(1, 2, 2\). Forecast exactly",
        ),
        (
            lambda: scores.mae(TRUTH, ANSWER * NAN),
            ArgumentError,
            "got 5 that are NaN or inf. A forecast must answer",
        ),
        (lambda: scores.mae(TRUTH, ANSWER, per="orgin"), ArgumentError, "got 'orgin'. Did you mean 'origin'"),
        (
            lambda: scores.pinball(TRUTH, ANSWER[..., None], [0.1, 0.9]),
            ShapeError,
            "expected 1 levels, got 2. Name",
        ),
        (
            lambda: scores.interval_score(TRUTH, ANSWER, ANSWER, 80),
            ArgumentError,
            r"got \[80.0\]. Write 0.9 for 90 %",
        ),
        (
            lambda: scores.seasonal_scale([[1.0]], [0, 1], [0, 1]),
            ShapeError,
            r"got \(2,\). Give one row range",
        ),
    ],
)
def test_errors_name_the_value_and_the_cure(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
