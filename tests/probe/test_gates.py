"""Gates as the equations have them, and what is said of them on cells whose gates are known."""

import math

import numpy as np
import pytest
import torch

from unrolled import nn
from unrolled.models import build
from unrolled.probe import gate_statistics, gate_values, input_reach, looking_on, traced
from unrolled.probe.gates import saturation_and_time_constants

RAGGED = torch.tensor([7, 4, 1])
LAYERS = {
    "lstm": lambda options: nn.LSTM(2, 4, options=options),
    "gru": lambda options: nn.GRU(2, 4, options=options),
    "gru2014": lambda options: nn.GRU(2, 4, reset_after=False, options=options),
}


def run_of(layer, x, lengths=None):
    whole = nn.Stack([layer])
    with looking_on(whole), traced(whole) as trace:
        whole(x, None, lengths)
    (call,) = trace.longest()
    return call


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"zoneout": 0.2}], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_state_follows_from_the_gates(kind, options, reverse):
    torch.manual_seed(0)
    layer = LAYERS[kind](nn.CellOptions(**options)).double()
    layer = layer.reversed() if reverse else layer
    call = run_of(layer, torch.randn(3, 7, 2, dtype=torch.float64), RAGGED)
    values, cells = gate_values(call)
    first = torch.zeros(3, 4, dtype=torch.float64)
    for row, length in enumerate(RAGGED.tolist()):
        order = list(range(length))[:: -1 if reverse else 1]
        h = first[row]
        for t in order:
            gates = [part[row, t] for part in values]
            if kind == "lstm":
                new = gates[3] * torch.tanh(cells[row, t])
            else:
                new = (1 - gates[1]) * gates[2] + gates[1] * h
            keep = options.get("zoneout", 0.0)
            h = keep * h + (1 - keep) * new
            torch.testing.assert_close(h, call.y[row, t])


def test_a_known_forget_gate_has_its_time_constant():
    layer = nn.LSTM(2, 3, forget_bias=2.0)
    with torch.no_grad():
        layer.weight_ih.zero_()
        layer.weight_hh.zero_()
    found = gate_statistics(run_of(layer, torch.randn(4, 50, 2)))
    f = 1 / (1 + math.exp(-2.0))
    np.testing.assert_allclose(found.time_constants, -1 / math.log(f), rtol=1e-5)
    assert found.keeps == "forget" and found.histograms["forget"].argmax() == int(f * 20)
    assert found.open["forget"] == found.shut["forget"] == 0.0
    assert all(abs(shares.sum() - 1) < 1e-9 for shares in found.histograms.values())


def test_a_shut_gate_is_told():
    layer = nn.LSTM(2, 3, forget_bias=-8.0)
    found = gate_statistics(run_of(layer, torch.randn(4, 50, 2)))
    assert found.shut["forget"] == 1.0 and found.time_constants.max() < 0.2 and found.saturation > 0.3


def test_dead_and_redundant_units():
    layer = nn.Elman(2, 4)
    with torch.no_grad():
        layer.weight_hh.zero_()
        layer.weight_ih[1] = layer.weight_ih[0]
        layer.bias_ih[1], layer.bias_hh[1] = layer.bias_ih[0], layer.bias_hh[0]
        layer.weight_ih[3] = 0.0
    found = gate_statistics(run_of(layer, torch.randn(4, 50, 2)))
    assert found.redundant == (1,) and found.dead == (3,) and found.time_constants is None
    assert set(found.histograms) == {"state"} and found.to_dict()["units"] == 4


def test_padding_does_not_count():
    layer = nn.GRU(2, 4)
    x = torch.randn(3, 7, 2)
    long = gate_statistics(run_of(layer, x, RAGGED))
    filled = torch.cat([x, torch.full((3, 9, 2), 50.0)], 1)
    padded = gate_statistics(run_of(layer, filled, RAGGED))
    assert long.shut == padded.shut and np.array_equal(long.time_constants, padded.time_constants)


@pytest.mark.parametrize("cell", ["gru", "transformer", "feed-forward"])
def test_the_reach_in_the_inputs_of_any_network(cell):
    steps = {"steps": 9} if cell == "feed-forward" else {}
    network = build(
        {"kind": "sequence", "shape": {"features": 2, "classes": 2}, "cell": cell, "hidden": 4} | steps
    )
    x = torch.randn(5, 9, 2)
    batch = {"x": x, "label": torch.zeros(5, dtype=torch.int64)}
    found = input_reach(network, batch)
    assert len(found.norms) == 9 and (found.norms > 0).all()
    other = x.clone().requires_grad_()
    network.eval().loss({**batch, "x": other}, None)[0].backward()
    np.testing.assert_allclose(found.norms, other.grad.norm(dim=-1).mean(0).flip(0).numpy(), rtol=1e-5)


@pytest.mark.parametrize("layer", [*LAYERS.values(), lambda options: nn.Elman(2, 4, options=options)])
def test_what_watching_takes_is_of_the_same_numbers(layer):
    torch.manual_seed(0)
    call = run_of(layer(None), 3 * torch.randn(4, 9, 2))
    whole, (stuck, constants) = gate_statistics(call), saturation_and_time_constants(call)
    assert stuck == whole.saturation
    assert (constants is None) == (whole.time_constants is None)
    assert constants is None or np.array_equal(constants, whole.time_constants)
