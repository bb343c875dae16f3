"""A sequence task as a model file, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from unrolled.errors import ModelFileError, explain
from unrolled.format import ModelFile, array, entries, field, new_card
from unrolled.models import SequenceNetwork
from unrolled.tasks.forecast.files import jsonable
from unrolled.tasks.networks import network_from_file, program_card, weights_of
from unrolled.tasks.sequence.answers import Answers, Classes, Numbers
from unrolled.tasks.sequence.baselines import PlainModel
from unrolled.tasks.sequence.data import SequenceColumns

STATISTICS = 7  # of each feature, and the length of the sequence
OWN = ("plain.", "seen")  # how the names of arrays begin that are not the network's


def to_card(model: Any) -> dict[str, Any]:
    """The card of a task that has just been fitted."""
    return new_card(
        "model",
        model.answers_.task,
        {
            "parameters": parameters_card(model.get_params()),
            "columns": model.columns_.card(),
            "answers": model.answers_.card(),
            "network": model.network_.configuration,
            "baselines": [plain.name for plain in model.baselines_],
            "training": model.history_.card(),
            "summary": model.summary(),
            "evaluation": jsonable(model.evaluation_.to_dict()),
        }
        | program_card(model),
    )


def to_arrays(model: Any) -> dict[str, np.ndarray]:
    """The arrays of a fitted task: weights (the Program has the same), baselines, what the model has seen."""
    tensors = weights_of(model.network_) | {"seen": model.seen_}
    for place, plain in enumerate(model.baselines_):
        tensors |= plain.arrays(place)
    return tensors


def from_file(kind: type, file: ModelFile) -> Any:
    """The task that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    model = kind()
    restore_parameters(model, field(file.card, "parameters", dict))
    model.columns_ = SequenceColumns.from_card(field(file.card, "columns", dict))
    answers = Classes if field(file.card, "task", str) == Classes.task else Numbers
    model.answers_ = answers.from_card(field(file.card, "answers", dict))
    model.network_ = checked_network(file, model.answers_, len(model.columns_.features))
    shape = model.network_.shape
    model.baselines_ = tuple(
        PlainModel.from_arrays(
            name, file.tensors, place, shape.classes or shape.targets, STATISTICS * shape.features + 1
        )
        for place, name in enumerate(entries(file.card, "baselines", str))
    )
    model.seen_ = array(file.tensors, "seen", "uint64", (None,))
    model.summary_ = read_texts(field(file.card, "summary", dict))
    model.card_ = file.card
    return model


def checked_network(file: ModelFile, answers: Answers, features: int) -> SequenceNetwork:
    """The file's network, if it reads these features and answers so. Raises: ModelFileError."""
    weights = {name: value for name, value in file.tensors.items() if not name.startswith(OWN)}
    network, cure = network_from_file(ModelFile(file.card, weights)), "Take another copy of the file."
    if not isinstance(network, SequenceNetwork):
        raise ModelFileError(explain("card.network.kind", "'sequence'", type(network).__name__, cure))
    wanted = answers.shape(features, network.shape.masked)
    if network.shape != wanted:
        got = f"{network.shape.card()}"
        raise ModelFileError(explain("card.network.shape", f"{wanted.card()}", got, cure))
    return network


def parameters_card(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON; class weights become pairs, as an object's keys are texts."""
    card = jsonable(dict(parameters))
    weight = parameters.get("class_weight")
    if isinstance(weight, Mapping):
        card["class_weight"] = [[jsonable(label), jsonable(value)] for label, value in weight.items()]
    return card


def restore_parameters(model: Any, card: Mapping[str, Any]) -> None:
    """Set the parameters of a card on a task. Raises: ModelFileError for class weights that are none."""
    for name in model.get_params():
        if name in card:
            setattr(model, name, card[name])
    weight = getattr(model, "class_weight", None)
    if not isinstance(weight, list):
        return
    plain = (str, int, float)
    if not all(isinstance(p, list) and len(p) == 2 and all(isinstance(x, plain) for x in p) for p in weight):
        cure = "Take another copy of the file."
        got = repr(weight)[:60]
        raise ModelFileError(
            explain("card.parameters.class_weight", "pairs of a class and a number", got, cure)
        )
    model.class_weight = dict(weight)


def read_texts(card: Mapping[str, Any]) -> dict[str, str]:
    """An object whose values are all texts. Raises: ModelFileError."""
    return {name: field(card, name, str, "card.summary") for name in card}
