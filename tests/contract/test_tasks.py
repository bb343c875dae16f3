"""The list of checks of task_contract.py over every task on rows, and what only these are asked.

A new task joins by an entry in TASKS.
"""

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import unrolled
from unrolled.errors import ArgumentError, DataError
from unrolled.tasks import Forecaster, SequenceClassifier, SequenceRegressor
from unrolled.training import SilentReporter

sys.path.insert(0, str(Path(__file__).parent.parent / "tasks"))
from small_forecasts import ragged, stirred
from task_contract import TaskContract, fitted

HORIZON = 3


@dataclass(frozen=True, eq=False)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    table: Callable[[], pl.DataFrame]
    columns: dict[str, Any]
    future: Callable[[], pl.DataFrame] | None = None

    def fit(self, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        return model.fit(self.table(), reporter=SilentReporter(), **self.columns)

    def fit_file(self, path: Path) -> Any:
        return self.build().fit(path, **self.columns)

    def predict(self, model: Any, table: pl.DataFrame) -> pl.DataFrame:
        return model.predict(table) if self.future is None else model.predict(table, future=self.future())

    def answers(self, model: Any) -> list:
        return self.predict(model, self.table()).rows()

    def scores(self, model: Any) -> Any:
        return str(model.evaluate(self.table()))


def forecast(decoder: str) -> Task:
    past = {} if decoder == "recursive" else {"past": "wind"}
    return Task(
        build=lambda: Forecaster(
            HORIZON, 8, decoder=decoder, hidden_size=8, epochs=1, paths=10, dropout=0.2, bptt=16, device="cpu"
        ),
        table=lambda: shops((110, 100)),
        columns={"target": "y", "time": "t", "series": "shop", "known": "x,sky", "static": "size,town"}
        | past,
        future=lambda: shops((110 + HORIZON, 100 + HORIZON)),
    )


def shops(lengths: tuple[int, ...]) -> pl.DataFrame:
    """Two series with gaps and a column in every role; a longer one goes on where a shorter one ends."""
    frame = ragged(lengths)
    row = pl.int_range(pl.len()).over("shop")
    gaps = pl.when(row % 11 == 5).then(None).otherwise("y")
    return frame.with_columns(y=gaps, wind=pl.when(row % 13 == 2).then(None).otherwise(pl.col("x") * 2))


def turns() -> pl.DataFrame:
    """Sequences of different lengths that rise or fall, the label and the steepness in a column each."""
    random = np.random.default_rng(0)
    parts = []
    for number in range(60):
        length, slope = 4 + number % 7, float(random.standard_normal())
        x = slope * np.arange(length) + 0.1 * random.standard_normal(length)
        columns = {"id": [f"s{number}"] * length, "t": np.arange(length), "x": x, "z": random.random(length)}
        label = {"label": ["up" if slope > 0 else "down"] * length, "slope": [slope] * length}
        parts.append(pl.DataFrame(columns | label))
    return pl.concat(parts)


def sequences(kind: Any, target: str, **options: Any) -> Task:
    return Task(
        build=lambda: kind("gru", 6, epochs=1, device="cpu", **options),
        table=turns,
        columns={"target": target, "series": "id", "time": "t", "past": "x,z"},
    )


TASKS = {
    "forecaster segment": forecast("segment"),
    "forecaster direct": forecast("direct"),
    "forecaster recursive": forecast("recursive"),
    "classifier": sequences(SequenceClassifier, "label"),
    "regressor": sequences(SequenceRegressor, "slope", head="mean"),
}
FORECASTERS = [name for name in TASKS if name.startswith("forecaster")]
every = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
forecasters = pytest.mark.parametrize("task", [TASKS[name] for name in FORECASTERS], ids=FORECASTERS)


@every
class TestContract(TaskContract):
    """The list that every task is held to."""


@every
def test_inputs_are_not_modified(task, model):
    table, before = task.table(), task.table()
    columns = copy.deepcopy(task.columns)
    task.predict(model, table)
    assert table.equals(before, null_equal=True) and columns == task.columns
    pandas = table.to_dict(as_series=False)
    kept = copy.deepcopy(pandas)
    task.predict(model, pandas)
    assert pandas == kept


@every
def test_series_do_not_see_one_another(task, model):
    # The bits of a product may depend on the size of the batch.
    table, series = task.table(), task.columns["series"]
    together = task.predict(model, table)
    for name in table[series].unique(maintain_order=True)[:3]:
        alone = task.predict(model, table.filter(pl.col(series) == name))
        expected = together.filter(pl.col(series) == name)
        assert alone.drop(numbers(alone)).equals(expected.drop(numbers(expected)))
        for column in numbers(alone):
            np.testing.assert_allclose(
                alone[column].to_numpy(), expected[column].to_numpy(), rtol=1e-5, atol=1e-6
            )


def numbers(frame: pl.DataFrame) -> list[str]:
    return [name for name, kind in frame.schema.items() if kind.is_float()]


@every
def test_rows_of_series_that_lie_apart_are_the_same_data(task, model):
    table, series = task.table(), task.columns["series"]
    apart = table.with_columns(place=pl.int_range(pl.len()).over(series)).sort("place", maintain_order=True)
    together = task.predict(model, table)
    assert task.predict(model, apart.drop("place")).equals(together)


@every
def test_a_column_that_misses_is_named(task, model):
    feature = task.columns.get("known", task.columns.get("past")).split(",")[0]
    with pytest.raises((ArgumentError, DataError), match=f"'{feature}'"):
        model.predict(task.table().drop(feature))


@every
def test_an_empty_table_is_refused(task, model):
    with pytest.raises(DataError, match="at least one row"):
        task.build().fit(task.table().clear(), **task.columns)
    with pytest.raises(DataError, match="at least one row"):
        task.predict(model, task.table().clear())


# Streams


@pytest.fixture
def moved(model: Any) -> Any:
    """The model with every weight moved a little: what is 0 at the start shows no fault."""
    return stirred(copy.deepcopy(model))


@dataclass(frozen=True)
class Lane:
    """One series as the rows of a stream, the future of each row, and what predict says of a prefix of it."""

    model: Any
    table: pl.DataFrame
    ahead: pl.DataFrame

    @classmethod
    def of(cls, task: Task, model: Any) -> "Lane":
        assert task.future is not None
        own = pl.col("shop") == "s1"
        names = [name for name in task.table().columns if name in read_names(task)]
        return cls(model, task.table().filter(own).select(names), task.future().filter(own))

    def stream(self) -> Any:
        return self.model.stream("s1")

    def row(self, place: int) -> dict[str, Any]:
        return self.table.row(place, named=True)

    def future(self, place: int) -> dict[str, Any]:
        rows = self.ahead[place + 1 : place + 1 + HORIZON].select("t", "x", "sky")
        return {name: rows[name].to_list() for name in rows.columns}

    def predicted(self, place: int) -> np.ndarray:
        found = self.model.predict(self.table[: place + 1], future=self.ahead)
        return np.stack([found[name].to_numpy() for name in ("y_q0.1", "y", "y_q0.9")], axis=-1)


def read_names(task: Task) -> list[str]:
    return [name for names in task.columns.values() for name in names.split(",")]


@forecasters
def test_a_stream_answers_what_predict_does(task, moved):
    lane = Lane.of(task, moved)
    stream, deviation = lane.stream(), float(moved.inputs_.target_scaler.scale[1, 0])
    for place in range(30):
        answer = stream.step(lane.row(place), lane.future(place))
        if answer is None:
            assert place < 7 and moved.decoder == "segment"
        elif place % 5 == 4:
            expected = lane.predicted(place)
            bound = 1e-5 * np.maximum(np.abs(expected), deviation)
            assert (np.abs(answer[:, 0] - expected) <= bound).all()


@forecasters
def test_a_stream_goes_on_from_any_state_bit_for_bit(task, moved):
    lane = Lane.of(task, moved)
    stream, answers, states = lane.stream(), [], []
    for place in range(14):
        states.append(stream.state)
        answers.append(stream.step(lane.row(place), lane.future(place)))
    for start in (0, 1, 6, 7, 8, 13):
        other = lane.stream()
        other.restore(states[start])
        assert other.state == states[start]
        for place in range(start, 14):
            answer = other.step(lane.row(place), lane.future(place))
            assert (answer is None) == (answers[place] is None)
            assert answer is None or answer.tobytes() == answers[place].tobytes()
        assert other.state == stream.state


@forecasters
def test_a_stream_of_a_loaded_model_gives_the_same_bits(task, moved, tmp_path):
    moved.save(tmp_path / "model.unrolled")
    lane = Lane.of(task, moved)
    mine, its = lane.stream(), unrolled.load(tmp_path / "model.unrolled").stream("s1")
    for place in range(10):
        one = mine.step(lane.row(place), lane.future(place))
        other = its.step(lane.row(place), lane.future(place))
        assert (one is None and other is None) or one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", [name for name in TASKS if name not in FORECASTERS])
def test_a_stream_of_a_sequence_answers_what_predict_does(name):
    task, model = TASKS[name], stirred(copy.deepcopy(fitted(TASKS[name])))
    table = task.table().filter(pl.col("id") == "s8").select("x", "z")
    stream = model.stream()
    rows = [stream.step(row) for row in table.iter_rows(named=True)]
    found = model.predict(task.table().filter(pl.col("id") == "s8"))
    if name == "regressor":
        np.testing.assert_allclose(rows[-1], found["slope"].to_numpy(), rtol=1e-5, atol=1e-5)
    else:
        scores = np.exp(rows[-1] - rows[-1].max())
        expected = [found[f"p_{word}"][0] for word in model.classes_]
        np.testing.assert_allclose(scores / scores.sum(), expected, rtol=1e-5)
