"""What a translator is told, checked in one place."""

from dataclasses import dataclass
from typing import Any

from unrolled.arguments import flag, integer, number, one_of
from unrolled.models import CELLS
from unrolled.models.decoder import ATTENTIONS
from unrolled.preprocess import tokenizers
from unrolled.training import TrainingOptions

NETWORK = (
    "cell", "layers", "attention", "input_feeding", "coverage", "tied", "dropout", "smoothing"
)  # fmt: skip
TRAINING = ("epochs", "learning_rate", "clip", "patience", "precision", "seed", "device", "average")


@dataclass(frozen=True)
class TranslationSettings:
    """The checked settings of one fit; `network` holds the options of the network's constructor."""

    network: dict[str, Any]
    source_tokens: str
    target_tokens: str
    vocabulary: int
    min_count: int
    lowercase: bool
    batch_tokens: int
    sampling: float
    training: TrainingOptions


def settle(parameters: dict[str, Any]) -> TranslationSettings:
    """Check a translator's parameters. Raises: ArgumentError naming the parameter."""
    given = dict(parameters)
    one_of("cell", given["cell"], CELLS)
    one_of("attention", given["attention"], ATTENTIONS)
    source = one_of("tokenizer", given["tokenizer"], tokenizers.KINDS)
    other = given["target_tokenizer"]
    integer("hidden_size", given["hidden_size"], 1, "256 is a good start.")
    integer("batch_tokens", given["batch_tokens"], 1, "1500 is a good start.")
    number("sampling", given["sampling"], 0.0, 1.0, "0 is off: the decoder reads the true tokens.")
    network = {name: given[name] for name in NETWORK} | {
        "hidden": given["hidden_size"],
        "embedding": given["embedding_size"],
    }
    training = {name: given[name] for name in TRAINING} | {"warmup": 0.05}
    return TranslationSettings(
        network=network,
        source_tokens=source,
        target_tokens=source if other is None else one_of("target_tokenizer", other, tokenizers.KINDS),
        vocabulary=integer("vocabulary_size", given["vocabulary_size"], 1, "6000 is a good start."),
        min_count=integer("min_count", given["min_count"], 1, "1 keeps every token."),
        lowercase=flag("lowercase", given["lowercase"]),
        batch_tokens=given["batch_tokens"],
        sampling=given["sampling"],
        training=TrainingOptions(**training),
    )
