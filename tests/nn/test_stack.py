"""Layers on top of each other."""

import pytest
import torch

from unrolled import nn
from unrolled.errors import ArgumentError, ShapeError


def test_each_layer_reads_the_one_below():
    stack = nn.Stack([nn.GRU(3, 5), nn.Bidirectional(nn.Elman(5, 2)), nn.LSTM(4, 6)]).double()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    y, states = stack(x, lengths=[6, 4])
    below, expected = x, []
    for layer in stack.layers:
        below, state = layer(below, lengths=[6, 4])
        expected.append(state)
    assert torch.equal(y, below)
    assert torch.equal(states[2].c, expected[2].c)
    assert torch.equal(states[1][1].h, expected[1][1].h)
    assert (stack.input_size, stack.output_size) == (3, 6)


def test_residual_adds_what_came_from_below_but_not_the_input():
    layers = [nn.GRU(5, 5), nn.GRU(5, 5), nn.GRU(5, 5)]
    x = torch.randn(2, 6, 5)
    first = layers[0](x)[0]
    second = layers[1](first)[0] + first
    third = layers[2](second)[0] + second
    assert torch.equal(nn.Stack(layers, residual=True)(x)[0], third)
    assert torch.equal(nn.Stack(layers[:1], residual=True)(x)[0], first)


def test_dropout_lies_between_layers_only():
    layers = [nn.LSTM(3, 5), nn.LSTM(5, 4)]
    x = torch.randn(2, 6, 3)
    torch.manual_seed(2)
    y, _ = nn.Stack(layers, dropout=0.5)(x)
    torch.manual_seed(2)
    between = torch.nn.functional.dropout(layers[0](x)[0], 0.5)
    assert torch.equal(y, layers[1](between)[0])
    assert torch.equal(nn.Stack(layers, dropout=0.5).eval()(x)[0], nn.Stack(layers)(x)[0])


def test_residual_passes_by_the_dropout():
    layers = [nn.GRU(3, 5), nn.GRU(5, 5)]
    x = torch.randn(2, 6, 3)
    torch.manual_seed(2)
    y, _ = nn.Stack(layers, dropout=0.5, residual=True)(x)
    torch.manual_seed(2)
    first = layers[0](x)[0]
    assert torch.equal(y, layers[1](torch.nn.functional.dropout(first, 0.5))[0] + first)


def test_neighbours_must_fit():
    with pytest.raises(ShapeError, match=r"layers\[1\]: expected input_size 5, got 4\. .*puts out 5"):
        nn.Stack([nn.GRU(3, 5), nn.GRU(4, 5)])
    with pytest.raises(ShapeError, match=r"layers\[1\]: expected input_size 10, got 5"):
        nn.Stack([nn.Bidirectional(nn.GRU(3, 5)), nn.GRU(5, 5)])
    with pytest.raises(
        ShapeError, match=r"layers\[1\]: expected an output as wide as its input, 5, .*, got 4"
    ):
        nn.Stack([nn.GRU(3, 5), nn.GRU(5, 4)], residual=True)


def test_wrong_layers_and_options_are_refused():
    layer = nn.GRU(3, 3)
    with pytest.raises(ArgumentError, match=r"layers: expected .*, got none"):
        nn.Stack([])
    with pytest.raises(
        ArgumentError, match=r"layers: expected .*, got GRU, Linear\. Convert with nn\.from_torch"
    ):
        nn.Stack([layer, torch.nn.Linear(3, 3)])
    with pytest.raises(ArgumentError, match="layers: expected different layers, got one layer twice"):
        nn.Stack([layer, layer])
    with pytest.raises(ArgumentError, match="dropout: expected a number >= 0 and < 1, got 1"):
        nn.Stack([layer], dropout=1)
    with pytest.raises(ArgumentError, match="residual: expected True or False, got 2"):
        nn.Stack([layer], residual=2)


def test_a_state_has_one_part_for_each_layer():
    stack = nn.Stack([nn.GRU(3, 5), nn.GRU(5, 5)])
    x = torch.zeros(2, 4, 3)
    _, states = stack(x)
    with pytest.raises(
        ArgumentError, match=r"state: expected a tuple of 2, one state per layer, got tuple of 1"
    ):
        stack(x, states[:1])
