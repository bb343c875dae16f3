import math

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.metrics import block_bootstrap
from unrolled.metrics.bootstrap import block_length, circular_sums, side_by_side, widening


def overlapping(random, n, block, memory):
    """Differences of mean 0: a moving mean over `block` steps of an AR(1)."""
    noise = random.standard_normal(n + block + 199)
    for t in range(1, noise.size):
        noise[t] += memory * noise[t - 1]
    return np.convolve(noise[200:], np.ones(block) / block, "valid")[:n]


def coverage(n, block, memory, repeats=200):
    random = np.random.default_rng(1)
    hits = 0
    for seed in range(repeats):
        low, high = block_bootstrap(overlapping(random, n, block, memory), block, seed=seed, repeats=300)
        hits += low <= 0 <= high
    return hits / repeats


@pytest.mark.parametrize(
    ("n", "block", "memory"),
    [(300, 1, 0.0), (1000, 1, 0.8), (300, 12, 0.5), (1500, 48, 0.5), (100, 60, 0.3)],
)
def test_the_interval_covers_the_true_mean_about_as_often_as_promised(n, block, memory):
    assert 0.88 <= coverage(n, block, memory) <= 0.99


def test_a_plain_bootstrap_would_be_far_too_sure():
    difference = overlapping(np.random.default_rng(3), 1500, 48, 0.5)
    low, high = block_bootstrap(difference, 48)
    naive = 2 * 1.96 * difference.std() / math.sqrt(1500)
    assert 4 < (high - low) / naive < 14  # sqrt(48) = 7 times


def test_independent_numbers_get_the_textbook_interval():
    values = np.random.default_rng(0).normal(0.3, 1, 4000)
    low, high = block_bootstrap(values, 1)
    half = 1.96 * values.std() / math.sqrt(4000)
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_circular_sums_wrap_around():
    assert circular_sums(np.array([1.0, 2.0, 4.0, 8.0]), 3).tolist() == [7.0, 14.0, 13.0, 11.0]


def test_the_blocks_grow_with_the_memory_of_the_differences():
    random = np.random.default_rng(0)
    assert block_length(random.standard_normal(2000), 1) < 10
    assert block_length(overlapping(random, 2000, 1, 0.95), 1) > 50
    assert block_length(random.standard_normal(2000), 100) == 200


def test_widening_is_1_for_many_blocks_and_large_for_few():
    assert widening(100_000, 100, 1) == pytest.approx(1.0, abs=2e-3)
    # a line of correlation over 100, seen by blocks of 200: five sixths of the variance
    assert widening(100_000, 200, 100) == pytest.approx(math.sqrt(6 / 5), rel=0.01)
    assert widening(100, 50, 96) > 3


def test_series_are_drawn_together_and_never_joined():
    totals = side_by_side(np.array([1.0, 2.0, 10.0, np.nan, 3.0]), np.array([0, 0, 1, 1, 0]))
    assert totals.sums.tolist() == [11.0, 2.0, 3.0]
    assert totals.counts.tolist() == [2.0, 1.0, 1.0]


def test_a_shock_common_to_all_series_counts_once():
    shock = np.random.default_rng(0).standard_normal(200)
    groups = np.repeat(np.arange(5), 200)
    together = block_bootstrap(np.tile(shock, 5), 1, groups=groups)
    alone = block_bootstrap(shock, 1)
    assert together == pytest.approx(alone)


def test_many_short_series_are_resampled_whole():
    random = np.random.default_rng(0)
    level = random.standard_normal(100)
    values = np.repeat(level, 4) + 0.01 * random.standard_normal(400)
    low, high = block_bootstrap(values, 1, groups=np.repeat(np.arange(100), 4))
    assert (high - low) / 2 == pytest.approx(1.96 * level.std() / 10, rel=0.2)


def test_the_same_seed_gives_the_same_interval_and_the_input_is_left_alone():
    values = np.random.default_rng(0).standard_normal(50)
    before = values.copy()
    assert block_bootstrap(values, 2, seed=7) == block_bootstrap(values, 2, seed=7)
    assert np.array_equal(values, before)


def test_unknown_differences_do_not_count():
    values = np.random.default_rng(0).normal(5, 1, 400)
    values[::3] = np.nan
    low, high = block_bootstrap(values, 1)
    assert low < np.nanmean(values) < high
    assert high - low < 0.4


def test_one_window_tells_nothing():
    assert block_bootstrap([0.5], 1) == (-math.inf, math.inf)


def test_windows_that_all_overlap_give_a_finite_but_wide_interval():
    low, high = block_bootstrap(np.linspace(0, 1, 20), 10_000)
    assert math.isfinite(low) and high - low > 5


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([[1.0]], 1), ShapeError, r"differences: expected \(n,\), got \(1, 1\)\. Give one number"),
        (([1.0, math.inf], 1), ArgumentError, "got inf. Leave such windows out"),
        (([math.nan], 1), ArgumentError, "got 1 numbers, none known"),
        (([1.0, 2.0], 0), ArgumentError, "block: expected a whole number >= 1, got 0. Give the horizon"),
        (([1.0, 2.0], 1, 0, 5), ArgumentError, "repeats: expected a whole number >= 100, got 5. 2000 is"),
        (([1.0, 2.0], 1, 0, 200, [0]), ShapeError, r"groups: expected \(2,\), got \(1,\)\. Name one series"),
    ],
)
def test_errors_name_the_value_and_the_cure(arguments, kind, message):
    with pytest.raises(kind, match=message):
        block_bootstrap(*arguments)
