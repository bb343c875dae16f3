"""A translator as a model file, and back."""

from typing import Any

import numpy as np

from unrolled.baselines import WordByWord
from unrolled.errors import ModelFileError, explain
from unrolled.format import ModelFile, array, field, new_card
from unrolled.models import TranslationNetwork, TranslationShape
from unrolled.preprocess import Sides
from unrolled.tasks.forecast.files import jsonable
from unrolled.tasks.networks import network_from_file, weights_of
from unrolled.tasks.sequence.files import read_texts, restore_parameters

PLAIN = "plain.table"


def to_card(model: Any) -> dict[str, Any]:
    """The card of a translator that has just been fitted."""
    content = {
        "parameters": jsonable(model.get_params()),
        **model.sides_.card(),
        "programs": model.programs().to_card(),
        "network": model.network_.configuration,
        "training": model.history_.card(),
        "summary": model.summary(),
        "evaluation": evaluation_card(model.evaluation_),
    }
    return new_card("model", "translate", content)


def evaluation_card(evaluation: Any) -> dict[str, Any]:
    """The scores as JSON, without the user's own lines."""
    card = jsonable(evaluation.to_dict())
    del card["worst"]
    return card


def to_arrays(model: Any) -> dict[str, np.ndarray]:
    """The arrays of a fitted translator: the network's weights and the plain table."""
    return weights_of(model.network_) | {PLAIN: model.plain_.table}


def from_file(kind: type, file: ModelFile) -> Any:
    """The translator that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    model = kind()
    restore_parameters(model, field(file.card, "parameters", dict))
    model.sides_ = Sides.from_card(file.card)
    weights = {name: value for name, value in file.tensors.items() if name != PLAIN}
    network, cure = network_from_file(ModelFile(file.card, weights)), "Take another copy of the file."
    if not isinstance(network, TranslationNetwork):
        raise ModelFileError(explain("card.network.kind", "'translation'", type(network).__name__, cure))
    wanted = TranslationShape(len(model.sides_.source), len(model.sides_.target))
    if network.shape != wanted:
        got = f"{network.shape.card()}"
        raise ModelFileError(explain("card.network.shape", f"{wanted.card()}", got, cure))
    model.network_ = network
    model.plain_ = WordByWord()
    model.plain_.table = array(file.tensors, PLAIN, "int64", (wanted.source_words,))
    if (
        model.plain_.table.size
        and not 0 <= model.plain_.table.min() <= model.plain_.table.max() < wanted.target_words
    ):
        raise ModelFileError(explain(f"array {PLAIN!r}", "codes of target tokens", "others", cure))
    model.summary_ = read_texts(field(file.card, "summary", dict))
    model.card_ = file.card
    return model
