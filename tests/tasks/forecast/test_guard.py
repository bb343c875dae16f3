import math

import numpy as np
import pytest
from small_forecasts import fitted, wave

from unrolled.data import Origins
from unrolled.tasks.forecast import guard
from unrolled.tasks.forecast.guard import Gain, clearly_helped, gain_of, helped, not_refuted

JUDGED = Origins(np.arange(400), np.zeros(400, np.int64))


@pytest.fixture(autouse=True)
def keep_what_was_learned():
    """Here the guard itself is tested, not what the other tests of this folder put in its place."""


@pytest.mark.parametrize(
    ("gain", "kept"), [(3.0, True), (1.0, True), (0.01, False), (0.0, False), (-1.0, False)]
)
def test_what_was_learned_is_kept_for_a_large_or_a_visible_gain(gain, kept):
    noise = np.random.default_rng(0).standard_normal(400)
    untrained = np.full(400, 10.0)
    assert helped(gain_of(untrained - gain - noise, untrained, JUDGED, horizon=4)) == kept


def test_a_gain_is_told_as_a_share_and_in_standard_errors():
    noise = np.random.default_rng(1).standard_normal(2000)
    judged = Origins(np.arange(2000), np.zeros(2000, np.int64))
    found = gain_of(8 - noise, np.full(2000, 10.0), judged, horizon=1)
    assert found.share == pytest.approx(0.2, abs=0.01)
    assert found.deviations == pytest.approx(
        2 * math.sqrt(2000), rel=0.15
    )  # independent windows of deviation 1


def test_the_same_forecasts_are_no_gain():
    same = np.full(400, 10.0)
    assert gain_of(same, same, JUDGED, horizon=4) == Gain(0.0, 0.0)


def test_of_a_single_window_only_a_large_gain_tells():
    judged = Origins(np.array([7]), np.array([0]))
    assert helped(gain_of(np.array([7.0]), np.array([10.0]), judged, horizon=4))
    assert not helped(gain_of(np.array([9.0]), np.array([10.0]), judged, horizon=4))


def test_rows_that_chose_the_epoch_have_to_show_more():
    assert clearly_helped(Gain(0.38, 4.3))
    assert not clearly_helped(Gain(0.05, 2.8))  # the best of many epochs, by chance
    assert not clearly_helped(Gain(0.36, 2.2))
    assert not_refuted(Gain(0.03, 0.5)) and not not_refuted(Gain(-0.1, -2.0))


@pytest.mark.parametrize(
    ("fresh", "chosen", "kept"),
    [
        (Gain(0.03, 0.5), Gain(0.38, 4.3), True),
        (Gain(-0.2, -2.0), Gain(0.38, 4.3), False),
        (Gain(0.03, 0.5), Gain(0.05, 2.8), False),
        (Gain(0.3, 0.5), None, True),
    ],
    ids=["the first half speaks", "fresh rows refute", "neither speaks", "fresh rows are enough"],
)
def test_either_half_of_the_validation_rows_may_speak_for_what_was_learned(monkeypatch, fresh, chosen, kept):
    gains = iter([fresh, chosen])
    monkeypatch.setattr(guard, "gain_of", lambda *losses: next(gains))
    model = fitted(wave(), time="t", split=(100, 30, 30), changes={"epochs": 2, "learning_rate": 0.02})
    assert model.kept_ == kept
    assert (model.network_.state_dict()["head.dense.weight"].abs().max() > 0) == kept
