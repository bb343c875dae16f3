"""The LSTM by hand, and its forget gate's bias."""

import math

import pytest
import torch

from unrolled import nn
from unrolled.errors import ArgumentError
from unrolled.types import LSTMState


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def test_one_step_by_hand():
    layer = nn.LSTM(1, 1).double()
    with torch.no_grad():
        layer.weight_ih.copy_(torch.tensor([[0.1], [0.2], [0.3], [0.4]]))  # i, f, g, o
        layer.weight_hh.copy_(torch.tensor([[-0.5], [0.6], [-0.7], [0.8]]))
        layer.bias_ih.copy_(torch.tensor([0.01, 0.02, 0.03, 0.04]))
        layer.bias_hh.zero_()
    x, h, c = 2.0, 0.3, -0.4
    weights = [p.detach().flatten().tolist() for p in (layer.weight_ih, layer.weight_hh, layer.bias_ih)]
    i, f, g, o = (w * x + u * h + b for w, u, b in zip(*weights, strict=True))
    new_c = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
    new_h = sigmoid(o) * math.tanh(new_c)
    given = [torch.tensor([[v]], dtype=torch.float64) for v in (x, h, c)]
    y, state = layer(given[0][None], LSTMState(*given[1:]))
    assert [y.item(), state.h.item(), state.c.item()] == pytest.approx([new_h, new_h, new_c], abs=1e-15)


def test_forget_bias_is_the_sum_of_both_biases_and_moves_nothing_else():
    torch.manual_seed(0)
    layer = nn.LSTM(3, 5, forget_bias=1.5)
    torch.manual_seed(0)
    plain = nn.LSTM(3, 5)
    both, usual = layer.bias_ih + layer.bias_hh, plain.bias_ih + plain.bias_hh
    assert both[5:10].tolist() == [1.5] * 5
    assert torch.equal(both[:5], usual[:5])
    assert torch.equal(both[10:], usual[10:])
    assert torch.equal(layer.weight_hh, plain.weight_hh)
    assert (layer.reversed().bias_ih[5:10] == 1.5).all()


def test_memory_spreads_the_time_constants_of_the_forget_gates():
    torch.manual_seed(0)
    layer = nn.LSTM(3, 400, memory=200)
    i, f, g, o = (layer.bias_ih + layer.bias_hh).chunk(4)
    forget = torch.sigmoid(f)
    kept = 1 / (1 - forget) - 1  # steps until a cell has lost what it held, less one
    assert 1 <= kept.min() < 5 and 190 < kept.max() <= 199.01 and abs(kept.mean() - 100) < 8
    torch.testing.assert_close(torch.sigmoid(i), 1 - forget)
    bound = 2 / 400**0.5
    assert g.abs().max() <= bound and o.abs().max() <= bound


def test_memory_starts_alone():
    with pytest.raises(
        ArgumentError, match=r"memory: expected biases that nothing else starts, got forget_b"
    ):
        nn.LSTM(3, 5, forget_bias=1.0, memory=50)
    with pytest.raises(ArgumentError, match=r"memory: expected biases .*, got bias=False\. It starts"):
        nn.LSTM(3, 5, memory=50, options=nn.CellOptions(bias=False))
    with pytest.raises(ArgumentError, match=r"memory: expected a whole number >= 3, got 2\. Say how many"):
        nn.LSTM(3, 5, memory=2)


def test_a_forget_bias_needs_biases():
    with pytest.raises(ArgumentError, match=r"forget_bias: expected None where bias=False, got 1\.0\. Drop"):
        nn.LSTM(3, 5, forget_bias=1.0, options=nn.CellOptions(bias=False))
    with pytest.raises(ArgumentError, match="forget_bias: expected a number, got 'one'"):
        nn.LSTM(3, 5, forget_bias="one")


def test_a_bare_pair_is_no_state():
    h = torch.zeros(2, 5)
    with pytest.raises(
        ArgumentError, match=r"state: expected LSTMState\(h, c\), got tuple\. Write LSTMState"
    ):
        nn.LSTM(3, 5)(torch.zeros(2, 4, 3), (h, h))
