import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.nn import GRU, Bidirectional, Pooling

Y = torch.tensor([[[1.0, -5.0], [3.0, -4.0], [0.0, 0.0]], [[7.0, -8.0], [0.0, 0.0], [0.0, 0.0]]])
LENGTHS = torch.tensor([2, 1])


def test_max_and_mean_are_over_the_valid_steps():
    assert Pooling("max", 2)(Y, None, LENGTHS).tolist() == [[3.0, -4.0], [7.0, -8.0]]
    assert Pooling("mean", 2)(Y, None, LENGTHS).tolist() == [[2.0, -4.5], [7.0, -8.0]]
    assert Pooling("max", 2)(Y, None).tolist() == [[3.0, 0.0], [7.0, 0.0]]


def test_attention_is_a_mean_whose_weights_are_its_own():
    torch.manual_seed(0)
    pooling = Pooling("attention", 2)
    hidden = torch.tanh(Y @ pooling.hidden.weight.T + pooling.hidden.bias) @ pooling.vector.weight[0]
    weights = hidden[0, :2].softmax(0)
    torch.testing.assert_close(pooling(Y, None, LENGTHS)[0], weights @ Y[0, :2])
    torch.testing.assert_close(pooling(Y, None, LENGTHS)[1], Y[1, 0])


def test_last_is_the_state_of_both_ends():
    layer = Bidirectional(GRU(2, 3))
    y, state = layer(Y, None, LENGTHS)
    found = Pooling("last", 6)(y, state, LENGTHS)
    assert torch.equal(found[0], torch.cat([y[0, 1, :3], y[0, 0, 3:]]))


@pytest.mark.parametrize("kind", ["max", "mean", "attention"])
def test_a_row_without_a_step_is_zero(kind):
    found = Pooling(kind, 2)(Y * 0, None, torch.tensor([2, 0]))
    assert found[1].tolist() == [0.0, 0.0]


def test_a_pool_that_is_none():
    with pytest.raises(
        ArgumentError, match="pool: expected one of last, max, mean, attention, got 'maximum'"
    ):
        Pooling("maximum", 2)
