"""What a user may rely on, whichever task is held: one list of checks.

A file of this folder says how its tasks are built and what they are asked, and runs the list over them:

    @pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
    class TestContract(TaskContract): ...
"""

import inspect
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from sklearn.base import clone

import unrolled
from unrolled.errors import ArgumentError, ModelFileError, OutputError, UnrolledError


class Contracted(Protocol):
    """A task that is fitted in a blink. Each is one object: what is fitted of it is kept."""

    def build(self) -> Any:
        """A new estimator."""

    def fit(self, **changes: Any) -> Any:
        """A new estimator, with other parameters where they are named, fitted on the task's data."""

    def fit_file(self, path: Path) -> Any:
        """A new estimator, fitted on a file."""

    def answers(self, model: Any) -> list:
        """What a model predicts of the task's questions, as plain values."""

    def scores(self, model: Any) -> Any:
        """What `evaluate` says of the task's data, as plain values."""


@cache
def fitted(task: Contracted) -> Any:
    """The task with its own parameters, fitted once."""
    return task.fit()


class TaskContract:
    """The checks; `task` is a `Contracted`, `model` the same one fitted."""

    def test_parameters_are_those_of_the_constructor(self, task):
        built = task.build()
        assert sorted(built.get_params()) == sorted(inspect.signature(type(built)).parameters)
        for name, value in built.get_params().items():
            assert getattr(built, name) is value

    def test_set_params_and_clone(self, task):
        built = task.build().set_params(hidden_size=5, seed=3)
        twin = clone(built)
        assert twin is not built and twin.get_params() == built.get_params()
        with pytest.raises(ValueError, match="hidden"):
            built.set_params(hidden=3)

    def test_nothing_is_checked_before_fit(self, task):
        with pytest.raises(ArgumentError, match=r"cell: expected one of .*, got 'gro'. Did you mean 'gru'"):
            task.fit(cell="gro")

    def test_fit_answers_itself_and_leaves_its_parameters_alone(self, task, model):
        assert model.get_params() == task.build().get_params()
        assert isinstance(model, type(task.build()))
        assert model.summary() and str(model.evaluation_)

    def test_the_same_seed_gives_the_same_file(self, task, model, tmp_path):
        assert saved(task.fit(), tmp_path / "two") == saved(model, tmp_path / "one")

    def test_another_seed_gives_another_model(self, task, model):
        mine, its = (one.network_.state_dict().values() for one in (model, task.fit(seed=1)))
        assert any(not torch.equal(a, b) for a, b in zip(mine, its, strict=True) if a.shape == b.shape)

    def test_predicting_twice_gives_the_same_bits(self, task, model):
        assert task.answers(model) == task.answers(model)

    def test_a_loaded_model_predicts_and_saves_the_same_bits(self, task, model, tmp_path):
        whole = saved(model, tmp_path / "one.unrolled")
        loaded = unrolled.load(tmp_path / "one.unrolled")
        assert type(loaded) is type(model) and loaded.get_params() == model.get_params()
        assert loaded.summary() == model.summary()
        assert task.answers(loaded) == task.answers(model)
        assert task.scores(loaded) == task.scores(model)
        assert saved(loaded, tmp_path / "two.unrolled") == whole

    def test_what_is_not_fitted_cannot_be_used(self, task, tmp_path):
        built = task.build()
        uses = {
            "predict": lambda: task.answers(built),
            "evaluate": lambda: task.scores(built),
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

    def test_files_that_are_not_there_or_damaged(self, task, model, tmp_path):
        with pytest.raises(ArgumentError, match="expected a file, got no such file"):
            task.fit_file(tmp_path / "none.csv")
        with pytest.raises(OutputError):
            model.save(tmp_path / "nowhere" / "model.unrolled")
        with pytest.raises((ModelFileError, ArgumentError, OSError)) as caught:
            unrolled.load(tmp_path / "none.unrolled")
        assert isinstance(caught.value, UnrolledError)
        damaged = bytearray(saved(model, tmp_path / "m.unrolled"))
        damaged[len(damaged) // 2] ^= 1
        for data in (b"no model", bytes(damaged)):
            (tmp_path / "m.unrolled").write_bytes(data)
            with pytest.raises(ModelFileError, match=r"m.unrolled"):
                unrolled.load(tmp_path / "m.unrolled")


def saved(model: Any, path: Path) -> bytes:
    """The bytes of the file that a model saves."""
    model.save(path)
    return path.read_bytes()
