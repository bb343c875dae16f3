from statistics import NormalDist

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from unrolled.models.heads import (
    START_WIDTH,
    ConformalOffsets,
    QuantileHead,
    forecast_loss,
    keep_order,
    pinball,
)

LEVELS = [(0.1, 0.5, 0.9), (0.5,), (0.2, 0.4, 0.9, 0.95), (0.05, 0.25, 0.5, 0.75, 0.95), (0.7, 0.8)]


@pytest.mark.parametrize("levels", LEVELS)
def test_head_starts_at_zero_with_normal_gaps(levels):
    head = QuantileHead(4, steps=3, quantiles=levels)
    answers = head(torch.randn(2, 4))
    normal = NormalDist(0.0, START_WIDTH)
    middle = normal.inv_cdf(levels[head.base])
    expected = torch.tensor([normal.inv_cdf(level) - middle for level in levels])
    assert torch.equal(answers[..., head.base], torch.zeros(2, 3))
    torch.testing.assert_close(answers, expected.expand(2, 3, -1))


@pytest.mark.parametrize("levels", LEVELS)
def test_head_never_crosses(levels):
    torch.manual_seed(0)
    head = QuantileHead(4, steps=3, quantiles=levels)
    torch.nn.init.normal_(head.dense.weight, std=5.0)
    answers = head(torch.randn(200, 4))
    assert (answers.diff(dim=-1) >= 0).all()


def test_head_layout_is_step_then_quantile():
    head = QuantileHead(1, steps=2, quantiles=(0.1, 0.5, 0.9))
    with torch.no_grad():
        head.dense.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0, 2.0, 0.0]))
    softplus = np.log(2.0)
    expected = [[1 - softplus, 1, 1 + softplus], [2 - softplus, 2, 2 + softplus]]
    np.testing.assert_allclose(head(torch.zeros(1, 1))[0].detach(), expected, rtol=1e-6)


def test_pinball_is_the_mean_over_the_answers_that_are_there():
    torch.manual_seed(0)
    levels = (0.1, 0.5, 0.8)
    forecast, answers = torch.randn(40, 3), torch.randn(40)
    answers[::4] = torch.nan
    there = ~answers.isnan()
    expected = np.mean(
        [mean_pinball_loss(answers[there], forecast[there, i], alpha=level) for i, level in enumerate(levels)]
    )
    assert pinball(forecast, answers, levels).item() == pytest.approx(expected, rel=1e-5)


def test_pinball_without_answers_is_zero_with_a_finite_gradient():
    forecast = torch.randn(5, 1, requires_grad=True)
    loss = pinball(forecast, torch.full((5,), torch.nan), (0.5,))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(forecast.grad, torch.zeros(5, 1))


def test_keep_order_moves_only_what_crossed_and_never_the_base():
    crossed = torch.tensor([3.0, 1.5, 2.0, 1.0, 4.0])
    assert keep_order(crossed, base=2).tolist() == [1.5, 1.5, 2.0, 2.0, 4.0]
    rising = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(keep_order(rising, base=1), rising)


def test_offsets_are_nothing_until_calibrated():
    offsets = ConformalOffsets(horizon=2, targets=1, quantiles=(0.1, 0.5, 0.9))
    quantiles = torch.randn(4, 2, 1, 3).sort(-1).values
    assert torch.equal(offsets(quantiles), quantiles)
    offsets.values[..., 2] = -100.0
    assert torch.equal(offsets(quantiles)[..., 2], quantiles[..., 1])


def test_forecast_loss_is_twice_the_pinball_loss_and_the_huber_loss_of_the_base():
    answers = torch.tensor([0.5, 3.0, torch.nan])
    forecast = torch.tensor([[-1.0, 0.0, 1.0]] * 3)
    levels = (0.1, 0.5, 0.9)
    huber = (0.5 * 0.5**2 + (3.0 - 0.5)) / 2  # the missing answer counts for nothing
    expected = 2 * pinball(forecast, answers, levels).item() + huber
    assert forecast_loss(forecast, answers, levels).item() == pytest.approx(expected, rel=1e-6)
