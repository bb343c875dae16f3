"""The Elman network by hand."""

import math

import pytest
import torch

from unrolled import nn
from unrolled.errors import ArgumentError
from unrolled.types import ElmanState


def one_unit(activation):
    layer = nn.Elman(1, 1, activation=activation).double()
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), (0.5, -2.0, 0.1, 0.2), strict=True):
            parameter.fill_(value)
    return layer


def test_two_steps_by_hand():
    y, state = one_unit("tanh")(torch.tensor([[[1.0], [3.0]]], dtype=torch.float64))
    first = math.tanh(0.5 * 1 + 0.3)
    second = math.tanh(0.5 * 3 - 2 * first + 0.3)
    assert y[0, :, 0].tolist() == pytest.approx([first, second], abs=1e-15)
    assert isinstance(state, ElmanState)
    assert state.h.item() == y[0, 1, 0].item()


def test_relu_by_hand():
    y, _ = one_unit("relu")(torch.tensor([[[1.0], [1.0], [4.0]]], dtype=torch.float64))
    assert y[0, :, 0].tolist() == pytest.approx([0.8, 0.0, 2.3], abs=1e-15)


def test_an_unknown_activation_is_refused_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"activation: expected one of tanh, relu, got 'rleu'.*'relu'"):
        nn.Elman(3, 5, activation="rleu")
