"""A forecaster as a model file, and back."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from unrolled.data import Step
from unrolled.format import ModelFile, choice, entries, field, new_card, whole
from unrolled.tasks.forecast_inputs import ForecastInputs
from unrolled.tasks.forecast_scoring import Periods
from unrolled.tasks.networks import network_from_file, weights_of

TASK = "forecast"
UNITS = ("microsecond", "business day", "month")


def to_card(forecaster: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a fitted forecaster; one that was loaded is written as it was."""
    if hasattr(forecaster, "card_"):
        return forecaster.card_, weights_of(forecaster.network_)
    program = forecaster.program()
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
            "program": program.to_card(),
            "step": None if forecaster.step_ is None else asdict(forecaster.step_),
        },
    )
    return card, weights_of(forecaster.network_) | dict(program.weights)


def from_file(kind: type, file: ModelFile) -> Any:
    """The forecaster that a model file holds. Raises: ModelFileError naming the field that is wrong."""
    parameters = field(file.card, "parameters", dict)
    forecaster = kind()
    for name in forecaster.get_params():
        if name in parameters:
            setattr(forecaster, name, parameters[name])
    forecaster.quantiles = tuple(entries(parameters, "quantiles", float, "card.parameters"))
    forecaster.inputs_ = ForecastInputs.from_card(field(file.card, "inputs", dict))
    forecaster.network_ = network_from_file(file)
    forecaster.periods_ = Periods.from_card(field(file.card, "periods", dict))
    naive = field(file.card, "naive", dict)
    forecaster.naive_ = {
        name: np.array([math.nan if x is None else x for x in naive[name]]) for name in naive
    }
    forecaster.step_ = read_step(file.card)
    forecaster.summary_ = field(file.card, "summary", dict)
    forecaster.card_ = file.card
    return forecaster


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
