"""The memory that is used: how the loss grows when inputs older than a lag are another row's.

What a network could remember and what its answers depend on are two things; this measures the second.

Key: B batch · T time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, explain
from unrolled.probe.losses import Batch, Losses

# Keys of a batch that have a time axis of inputs; the others are answers, lengths, or belong to the row.
INPUTS = (
    "x", "target", "past", "past_codes", "known", "known_codes", "tokens", "words", "shapes", "spelling",
    "source",
)  # fmt: skip
SMALL = 0.02  # of the loss that all of the past saves: less is not worth a memory
SURE = 2.0  # standard errors


@dataclass(frozen=True)
class MemoryUsed:
    """The mean loss of each row's last answer when inputs older than a lag are another row's.

    `whole` is the loss with nothing replaced, `errors` the standard error of each loss's excess over it.
    `lag` is the least lag measured from which on the excess is lost in noise or below 2 % of the largest:
    what is older than that does not matter. None: even the oldest inputs do.

    Shapes: lags, losses, errors (lags,). Units: lags are steps, losses those of the network (scaled).
    """

    lags: np.ndarray
    losses: np.ndarray
    errors: np.ndarray
    whole: float
    lag: int | None
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "lags": self.lags.tolist(),
            "losses": self.losses.tolist(),
            "errors": self.errors.tolist(),
            "whole": self.whole,
            "lag": self.lag,
            "rows": self.rows,
        }


def memory_used(
    losses: Losses,
    batch: Batch,
    lags: Sequence[int] | None = None,
    *,
    time: str | None = None,
    draws: int = 2,
    seed: int = 0,
) -> MemoryUsed:
    """Measure the loss with inputs older than each lag replaced by those of other rows, at random.

    `losses` maps a batch to the loss of each row's last answer, as `final_losses(network)` does. `time` is
    the key whose second axis is time (None: the first there is). A forecast's target is moved to the row's
    own level where the replaced part ends, so that the shape of the past is changed, not its level. Rows of
    one series are replaced by rows of the same. The batch is not changed.

    Raises: ArgumentError for a batch with one row or one step, or a lag that no row is long enough for.
    """
    steps = row_steps(batch, time)
    longest = int(steps.max())
    wanted = default_lags(longest) if lags is None else _checked(lags, longest)
    if len(steps) < 2:
        cure = "Give more rows: the past of one is replaced by that of another."
        raise ArgumentError(explain("batch", "at least two rows", len(steps), cure))
    integer("draws", draws, 1, "2 are enough for hundreds of rows.")
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        whole = losses(batch)
        donors = [donors_of(batch, generator) for _ in range(draws)]
        found = torch.stack(
            [
                torch.stack([losses(replaced(batch, steps, lag, other)) for other in donors]).mean(0)
                for lag in wanted
            ]
        )  # (lags, B)
    known = whole.isfinite() & found.isfinite().all(0)
    if not known.any():
        cure = "Give rows whose last answer is known."
        raise ArgumentError(explain("batch", "rows with an answer", "none", cure))
    return summarised(
        np.array(wanted), found[:, known].double().cpu().numpy(), whole[known].double().cpu().numpy()
    )


def summarised(lags: np.ndarray, losses: np.ndarray, whole: np.ndarray) -> MemoryUsed:
    """Means, errors, and the lag from which on the past does not matter. losses (lags, B), whole (B,)."""
    excess = losses - whole
    means = excess.mean(1)
    errors = excess.std(1) / np.sqrt(max(len(whole) - 1, 1))
    matters = (means > SURE * errors) & (means > SMALL * max(means.max(), 0.0))
    last = int(np.flatnonzero(matters)[-1]) if matters.any() else -1
    lag = int(lags[last + 1]) if last + 1 < len(lags) else None
    return MemoryUsed(lags, losses.mean(1), errors, float(whole.mean()), lag, len(whole))


def default_lags(longest: int) -> list[int]:
    """About two lags an octave, from 0 (only the newest step is left) to one less than the row.

    Example:
        >>> default_lags(24)
        [0, 1, 2, 3, 4, 6, 8, 11, 16]
    """
    grid = {0, *(round(2 ** (half / 2)) for half in range(64) if 2 ** (half / 2) < longest - 1)}
    return sorted(lag for lag in grid if lag < longest - 1) or [0]


def row_steps(batch: Mapping[str, Tensor], time: str | None = None, name: str = "batch") -> np.ndarray:
    """How many steps of input each row has, int64 (B,).

    Raises: ArgumentError where there is but one; it calls the batch by `name`.
    """
    key = time or next((name for name in INPUTS if name in batch), "")
    if key not in batch:
        cure = "Name the key whose second axis is time."
        raise ArgumentError(explain("time", f"a key of the batch ({', '.join(batch)})", repr(time), cure))
    lengths = batch.get(f"{key}_lengths", batch.get("lengths"))
    rows, steps = batch[key].shape[:2]
    found = np.full(rows, steps) if lengths is None else np.asarray(lengths.cpu(), np.int64)
    if found.max(initial=0) < 2:
        cure = "Give longer sequences: what is one step long has no past."
        raise ArgumentError(explain(name, "rows of at least two steps", "one step", cure))
    return found


def donors_of(batch: Mapping[str, Tensor], generator: np.random.Generator) -> np.ndarray:
    """Another row for each row, of the same series where the batch tells series apart, int64 (B,)."""
    rows = len(next(iter(batch.values())))
    series = batch.get("series")
    groups = np.zeros(rows, np.int64) if series is None else series.cpu().numpy()
    found = np.arange(rows)
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        order = generator.permutation(own)
        found[order] = np.roll(order, 1)
    return found


def replaced(batch: Batch, steps: np.ndarray, lag: int, donors: np.ndarray) -> Batch:
    """The batch with every input older than `lag` taken from another row. Answers stay as they are.

    Shapes: steps, how many each row has, and donors int64 (B,).
    """
    given = [key for key in INPUTS if key in batch and batch[key].ndim >= 2]
    time = min(batch[key].shape[1] for key in given)
    place = np.arange(time)
    old = place < (steps - 1 - lag)[:, None]  # (B, T)
    # The donor's step at the same distance from its end; before its first one it is begun again.
    source = (steps[donors][:, None] - steps[:, None] + place) % np.maximum(steps[donors], 1)[:, None]
    changed = dict(batch)
    for key in given:
        values = batch[key]
        mask, where = (torch.from_numpy(part).to(values.device) for part in (old, source))
        other = values[torch.from_numpy(donors).to(values.device)[:, None], where]  # (B, T, ...)
        own = values[:, :time]
        if key == "target":
            other = other + level_shift(own, other, steps, lag)
        kept = mask.reshape(*mask.shape, *[1] * (values.ndim - 2))
        changed[key] = torch.cat([torch.where(kept, other, own), values[:, time:]], dim=1)
    return changed


def level_shift(own: Tensor, other: Tensor, steps: np.ndarray, lag: int) -> Tensor:
    """What brings a donor to the row's own value where the replaced part ends, (B, 1, C); 0 where unknown."""
    seam = torch.from_numpy(np.clip(steps - 1 - lag, 0, own.shape[1] - 1)).to(own.device)
    rows = torch.arange(len(own), device=own.device)
    shift = own[rows, seam] - other[rows, seam]
    return torch.where(shift.isnan(), 0.0, shift)[:, None]


def _checked(lags: Sequence[int], longest: int) -> list[int]:
    wanted = sorted({integer("lags", lag, 0, "Say how many steps to keep.") for lag in lags})
    if not wanted or wanted[-1] > longest - 2:
        got = wanted[-1] if wanted else "none"
        cure = "Give longer rows, or ask for smaller lags."
        expected = f"at most {longest - 2}, as the longest row has {longest} steps"
        raise ArgumentError(explain("lags", expected, got, cure))
    return wanted
