"""What a sequence task is told, checked in one place."""

from dataclasses import dataclass
from typing import Any

from unrolled.arguments import flag, integer, number, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models import ARCHITECTURES, CellStart
from unrolled.training import TrainingOptions

HEADS = ("last", "mean", "every")


@dataclass(frozen=True)
class SequenceSettings:
    """The checked settings of one fit; `network` holds the options of the network's constructor."""

    network: dict[str, Any]
    batch_size: int
    training: TrainingOptions

    @property
    def every(self) -> bool:
        """Whether each step is answered."""
        return self.network["head"] == "every"


def settle(parameters: dict[str, Any]) -> SequenceSettings:
    """Check a sequence task's parameters.

    Raises: ArgumentError naming the parameter.

    Example:
        >>> settle({"cell": "gru", "head": "first"})
        Traceback (most recent call last):
        unrolled.errors.ArgumentError: head: expected one of last, mean, every, got 'first'. ...
    """
    given = dict(parameters)
    one_of("cell", given["cell"], ARCHITECTURES)
    one_of("head", given["head"], HEADS)
    flag("bidirectional", given["bidirectional"])
    integer("hidden_size", given["hidden_size"], 1, "64 is a good start.")
    integer("layers", given["layers"], 1, "1 is a good start.")
    integer("batch_size", given["batch_size"], 1, "32 is a good start.")
    if number("dropout", given["dropout"], 0.0, cure="0 turns it off.") > 0.95:
        cure = "0 turns it off."
        raise ArgumentError(explain("dropout", "a number from 0 to 0.95", given["dropout"], cure))
    network = {name: given[name] for name in ("cell", "layers", "head", "bidirectional", "dropout")}
    network["cells"] = CellStart.of_task(given).card()
    training = ("epochs", "learning_rate", "clip", "patience", "precision", "seed", "device")
    return SequenceSettings(
        network=network | {"hidden": given["hidden_size"]},
        batch_size=given["batch_size"],
        training=TrainingOptions(**{name: given[name] for name in training}),
    )
