"""What a language task is told, checked in one place; what is left open is chosen by the tokeniser."""

from dataclasses import asdict, dataclass
from typing import Any

from unrolled.arguments import flag, integer, number, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models.language import LanguageOptions
from unrolled.preprocess.tokenizers import KINDS
from unrolled.training import TrainingOptions

# The options of a network that a task leaves open: by whether the tokens are characters.
CHARACTERS = {"embedding_size": 64, "tied": False, "min_count": 1}
OTHERS = {"embedding_size": 256, "tied": True, "min_count": 2}
# The options of training that a task leaves open: by the optimiser.
OPEN = {
    "adamw": {"learning_rate": 2e-3, "average": 0.999, "schedule": "cosine", "warmup": 0.02},
    "nt-asgd": {"learning_rate": 30.0, "average": 0.0, "schedule": "constant", "warmup": 0},
}
OF_TRAINING = "epochs weight_decay clip patience precision seed device optimizer".split()


@dataclass(frozen=True)
class LanguageSettings:
    """The checked settings of one fit; `network` holds the options of the network's constructor."""

    tokenizer: str
    lowercase: bool
    min_count: int
    vocabulary_size: int | None
    network: dict[str, Any]
    batch_size: int
    bptt: int
    training: TrainingOptions


def settle(parameters: dict[str, Any]) -> LanguageSettings:
    """Check a language task's parameters and choose what is left open (None).

    Raises: ArgumentError naming the parameter.

    Example:
        >>> settle({"tokenizer": "letters"})
        Traceback (most recent call last):
        unrolled.errors.ArgumentError: tokenizer: expected one of words, spaces, characters, bpe, got ...
    """
    one_of("tokenizer", parameters["tokenizer"], KINDS)
    usual: dict[str, Any] = CHARACTERS if parameters["tokenizer"] == "characters" else OTHERS
    given: dict[str, Any] = {
        name: usual.get(name) if value is None else value for name, value in parameters.items()
    }
    check_counts(given)
    network = network_options(given)
    return LanguageSettings(
        tokenizer=given["tokenizer"],
        lowercase=flag("lowercase", given["lowercase"]),
        min_count=given["min_count"],
        vocabulary_size=given["vocabulary_size"],
        network=network,
        batch_size=given["batch_size"],
        bptt=given["bptt"],
        training=training_options(given),
    )


def check_counts(given: dict[str, Any]) -> None:
    """Check the parameters that are whole numbers. Raises: ArgumentError."""
    integer("hidden_size", given["hidden_size"], 1, "512 suits characters, 256 a small corpus of words.")
    integer("embedding_size", given["embedding_size"], 1, "64 suits characters, 256 words.")
    integer("batch_size", given["batch_size"], 1, "32 is a good start.")
    integer("bptt", given["bptt"], 2, "128 suits characters, 70 words.")
    integer("min_count", given["min_count"], 1, "1 keeps every token.")
    if given["vocabulary_size"] is not None:
        integer("vocabulary_size", given["vocabulary_size"], 2, "Leave it out to keep every token.")


def network_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options of the network's constructor; the penalties where the task has them."""
    names = "cell layers tied residual layer_norm dropout input_dropout embedding_dropout weight_drop".split()
    options = LanguageOptions(
        hidden=given["hidden_size"],
        embedding=given["embedding_size"],
        **{name: given[name] for name in names},
    )
    penalties = [name for name in ("ar", "tar") if name in given]
    return asdict(options) | {name: number(name, given[name], 0.0, cure="0 is off.") for name in penalties}


def training_options(given: dict[str, Any]) -> TrainingOptions:
    """The options of training; the rate, the average and the schedule go with the optimiser."""
    one_of("optimizer", given["optimizer"], OPEN)
    usual: dict[str, Any] = dict(OPEN[given["optimizer"]])
    for name in ("learning_rate", "average"):
        usual[name] = usual[name] if given[name] is None else given[name]
    if given["optimizer"] == "nt-asgd" and usual["average"]:
        cure = "NT-ASGD has an average of its own: leave it out."
        raise ArgumentError(explain("average", "none with optimizer='nt-asgd'", repr(usual["average"]), cure))
    return TrainingOptions(**{name: given[name] for name in OF_TRAINING}, **usual)
