import json
import math

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import Verdict, judge


@pytest.fixture
def loss():
    return np.random.default_rng(0).gamma(4, 0.25, 500)


def test_clearly_lower_is_better(loss):
    noise = np.random.default_rng(1).normal(0, 0.05, 500)
    found = judge(loss, {"mean": loss + 3, "last value": loss + 0.2 + noise}, block=4)
    assert (found.kind, found.baseline) == ("better", "last value")
    assert found.low < -0.2 - noise.mean() < found.high < 0
    assert found.relative == pytest.approx(-(0.2 + noise.mean()) / (loss + 0.2 + noise).mean())
    assert found.text.startswith("better than last value: loss ")
    assert " % lower (95 %: " in found.text


def test_clearly_higher_is_worse(loss):
    found = judge(loss * 1.1, {"ridge": loss, "mean": loss * 5}, block=4)
    assert (found.kind, found.baseline) == ("worse", "ridge")
    assert found.low > 0
    assert found.relative == pytest.approx(0.1)
    assert found.text.startswith("worse than ridge: loss ")
    assert "10.0 % higher" in found.text


def test_an_interval_across_zero_prefers_the_baseline(loss):
    other = loss + np.random.default_rng(2).normal(0, 0.3, 500)
    found = judge(loss, {"ridge": other}, block=4)
    assert found.kind == "as good"
    assert found.low < 0 < found.high
    assert found.text.startswith("ridge is as good: prefer it (loss ")


@pytest.mark.parametrize("n", [1, 2, 500])
def test_the_same_losses_are_as_good(loss, n):
    found = judge(loss[:n], {"ridge": loss[:n]}, block=24)
    assert (found.kind, found.low, found.high, found.relative) == ("as good", 0.0, 0.0, 0.0)
    assert "prefer it (the same losses" in found.text


def test_one_window_is_no_proof():
    found = judge([1.0], {"ridge": [2.0]}, block=24)
    assert found.kind == "as good"
    assert "one window tells nothing more" in found.text
    assert found.card()["low"] is None
    json.dumps(found.card(), allow_nan=False)


def test_a_perfect_baseline_is_not_divided_by():
    found = judge([1.0, 1.1, 0.9] * 20, {"exact": np.zeros(60)}, block=1)
    assert (found.kind, found.relative) == ("worse", math.inf)
    assert found.text == "worse than exact: loss 1.000 against 0.000"


def test_windows_without_truth_do_not_count(loss):
    holes = np.where(np.arange(500) % 7 == 0, np.nan, loss)
    found = judge(holes, {"last value": holes + 1}, block=1)
    assert (found.low, found.high) == (pytest.approx(-1), pytest.approx(-1))


def test_a_card_comes_back_as_it_was(loss):
    found = judge(loss, {"mean": loss + 1}, block=1, groups=np.zeros(500))
    assert Verdict(**json.loads(json.dumps(found.card()))) == found


def test_errors_name_the_value_and_the_cure(loss):
    with pytest.raises(ArgumentError, match=r"at least one baseline, got none. Add LastValue or MeanValue"):
        judge(loss, {}, block=1)
    with pytest.raises(
        ShapeError, match=r"\['ridge'\]: expected \(500,\), got \(499,\). Score the model and"
    ):
        judge(loss, {"ridge": loss[1:]}, block=1)
    holes = loss.copy()
    holes[:3] = np.nan
    with pytest.raises(ArgumentError, match=r"got 3 that differ. Score all of them with the same mask"):
        judge(loss, {"ridge": holes}, block=1)
