"""A language task as a model file, and back."""

from typing import Any

import numpy as np

from unrolled.errors import ModelFileError, explain
from unrolled.format import ModelFile, array, field, new_card
from unrolled.models import LanguageNetwork, LanguageShape, MaskedLanguageNetwork
from unrolled.preprocess import TextCodec
from unrolled.tasks.forecast.files import jsonable
from unrolled.tasks.language.baselines import PlainTexts
from unrolled.tasks.language.judge import Network
from unrolled.tasks.networks import network_from_file, weights_of
from unrolled.tasks.sequence.files import read_texts

OWN = ("grams.", "counts.", "seen")  # how the names of arrays begin that are not the network's


def to_card(model: Any) -> dict[str, Any]:
    """The card of a task that has just been fitted."""
    return new_card(
        "model",
        model.task,
        {
            "parameters": jsonable(model.get_params()),
            "text": model.codec_.card(),
            "network": model.network_.configuration,
            "corpus": model.corpus_,
            "training": model.history_.card(),
            "summary": model.summary(),
            "evaluation": jsonable(model.evaluation_.to_dict()),
            "program": model.program().to_card(),
        },
    )


def to_arrays(model: Any) -> dict[str, np.ndarray]:
    """The arrays of a fitted task: weights (the Program has the same), baselines, what the model has seen."""
    return weights_of(model.network_) | {"seen": model.seen_} | model.baselines_.arrays()


def from_file(kind: type, file: ModelFile) -> Any:
    """The task that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    model: Any = kind()
    card = field(file.card, "parameters", dict)
    for name in model.get_params():
        if name in card:
            setattr(model, name, card[name])
    model.codec_ = TextCodec.from_card(field(file.card, "text", dict))
    masked = model.task == "mlm"
    model.network_ = checked_network(file, len(model.codec_), masked)
    codec = model.codec_
    model.baselines_ = PlainTexts.from_arrays(file.tensors, len(codec), codec.end, masked)
    model.seen_ = array(file.tensors, "seen", "uint64", (None,))
    model.corpus_ = checked_corpus(field(file.card, "corpus", dict))
    model.summary_ = read_texts(field(file.card, "summary", dict))
    model.card_ = file.card
    return model


def checked_network(file: ModelFile, tokens: int, masked: bool) -> Network:
    """The file's network, if it is of this task and reads these tokens. Raises: ModelFileError."""
    weights = {name: value for name, value in file.tensors.items() if not name.startswith(OWN)}
    network: Any = network_from_file(ModelFile(file.card, weights))
    kind, cure = MaskedLanguageNetwork if masked else LanguageNetwork, "Take another copy of the file."
    if not isinstance(network, kind):
        got = type(network).__name__
        raise ModelFileError(explain("card.network.kind", f"a {kind.__name__}", got, cure))
    if network.shape != LanguageShape(tokens):
        got = f"{network.shape.card()}"
        raise ModelFileError(explain("card.network.shape", f"{tokens} tokens", got, cure))
    return network


def checked_corpus(card: dict[str, Any]) -> dict[str, Any]:
    """What a file says of the text it was trained on. Raises: ModelFileError."""
    for name in ("digest", "encoding"):
        field(card, name, str, "card.corpus")
    if card.get("column") is not None:
        field(card, "column", str, "card.corpus")
    cuts = field(card, "cuts", list, "card.corpus")
    whole = all(type(cut) is int and cut >= 0 for cut in cuts)
    if len(cuts) != 4 or not whole or cuts != sorted(cuts):
        cure = "Take another copy of the file."
        raise ModelFileError(explain("card.corpus.cuts", "four rising places", repr(cuts)[:60], cure))
    return {"column": None} | card
