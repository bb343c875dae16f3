"""`inspect --fix`: train again with the advice, and show before and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.errors import ArgumentError, explain
from unrolled.format import write_atomically
from unrolled.insight.inspection import Inspection, history_of, inspect
from unrolled.tasks import Forecaster, Tagger, TextClassifier, Translator
from unrolled.tasks.examples import ROWS, STEPS
from unrolled.tasks.language.task import LanguageTask
from unrolled.tasks.sequence.task import SequenceTask
from unrolled.tasks.task import Task
from unrolled.training import Reporter

ROUNDS = 3  # trainings at most: one model's advice may only show once another's is taken


@dataclass(frozen=True)
class Fixed:
    """A model, the same one trained again with other parameters, and what is seen inside of both.

    `model` is the new one, `changes` what was changed, `tried` each round's changes with its validation
    score (the first: of the model as it was). `better` says whether the new one is better on validation rows,
    which alone chose it; `losses` are the mean loss of both on the test part, by which the verdict goes, and
    `metrics` the scores on it by name.
    """

    before: Inspection
    after: Inspection
    model: Any
    changes: dict[str, Any]
    tried: tuple[tuple[dict[str, Any], float], ...]
    better: bool
    losses: tuple[float, float]
    metrics: tuple[dict[str, float], dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "changes": self.changes,
            "tried": [{"changes": changes, "validation": score} for changes, score in self.tried],
            "better": self.better,
            "losses": {"before": self.losses[0], "after": self.losses[1]},
            "metrics": {"before": self.metrics[0], "after": self.metrics[1]},
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }

    def html(self) -> str:
        """The page: both beside one another, then what is inside the new one."""
        from unrolled.insight.page import render
        from unrolled.insight.report import page_of_fix

        return render(page_of_fix(self))

    def save(self, path: str | Path) -> None:
        """Write the page. Raises: OutputError."""
        write_atomically(path, [self.html().encode()])

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.changes.items())
        kind = "better" if self.better else "not better, keep the model as it was,"
        lines = [f"Trained again with {told}: {kind} on validation data."]
        lines.append(f"Test loss {self.losses[0]:.4g} before, {self.losses[1]:.4g} after.")
        return "\n".join([*lines, "", str(self.after)])


@dataclass(frozen=True)
class Candidate:
    """A model trained with advice, what was found in it, and its validation score (lower is better)."""

    model: Any
    found: Inspection
    changes: dict[str, Any]

    @property
    def score(self) -> float:
        """The best validation score of its training."""
        return float(self.model.history_.best)


def fix(
    model: Any,
    data: Any,
    y: Any = None,
    lengths: Any = None,
    *,
    split: Any = None,
    rounds: int = ROUNDS,
    lags: int | None = None,
    rows: int = ROWS,
    steps: int = STEPS,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Fixed:
    """Train a task again, on the data that it was trained on, with what `inspect` advises.

    `split` is that of the first training, where it was not the usual one. After each training the new model
    is looked into too; where it has advice of its own, it is taken as well, up to `rounds` trainings. `lags`,
    `rows` and `steps` are as in `inspect`. The model given is not changed.

    Raises: ArgumentError for what is no fitted task, or where there is nothing to change.
    """
    if not isinstance(model, Task):
        cure = "A network knows nothing of its training: call inspect, and train with its advice."
        raise ArgumentError(explain("model", "a fitted task", type(model).__name__, cure))

    def look(task: Any) -> Inspection:
        return inspect(task, data, y, lengths, lags=lags, rows=rows, steps=steps, seed=seed)

    def train(changes: Mapping[str, Any]) -> Any:
        other = type(model)(**(model.get_params() | changes))
        fit_again(other, model, data, y, lengths, split, reporter)
        return other

    before = look(model)
    candidates = trained_by_advice(model.get_params(), before, train, look, rounds)
    history = history_of(model)
    start = float("inf") if history is None else history.best
    best = min(candidates, key=lambda candidate: candidate.score)
    was, now = evaluation_of(model, data, y, lengths), best.model.evaluation_
    return Fixed(
        before=before,
        after=best.found,
        model=best.model,
        changes=best.changes,
        tried=(({}, start), *((candidate.changes, candidate.score) for candidate in candidates)),
        better=best.score < start,
        losses=(mean_loss(was), mean_loss(now)),
        metrics=(metrics_of(was), metrics_of(now)),
    )


def trained_by_advice(
    parameters: Mapping[str, Any],
    found: Inspection,
    train: Callable[[Mapping[str, Any]], Any],
    look: Callable[[Any], Inspection],
    rounds: int,
) -> list[Candidate]:
    """Trainings one after another, each with the advice that was found in the model before it.

    Raises: ArgumentError where there is nothing to change.
    """
    candidates: list[Candidate] = []
    changes: dict[str, Any] = {}
    while len(candidates) < rounds and (more := new_changes(found.changes, {**parameters, **changes})):
        changes = changes | more
        model = train(changes)
        found = look(model)
        candidates.append(Candidate(model, found, changes))
    if not candidates:
        cure = "Nothing that was found calls for another parameter: inspect without fix shows it."
        raise ArgumentError(explain("fix", "advice that names a parameter", "none", cure))
    return candidates


def new_changes(changes: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What would change a task's parameters.

    Example:
        >>> new_changes({"clip": 1.0, "cell": "gru", "other": 1}, {"clip": 1.0, "cell": "elman"})
        {'cell': 'gru'}
    """
    return {
        name: value for name, value in changes.items() if name in parameters and parameters[name] != value
    }


def fit_again(
    task: Any, model: Any, data: Any, y: Any, lengths: Any, split: Any, reporter: Reporter | None
) -> None:
    """Fit a task on the columns that a fitted one was trained on."""
    given: dict[str, Any] = {"reporter": reporter} | ({} if split is None else {"split": split})
    if isinstance(model, Forecaster):
        roles = model.inputs_.roles
        names = ("target", "time", "series", "known", "past", "static")
        task.fit(data, **{name: getattr(roles, name) or None for name in names}, **given)
    elif isinstance(model, SequenceTask):
        columns = model.columns_
        if columns.series is None:
            task.fit(data, y, lengths=lengths, **given)
        else:
            given |= {"series": columns.series, "time": columns.time or None, "target": columns.target}
            task.fit(data, past=columns.features, **given)
    elif isinstance(model, TextClassifier):
        task.fit(data, y, text=model.columns_.text, target=model.columns_.target, **given)
    elif isinstance(model, LanguageTask):
        own = {"text": model.corpus_["column"], "encoding": model.corpus_["encoding"]}
        lines = {} if model.task == "mlm" else {"lines": model.codec_.by_text}
        task.fit(data, **own, **lines, **given)
    elif isinstance(model, Tagger | Translator):
        task.fit(data, y, **given)


def evaluation_of(model: Any, data: Any, y: Any, lengths: Any) -> Any:
    """The scores of the model as it was: from its training, else on the data it has not seen."""
    if hasattr(model, "evaluation_"):
        return model.evaluation_
    if isinstance(model, SequenceTask):
        return model.evaluate(data, y, lengths)
    return model.evaluate(data) if y is None else model.evaluate(data, y)


def mean_loss(evaluation: Any) -> float:
    """The model's mean loss on the test part, by which its verdict goes."""
    losses = getattr(evaluation.losses, "by_name", evaluation.losses)
    return float(np.nanmean(next(iter(losses.values()))))


def metrics_of(evaluation: Any) -> dict[str, float]:
    """The model's scores by name."""
    score = evaluation.model
    if hasattr(score, "metrics"):
        return {name: float(value) for name, value in score.metrics.items()}
    return {"MAE (scaled)": score.mae, "MSE (scaled)": score.mse, "MASE": score.mase}
