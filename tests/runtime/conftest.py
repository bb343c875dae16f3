"""Small programs made by hand, without torch; the tests of this folder share run_operation.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

from unrolled.runtime import Column, Columns, Graph, Input, Interval, Node, Program
from unrolled.runtime import operations as ops

sys.path.insert(0, str(Path(__file__).parent))

HOUR = 3_600_000_000


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


@pytest.fixture
def gru_program() -> Program:
    """x (2,) -> GRU of 3 -> 2 scores."""
    weights = {
        "w_ih": draw(1, 9, 2),
        "w_hh": draw(2, 9, 3),
        "b_ih": draw(3, 9),
        "b_hh": draw(4, 9),
        "head": draw(5, 2, 3),
    }
    graph = Graph(
        (Input("x", ops.Spec((2,))),),
        (
            Node("gru", ops.Recurrent("gru", "w_ih", "w_hh", "b_ih", "b_hh"), ("x",)),
            Node("scores", ops.Dense("head"), ("gru",)),
        ),
        {"scores": "scores"},
    )
    columns = Columns((Column("speed", "x"), Column("load", "x")))
    return Program(graph, weights, columns=columns)


@pytest.fixture
def forecaster() -> Program:
    """The last 3 loads, the weather (a word) and the hour of the next 2 rows -> 2 rows of 1 target, 1 level.

    Answer for a step: mean of the window + 10 * sine + cosine of the hour + the word's number + the series's.
    """
    spec = ops.Spec
    graph = Graph(
        (
            Input("target", spec((1,)), missing=True),
            Input("future_known", spec((2, 2))),
            Input("future_known_codes", spec((2, 1), "int64")),
            Input("series", spec((), "int64")),
        ),
        (
            Node("window", ops.Window(3), ("target",)),
            Node("filled", ops.Mask(channels=False), ("window",)),
            Node("row", ops.Reshape((3,)), ("filled",)),
            Node("mean", ops.Dense("thirds"), ("row",)),
            Node("base", ops.Embed("bases"), ("series",)),
            Node("level", ops.Combine("add"), ("mean", "base")),
            Node("hour", ops.Dense("hours"), ("future_known",)),
            Node("code", ops.Reshape((2,)), ("future_known_codes",)),
            Node("word", ops.Embed("words"), ("code",)),
            Node("sum", ops.Combine("add"), ("hour", "word")),
            Node("both", ops.Combine("add"), ("sum", "level")),
            Node("answer", ops.Reshape((2, 1, 1)), ("both",)),
        ),
        {"quantiles": "answer"},
    )
    weights = {
        "thirds": np.full((1, 3), 1 / 3, np.float32),
        "bases": np.array([[0.0], [1000.0]], np.float32),
        "hours": np.array([[10.0, 1.0]], np.float32),
        "words": np.array([[0.0], [100.0], [200.0]], np.float32),
    }
    columns = Columns(
        (Column("load", "target", missing=True), Column("weather", "known", words=("rain", "sun"))),
        stamp="time",
        interval=Interval("microsecond", HOUR),
        series=("north", "south"),
    )
    return Program(graph, weights, levels=(0.5,)).with_columns(columns, ("hour of day",))
