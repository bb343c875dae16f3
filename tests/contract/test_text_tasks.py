"""The list of checks of task_contract.py over every language model, and what only these are asked.

A new task joins by an entry in TASKS.
"""

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.tasks import LanguageModel, MaskedLanguageModel
from unrolled.training import SilentReporter

sys.path.insert(0, str(Path(__file__).parent.parent / "tasks"))
from small_forecasts import stirred
from task_contract import TaskContract, fitted

SMALL = {"hidden_size": 8, "embedding_size": 6, "epochs": 1, "batch_size": 4, "bptt": 16, "device": "cpu"}


@dataclass(frozen=True, eq=False)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    options: dict[str, Any]
    asked: tuple[str, ...]

    def fit(self, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        return model.fit(verses(), reporter=SilentReporter(), **self.options)

    def fit_file(self, path: Path) -> Any:
        return self.build().fit(path, **self.options)

    def answers(self, model: Any) -> list:
        return model.predict(list(self.asked)).rows()

    def scores(self, model: Any) -> Any:
        return model.evaluate(verses()).scores


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


@every
class TestContract(TaskContract):
    """The list that every task is held to."""


@every
def test_inputs_are_not_modified(task, model):
    texts, before = verses(), verses()
    task.build().fit(texts, reporter=SilentReporter(), **task.options)
    asked = list(task.asked)
    model.predict(asked)
    assert texts == before and asked == list(task.asked)


@every
def test_texts_do_not_see_one_another(task, model):
    together = model.predict(list(task.asked))
    alone = [model.predict([text]) for text in task.asked]
    assert together.equals(alone[0].vstack(alone[1]))


# Streams


@pytest.mark.parametrize("name", STREAMING)
def test_a_stream_answers_what_predict_and_the_batch_do(name):
    model = stirred(copy.deepcopy(fitted(TASKS[name])))
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
    model = stirred(copy.deepcopy(fitted(TASKS[name])))
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
