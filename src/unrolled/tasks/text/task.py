"""What both tasks of texts have in common: their parameters, and pretrained vectors of words."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from unrolled.data.vectors import Vectors, read_vectors
from unrolled.errors import ArgumentError, explain
from unrolled.nn import parameter_count
from unrolled.tasks.sequence.data import SequenceSplit
from unrolled.tasks.task import CellStartParameters, Task


@dataclass(eq=False, repr=False)
class TextTask(CellStartParameters, Task):
    """The shared half of `TextClassifier` and `Tagger`.

    Words that are rarer than `min_count` are unknown; with `frozen` pretrained vectors are not tuned;
    `average` is the decay of the weights' moving average, 0 = off.
    """

    task: ClassVar[str]

    _: KW_ONLY
    layers: int = 1
    bidirectional: bool = True
    lowercase: bool = True
    min_count: int = 2
    frozen: bool = False
    weight_decay: float = 0.01
    average: float = 0.99

    def _pretrained(self, words: Sequence[str], vectors: Any, encoding: str) -> Vectors | None:
        """The pretrained vectors of the words, number 0 first. Raises: ArgumentError for none to freeze."""
        if vectors is not None:
            return read_vectors(vectors, ("", *words), encoding)
        if self.frozen:
            cure = "Name the file: vectors='glove.txt'."
            raise ArgumentError(explain("frozen", "pretrained vectors to freeze", "none", cure))
        return None

    def _told(
        self, what: str, parts: SequenceSplit, model: str, fitted: Any, vectors: Vectors | None
    ) -> dict[str, str]:
        """The lines of the summary that both tasks have; `what` the parts hold, `model` is its name."""
        network, history = fitted.network, fitted.history
        sizes = [len(part) for part in (parts.train, parts.validation, parts.test)]
        best = f"best {history.best_epoch}" if history.best_epoch else "the untrained network is best"
        lines = {
            "split": "{:,} training, {:,} validation, {:,} test {}".format(*sizes, what),
            "model": model,
            "size": f"{parameter_count(network):,} parameters, {network.cost():,} multiply-adds per word",
            "training": f"{len(history.epochs)} epochs, {best}; {fitted.waste:.1%} of the batches is padding",
        }
        if vectors is not None:
            lines["vectors"] = f"{vectors.width} numbers each, {vectors.coverage:.1%} of the words covered"
        return lines
