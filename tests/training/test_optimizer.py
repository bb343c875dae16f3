import pytest
import torch
from torch import nn

from unrolled.errors import ArgumentError
from unrolled.training.optimizer import AdamW


def test_five_steps_follow_the_equations() -> None:
    torch.manual_seed(0)
    network = nn.Linear(5, 3, bias=False).double()
    w, optimizer = network.weight.detach().clone(), AdamW(network, weight_decay=0.1)
    mean = square = torch.zeros(3, 5, dtype=torch.float64)
    for step in range(1, 6):
        rate, gradient = 0.01 * step, torch.randn(3, 5, dtype=torch.float64)
        network.weight.grad = gradient.clone()
        optimizer.step(rate)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        move = (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        w = w - rate * 0.1 * w - rate * move
    assert torch.allclose(network.weight, w, rtol=1e-7, atol=0)
    assert torch.allclose(optimizer.moments["weight"].square, square, rtol=1e-12)
    assert optimizer.moments["weight"].updates == 5


def test_decay_moves_matrices_and_leaves_biases_and_norms_alone() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    AdamW(network, weight_decay=0.5).step(0.1)
    after = dict(network.named_parameters())
    assert torch.allclose(after["0.weight"], before["0.weight"] * (1 - 0.1 * 0.5))
    assert all(torch.equal(after[name], before[name]) for name in ("0.bias", "1.weight", "1.bias"))


def test_what_has_no_gradient_stays_and_has_no_moments() -> None:
    network = nn.Linear(2, 2)
    before = network.weight.detach().clone()
    network.bias.grad = torch.ones(2)
    optimizer = AdamW(network, 0.1)
    optimizer.step(0.1)
    assert torch.equal(network.weight, before)
    assert optimizer.moments.keys() == {"bias"}
    optimizer.clear_gradients()
    assert network.bias.grad is None


def test_frozen_parameters_are_left_out_and_none_at_all_is_an_error() -> None:
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    network.bias.grad = torch.ones(2)
    before = network.bias.clone()
    AdamW(network, 0.1).step(0.1)
    assert torch.equal(network.bias, before)
    network.weight.requires_grad_(False)
    with pytest.raises(
        ArgumentError, match=r"^network: expected trainable parameters, got none\. Set requires"
    ):
        AdamW(network, 0.1)
