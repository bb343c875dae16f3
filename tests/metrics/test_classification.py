import numpy as np
import pytest
from sklearn import metrics as sk

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import classification as scores


@pytest.fixture
def answers():
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 200)
    predicted = np.where(random.random(200) < 0.6, truth, random.integers(0, 4, 200))
    return truth, predicted


def test_scores_equal_scikit_learn(answers):
    truth, predicted = answers
    assert scores.accuracy(truth, predicted) == sk.accuracy_score(truth, predicted)
    assert scores.macro_f1(truth, predicted) == pytest.approx(sk.f1_score(truth, predicted, average="macro"))
    assert np.array_equal(scores.confusion_matrix(truth, predicted), sk.confusion_matrix(truth, predicted))
    p = np.random.default_rng(1).dirichlet(np.ones(4), 200)
    assert scores.log_loss(truth, p) == pytest.approx(sk.log_loss(truth, p))


def test_classes_that_never_occur_do_not_count():
    truth, predicted = [0, 0, 3, 3], [0, 3, 3, 3]
    np.testing.assert_allclose(scores.f1_per_class(truth, predicted, 5), [2 / 3, np.nan, np.nan, 0.8, np.nan])
    assert scores.macro_f1(truth, predicted) == pytest.approx((2 / 3 + 0.8) / 2)
    assert scores.confusion_matrix(truth, predicted, 5).sum() == 4


def test_a_probability_of_zero_has_a_finite_loss():
    assert scores.log_loss([0], [[0.0, 1.0]]) == pytest.approx(-np.log(2.0**-23))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: scores.accuracy([], []), ShapeError, r"truth: expected \(n,\), n >= 1, got \(0,\)"),
        (
            lambda: scores.accuracy([0, 1], [0]),
            ShapeError,
            r"predicted: expected \(2,\), got \(1,\). Answer once",
        ),
        (lambda: scores.accuracy([0.5], [0]), ArgumentError, "got float64. Number the classes from 0"),
        (lambda: scores.accuracy([0], [-1]), ArgumentError, "predicted: expected integers >= 0, got -1"),
        (
            lambda: scores.confusion_matrix([3], [0], 2),
            ArgumentError,
            "classes: .* >= 4, got 2. Count every class",
        ),
        (
            lambda: scores.log_loss([2], [[0.5, 0.5]]),
            ShapeError,
            r"got \(1, 2\). Give a column for each class",
        ),
        (lambda: scores.log_loss([0], [[3.0, 1.0]]), ArgumentError, "got 4.0. Pass them through a softmax"),
    ],
)
def test_errors_name_the_value_and_the_cure(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
