"""Keep what was learned only where it beats the last value on rows that were not trained on."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from unrolled.data import Origins, SeriesSet
from unrolled.metrics import block_bootstrap
from unrolled.tasks.forecast.losses import window_losses
from unrolled.tasks.forecast.run import ForecastRunner

LARGE_GAIN = 0.2
VISIBLE, CLEAR = 1.645, 2.33  # standard errors that one noise in 20, in 100 exceeds


@dataclass(frozen=True)
class Gain:
    """By how much the windows' losses fell."""

    share: float  # of what they were
    deviations: float  # in standard errors of the mean, by the block bootstrap


def keep_if_better(
    runner: ForecastRunner, untrained: dict[str, Tensor], data: SeriesSet, fresh: Origins, chosen: Origins
) -> tuple[bool, np.ndarray]:
    """Go back to the untrained network, which forecasts the last value, unless training helped.

    `fresh` are origins that had no part in training, `chosen` those whose errors chose the epoch.
    Returns: whether what was learned is kept, and the kept network's quantiles at the fresh origins.
    """
    network = runner.network
    learned = {name: value.clone() for name, value in network.state_dict().items()}

    def forecasts(at: Origins) -> list[np.ndarray]:
        found = []
        for weights in (untrained, learned):
            network.load_state_dict(weights)
            found.append(runner.at(data, at))
        return found

    def gain(at: Origins, found: list[np.ndarray]) -> Gain:
        before, after = (window_losses(runner, data, at, quantiles) for quantiles in found)
        return gain_of(after, before, at, network.shape.horizon)

    found = forecasts(fresh)
    gained = gain(fresh, found)
    kept = helped(gained) or (not_refuted(gained) and clearly_helped(gain(chosen, forecasts(chosen))))
    network.load_state_dict(learned if kept else untrained)
    return kept, found[kept]


def gain_of(learned: np.ndarray, untrained: np.ndarray, judged: Origins, horizon: int) -> Gain:
    """The gain from the losses of each window, (n,); NaN where no answer is known."""
    known = np.isfinite(untrained)
    gain = untrained[known] - learned[known]
    stride = max(1, int(np.median(np.diff(judged.rows)))) if len(judged) > 1 else 1
    low, high = block_bootstrap(gain, max(1, round(horizon / stride)))
    mean, level, error = gain.mean(), untrained[known].mean(), (high - low) / (2 * 1.96)
    if not mean:
        return Gain(0.0, 0.0)
    return Gain(float(mean / level), float(mean / error) if error else math.copysign(math.inf, mean))


def helped(fresh: Gain) -> bool:
    """Whether fresh rows show more than chance would: a gain of a fifth, or one that is visible.

    Few and long windows can hide a large gain from a test.
    """
    return fresh.share > LARGE_GAIN or fresh.deviations > VISIBLE


def not_refuted(fresh: Gain) -> bool:
    """Whether fresh rows at least do not show a loss."""
    return fresh.deviations > -VISIBLE


def clearly_helped(chosen: Gain) -> bool:
    """Whether the rows that chose the epoch show a gain that is both large and clear.

    The best of many epochs looks better than it is, so they have to show more than fresh rows.
    """
    return chosen.share > LARGE_GAIN and chosen.deviations > CLEAR
