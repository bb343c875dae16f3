"""The checks of test_tasks.py for tasks whose data are texts rather than rows."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import unrolled
from unrolled.deploy import BOUND
from unrolled.errors import ArgumentError, DataError, ModelFileError, OutputError
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


@dataclass(frozen=True)
class Task:
    """How a task is built and fitted in a blink, and what it is asked."""

    build: Callable[[], Any]
    data: tuple[list, list]

    def fit(self, keep: dict[str, Any] | None = None, **changes: Any) -> Any:
        model = self.build().set_params(**changes)
        given = {"reporter": SilentReporter()} | (keep or {})
        return model.fit(*self.data, **given)


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
def test_parameters_are_those_of_the_constructor_and_can_be_cloned(task):
    built = task.build()
    assert sorted(built.get_params()) == sorted(inspect.signature(type(built)).parameters)
    assert clone(built.set_params(seed=3)).get_params() == built.get_params()


@every
def test_nothing_is_checked_before_fit(task):
    with pytest.raises(ArgumentError, match=r"cell: expected one of .*, got 'gro'. Did you mean 'gru'"):
        task.fit(cell="gro")


@every
def test_fit_answers_itself_and_leaves_its_parameters_alone(task, model):
    assert model.get_params() == task.build().get_params()
    assert model.summary() and str(model.evaluation_) and model.evaluation_.to_dict()["verdict"]


@every
def test_the_same_seed_gives_the_same_file_and_another_another(task, model, tmp_path):
    model.save(tmp_path / "one.unrolled")
    task.fit().save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()
    mine, its = (one.network_.state_dict().values() for one in (model, task.fit(seed=1)))
    assert any(not torch.equal(a, b) for a, b in zip(mine, its, strict=True) if a.shape == b.shape)


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
def test_inputs_are_not_modified_and_answers_repeat(task, model):
    texts, before = task.data[0], copy.deepcopy(task.data[0])
    assert np.array_equal(flat(model.predict(texts)), flat(model.predict(texts)))
    assert texts == before


def flat(answers: Any) -> list:
    return [part for answer in answers for part in (answer if isinstance(answer, list) else [answer])]


@every
def test_a_loaded_model_predicts_and_saves_the_same_bits(task, model, tmp_path):
    model.save(tmp_path / "one.unrolled")
    loaded = unrolled.load(tmp_path / "one.unrolled")
    assert type(loaded) is type(model) and loaded.get_params() == model.get_params()
    assert flat(loaded.predict(task.data[0])) == flat(model.predict(task.data[0]))
    loaded.save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()
    mine, its = (m.evaluate(*task.data).to_dict() for m in (model, loaded))
    assert mine == its


@every
def test_texts_do_not_see_one_another(task, model):
    together = model.predict(task.data[0])
    for place in (0, 7, 20):
        assert flat(model.predict([task.data[0][place]])) == flat([together[place]])


@every
def test_what_is_not_fitted_cannot_be_used(task, tmp_path):
    built = task.build()
    uses = (
        lambda: built.predict(task.data[0]),
        lambda: built.evaluate(*task.data),
        built.stream,
        built.program,
        built.summary,
        lambda: built.save(tmp_path / "none.unrolled"),
    )
    for use in uses:
        with pytest.raises(ArgumentError, match="Call fit first"):
            use()
    assert not list(tmp_path.iterdir())


@every
def test_files_that_are_not_there_or_damaged(task, model, tmp_path):
    with pytest.raises(ArgumentError, match="got no such file"):
        task.build().fit(tmp_path / "none.csv")
    with pytest.raises(OutputError):
        model.save(tmp_path / "nowhere" / "model.unrolled")
    model.save(tmp_path / "m.unrolled")
    damaged = bytearray((tmp_path / "m.unrolled").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "m.unrolled").write_bytes(damaged)
    with pytest.raises(ModelFileError, match=r"m.unrolled"):
        unrolled.load(tmp_path / "m.unrolled")


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
        fitted(name).stream()


@pytest.mark.parametrize("name", ["causal text classifier", "causal one with attention"])
def test_a_stream_of_a_classifier_answers_what_predict_does(name):
    model = fitted(name)
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
    model = fitted(name)
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
