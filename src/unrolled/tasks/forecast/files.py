"""A forecaster as a model file, and back."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from unrolled.data import Step
from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import ModelFile, choice, entries, field, new_card, whole
from unrolled.models import ForecastShape
from unrolled.tasks.forecast.inputs import ForecastInputs
from unrolled.tasks.forecast.periods import Periods
from unrolled.tasks.forecast.settings import check_parameters
from unrolled.tasks.networks import network_from_file, program_card, weights_of
from unrolled.training import TrainingOptions

TASK = "forecast"
UNITS = ("microsecond", "business day", "month")


def to_card(forecaster: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a fitted forecaster; one that was loaded is written as it was."""
    if hasattr(forecaster, "card_"):
        return forecaster.card_, weights_of(forecaster.network_)
    card = new_card(
        "model",
        TASK,
        {
            "parameters": jsonable(forecaster.get_params()),
            "inputs": forecaster.inputs_.card(),
            "network": forecaster.network_.configuration,
            "periods": forecaster.periods_.card(),
            "naive": {name: jsonable(scale) for name, scale in forecaster.naive_.items()},
            "training": forecaster.history_.card(),
            "summary": forecaster.summary(),
            "evaluation": jsonable(forecaster.evaluation_.to_dict()),
            "step": None if forecaster.step_ is None else asdict(forecaster.step_),
        }
        | program_card(forecaster),
    )
    return card, weights_of(forecaster.network_)


def from_file(kind: type, file: ModelFile) -> Any:
    """The forecaster that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    forecaster = kind(**read_parameters(file.card, kind().get_params()))
    forecaster.inputs_ = ForecastInputs.from_card(field(file.card, "inputs", dict))
    forecaster.network_ = network_from_file(file)
    check_shape(forecaster.network_.shape, forecaster.inputs_)
    forecaster.periods_ = Periods.from_card(field(file.card, "periods", dict))
    forecaster.naive_ = read_naive(file.card, len(forecaster.inputs_.roles.target))
    forecaster.step_ = read_step(file.card)
    forecaster.summary_ = field(file.card, "summary", dict)
    forecaster.card_ = file.card
    return forecaster


def read_parameters(card: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments of a card. Raises: ModelFileError naming the one that cannot be used."""
    found = field(card, "parameters", dict)
    parameters = known | {name: found[name] for name in known if name in found}
    parameters["quantiles"] = tuple(entries(found, "quantiles", float, "card.parameters"))
    try:
        check_parameters(parameters)
        TrainingOptions(seed=parameters["seed"], device=parameters["device"])
    except ArgumentError as error:
        raise ModelFileError(f"card.parameters: {error}") from None
    return parameters


def check_shape(shape: ForecastShape, inputs: ForecastInputs) -> None:
    """Refuse a network that was made for other columns. Raises: ModelFileError."""
    wanted = inputs.shape(shape.history, shape.horizon, shape.quantiles).card()
    got = shape.card()
    for name in wanted:
        if wanted[name] != got[name]:
            cure = "Take another copy of the file, or save the model again."
            raise ModelFileError(explain(f"card.network.shape.{name}", str(wanted[name]), got[name], cure))


def read_naive(card: dict[str, Any], targets: int) -> dict[str, np.ndarray]:
    """The denominators of MASE by series. Raises: ModelFileError."""
    naive = field(card, "naive", dict)
    scales = {}
    for name, listed in naive.items():
        if not isinstance(listed, list) or len(listed) != targets or not all(map(is_scale, listed)):
            cure = "Take another copy of the file, or save the model again."
            got = repr(listed)[:60]
            raise ModelFileError(explain(f"card.naive['{name[:60]}']", f"{targets} numbers", got, cure))
        scales[name] = np.array([math.nan if scale is None else scale for scale in listed], float)
    if not scales:
        raise ModelFileError(explain("card.naive", "the scales of each series", "none", "Save it anew."))
    return scales


def is_scale(value: Any) -> bool:
    """Whether a value of JSON is a number, or null for one that is not known."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def read_step(card: dict[str, Any]) -> Step | None:
    """The step between stamps of a card, None where there were none. Raises: ModelFileError."""
    if card.get("step") is None:
        return None
    step = field(card, "step", dict)
    unit = choice(step, "unit", UNITS, "card.step")
    return Step(unit, whole(step, "size", 1, where="card.step"), whole(step, "day", 1, 31, where="card.step"))


def jsonable(value: Any) -> Any:
    """A value as JSON can hold it: numbers that are not finite become None, tuples and arrays lists.

    Example:
        >>> jsonable({"a": (1, float("nan")), "b": np.float32(0.5)})
        {'a': [1, None], 'b': 0.5}
    """
    if isinstance(value, dict):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [jsonable(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
