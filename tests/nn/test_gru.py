"""The GRU by hand, in both forms."""

import math

import pytest
import torch

from unrolled import nn
from unrolled.errors import ArgumentError
from unrolled.types import ElmanState, GRUState

WEIGHTS = ([0.1, 0.2, 0.3], [-0.5, 0.6, -0.7], [0.01, 0.02, 0.03], [0.04, -0.05, 0.06])  # each r, z, n


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def one_unit(reset_after):
    layer = nn.GRU(1, 1, reset_after=reset_after).double()
    with torch.no_grad():
        for parameter, values in zip(layer.parameters(), WEIGHTS, strict=True):
            parameter.copy_(torch.tensor(values, dtype=torch.float64).view(parameter.shape))
    return layer


@pytest.mark.parametrize("reset_after", [True, False])
def test_one_step_by_hand(reset_after):
    x, h = 2.0, 0.3
    w, u, b, d = WEIGHTS
    r, z = (sigmoid(w[k] * x + b[k] + u[k] * h + d[k]) for k in (0, 1))
    recurrent = r * (u[2] * h + d[2]) if reset_after else u[2] * (r * h) + d[2]
    new = math.tanh(w[2] * x + b[2] + recurrent)
    expected = (1 - z) * new + z * h
    given = [torch.tensor([[v]], dtype=torch.float64) for v in (x, h)]
    y, state = one_unit(reset_after)(given[0][None], GRUState(given[1]))
    assert [y.item(), state.h.item()] == pytest.approx([expected] * 2, abs=1e-15)


def test_the_two_forms_differ():
    x = torch.ones(1, 3, 1, dtype=torch.float64)
    assert (one_unit(True)(x)[0] - one_unit(False)(x)[0]).abs().max() > 1e-3


def test_a_state_of_another_kind_is_refused():
    with pytest.raises(
        ArgumentError, match=r"state: expected GRUState\(h\), got ElmanState\. Write GRUState"
    ):
        nn.GRU(3, 5)(torch.zeros(2, 4, 3), ElmanState(torch.zeros(2, 5)))
