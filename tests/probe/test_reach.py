"""The gradient in every hidden state, by the native kernels and by autograd on the equations; its decay."""

import math

import numpy as np
import pytest
import torch

from unrolled import kernels, nn
from unrolled.errors import ArgumentError
from unrolled.models import build
from unrolled.probe import gradient_reach, hidden_gradients
from unrolled.probe.reach import GradientReach

CELLS = ("elman", "lstm", "gru", "gru2014")
RAGGED = torch.tensor([9, 5, 1, 7])


def sequence_network(**options):
    torch.manual_seed(0)
    given = {"kind": "sequence", "shape": {"features": 3, "classes": 2}, "hidden": 5, "layers": 2} | options
    return build(given).double().eval()


def sequence_batch(every=False, rows=4, time=9):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, time, 3, generator=generator, dtype=torch.float64)
    size = (rows, time) if every else (rows,)
    return {"x": x, "lengths": RAGGED, "label": torch.randint(0, 2, size, generator=generator)}


def by_hand(network, batch, row, layer, every):
    """Step the stack by the equations, a single row, and ask autograd for dLoss/dh of one layer."""
    length = int(batch["lengths"][row])
    hidden, states = [], [None] * len(network.recurrent.layers)
    for t in range(length):
        below = batch["x"][row : row + 1, t : t + 1]
        for place, cell in enumerate(network.recurrent.layers):
            _, state = cell(below, states[place])
            h = state.h.clone().requires_grad_() if not state.h.requires_grad else state.h
            states[place] = state._replace(h=h)
            if place == layer:
                hidden.append(h)
            below = h[:, None]
    score = network.head(below[:, 0])
    label = batch["label"][row, length - 1] if every else batch["label"][row]
    loss = torch.nn.functional.cross_entropy(score, label[None])
    found = torch.autograd.grad(loss, hidden)
    return torch.cat(found)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("every", [False, True])
def test_it_is_what_autograd_says_step_by_step(cell, every):
    network = sequence_network(cell=cell, head="every" if every else "last")
    batch = sequence_batch(every)
    with kernels.use("native"):
        found = hidden_gradients(network, batch, "last" if every else None)
    for layer, (_, gradients) in enumerate(found):
        for row, length in enumerate(RAGGED.tolist()):
            with kernels.use("reference"):
                true = by_hand(network, batch, row, layer, every)
            mine = gradients[row, :length]
            scale = true[-1].norm() / mine[-1].norm()  # a loss is a mean over the answers
            torch.testing.assert_close(mine * scale, true, rtol=1e-6, atol=1e-14)
            assert (gradients[row, length:] == 0).all()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("both_ways", [False, True])
def test_native_kernels_and_reference_agree(cell, both_ways):
    network = sequence_network(cell=cell, bidirectional=both_ways)
    with kernels.use("native"):
        fast = hidden_gradients(network, sequence_batch())
    with kernels.use("reference"):
        slow = hidden_gradients(network, sequence_batch())
    assert [call.name for call, _ in fast] == [call.name for call, _ in slow]
    for (_, mine), (_, true) in zip(fast, slow, strict=True):
        torch.testing.assert_close(mine, true, rtol=1e-6, atol=1e-14)


def test_a_linear_recurrence_decays_by_its_factor():
    """h_t = 0.9 h_(t-1) + x_t: the gradient falls by 0.9 a step, and below 1 % after 44."""
    network = sequence_network(cell="elman", layers=1, head="every")
    cell = network.recurrent.layers[0]
    with torch.no_grad():
        cell.weight_hh.copy_(0.9 * torch.eye(5))
        cell.weight_ih.mul_(1e-4)
        cell.bias_ih.zero_()
        cell.bias_hh.zero_()
    batch = {"x": torch.randn(2, 60, 3, dtype=torch.float64), "label": torch.zeros(2, 60, dtype=torch.int64)}
    (reach,) = gradient_reach(network, batch)
    assert reach.decay == pytest.approx(0.9, rel=1e-5)
    assert reach.lag_below == math.ceil(math.log(0.01) / math.log(0.9))
    assert reach.largest == 1.0 and len(reach.lags) == 60


def test_a_layer_that_reads_backward_is_measured_from_the_first_answer():
    network = sequence_network(layers=1, head="every", bidirectional=True)
    forward, backward = gradient_reach(network, sequence_batch(every=True))
    assert (forward.name, backward.name) == ("layer 1 forward", "layer 1 backward")
    assert forward.shares[0] == backward.shares[0] == 1.0
    assert forward.shares[4] < 0.5 and backward.shares[4] < 0.5


def test_a_segment_is_several_steps_of_the_data():
    network = build(
        {"kind": "segment", "shape": {"history": 24, "horizon": 4}, "hidden": 6, "segment": 4, "cell": "lstm"}
    )
    torch.nn.init.normal_(network.head.dense.weight)
    batch = {"target": torch.randn(3, 24, 1), "future": torch.randn(3, 4, 1)}
    (reach,) = gradient_reach(network, batch, step=4)
    assert reach.lags.tolist() == [0, 4, 8, 12, 16, 20] and (reach.norms > 0).all()


def test_nothing_is_changed():
    network = sequence_network().train()
    batch = sequence_batch()
    before = [value.numpy().tobytes() for value in network.state_dict().values()]
    generator = torch.get_rng_state()
    gradient_reach(network, batch)
    assert [value.numpy().tobytes() for value in network.state_dict().values()] == before
    assert network.training and torch.equal(torch.get_rng_state(), generator)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


def test_norms_of_zero_have_no_reach():
    reach = GradientReach.of("layer 1", np.zeros(5))
    assert reach.lag_below == 0 and math.isnan(reach.decay) and reach.to_dict()["decay"] is None


def test_a_network_without_a_recurrent_layer_is_refused():
    with pytest.raises(
        ArgumentError, match=r"model: expected a network with a recurrent layer, got Linear\. .*nn"
    ):
        gradient_reach(torch.nn.Linear(2, 2), {})


def test_one_step_and_lags_beyond_the_rows_are_refused():
    network = sequence_network()
    batch = sequence_batch()
    one = {"x": batch["x"][:, :1], "label": batch["label"]}
    with pytest.raises(
        ArgumentError, match=r"batch: expected rows of at least two steps, got one step\. Give"
    ):
        gradient_reach(network, one)
    with pytest.raises(ArgumentError, match=r"lags: expected at most 8, .* 9 steps, got 30\. Give longer"):
        gradient_reach(network, batch, lags=30)


def test_a_module_of_ones_own_works_with_a_loss_of_ones_own():
    layer = nn.Stack([nn.GRU(3, 4), nn.GRU(4, 4)])

    def loss(module, batch, state):
        return module(batch)[0].square().mean(), None

    first, second = gradient_reach(layer, torch.randn(2, 7, 3), loss=loss, every_step=True)
    assert (first.name, second.name) == ("layer 1", "layer 2") and len(first.norms) == 7
