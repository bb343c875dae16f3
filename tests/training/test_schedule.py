import math

import pytest

from unrolled.training import TrainingOptions, learning_rate


def rates(steps: int, **options: object) -> list[float]:
    told = TrainingOptions(learning_rate=0.1, **options)
    return [learning_rate(step, steps, told) for step in range(steps)]


def test_constant() -> None:
    assert rates(3, schedule="constant") == [0.1, 0.1, 0.1]


def test_cosine_is_half_a_cosine() -> None:
    found = rates(8, schedule="cosine")
    assert found == pytest.approx([0.05 * (1 + math.cos(math.pi * step / 8)) for step in range(8)])
    assert found[0] == 0.1
    assert 0 < found[-1] < 0.1 * 0.04


def test_decay_is_a_straight_line() -> None:
    assert rates(4, schedule="decay") == pytest.approx([0.1, 0.075, 0.05, 0.025])


def test_warmup_of_four_steps_reaches_the_full_rate_with_its_fourth() -> None:
    found = rates(8, schedule="decay", warmup=4)
    assert found == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.075, 0.05, 0.025])


def test_a_warmup_below_one_is_a_fraction() -> None:
    assert rates(8, warmup=0.5) == rates(8, warmup=4)


def test_a_warmup_longer_than_the_run_climbs_to_its_end() -> None:
    assert rates(3, warmup=10) == pytest.approx([0.01, 0.02, 0.03])
