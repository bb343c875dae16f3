"""Tasks of texts as model files, and back."""

from typing import Any

import numpy as np

from unrolled.baselines.tagging import MostFrequentTag
from unrolled.errors import ModelFileError, explain
from unrolled.format import ModelFile, array, field, new_card
from unrolled.preprocess import Tokenizer
from unrolled.tasks.forecast.files import jsonable
from unrolled.tasks.networks import network_from_file, program_card, weights_of
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.files import parameters_card, read_texts, restore_parameters
from unrolled.tasks.text.baselines import TextBaselines
from unrolled.tasks.text.data import TextColumns
from unrolled.tasks.text.tagging_data import TagSet, WordCodes

OWN = ("plain.", "seen")  # how the names of arrays begin that are not the network's


def to_card(model: Any, own: dict[str, Any]) -> dict[str, Any]:
    """The card of a task that has just been fitted; `own` is what only this task has. No text of the user's
    data but its vocabulary goes into it.
    """
    evaluation = model.evaluation_.to_dict()
    evaluation.pop("mistakes", None)
    card = {
        "parameters": parameters_card(model.get_params()),
        "columns": model.columns_.card(),
        "network": model.network_.configuration,
        "training": model.history_.card(),
        "summary": model.summary(),
        "evaluation": jsonable(evaluation),
        **own,
    }
    return new_card("model", model.task, card | program_card(model))


def classifier_arrays(model: Any) -> dict[str, np.ndarray]:
    """The arrays of a fitted classifier: weights, baselines, what the model has seen."""
    return weights_of(model.network_) | {"seen": model.seen_} | model.baselines_.arrays()


def restore(model: Any, file: ModelFile, kind: type) -> None:
    """What every task of texts reads out of its file. Raises: ModelFileError naming the field."""
    restore_parameters(model, field(file.card, "parameters", dict))
    model.columns_ = TextColumns.from_card(field(file.card, "columns", dict))
    weights = {name: value for name, value in file.tensors.items() if not name.startswith(OWN)}
    network = network_from_file(ModelFile(file.card, weights))
    if not isinstance(network, kind):
        cure = "Take another copy of the file."
        raise ModelFileError(
            explain("card.network.kind", f"a {kind.__name__}'s", type(network).__name__, cure)
        )
    model.network_ = network
    model.seen_ = array(file.tensors, "seen", "uint64", (None,))
    model.summary_ = read_texts(field(file.card, "summary", dict))
    model.card_ = file.card


def restore_classifier(model: Any, file: ModelFile, kind: type) -> Any:
    """The classifier that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    restore(model, file, kind)
    model.tokenizer_ = Tokenizer.from_card(field(file.card, "tokenizer", dict))
    model.answers_ = Classes.from_card(field(file.card, "answers", dict))
    wanted = (len(model.tokenizer_), len(model.answers_.values))
    check_sizes(model.network_, wanted)
    model.baselines_ = TextBaselines.from_arrays(file.tensors, wanted[1])
    return model


def check_sizes(network: Any, wanted: tuple[int, int]) -> None:
    """Refuse a network of other sizes than its vocabulary and answers. Raises: ModelFileError."""
    got = (network.shape.words, network.shape.answers)
    if got != wanted:
        cure = "Take another copy of the file."
        raise ModelFileError(explain("card.network.shape", f"words and answers {wanted}", got, cure))


def tagger_arrays(model: Any) -> dict[str, np.ndarray]:
    """The arrays of a fitted tagger: weights, what the model has seen."""
    return weights_of(model.network_) | {"seen": model.seen_}


def restore_tagger(model: Any, file: ModelFile, kind: type) -> Any:
    """The tagger that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    restore(model, file, kind)
    model.words_ = WordCodes.from_card(field(file.card, "words", dict))
    model.tags_ = TagSet.from_card(field(file.card, "tags", dict))
    check_sizes(model.network_, (len(model.words_.words), len(model.tags_.values)))
    model.baseline_ = MostFrequentTag.from_card(field(file.card, "baseline", dict))
    return model
