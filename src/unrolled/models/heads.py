"""The last steps of a forecasting network: quantiles that cannot cross, their loss, conformal offsets.

Everything here is in scaled units, relative to the anchor (the last valid value): 0 says "as the last value".
Key: Q quantiles.
"""

import math
from statistics import NormalDist

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.shape import base_quantile

# An untrained forecast is this many training standard deviations wide (as a normal distribution's sigma).
START_WIDTH = 0.5


class QuantileHead(nn.Module):
    """Turn features into quantiles that never cross.

    The base quantile is a plain number; every other one is its neighbour on the base's side plus (above) or
    minus (below) a softplus, so the order holds by construction. The weights start at 0, the increments at
    the gaps of a normal distribution: an untrained network forecasts exactly the anchor, with an honest width
    around it.

    Shapes: x (..., input_size) -> (..., steps, Q). `dense` answers Q numbers for step 0, then Q for step 1,
    ...: place `base` holds the base quantile, the others hold their increment before the softplus.
    """

    def __init__(self, input_size: int, steps: int, quantiles: tuple[float, ...]) -> None:
        super().__init__()
        self.steps, self.count = steps, len(quantiles)
        self.base = base_quantile(quantiles)
        self.dense = nn.Linear(input_size, steps * self.count)
        nn.init.zeros_(self.dense.weight)
        with torch.no_grad():
            self.dense.bias.copy_(torch.tensor(starting_bias(quantiles)).repeat(steps))

    def forward(self, x: Tensor) -> Tensor:
        """The quantiles, rising along the last axis."""
        raw = self.dense(x).to(self.dense.weight.dtype)  # bfloat16 from autocast would round the answers
        raw = raw.unflatten(-1, (self.steps, self.count))
        base = raw[..., self.base : self.base + 1]
        widths = F.softplus(raw)
        up = base + widths[..., self.base + 1 :].cumsum(-1)
        down = base - widths[..., : self.base].flip(-1).cumsum(-1).flip(-1)
        return torch.cat([down, base, up], dim=-1)


def starting_bias(quantiles: tuple[float, ...]) -> list[float]:
    """The head's first bias: 0 at the base, else what softplus makes a normal distribution's gap."""
    base = base_quantile(quantiles)
    places = [NormalDist(0.0, START_WIDTH).inv_cdf(level) for level in quantiles]
    bias = []
    for index, place in enumerate(places):
        neighbour = places[index + 1] if index < base else places[index - 1]
        bias.append(0.0 if index == base else inverse_softplus(abs(place - neighbour)))
    return bias


def inverse_softplus(value: float) -> float:
    """The number whose softplus is `value` (> 0).

    Example:
        >>> round(inverse_softplus(math.log(2.0)), 6)
        0.0
    """
    return math.log(math.expm1(value))


class ConformalOffsets(nn.Module):
    """What calibration adds to each quantile, 0 until calibrated.

    Shapes: `values` (horizon, targets, Q), a buffer in scaled units; quantiles (batch, horizon, targets, Q).
    """

    values: Tensor

    def __init__(self, horizon: int, targets: int, quantiles: tuple[float, ...]) -> None:
        super().__init__()
        self.base = base_quantile(quantiles)
        self.register_buffer("values", torch.zeros(horizon, targets, len(quantiles)))

    def forward(self, quantiles: Tensor) -> Tensor:
        """The calibrated quantiles, still in order."""
        return keep_order(quantiles + self.values, self.base)


def keep_order(quantiles: Tensor, base: int) -> Tensor:
    """Move quantiles that crossed out to their neighbour on the base's side; the base stays where it is.

    Example:
        >>> keep_order(torch.tensor([2.0, 1.0, 3.0, 2.5]), base=1)
        tensor([1., 1., 3., 3.])
    """
    up = quantiles[..., base:].cummax(-1).values
    down = quantiles[..., : base + 1].flip(-1).cummin(-1).values.flip(-1)
    return torch.cat([down[..., :-1], up], dim=-1)


def pinball(quantiles: Tensor, answers: Tensor, levels: tuple[float, ...]) -> Tensor:
    """The mean quantile loss over the answers that are there; 0 where none is.

    Shapes: quantiles (..., Q); answers (...), NaN = missing.
    Source: Koenker and Bassett 1978; with the level 0.5 alone, half the absolute error.

    Example:
        >>> pinball(torch.tensor([[0.0], [5.0]]), torch.tensor([2.0, float("nan")]), (0.9,))
        tensor(1.8000)
    """
    valid = ~answers.isnan()
    # The NaN goes before the subtraction: 0 * NaN is NaN, in the gradient too.
    error = torch.where(valid, answers, 0.0)[..., None] - quantiles
    level = torch.tensor(levels, dtype=quantiles.dtype, device=quantiles.device)
    loss = torch.maximum(level * error, (level - 1) * error).mean(-1)
    return masked_mean(loss, valid)


def forecast_loss(quantiles: Tensor, answers: Tensor, levels: tuple[float, ...]) -> Tensor:
    """What a quantile network is trained on: twice the pinball loss plus the Huber loss of its base quantile.

    The pinball loss of the median is half its absolute error, so the first part is on the scale of an error;
    the second draws the point forecast towards the mean, where the squared error is judged.

    Shapes: quantiles (..., Q); answers (...), NaN = missing. Units: scaled (Huber's corner is at 1).
    Source: Huber 1964; the sum of the two is ours, chosen on validation data.
    """
    valid = ~answers.isnan()
    base = quantiles[..., base_quantile(levels)]
    huber = F.smooth_l1_loss(base, torch.where(valid, answers, 0.0), reduction="none")
    return 2 * pinball(quantiles, answers, levels) + masked_mean(huber, valid)


def masked_mean(loss: Tensor, valid: Tensor) -> Tensor:
    """The mean of `loss` where `valid`; 0, with a gradient of 0, where nothing is."""
    return torch.where(valid, loss, 0.0).sum() / valid.sum().clamp(min=1)
