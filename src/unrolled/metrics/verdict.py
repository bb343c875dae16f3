"""Is the model better than the best plain baseline? The verdict, with its figures."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.metrics.bootstrap import block_bootstrap, check_series


class Verdict(NamedTuple):
    """A model beside the best plain baseline.

    `low` and `high` bound the mean of (model's loss - baseline's loss) at 95 %; `relative` is that mean as a
    share of the baseline's loss, below 0 where the model is better.
    """

    kind: Literal["better", "as good", "worse"]
    baseline: str
    low: float
    high: float
    relative: float
    text: str

    def card(self) -> dict[str, Any]:
        """The verdict as JSON can hold it: a bound that is not finite becomes None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self._asdict().items()
        }


def judge(
    model_losses: ArrayLike,
    baseline_losses: Mapping[str, ArrayLike],
    block: int,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> Verdict:
    """Judge a model beside the best of the plain baselines, the one of lowest mean loss, on the same windows.

    "better" where the whole 95 % block-bootstrap interval of the paired difference is below 0, "worse" where
    it is above, "as good" where it touches 0. A window of which nothing is known is NaN in every loss.

    Shapes: model_losses (n,) and each baseline's (n,), in time order in each series; groups (n,) names the
    series.
    Raises: ShapeError, ArgumentError where a loss is missing that the model has.

    Example:
        >>> loss = np.array([1.0, 1.2, 0.9, 1.1] * 25)
        >>> judge(loss, {"last value": loss + 0.5, "mean": loss + 2}, block=4).text
        'better than last value: loss 1.050 against 1.550, 32.3 % lower (95 %: 32.3 % to 32.3 % lower)'
        >>> judge(loss, {"last value": loss}, block=4).text
        'last value is as good: prefer it (the same losses: 1.050)'
    """
    model = check_series("model_losses", model_losses)
    if not baseline_losses:
        raise ArgumentError(
            explain("baseline_losses", "at least one baseline", "none", "Add LastValue or MeanValue.")
        )
    losses = {name: same_windows(name, values, model) for name, values in baseline_losses.items()}
    means = {name: float(np.nanmean(values)) for name, values in losses.items()}
    best = min(means, key=lambda name: means[name])
    differences = model - losses[best]
    low, high = block_bootstrap(differences, block, seed, groups=groups)
    if not np.nan_to_num(differences).any():
        low = high = 0.0  # the same to the last bit: nothing is uncertain, even for a single window
    mean = float(np.nanmean(differences))
    relative = mean / means[best] if means[best] else math.copysign(math.inf, mean) if mean else 0.0
    kind = kind_of(low, high)
    return Verdict(kind, best, low, high, relative, describe(kind, best, low, high, mean, means[best]))


def same_windows(name: str, losses: ArrayLike, model: NDArray[np.float64]) -> NDArray[np.float64]:
    """A baseline's losses, if they are known exactly where the model's are."""
    array = check_series(f"baseline_losses[{name!r}]", losses)
    if array.shape != model.shape:
        cure = "Score the model and the baselines on the same windows."
        raise ShapeError(explain(f"baseline_losses[{name!r}]", f"{model.shape}", array.shape, cure))
    different = int((np.isnan(array) != np.isnan(model)).sum())
    if different:
        cure = "Score all of them with the same mask of the truth."
        expected = "NaN exactly where the model's losses are NaN"
        raise ArgumentError(explain(f"baseline_losses[{name!r}]", expected, f"{different} that differ", cure))
    return array


def kind_of(low: float, high: float) -> Literal["better", "as good", "worse"]:
    """What the interval of (model - baseline) says."""
    if high < 0:
        return "better"
    return "worse" if low > 0 else "as good"


def describe(kind: str, baseline: str, low: float, high: float, mean: float, loss: float) -> str:
    """The verdict in words and figures."""
    if low == high == 0:
        return f"{baseline} is as good: prefer it (the same losses: {loss:#.4g})"
    figures = f"loss {loss + mean:#.4g} against {loss:#.4g}"
    if not math.isfinite(low):
        return f"{baseline} is as good: prefer it ({figures}; one window tells nothing more)"
    if loss > 0:
        figures += f", {share(mean, loss)} (95 %: {span(low, high, loss)})"
    if kind == "as good":
        return f"{baseline} is as good: prefer it ({figures})"
    return f"{kind} than {baseline}: {figures}"


def share(difference: float, loss: float) -> str:
    """A difference as a share of the baseline's loss: '9.8 % lower'."""
    return f"{abs(difference) / loss:.1%} ".replace("%", " %") + ("lower" if difference < 0 else "higher")


def span(low: float, high: float, loss: float) -> str:
    """An interval as shares of the baseline's loss, the nearer bound first when both have one sign."""
    if low < 0 < high:
        return f"{share(low, loss)} to {share(high, loss)}"
    near, far = sorted((low, high), key=abs)
    return share(near, loss).rsplit(" ", 1)[0] + " to " + share(far, loss)
