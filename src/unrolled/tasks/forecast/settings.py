"""What a forecaster is told, checked in one place, with every open choice made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.arguments import flag, integer, number, one_of
from unrolled.data import SeriesSet, season_length
from unrolled.errors import ArgumentError, explain
from unrolled.models import ARCHITECTURES, CELLS, CellStart
from unrolled.tasks.forecast.inputs import longest_stamps
from unrolled.training import TrainingOptions

DECODERS = ("segment", "direct", "recursive")
SCALINGS = ("auto", "series", "global")
SIZES = {  # parameters that are counts, and what to do about a wrong one
    "hidden_size": "128 is a good start.",
    "layers": "1 is a good start.",
    "paths": "200 is a good number.",
    "bptt": "64 is a good start.",
    "batch_size": "64 is a good start.",
}
LONGEST_HISTORY = 720
MANY_EXAMPLES = 50_000  # training values from which on a network needs no help to learn what a line can say
HIGHWAY = 96  # values that go straight to the answers where there are fewer
WARMUP, AVERAGE = 0.1, 0.99  # of the training options: the same for every forecaster


@dataclass(frozen=True)
class ForecastSettings:
    """The checked settings of one fit; `network` holds the options of the network's constructor."""

    horizon: int
    history: int
    decoder: str
    quantiles: tuple[float, ...]
    per_series: bool
    time_features: bool
    window: int  # rows that the network sees at once: it is told of longer cycles only
    network: dict[str, Any]
    paths: int
    bptt: int
    batch_size: int
    training: TrainingOptions


def settle(parameters: dict[str, Any], data: SeriesSet, train: np.ndarray) -> ForecastSettings:
    """Check a forecaster's parameters and choose what was left open.

    Shapes: train int64 (series, 2), the training rows.
    Raises: ArgumentError naming the parameter.
    """
    checked = check_parameters(parameters)
    decoder, scaling = checked["decoder"], checked["scaling"]
    rows = train[:, 1] - train[:, 0]
    stamps = longest_stamps(data)
    season = None if stamps is None else season_length(stamps)
    history = checked["history"] or default_history(int(rows.max()), checked["horizon"], season)
    examples = int(rows.sum()) * len(data.roles.target)
    return ForecastSettings(
        horizon=checked["horizon"],
        history=history,
        decoder=decoder,
        quantiles=tuple(checked["quantiles"]),
        per_series=len(train) > 1 if scaling == "auto" else scaling == "series",
        time_features=checked["time_features"],
        window=history if decoder == "segment" else 0,
        network=network_options(checked, history, examples),
        paths=checked["paths"],
        bptt=checked["bptt"],
        batch_size=checked["batch_size"],
        training=training_options(checked, examples),
    )


def network_options(checked: dict[str, Any], history: int, examples: int) -> dict[str, Any]:
    """The options of the network's constructor; a small data set is given a highway."""
    network = {"cell": checked["cell"], "hidden": checked["hidden_size"], "layers": checked["layers"]}
    network |= {"dropout": checked["dropout"], "cells": CellStart.of_task(checked).card()}
    if checked["decoder"] == "segment":
        network["segment"] = checked["segment"]
        network["highway"] = min(history, HIGHWAY) if examples < MANY_EXAMPLES else 0
    return network


def training_options(checked: dict[str, Any], examples: int) -> TrainingOptions:
    """The options of training; the rate, where it is left open, goes with the number of training values."""
    names = ("epochs", "clip", "patience", "precision", "seed", "device")
    rate = checked["learning_rate"] or default_rate(examples)
    told = {name: checked[name] for name in names}
    return TrainingOptions(learning_rate=rate, warmup=WARMUP, average=AVERAGE, **told)


def check_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, if each can be used. Raises: ArgumentError."""
    given = dict(parameters)
    integer("horizon", given["horizon"], 1, "Say how many rows to forecast.")
    if given["history"] is not None:
        integer("history", given["history"], 1, "Say how many rows a forecast looks at.")
    check_decoder(given)
    one_of("scaling", given["scaling"], SCALINGS)
    for name, cure in SIZES.items():
        integer(name, given[name], 2 if name == "paths" else 1, cure)
    if number("dropout", given["dropout"], 0.0, cure="0 turns it off.") >= 1:
        raise ArgumentError(explain("dropout", "a number >= 0 and < 1", given["dropout"], "0 turns it off."))
    if given["learning_rate"] is not None and number("learning_rate", given["learning_rate"], 0.0) == 0:
        raise ArgumentError(
            explain("learning_rate", "a number > 0", 0, "Leave it out to choose it by the data.")
        )
    flag("time_features", given["time_features"])
    check_segment(given)
    if isinstance(given["quantiles"], str) or not isinstance(given["quantiles"], Sequence):
        cure = "Give numbers between 0 and 1 in order, such as (0.1, 0.5, 0.9)."
        raise ArgumentError(explain("quantiles", "a list of numbers", repr(given["quantiles"]), cure))
    return given


def check_decoder(given: dict[str, Any]) -> None:
    """Check the decoder and its cell together. Raises: ArgumentError."""
    one_of("decoder", given["decoder"], DECODERS)
    one_of("cell", given["cell"], ARCHITECTURES)
    if given["decoder"] != "segment" and given["cell"] not in CELLS:
        cure = "Only a recurrent state can be carried over a whole series: take cell='gru'."
        got = f"decoder {given['decoder']!r} with cell {given['cell']!r}"
        raise ArgumentError(explain("decoder", "'segment'", got, cure))
    CellStart.of_task(given)


def check_segment(given: dict[str, Any]) -> None:
    """Check the length of a segment, which one decoder has. Raises: ArgumentError."""
    if given["segment"] is None:
        return
    integer("segment", given["segment"], 1, "Leave it out to choose it by the history.")
    if given["decoder"] != "segment":
        got = f"decoder {given['decoder']!r}"
        raise ArgumentError(explain("segment", "the decoder 'segment'", got, "Leave it out."))


def default_history(rows: int, horizon: int, season: int | None = None) -> int:
    """How many rows a forecast looks at: seven horizons or fourteen seasons, whole seasons, at most 720 rows.

    A sixteenth of the longest training part is the most it takes, so that there are windows to learn from,
    but at least the horizon, and two seasons where they are an eighth of the rows at most.

    Example:
        >>> cases = [(8640, 96, 24), (731, 7, 7), (1599, 26, 52), (1200, 12, None)]
        >>> [default_history(*case) for case in cases]
        [528, 42, 104, 75]
    """
    once = season or 1
    wanted = max(7 * horizon, 14 * once)
    two_seasons = 2 * once if 16 * once <= rows else 0
    most = max(min(rows // 16, LONGEST_HISTORY), horizon, two_seasons)
    history = min(wanted, most)
    return history - history % once if history >= 2 * once else history


def default_rate(examples: int) -> float:
    """The learning rate for so many training values: less where there is less to learn from.

    Example:
        >>> [round(default_rate(count), 6) for count in (60_480, 5_000, 731)]
        [0.003, 0.001504, 0.000845]
    """
    return 3e-3 * min(1.0, examples / MANY_EXAMPLES) ** 0.3
