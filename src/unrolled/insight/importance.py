"""Which inputs matter, by column and lag: how much the loss grows when they are another row's.

Key: B batch · T time · C columns · L bands of lags.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from unrolled.probe.losses import Batch, Losses
from unrolled.probe.memory import INPUTS, donors_of, level_shift, row_steps

COLUMNS, BANDS = 12, 7  # at most
DRAWS = 2  # of who gives whom; their mean is taken
AHEAD = -1  # the band of known columns after the last step


@dataclass(frozen=True)
class Importance:
    """The loss that each column's values at some lags save: excess over the loss with nothing replaced.

    `bands` are pairs of lags, the first and the last, (-1, -1) for what is known ahead. `by_column` (C,) is
    the excess when a column is replaced at all lags, `by_lag` (C, L) in a band alone. `errors` (C,) are
    standard errors of `by_column`. `left` names columns beyond the first dozen, which were not measured.
    """

    columns: tuple[str, ...]
    bands: tuple[tuple[int, int], ...]
    by_column: np.ndarray
    by_lag: np.ndarray
    errors: np.ndarray
    whole: float
    left: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "columns": list(self.columns),
            "bands": [list(band) for band in self.bands],
            "by_column": self.by_column.tolist(),
            "by_lag": self.by_lag.tolist(),
            "errors": self.errors.tolist(),
            "whole": self.whole,
            "left": list(self.left),
        }


def importance_of(
    losses: Losses, batch: Batch, columns: Mapping[str, tuple[str, ...]], step: int = 1, seed: int = 0
) -> Importance:
    """Measure it by permutation among rows. `columns` names those of each key; `step`: the finest band."""
    steps = row_steps(batch)
    named = [(key, place, name) for key, names in columns.items() for place, name in enumerate(names)]
    kept, left = named[:COLUMNS], tuple(name for _, _, name in named[COLUMNS:])
    bands = lag_bands(int(steps.max()), step)
    if any(batch[key].shape[1] > int(steps.max()) for key, _, _ in kept):
        bands = (*bands, (AHEAD, AHEAD))
    generator = np.random.default_rng(seed)
    drawn = [donors_of(batch, generator) for _ in range(DRAWS)]
    with torch.no_grad():
        whole = losses(batch)
        known = whole.isfinite()

        def excess(key: str, place: int, low: int, high: int) -> torch.Tensor:
            found = [losses(with_column(batch, steps, other, key, place, low, high)) for other in drawn]
            return (torch.stack(found).mean(0) - whole)[known].double()

        full = [excess(key, place, AHEAD, int(steps.max())) for key, place, _ in kept]
        parts = [[float(excess(key, place, *band).mean()) for band in bands] for key, place, _ in kept]
    return Importance(
        tuple(name for _, _, name in kept),
        bands,
        np.array([float(one.mean()) for one in full]),
        np.array(parts),
        np.array([float(one.std()) / max(len(one), 1) ** 0.5 for one in full]),
        float(whole[known].mean()),
        left,
    )


def lag_bands(longest: int, step: int = 1) -> tuple[tuple[int, int], ...]:
    """Bands of lags that cover a row, each about twice as wide as the one before.

    Example:
        >>> lag_bands(40)
        ((0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (16, 31), (32, 39))
        >>> lag_bands(40, step=8)
        ((0, 7), (8, 15), (16, 31), (32, 39))
    """
    edges = [0, step]
    while edges[-1] < longest:
        edges.append(edges[-1] * 2)
    edges = [*edges[:-1], longest] if edges[-1] > longest else edges
    bands = [(low, high - 1) for low, high in pairwise(edges)]
    while len(bands) > BANDS:  # the newest are joined first
        bands = [(bands[0][0], bands[1][1]), *bands[2:]]
    return tuple(bands)


def with_column(
    batch: Batch, steps: np.ndarray, donors: np.ndarray, key: str, place: int, low: int, high: int
) -> Batch:
    """The batch with one column's values at lags low..high (-1: what lies ahead) taken from other rows."""
    values = batch[key]
    time = values.shape[1]
    lags = steps[:, None] - 1 - np.arange(time)  # (B, T); negative ahead
    inside = (lags >= low) & (lags <= high) if low >= 0 else (lags < 0) | ((lags <= high) & (high >= 0))
    if key in INPUTS and "lengths" in batch and key not in ("known", "known_codes"):
        inside &= lags >= 0
    source = np.clip(steps[donors][:, None] - 1 - lags, 0, time - 1)
    mask, where, who = (torch.from_numpy(part).to(values.device) for part in (inside, source, donors))
    other = values[who[:, None], where]
    if key == "target":
        other = other + level_shift(values, other, steps, max(low, 0))
    if values.ndim == 2:
        return batch | {key: torch.where(mask, other, values)}
    changed = values.clone()
    changed[..., place] = torch.where(mask, other[..., place], values[..., place])
    return batch | {key: changed}
