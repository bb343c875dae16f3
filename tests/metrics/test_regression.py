import math

import numpy as np
import pytest
from sklearn import metrics as sk

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import regression as scores


def test_scores_equal_scikit_learn_and_skip_missing_truth():
    random = np.random.default_rng(0)
    truth, predicted = random.normal(size=(2, 100))
    holes = np.append(truth, np.nan)
    answer = np.append(predicted, 1e9)
    assert scores.mae(holes, answer) == pytest.approx(sk.mean_absolute_error(truth, predicted))
    assert scores.mse(holes, answer) == pytest.approx(sk.mean_squared_error(truth, predicted))
    assert scores.rmse(holes, answer) == pytest.approx(math.sqrt(sk.mean_squared_error(truth, predicted)))
    assert scores.r2(holes, answer) == pytest.approx(sk.r2_score(truth, predicted))


def test_the_nasa_score_punishes_a_life_told_too_long():
    assert scores.nasa_score([100.0, 100.0], [87.0, 110.0]) == pytest.approx(2 * (math.e - 1))
    assert scores.nasa_score([50.0], [60.0]) > scores.nasa_score([50.0], [40.0])


def test_a_constant_truth_has_no_r2():
    assert math.isnan(scores.r2([1.0, 1.0], [1.0, 2.0]))


def test_errors_name_the_value_and_the_cure():
    with pytest.raises(ShapeError, match=r"expected \(2,\), got \(1,\). Predict one value for each truth"):
        scores.mae([1.0, 2.0], [1.0])
    with pytest.raises(ArgumentError, match=r"got 1 NaN. Score other rows"):
        scores.mae([math.nan], [1.0])
