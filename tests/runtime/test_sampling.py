"""Temperature, top-k, top-p and the seed: what may be drawn, and how often."""

import numpy as np
import pytest

from unrolled.errors import ArgumentError
from unrolled.runtime import Sampling

SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
SCORES = np.log(SHARES).astype(np.float32)


def test_the_shares_are_the_models_own():
    np.testing.assert_allclose(Sampling().shares(SCORES), SHARES, rtol=1e-6)


def test_temperature_sharpens_and_0_takes_the_likeliest():
    cold = Sampling(temperature=0.5).shares(SCORES)
    np.testing.assert_allclose(cold, SHARES**2 / (SHARES**2).sum(), rtol=1e-5)
    assert Sampling(temperature=0).shares(SCORES).tolist() == [1, 0, 0, 0, 0]


def test_top_k_and_top_p_keep_the_likeliest():
    np.testing.assert_allclose(Sampling(top_k=2).shares(SCORES), [4 / 7, 3 / 7, 0, 0, 0], rtol=1e-6)
    kept = Sampling(top_p=0.75).shares(SCORES)
    np.testing.assert_allclose(kept, [0.4 / 0.85, 0.3 / 0.85, 0.15 / 0.85, 0, 0], rtol=1e-6)
    assert Sampling(top_p=0.75, top_k=1).shares(SCORES).tolist() == [1, 0, 0, 0, 0]
    assert (Sampling(top_p=1e-9).shares(SCORES) > 0).sum() == 1


def test_what_must_not_come_has_no_share():
    shares = Sampling().shares(SCORES, never=(0, 4))
    np.testing.assert_allclose(shares, [0, 0.3 / 0.55, 0.15 / 0.55, 0.1 / 0.55, 0], rtol=1e-6)
    assert all(Sampling(seed=seed).choose(SCORES, 0, never=(0, 1, 2, 3)) == 4 for seed in range(9))


def test_draws_follow_the_shares_and_repeat():
    draws = [Sampling(seed=1).choose(SCORES, place) for place in range(4000)]
    np.testing.assert_allclose(np.bincount(draws) / 4000, SHARES, atol=0.025)
    assert draws[:50] == [Sampling(seed=1).choose(SCORES, place) for place in range(50)]
    assert draws[:50] != [Sampling(seed=2).choose(SCORES, place) for place in range(50)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, r"temperature: expected a number >= 0, got -1. 1 draws as the model says"),
        ({"top_k": -1}, r"top_k: expected a whole number >= 0, got -1. 0 takes all"),
        ({"top_p": 0}, r"top_p: expected a number > 0 and <= 1, got 0. 1 takes all"),
        ({"top_p": 1.5}, r"top_p: expected a number >= 0 and <= 1, got 1.5"),
        ({"seed": 0.5}, r"seed: expected a whole number >= 0"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        Sampling(**options)
