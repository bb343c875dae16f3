"""What the measurements mean, a sentence each, and what to do about it by an option of this library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unrolled.insight.advice import (
    Setting,
    against_explosion,
    against_saturation,
    for_longer_reach,
    lower_rate,
)
from unrolled.insight.importance import Importance
from unrolled.insight.jacobian import Spectrum
from unrolled.probe import GateStatistics, GradientReach, MemoryUsed
from unrolled.training import History

EXPLODES = 10.0  # a gradient that has grown so much on its way
MOST_GROWTH = 700.0  # as a power of e: a float64 holds no more
OFTEN_CLIPPED, STUCK, WASTED = 0.5, 0.5, 0.1  # shares
FORGETFUL = 3.0  # steps: a cell none of whose units keeps anything for longer
ENOUGH = 4  # steps of memory that show that something is remembered at all
HARDLY = 0.01  # of the loss: what the past saves is not worth a word
NO_ANSWER = "there is no last answer to judge it by"
RANK = {"bad": 0, "note": 1}


@dataclass(frozen=True)
class Finding:
    """A measurement in a sentence; `mark` is one of `page.MARKS`.

    `advice` names an option of this library; `changes` are the parameters that it means, where it means some.
    """

    topic: str
    sentence: str
    mark: str = ""
    advice: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = {name: getattr(self, name) for name in ("topic", "sentence", "mark", "advice")}
        return told | {"changes": dict(self.changes)}


def changes_of(findings: Sequence[Finding]) -> dict[str, Any]:
    """The parameters of all advice that is more than a remark; the worst finding's word goes first."""
    told: dict[str, Any] = {}
    for finding in sorted((f for f in findings if f.mark in RANK), key=lambda f: RANK[f.mark]):
        for name, value in finding.changes.items():
            told.setdefault(name, value)
    return told


def about_reach(
    found: Sequence[GradientReach], setting: Setting, memory: MemoryUsed | None = None
) -> Finding:
    """How far the gradient of an answer reaches back; `memory` is that which is used, where it is known."""
    topic, unit, window = "gradient reach", setting.unit, setting.window
    worst = min(found, key=lambda reach: window if reach.lag_below is None else reach.lag_below)
    grown = max(found, key=lambda reach: reach.largest)
    if not all(reach.norms.any() for reach in found):
        text = "No gradient arrives in the hidden state at all: the answers do not depend on it."
        advice = "Train longer, or with another learning_rate: the untrained network was kept."
        return Finding(topic, text, "bad", advice)
    if grown.largest > EXPLODES:
        text = f"The gradient explodes on its way back ({grown.name}): it grows to {grown.largest:.3g} times "
        return Finding(topic, f"{text}what it is at the answer.", "bad", *against_explosion(setting))
    if worst.lag_below is None:
        text = f"The gradient of an answer reaches all {window:,} {unit} back without falling below 1 %."
        return Finding(topic, text, "good")
    return about_short_reach(worst, worst.lag_below, setting, memory)


def about_short_reach(
    worst: GradientReach, lag_below: int, setting: Setting, memory: MemoryUsed | None
) -> Finding:
    """What it means that the gradient ends after so many steps, and whether it is a fault."""
    topic, unit, window = "gradient reach", setting.unit, setting.window
    text = f"The gradient of an answer falls below 1 % after {lag_below:,} {unit} ({worst.name})"
    if worst.direct:
        text += " on its way through the recurrence; but every step has a gradient of its own, by the pool."
        return Finding(topic, text, "good")
    text += f": what lies further back in these {window:,} {unit} is hardly learned from."
    if lag_below >= window / 2:
        return Finding(topic, text, "good")
    if memory is not None and (memory.lag is None or memory.lag > lag_below):
        text += " Inputs older than that matter all the same (memory used): a state that holds on firmly"
        text += " passes little gradient, and what is learned already needs none."
        if memory.lag is None or memory.lag >= window / 2:
            return Finding(topic, text, "good")
        return Finding(topic, text, "note", *for_longer_reach(setting))
    # A memory that ends well inside the reach was not cut off by it.
    enough = memory is not None and memory.lag is not None and ENOUGH <= memory.lag < lag_below / 1.5
    mark = "bad" if lag_below < window / 8 and not enough else "note"
    return Finding(topic, text, mark, *for_longer_reach(setting))


def about_memory(found: MemoryUsed | None, setting: Setting, why_not: str = NO_ANSWER) -> Finding:
    """How much past the answers depend on; `why_not` says why that is not known."""
    topic, unit = "memory used", setting.unit
    if found is None:
        return Finding(topic, f"Not measured: {why_not}.")
    if found.lag == 0:
        text = f"The past is not used: replacing all that is older than the newest of the {unit} costs "
        what = f"A shorter {setting.span} is" if setting.span else "Shorter sequences are"
        advice = f"{what} as good, unless the gradient reach says that the past was never learned."
        return Finding(topic, f"{text}nothing that could be told from noise.", "note", advice)
    if found.lag is None:
        text = f"Even the oldest {unit} matter: replacing what is older than {found.lags[-1]:,} {unit} still "
        advice = f"{f'A longer {setting.span}' if setting.span else 'Longer sequences'} may gain more."
        return Finding(topic, f"{text}raises the loss.", "note", advice)
    text = f"What is older than {found.lag:,} {unit} no longer matters; all of the past together saves "
    saved = found.losses[0] - found.whole
    if setting.loss == "nats a value":  # of a density, which may be below 0: a share of it says nothing
        return Finding(topic, f"{text}{setting.of_loss(saved)}.", "good")
    text += f"{saved:.3g} of a loss of {setting.of_loss(found.losses[0])} without it."
    if saved < HARDLY * found.losses[0]:
        return Finding(topic, f"{text} That is hardly anything: little is learned from the past.", "note")
    return Finding(topic, text, "good")


def about_jacobian(found: Sequence[Spectrum], setting: Setting) -> Finding:
    """Whether directions of the state explode, and how long the slowest is remembered."""
    top = max(found, key=lambda spectrum: float(spectrum.exponents[0]))
    text = f"The largest Lyapunov exponent is {top.exponents[0]:+.3g} a step ({top.name}), the mean spectral "
    text += f"radius {top.radii.mean():.3g}, the largest stretch {top.singular[:, 0].max():.3g}: "
    if top.exploding:
        text += f"{top.exploding} of the {len(top.exponents)} directions grow, "
        grown = math.exp(min(top.exponents[0] * setting.window / setting.step, MOST_GROWTH))
        if grown < EXPLODES:
            text += f"but no small difference grows beyond {grown:.3g} times in {setting.window:,} "
            text += f"{setting.unit}."
            return Finding("Jacobian", text, "good")
        return Finding("Jacobian", f"{text}small differences explode.", "bad", *against_explosion(setting))
    steps = top.memory * setting.step
    text += f"every direction shrinks, the slowest to 1/e in {steps:,.3g} {setting.unit}."
    if steps < setting.window / 20:
        return Finding("Jacobian", text, "note", *for_longer_reach(setting))
    return Finding("Jacobian", text, "good")


def about_gates(
    found: Sequence[GateStatistics], setting: Setting, reach: Sequence[GradientReach] = ()
) -> Finding:
    """Saturation, time constants, dead and redundant units.

    Gates that forget within a few steps are no fault where the gradient reaches the whole sequence all the
    same, or each step has one of its own; `reach` tells.
    """
    stuck = max(found, key=lambda gates: gates.saturation)
    units = sum(gates.units for gates in found)
    dead, redundant = (sum(len(getattr(gates, name)) for gates in found) for name in ("dead", "redundant"))
    what = "the gates' values" if stuck.keeps else "the states"
    text = f"{stuck.saturation:.0%} of {what} are stuck at an end ({stuck.name}); {dead} of {units} units "
    text += f"are dead, {redundant} say what another says."
    constants = [gates.time_constants for gates in found if gates.time_constants is not None]
    if constants:
        middle = float(np.median(np.concatenate(constants)))
        slowest = min(float(values.max()) for values in constants)
        text += f" Half of the units forget within {middle * setting.step:,.3g} {setting.unit}, the "
        text += "slowest " if len(constants) == 1 else "slowest of the most forgetful layer "
        text += f"within {slowest * setting.step:,.3g}."
        short = not reach or any(one.lag_below is not None and not one.direct for one in reach)
        if short and slowest < FORGETFUL and setting.window / setting.step > 2 * FORGETFUL:
            return Finding("gates", text, "bad", *for_longer_reach(setting))
    if stuck.saturation > STUCK:
        return Finding("gates", text, "note", *against_saturation(setting))
    if dead > WASTED * units or redundant > WASTED * units:
        fewer = max(1, round((units - dead - redundant) / max(len(found), 1)))
        return Finding("gates", text, "note", f"hidden_size={fewer} would do the same with less.")
    return Finding("gates", text, "good")


def about_importance(found: Importance | None, setting: Setting, why_not: str = NO_ANSWER) -> Finding:
    """Which columns and lags matter; `why_not` says why that is not known."""
    if found is None or not found.columns:
        return Finding("inputs", f"Not measured: {why_not}.")
    order = np.argsort(-found.by_column)
    best = int(order[0])
    idle = [found.columns[i] for i in order if found.by_column[i] <= 2 * found.errors[i]]
    if found.columns[best] in idle:
        return Finding("inputs", "No column changes the loss by more than noise.", "note")
    where = lags_told(found.bands[int(found.by_lag[best].argmax())])
    text = f"'{found.columns[best]}' matters most: without it the loss rises by "
    text += f"{setting.of_loss(found.by_column[best])}, most of all at {where}."
    if len(found.columns) == 1:
        text = f"Most is read at {where}: replacing it raises the loss by "
        text += f"{setting.of_loss(found.by_lag[best].max())}."
    if not idle or len(found.columns) == 1:
        return Finding("inputs", text, "good")
    text += f" {len(idle)} of {len(found.columns)} columns change nothing that could be told from noise."
    return Finding("inputs", text, "note", without(idle, setting))


def without(idle: Sequence[str], setting: Setting) -> str:
    """How to leave out columns that do not help; '' where none of them can be."""
    given = [name for name in idle if name not in setting.fixed]
    more = f" and {len(given) - 4} more" if len(given) > 4 else ""
    return f"Leave out what does not help: {', '.join(given[:4])}{more}." if given else ""


def lags_told(band: tuple[int, int]) -> str:
    """A band of lags in words.

    Example:
        >>> lags_told((0, 0)), lags_told((4, 7)), lags_told((-1, -1))
        ('lag 0', 'lags 4 to 7', 'what is known ahead')
    """
    low, high = band
    return "what is known ahead" if low < 0 else f"lag {low}" if low == high else f"lags {low} to {high}"


def about_clipping(history: History | None, setting: Setting) -> Finding:
    """How often the gradient was clipped in training."""
    if history is None or not history.epochs:
        return Finding("clipping", "The model tells nothing of its training.")
    share = float(np.mean([record.clip_rate for record in history.epochs]))
    norms = np.array([record.gradient_norm for record in history.epochs])
    tail = f"the gradient's norm was {np.median(norms):.3g} in the median epoch, {norms.max():.3g} at most."
    if setting.get("clip") == 0:
        text = f"Training did not clip; {tail}"
        if norms.max() > EXPLODES * np.median(norms):
            advice = "clip=1.0 tames the steps that jump."
            return Finding("clipping", text, "bad", advice, {"clip": 1.0})
        return Finding("clipping", text, "good")
    text = f"In training {share:.0%} of the steps were clipped; {tail}"
    if share <= OFTEN_CLIPPED:
        return Finding("clipping", text, "good")
    if setting.rate_is_high:
        return Finding("clipping", text, "bad", *lower_rate(setting))
    advice = f"Most steps are cut to one length: clip={np.median(norms):.2g} would cut only those that jump."
    return Finding("clipping", text, "note", advice)


def about_learning(history: History | None, setting: Setting) -> Finding | None:
    """Whether training got anywhere, and whether its steps were too large."""
    if history is None or not history.epochs:
        return None
    text = f"The validation score fell from {history.untrained:.4g} (untrained) to {history.best:.4g}, "
    text += f"after epoch {history.best_epoch} of {len(history.epochs)}."
    if history.best_epoch == 0:
        text = f"No epoch was better than the untrained network ({history.untrained:.4g})."
    if setting.rate_is_high:
        rate = f" The learning rate, {setting.get('learning_rate'):g}, is far above the usual one."
        return Finding("learning", text + rate, "bad", *lower_rate(setting))
    if history.best_epoch == 0:
        return Finding("learning", text, "bad", *lower_rate(setting))
    return Finding("learning", text, "good")
