import numpy as np
import pytest

from unrolled.data import TokenBatches
from unrolled.errors import ArgumentError, ShapeError

LENGTHS = np.random.default_rng(0).integers(1, 40, 500)


@pytest.mark.parametrize("spread", [1, 4])
def test_every_text_once_an_epoch_within_the_budget(spread):
    batches = TokenBatches(LENGTHS, tokens=200, seed=3, spread=spread)
    for epoch in range(3):
        parts = [batches.indices(epoch, index) for index in range(batches.steps)]
        assert sorted(np.concatenate(parts).tolist()) == list(range(500))
        assert max(len(part) * LENGTHS[part].max() for part in parts) <= 200


def test_a_pure_function_that_differs_by_epoch_and_seed():
    batches = TokenBatches(LENGTHS, tokens=200, seed=3)
    first = [batches.indices(0, index).tolist() for index in range(batches.steps)]
    batches.indices(5, 0)
    assert [batches.indices(0, index).tolist() for index in range(batches.steps)] == first
    assert TokenBatches(LENGTHS, tokens=200, seed=3).indices(0, 2).tolist() == first[2]
    assert [batches.indices(1, index).tolist() for index in range(batches.steps)] != first
    assert TokenBatches(LENGTHS, tokens=200, seed=4).indices(0, 2).tolist() != first[2]


def test_waste_is_the_share_of_padding():
    batches = TokenBatches([3, 5], tokens=100)
    assert batches.steps == 1 and batches.waste == pytest.approx(2 / 10)
    assert TokenBatches(LENGTHS, tokens=400).waste < 0.05
    assert TokenBatches(LENGTHS, tokens=400, spread=10).waste > 0.1


def test_a_long_text_is_alone_and_most_caps():
    batches = TokenBatches([900, 1, 1, 1], tokens=100, most=2)
    assert sorted(len(batches.indices(0, i)) for i in range(batches.steps)) == [1, 1, 2]


def test_refusals():
    with pytest.raises(ArgumentError, match="tokens: expected a whole number >= 1, got 0"):
        TokenBatches([1], tokens=0)
    with pytest.raises(ShapeError, match=r"lengths: expected \(texts,\), got \(0,\)"):
        TokenBatches([], tokens=10)
