"""The list of checks of task_contract.py over every task that labels texts, and what only these are asked."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from task_contract import TaskContract, fitted

from unrolled.deploy import BOUND
from unrolled.errors import ArgumentError, DataError
from unrolled.tasks import Tagger, TextClassifier
from unrolled.training import SilentReporter

DRAW = np.random.default_rng(0)
NAMES, PLAIN = ["Rome", "Oslo", "Bonn", "Riga"], ["the", "road", "to", "from", "goes", "sun"]
SENTENCES = [[str(word) for word in DRAW.choice([*NAMES, *PLAIN], DRAW.integers(1, 9))] for _ in range(60)]
TAGS = [["B-place" if word in NAMES else "O" for word in words] for words in SENTENCES]
TEXTS = [" ".join(words) for words in SENTENCES]
LABELS = ["north" if "Oslo" in words or "Riga" in words else "south" for words in SENTENCES]


class Killed(Exception):
    """The power goes out."""


class Killer(SilentReporter):
    """Ends a run in its seventh step."""

    def step(self, sums: Any) -> None:
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 7:
            raise Killed


@dataclass(frozen=True, eq=False)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    data: tuple[list, list]

    def fit(self, keep: dict[str, Any] | None = None, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        given = {"reporter": SilentReporter()} | (keep or {})
        return model.fit(*self.data, **given)

    def fit_file(self, path: Path) -> Any:
        return self.build().fit(path)

    def answers(self, model: Any) -> list:
        return flat(model.predict(self.data[0]))

    def scores(self, model: Any) -> Any:
        return model.evaluate(*self.data).to_dict()


def small(kind: Any, data: tuple[list, list], **options: Any) -> Task:
    sizes = {
        "hidden_size": 6,
        "embedding_size": 5,
        "epochs": 2,
        "batch_tokens": 40,
        "min_count": 1,
        "device": "cpu",
    }
    return Task(lambda: kind(**(sizes | options)), data)


TASKS = {
    "text classifier": small(TextClassifier, (TEXTS, LABELS), pool="attention"),
    "causal text classifier": small(TextClassifier, (TEXTS, LABELS), bidirectional=False, pool="mean"),
    "causal one with attention": small(
        TextClassifier, (TEXTS, LABELS), bidirectional=False, pool="attention"
    ),
    "tagger": small(Tagger, (SENTENCES, TAGS), characters="lstm"),
    "causal tagger": small(Tagger, (SENTENCES, TAGS), bidirectional=False, characters="none", crf=False),
    "causal tagger of characters": small(Tagger, (SENTENCES, TAGS), bidirectional=False, characters="cnn"),
}
every = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))


@every
class TestContract(TaskContract):
    """The list that every task is held to."""


@every
def test_killed_and_resumed_is_the_same_file(task, model, tmp_path):
    keep = {"checkpoint": tmp_path / "run"}
    with pytest.raises(Killed):
        task.fit(keep | {"reporter": Killer()})
    model.save(tmp_path / "whole.unrolled")
    task.fit(keep | {"resume": True}).save(tmp_path / "resumed.unrolled")
    assert (tmp_path / "whole.unrolled").read_bytes() == (tmp_path / "resumed.unrolled").read_bytes()
    with pytest.raises(ArgumentError, match="the run it was begun for"):
        task.fit(keep | {"resume": True}, hidden_size=7)


@every
def test_the_evaluation_says_its_verdict(task, model):
    assert model.evaluation_.to_dict()["verdict"]


@every
def test_inputs_are_not_modified(task, model):
    texts, before = task.data[0], copy.deepcopy(task.data[0])
    model.predict(texts)
    assert texts == before


def flat(answers: Any) -> list:
    return [part for answer in answers for part in (answer if isinstance(answer, list) else [answer])]


@every
def test_texts_do_not_see_one_another(task, model):
    together = model.predict(task.data[0])
    for place in (0, 7, 20):
        assert flat(model.predict([task.data[0][place]])) == flat([together[place]])


@every
def test_no_text_and_empty_ones_are_refused(task, model):
    for use in (lambda data: task.build().fit(data, []), model.predict):
        with pytest.raises(DataError, match="at least one"):
            use([])
    empty = "" if isinstance(model, TextClassifier) else []
    with pytest.raises(DataError, match=r"a text, got an empty one|at least one word, got none"):
        model.predict([task.data[0][0], empty])


@pytest.mark.parametrize("name", ["text classifier", "tagger"])
def test_what_needs_the_whole_text_does_not_stream(name):
    with pytest.raises(ArgumentError, match=r"expected .* got .*Train with"):
        fitted(TASKS[name]).stream()


@pytest.mark.parametrize("name", ["causal text classifier", "causal one with attention"])
def test_a_stream_of_a_classifier_answers_what_predict_does(name):
    model = fitted(TASKS[name])
    stream = model.stream()
    scores = [stream.step({"token": word}) for word in model.tokenizer_.split(TEXTS[3])][-1]
    powers = np.exp(scores - scores.max())
    np.testing.assert_allclose(powers / powers.sum(), model.predict_proba([TEXTS[3]])[0], rtol=1e-5)


@every
def test_what_is_exported_answers_as_the_model_on_held_out_texts(task, model, tmp_path):
    for to in ("onnx", "program"):
        done = model.export(tmp_path / to, to, task.data[0][:5])
        assert done.parity.share <= BOUND and done.parity.answers >= 10


@pytest.mark.parametrize("name", ["causal tagger", "causal tagger of characters"])
def test_a_stream_of_a_tagger_answers_what_predict_does_and_goes_on_from_any_state(name):
    model = fitted(TASKS[name])
    stream, other = model.stream(), model.stream()
    for words in SENTENCES[:10]:
        stream.reset()
        other.restore(stream.state)
        told = []
        for word in words:
            told.append(stream.step(word))
            assert other.step(word) == told[-1] and other.state == stream.state
            other.restore(stream.state)
        assert told == model.predict([words])[0]
    with pytest.raises(ArgumentError, match=r"state: expected one that \.state gave"):
        stream.restore(b"nothing")
    with pytest.raises(ArgumentError, match="word: expected a text, got 3"):
        stream.step(3)
