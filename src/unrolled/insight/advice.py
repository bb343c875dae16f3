"""What to do about a finding: an option of this library, and the parameters of a task that it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HIGH_RATE = 3.0  # times the usual learning rate

Advice = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """What advice depends on: a task's parameters and its usual ones, the sequences' length and their unit.

    `step`: how many steps of the data one step of the recurrence is. `loss`: the unit of the loss. `fixed`:
    columns that cannot be left out.
    """

    parameters: Mapping[str, Any]
    usual: Mapping[str, Any]
    window: int
    unit: str
    step: int = 1
    loss: str = ""
    fixed: tuple[str, ...] = ()

    @property
    def span(self) -> str:
        """The task's option that sets how far it looks back, '' where the sequences do."""
        return next((name for name in ("history", "bptt") if self.get(name)), "")

    def of_loss(self, value: float) -> str:
        """A loss with its unit."""
        return f"{value:.3g} {self.loss}".rstrip()

    def get(self, name: str) -> Any:
        """A parameter of the task; None where it has no such option."""
        return self.parameters.get(name)

    def has(self, name: str) -> bool:
        """Whether the task has this option."""
        return name in self.parameters

    def lacks(self, name: str) -> bool:
        """Whether the task has this option, turned off."""
        return self.has(name) and not self.parameters[name]

    @property
    def rate_is_high(self) -> bool:
        """Whether the learning rate is far above the task's usual one."""
        rate, usual = self.get("learning_rate"), self.usual.get("learning_rate") or 3e-3
        return rate is not None and self.get("optimizer") != "nt-asgd" and rate > HIGH_RATE * usual


def for_longer_reach(setting: Setting) -> Advice:
    """Let the gradient, and with it the memory, reach further back.

    Example:
        >>> for_longer_reach(Setting({"cell": "elman"}, {}, 100, "rows"))
        ("cell='gru' (or 'lstm'): gates keep the gradient from vanishing.", {'cell': 'gru'})
    """
    cell, steps = setting.get("cell"), max(3, setting.window // setting.step)
    if cell == "elman":
        return "cell='gru' (or 'lstm'): gates keep the gradient from vanishing.", {"cell": "gru"}
    if cell == "lstm" and setting.has("forget_bias"):
        bias, memory = setting.get("forget_bias"), setting.get("memory")
        if memory is None and (bias is None or bias < 1):
            text = f"forget_bias=1.0 opens the forget gates at the start; memory={steps} spreads them over"
            return f"{text} that many steps.", {"forget_bias": 1.0}
        if memory is None or memory < steps:
            text = f"memory={steps} spreads the forget gates over that many steps at the start."
            return text, {"memory": steps, "forget_bias": None}
    if setting.lacks("orthogonal"):
        text = "orthogonal=True starts the recurrent weights so that gradients keep their length."
        return text, {"orthogonal": True}
    if setting.lacks("layer_norm"):
        return "layer_norm=True keeps the gates out of saturation.", {"layer_norm": True}
    shorter = f"A smaller {setting.span}" if setting.span else "Shorter sequences"
    others = " or cell='lstm' with memory," if cell == "gru" and setting.has("memory") else ""
    return f"{shorter},{others} would ask for less reach: no option that helps is left.", {}


def against_explosion(setting: Setting) -> Advice:
    """Keep gradients, or the state itself, from growing."""
    if setting.has("clip") and setting.get("clip") == 0:
        return "clip=1.0 limits the gradient's norm.", {"clip": 1.0}
    if setting.rate_is_high:
        return lower_rate(setting)
    if setting.lacks("orthogonal"):
        text = "orthogonal=True starts with recurrent weights that neither stretch nor shrink."
        return text, {"orthogonal": True}
    if setting.lacks("layer_norm"):
        return "layer_norm=True bounds what goes into the gates.", {"layer_norm": True}
    return lower_rate(setting)


def against_saturation(setting: Setting) -> Advice:
    """Bring gates back into the range in which they learn."""
    if setting.rate_is_high or not setting.lacks("layer_norm"):
        return lower_rate(setting)
    return "layer_norm=True keeps the gates in the range in which they learn.", {"layer_norm": True}


def lower_rate(setting: Setting) -> Advice:
    """A lower learning rate: the usual one where the task's is far above it, else a third.

    Example:
        >>> lower_rate(Setting({"learning_rate": 0.3}, {"learning_rate": 0.001}, 9, "rows"))
        ('learning_rate=0.001, the usual one.', {'learning_rate': 0.001})
    """
    rate = setting.get("learning_rate")
    if rate is None:
        return "A lower learning_rate.", {}
    if not setting.rate_is_high:
        third = float(f"{rate / 3:.2g}")
        return f"learning_rate={third:g}, a third of what it was.", {"learning_rate": third}
    usual = setting.usual.get("learning_rate")
    told = "No learning_rate: it is then chosen by the data." if usual is None else ""
    return told or f"learning_rate={usual:g}, the usual one.", {"learning_rate": usual}
