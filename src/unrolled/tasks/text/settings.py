"""What a task of texts is told, checked in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrolled.arguments import flag, integer, number, one_of
from unrolled.data.vectors import Vectors
from unrolled.errors import ArgumentError, explain
from unrolled.models import ARCHITECTURES, CELLS, FEED_FORWARD, CellStart
from unrolled.models.text import SPELLED
from unrolled.nn.pooling import POOLS
from unrolled.preprocess.tokenizers import KINDS
from unrolled.training import TrainingOptions

TRAINING = "epochs learning_rate clip patience average weight_decay precision seed device".split()
SHARES = ("dropout", "input_dropout", "word_dropout")
WHOLE = 0.95  # of the training texts fit into the window of a feed-forward network


@dataclass(frozen=True)
class TextSettings:
    """The checked settings of one fit; `network` holds the options of the network's constructor."""

    network: dict[str, Any]
    batch_tokens: int
    training: TrainingOptions

    def reading(self, vectors: Vectors | None) -> "TextSettings":
        """These settings for a network that reads pretrained vectors, where there are some."""
        return self if vectors is None else replace(self, network=self.network | {"width": vectors.width})

    def windowed(self, lengths: np.ndarray) -> "TextSettings":
        """These settings with the window of a feed-forward network, for training texts of these lengths."""
        if self.network["cell"] != FEED_FORWARD:
            return self
        return replace(self, network=self.network | {"steps": window_over(lengths)})


def settle(parameters: dict[str, Any]) -> TextSettings:
    """Check a text task's parameters. Raises: ArgumentError naming the parameter.

    Example:
        >>> settle({"cell": "gro"})
        Traceback (most recent call last):
        unrolled.errors.ArgumentError: cell: expected one of elman, lstm, gru, gru2014, got 'gro'. ...
    """
    given = dict(parameters)
    check_shared(given)
    network = {name: given[name] for name in ("cell", "layers", "bidirectional", "frozen", *SHARES)}
    network |= {"hidden": given["hidden_size"], "width": given["embedding_size"]}
    network["cells"] = CellStart.of_task(given).card()
    return TextSettings(
        network=network | settle_own(given),
        batch_tokens=given["batch_tokens"],
        training=TrainingOptions(**{name: given[name] for name in TRAINING}),
    )


def check_shared(given: Mapping[str, Any]) -> None:
    """Check what both tasks are told. Raises: ArgumentError."""
    one_of("cell", given["cell"], ARCHITECTURES if "pool" in given else CELLS)
    integer("hidden_size", given["hidden_size"], 1, "100 is a good start.")
    integer("layers", given["layers"], 1, "1 is a good start.")
    integer("embedding_size", given["embedding_size"], 1, "100 is a good start.")
    integer("min_count", given["min_count"], 1, "1 keeps every word.")
    integer("batch_tokens", given["batch_tokens"], 1, "1000 is a good start.")
    flag("bidirectional", given["bidirectional"])
    flag("lowercase", given["lowercase"])
    flag("frozen", given["frozen"])
    for name in SHARES:
        if number(name, given[name], 0.0, cure="0 turns it off.") > 0.95:
            raise ArgumentError(explain(name, "a number from 0 to 0.95", given[name], "0 turns it off."))


def settle_own(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of its network that one of the tasks alone is told. Raises: ArgumentError."""
    network: dict[str, Any] = {}
    if "prior" in given:
        flag("prior", given["prior"])
    if "pool" in given:
        network["pool"] = one_of("pool", given["pool"], POOLS)
    if "crf" in given:
        network["crf"] = flag("crf", given["crf"])
    if "tokenizer" in given:
        one_of("tokenizer", given["tokenizer"], KINDS)
    if "characters" in given:
        network["spelling"] = one_of("characters", given["characters"], SPELLED)
    return network


def window_over(lengths: np.ndarray) -> int:
    """The least window that most texts fit into as a whole. Shapes: lengths (texts,).

    Example:
        >>> window_over(np.arange(1, 101))
        95
    """
    return int(np.quantile(lengths, WHOLE, method="inverted_cdf"))
