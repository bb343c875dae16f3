"""The parameters of every task, which are declared as the fields of dataclasses."""

import inspect
from inspect import Parameter

import pytest
from sklearn.base import clone

from unrolled import tasks
from unrolled.tasks.task import Task

# Each task, and what may be given to it without a name.
POSITIONAL = {
    tasks.Forecaster: ["horizon", "history"],
    tasks.SequenceClassifier: ["cell", "hidden_size"],
    tasks.SequenceRegressor: ["cell", "hidden_size"],
    tasks.TextClassifier: ["cell", "hidden_size"],
    tasks.Tagger: ["cell", "hidden_size"],
    tasks.Translator: ["cell", "hidden_size"],
    tasks.LanguageModel: ["tokenizer", "cell", "hidden_size"],
    tasks.MaskedLanguageModel: ["tokenizer", "cell", "hidden_size"],
}
every_task = pytest.mark.parametrize("task", POSITIONAL, ids=lambda task: task.__name__)


def test_every_task_is_listed():
    public = [getattr(tasks, name) for name in dir(tasks)]
    assert {one for one in public if isinstance(one, type) and issubclass(one, Task)} == set(POSITIONAL)


@every_task
def test_the_signature_says_all_that_get_params_gives(task):
    parameters = inspect.signature(task).parameters
    assert {name: one.default for name, one in parameters.items()} == task().get_params()
    by_place = [name for name, one in parameters.items() if one.kind == Parameter.POSITIONAL_OR_KEYWORD]
    others = {one.kind for name, one in parameters.items() if name not in by_place}
    assert by_place == POSITIONAL[task] and others == {Parameter.KEYWORD_ONLY}
    assert {"clip", "precision", "seed", "device"} < set(parameters)


@every_task
def test_a_parameter_is_kept_as_it_is_given(task):
    marks = {name: object() for name in inspect.signature(task).parameters}
    model = task(**marks)
    assert model.get_params() == marks == vars(model)
    assert clone(task(seed=7)).seed == 7 and repr(task(seed=7)) == f"{task.__name__}(seed=7)"
    assert task(seed=7) != task(seed=7)  # two estimators are one only where they are the same object
