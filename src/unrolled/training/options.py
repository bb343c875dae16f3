"""What a training run is told: one frozen set of options, each default written once, each checked once."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from unrolled.arguments import integer, number, one_of
from unrolled.errors import ArgumentError, explain

SCHEDULES = ("cosine", "constant", "decay")
PRECISIONS = ("fp32", "bf16")
OPTIMIZERS = ("adamw", "nt-asgd")


@dataclass(frozen=True)
class TrainingOptions:
    """How to train: how long, how fast, how safely, where.

    - epochs: passes over the data; 0 trains nothing.
    - learning_rate: the highest rate; `warmup` and `schedule` shape it over the steps.
    - weight_decay: AdamW's, on weight matrices only; biases and norms are left alone.
    - clip: the largest norm of the whole gradient; 0 = off.
    - warmup: a number below 1 is a fraction of all steps, a whole number is steps.
    - schedule: after the warmup "cosine" to 0, "constant", or "decay" in a straight line to 0.
    - patience: epochs without a better validation score before the run ends; 0 = never ends early.
    - precision: "fp32", or "bf16" for the products (weights and their updates stay fp32).
    - seed: of everything random in training, such as dropout.
    - device: "auto", "cpu", "cuda", "cuda:1", ...
    - average: decay of the moving average of the weights, such as 0.999, that is validated and kept; 0 = off.
    - optimizer: "adamw", or "nt-asgd": gradient descent whose weights are averaged from the first epoch on
      whose validation score is worse than one `non_monotone` epochs older.

    Raises: ArgumentError that names the option.

    Example:
        >>> TrainingOptions(epochs=5, clip=0.5).warmup
        0
        >>> TrainingOptions(clip=-1)
        Traceback (most recent call last):
        unrolled.errors.ArgumentError: clip: expected a number >= 0, got -1. 0 turns clipping off.
    """

    epochs: int = 50
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    clip: float = 1.0
    warmup: float = 0
    schedule: str = "cosine"
    patience: int = 10
    precision: str = "fp32"
    seed: int = 0
    device: str = "auto"
    average: float = 0.0
    optimizer: str = "adamw"
    non_monotone: int = 5

    def __post_init__(self) -> None:
        integer("epochs", self.epochs, 0, "0 trains nothing, 50 is usual.")
        _positive("learning_rate", self.learning_rate)
        number("weight_decay", self.weight_decay, 0.0, cure="0 turns it off.")
        number("clip", self.clip, 0.0, cure="0 turns clipping off.")
        number(
            "warmup", self.warmup, 0.0, cure="Below 1 it is a fraction of all steps, else a number of steps."
        )
        if self.warmup >= 1:
            integer("warmup", self.warmup, 1, "From 1 on it counts steps; a fraction is below 1.")
        one_of("schedule", self.schedule, SCHEDULES)
        integer("patience", self.patience, 0, "0 never ends early.")
        one_of("precision", self.precision, PRECISIONS)
        integer("seed", self.seed, 0, "Any whole number from 0 on.")
        number("seed", self.seed, maximum=2**63 - 1, cure="Any smaller one is as good.")
        _below_one("average", self.average)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        integer("non_monotone", self.non_monotone, 0, "5 is usual.")
        if self.optimizer == "nt-asgd" and self.average:
            cure = "It has an average of its own."
            raise ArgumentError(explain("average", "0 with optimizer='nt-asgd'", repr(self.average), cure))

    def card(self) -> dict[str, Any]:
        """The options as plain values, for a model file's card."""
        return dataclasses.asdict(self)


def _positive(name: str, value: Any) -> None:
    if number(name, value) <= 0:
        raise ArgumentError(explain(name, "a number > 0", repr(value), "0.001 is a good first try."))


def _below_one(name: str, value: Any) -> None:
    if number(name, value, 0.0, cure="0 turns it off.") >= 1:
        raise ArgumentError(
            explain(name, "a number >= 0 and < 1", repr(value), "0.999 is usual, 0 turns it off.")
        )
