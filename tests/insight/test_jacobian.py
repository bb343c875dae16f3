"""Lyapunov exponents and Jacobians of recurrences whose spectrum is known."""

import numpy as np
import pytest
import torch

from unrolled import nn
from unrolled.insight.jacobian import spectrum_of
from unrolled.probe import looking_on, traced


def spectrum(layer, x):
    whole = nn.Stack([layer])
    with looking_on(whole), traced(whole) as trace:
        whole(x)
    (call,) = trace.longest()
    return spectrum_of(call)


def linear(matrix):
    """h_t = W h_(t-1) + tiny x_t: an Elman network where tanh is straight."""
    layer = nn.Elman(1, len(matrix), options=nn.CellOptions(bias=False)).double()
    with torch.no_grad():
        layer.weight_hh.copy_(torch.as_tensor(matrix))
        layer.weight_ih.fill_(1e-9)  # a state that has grown a thousandfold is still straight
    return layer


def turned(values, seed=0):
    """A matrix with these eigenvalues, in a basis that is not orthogonal."""
    draw = np.random.default_rng(seed).normal(size=(len(values), len(values))) * 0.3
    basis = np.eye(len(values)) + draw
    return basis @ np.diag(values) @ np.linalg.inv(basis)


@pytest.mark.parametrize("values", [[0.95, 0.8, 0.6, 0.3], [0.99, 0.5], [1.05, 0.9, 0.7]])
def test_a_linear_recurrence_has_the_logarithms_of_its_eigenvalues(values):
    found = spectrum(linear(turned(values)), torch.randn(3, 120, 1, dtype=torch.float64))
    np.testing.assert_allclose(found.exponents, np.log(values), rtol=0.01)
    np.testing.assert_allclose(found.radii, max(values), rtol=1e-6)
    true = np.linalg.svd(turned(values), compute_uv=False)
    np.testing.assert_allclose(found.singular[0], true, rtol=1e-6)
    assert found.exploding == sum(value > 1 for value in values)


CELLS = [lambda: nn.LSTM(2, 3), lambda: nn.GRU(2, 3), lambda: nn.GRU(2, 3, reset_after=False)]


@pytest.mark.parametrize("make", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_jacobian_is_the_derivative_of_a_step(make, reverse):
    torch.manual_seed(0)
    layer = make().double()
    layer = layer.reversed() if reverse else layer
    x = torch.randn(1, 2, 2, dtype=torch.float64)
    found = spectrum(layer, x)
    step = x.flip(1) if reverse else x
    forward = make().double()
    forward.load_state_dict(layer.state_dict())
    _, state = forward(step[:, :1])

    def advance(flat):
        _, after = forward(step[:, 1:], type(state)(*flat.split(3, -1)))
        return torch.cat(after, -1)

    true = torch.autograd.functional.jacobian(advance, torch.cat(state, -1))[0, :, 0]
    values = np.linalg.svd(true.numpy(), compute_uv=False)
    np.testing.assert_allclose(found.singular[-1], values, rtol=1e-9)
    assert found.size == len(values) and found.steps == 2
