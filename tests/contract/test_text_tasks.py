"""One list of checks over every task on texts: what a user may rely on, whichever one is held.

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
import pytest
import torch
from sklearn.base import clone

import unrolled
from unrolled.errors import ArgumentError, ModelFileError, OutputError, UnrolledError
from unrolled.tasks import LanguageModel, MaskedLanguageModel
from unrolled.training import SilentReporter

sys.path.insert(0, str(Path(__file__).parent.parent / "tasks"))
from small_forecasts import stirred

SMALL = {"hidden_size": 8, "embedding_size": 6, "epochs": 1, "batch_size": 4, "bptt": 16, "device": "cpu"}


@dataclass(frozen=True)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    options: dict[str, Any]
    asked: tuple[str, ...]

    def fit(self, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        return model.fit(verses(), reporter=SilentReporter(), **self.options)


def verses() -> list[str]:
    """Lines such as 'the cat saw the fish'."""
    random = np.random.default_rng(0)
    words = [[random.choice(part) for part in ("cat dog".split(), "saw ate".split())] for _ in range(200)]
    return [f"the {who} {did} the fish" for who, did in words]


TASKS = {
    "language model, characters": Task(lambda: LanguageModel(**SMALL), {}, ("the cat", "a")),
    "language model, words": Task(lambda: LanguageModel("words", **SMALL), {}, ("the cat", "the\n")),
    "language model, lines": Task(lambda: LanguageModel("words", **SMALL), {"lines": True}, ("the cat", "")),
    "masked language model": Task(lambda: MaskedLanguageModel(**SMALL), {}, ("the ___ saw", "___ ___ ate")),
}
STREAMING = [name for name in TASKS if name.startswith("language")]
every = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))


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
    texts, before = verses(), verses()
    task.build().fit(texts, reporter=SilentReporter(), **task.options)
    asked = list(task.asked)
    model.predict(asked)
    assert texts == before and asked == list(task.asked)


@every
def test_predicting_twice_gives_the_same_bits_and_texts_do_not_see_one_another(task, model):
    together = model.predict(list(task.asked))
    assert together.equals(model.predict(list(task.asked)))
    alone = [model.predict([text]) for text in task.asked]
    assert together.equals(alone[0].vstack(alone[1]))


@every
def test_a_loaded_model_predicts_and_saves_the_same_bits(task, model, tmp_path):
    model.save(tmp_path / "one.unrolled")
    loaded = unrolled.load(tmp_path / "one.unrolled")
    assert type(loaded) is type(model) and loaded.get_params() == model.get_params()
    assert loaded.predict(list(task.asked)).equals(model.predict(list(task.asked)))
    assert loaded.summary() == model.summary()
    assert loaded.evaluate(verses()).scores == model.evaluate(verses()).scores
    loaded.save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()


@every
def test_what_is_not_fitted_cannot_be_used(task, tmp_path):
    built = task.build()
    uses = {
        "predict": lambda: built.predict(list(task.asked)),
        "evaluate": lambda: built.evaluate(verses()),
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
        task.build().fit(tmp_path / "none.txt", **task.options)
    with pytest.raises(OutputError):
        model.save(tmp_path / "nowhere" / "model.unrolled")
    (tmp_path / "bad.unrolled").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"bad.unrolled") as caught:
        unrolled.load(tmp_path / "bad.unrolled")
    assert isinstance(caught.value, UnrolledError)


# Streams


@pytest.mark.parametrize("name", STREAMING)
def test_a_stream_answers_what_predict_and_the_batch_do(name):
    model = stirred(copy.deepcopy(fitted(name)))
    text = TASKS[name].asked[0]
    codes, stream = model.codec_.encode_prompt(text), model.stream()
    answers = np.stack([stream.step([code]) for code in codes])
    batch = model.network_.scores({"tokens": torch.from_numpy(codes)[None]})[0][0].detach().numpy()
    bound = 1e-5 * np.maximum(np.abs(batch), batch.std())
    assert (np.abs(answers - batch) <= bound).all()
    shares = np.exp(answers[-1].astype(np.float64) - answers[-1].max())
    told = model.predict([text], top=3)["p"].to_numpy()
    assert told[0] <= shares.max() / shares.sum() * (1 + 1e-6)
    np.testing.assert_allclose(np.isin(told.round(9), (shares / shares.sum()).round(9)), True)


@pytest.mark.parametrize("name", STREAMING)
def test_a_stream_goes_on_from_any_state_bit_for_bit(name):
    model = stirred(copy.deepcopy(fitted(name)))
    codes, stream = model.codec_.encode_prompt("the cat"), model.stream()
    states, answers = [], []
    for code in codes:
        states.append(stream.state)
        answers.append(stream.step([code]))
    for start in range(len(codes)):
        other = model.stream()
        other.restore(states[start])
        for place in range(start, len(codes)):
            assert other.step([codes[place]]).tobytes() == answers[place].tobytes()
