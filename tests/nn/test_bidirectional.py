"""Two directions side by side."""

import pytest
import torch

from unrolled import nn
from unrolled.errors import ArgumentError
from unrolled.types import GRUState


def test_the_halves_are_the_two_layers():
    both = nn.Bidirectional(nn.GRU(3, 5)).double()
    x, lengths = torch.randn(2, 6, 3, dtype=torch.float64), [6, 4]
    y, (forward, backward) = both(x, lengths=lengths)
    y_forward, after_forward = both.layer_forward(x, lengths=lengths)
    y_backward, after_backward = both.layer_backward(x, lengths=lengths)
    assert torch.equal(y, torch.cat([y_forward, y_backward], dim=2))
    assert torch.equal(forward.h, after_forward.h)
    assert torch.equal(backward.h, after_backward.h)
    assert torch.equal(forward.h[1], y[1, 3, :5])
    assert torch.equal(backward.h[1], y[1, 0, 5:])


def test_a_row_is_read_backward_from_its_own_end():
    both = nn.Bidirectional(nn.LSTM(3, 5)).double()
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    padded = torch.cat([x, torch.ones(1, 3, 3, dtype=torch.float64)], dim=1)
    torch.testing.assert_close(both(padded, lengths=[4])[0][:, :4], both(x)[0], rtol=0, atol=1e-14)


def test_it_wraps_the_layer_and_initialises_its_copy_anew():
    layer = nn.LSTM(3, 5, forget_bias=2.0)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    both = nn.Bidirectional(layer)
    assert both.layer_forward is layer
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert not torch.equal(both.layer_backward.weight_ih, layer.weight_ih)
    assert both.layer_backward.cell.reverse
    assert both.layer_backward.forget_bias == 2.0
    assert (both.input_size, both.output_size) == (3, 10)


def test_states_go_to_their_own_direction():
    both = nn.Bidirectional(nn.GRU(3, 5))
    x, zero, one = torch.randn(2, 4, 3), GRUState(torch.zeros(2, 5)), GRUState(torch.ones(2, 5))
    plain, changed = both(x)[0], both(x, (zero, one))[0]
    assert torch.equal(plain[..., :5], changed[..., :5])
    assert not torch.equal(plain[..., 5:], changed[..., 5:])


@pytest.mark.parametrize(
    ("layer", "got"),
    [
        (nn.Bidirectional(nn.GRU(3, 5)), "Bidirectional"),
        (nn.Stack([nn.GRU(3, 5)]), "Stack"),
        (nn.GRU(3, 5).reversed(), "one that reads backward"),
        (torch.nn.GRU(3, 5), "GRU"),
    ],
)
def test_it_takes_one_forward_cell(layer, got):
    with pytest.raises(
        ArgumentError, match=rf"layer: expected one Elman, LSTM or GRU layer, got {got}\..*Stack"
    ):
        nn.Bidirectional(layer)


def test_a_state_is_a_pair():
    both, x = nn.Bidirectional(nn.GRU(3, 5)), torch.zeros(2, 4, 3)
    state = GRUState(torch.zeros(2, 5))
    with pytest.raises(
        ArgumentError, match=r"state: expected a tuple of 2, \(forward, backward\), got GRUState"
    ):
        both(x, state)
    with pytest.raises(ArgumentError, match=r"state: expected a tuple of 2, .*, got tuple of 3\. Pass what"):
        both(x, (state, state, state))
