"""One list of checks over every task: what a user may rely on, whichever one is held.

A new task joins by an entry in TASKS.
"""

import copy
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import clone

import unrolled
from unrolled.errors import ArgumentError, DataError, ModelFileError, OutputError, UnrolledError
from unrolled.tasks import Forecaster, SequenceClassifier, SequenceRegressor
from unrolled.training import SilentReporter

sys.path.insert(0, str(Path(__file__).parent.parent / "tasks"))
from small_forecasts import ragged, stirred

HORIZON = 3


@dataclass(frozen=True)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    table: Callable[[], pl.DataFrame]
    columns: dict[str, Any]
    future: Callable[[], pl.DataFrame] | None = None
    answers: str = "y"

    def fit(self, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        return model.fit(self.table(), reporter=SilentReporter(), **self.columns)

    def predict(self, model: Any, table: pl.DataFrame) -> pl.DataFrame:
        return model.predict(table) if self.future is None else model.predict(table, future=self.future())


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
        answers=target,
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


@cache
def fitted(name: str) -> Any:
    return TASKS[name].fit()


@pytest.fixture
def model(task: Task) -> Any:
    return fitted(next(name for name, other in TASKS.items() if other is task))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@every
def test_parameters_are_those_of_the_constructor(task):
    built = task.build()
    names = list(inspect.signature(type(built)).parameters)
    assert sorted(built.get_params()) == sorted(names)
    for name, value in built.get_params().items():
        assert getattr(built, name) is value


@every
def test_set_params_and_clone(task):
    built = task.build().set_params(hidden_size=5, seed=3)
    twin = clone(built)
    assert twin is not built and twin.get_params() == built.get_params()
    with pytest.raises(ValueError, match="hidden"):
        built.set_params(hidden=3)


@every
def test_nothing_is_checked_before_fit(task):
    with pytest.raises(ArgumentError, match=r"cell: expected one of .*, got 'gro'. Did you mean 'gru'"):
        task.fit(cell="gro")


@every
def test_fit_answers_itself_and_leaves_its_parameters_alone(task, model):
    assert model.get_params() == task.build().get_params()
    assert isinstance(model, type(task.build()))
    assert model.summary() and str(model.evaluation_)


@every
def test_the_same_seed_gives_the_same_file(task, model, tmp_path):
    model.save(tmp_path / "one.unrolled")
    task.fit().save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()


@every
def test_another_seed_gives_another_model(task, model):
    other = task.fit(seed=1)
    mine, its = (one.network_.state_dict().values() for one in (model, other))
    assert any(not torch.equal(a, b) for a, b in zip(mine, its, strict=True))


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
def test_predicting_twice_gives_the_same_bits(task, model):
    assert task.predict(model, task.table()).equals(task.predict(model, task.table()))


@every
def test_a_loaded_model_predicts_and_saves_the_same_bits(task, model, tmp_path):
    model.save(tmp_path / "one.unrolled")
    loaded = unrolled.load(tmp_path / "one.unrolled")
    assert type(loaded) is type(model) and loaded.get_params() == model.get_params()
    assert task.predict(loaded, task.table()).equals(task.predict(model, task.table()))
    loaded.save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()


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
def test_what_is_not_fitted_cannot_be_used(task, tmp_path):
    built = task.build()
    uses = {
        "predict": lambda: task.predict(built, task.table()),
        "evaluate": lambda: built.evaluate(task.table()),
        "stream": built.stream,
        "program": built.program,
        "summary": built.summary,
        "save": lambda: built.save(tmp_path / "none.unrolled"),
    }
    for name, use in uses.items():
        with pytest.raises(ArgumentError, match="fitted") as caught:
            use()
        assert "Call fit first" in str(caught.value), name
    assert not list(tmp_path.iterdir())


@every
def test_files_that_are_not_there(task, model, tmp_path):
    with pytest.raises(ArgumentError, match="expected a file, got no such file"):
        task.build().fit(tmp_path / "none.csv", **task.columns)
    with pytest.raises(OutputError):
        model.save(tmp_path / "nowhere" / "model.unrolled")
    with pytest.raises((ModelFileError, ArgumentError, OSError)) as caught:
        unrolled.load(tmp_path / "none.unrolled")
    assert isinstance(caught.value, UnrolledError)
    (tmp_path / "bad.unrolled").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"bad.unrolled"):
        unrolled.load(tmp_path / "bad.unrolled")


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
    task, model = TASKS[name], stirred(copy.deepcopy(fitted(name)))
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
