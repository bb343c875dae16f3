"""A task with its data, read and split once, on which every architecture is trained and judged alike."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.data import Origins, read_frame, read_series, split_rows, step_of
from unrolled.errors import ArgumentError, explain
from unrolled.insight.architectures import TITLES, solve_hidden
from unrolled.models import (
    CELLS,
    FEED_FORWARD,
    SegmentNetwork,
    SequenceNetwork,
    TextClassifierNetwork,
    build,
)
from unrolled.nn import parameter_count
from unrolled.preprocess import Tokenizer
from unrolled.runtime import Program
from unrolled.tasks import Forecaster, SequenceClassifier, SequenceRegressor, TextClassifier
from unrolled.tasks.forecast.checks import check_parts
from unrolled.tasks.forecast.fit import fit_forecaster, origins_in, thinned
from unrolled.tasks.forecast.frames import roles_of
from unrolled.tasks.forecast.inputs import ForecastInputs, longest_stamps
from unrolled.tasks.forecast.program import program_of
from unrolled.tasks.forecast.run import ForecastRunner
from unrolled.tasks.forecast.scoring import evaluate
from unrolled.tasks.forecast.settings import ForecastSettings
from unrolled.tasks.forecast.settings import settle as settle_forecast
from unrolled.tasks.forecast.sources import pick, window_batch
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.data import encode_labels, read_training, split_sequences
from unrolled.tasks.sequence.fit import SequenceSource, fit_sequences, fixed_length
from unrolled.tasks.sequence.scoring import evaluate_sequences
from unrolled.tasks.sequence.settings import settle as settle_sequences
from unrolled.tasks.text.baselines import TextBaselines
from unrolled.tasks.text.data import TextColumns, encode_texts, read_labelled
from unrolled.tasks.text.evaluation import evaluate_texts
from unrolled.tasks.text.fit import fit_classifier, scores_of
from unrolled.tasks.text.settings import WHOLE, TextSettings, window_over
from unrolled.tasks.text.settings import settle as settle_texts
from unrolled.training import Reporter

Batch = dict[str, Tensor]
Network = SegmentNetwork | SequenceNetwork | TextClassifierNetwork
LOOKED_INTO = 128  # windows or sequences that are looked into


@dataclass(frozen=True)
class Judged:
    """A model or a plain baseline on the test part: its metrics, and the losses that the verdict goes by."""

    metrics: dict[str, float]
    losses: np.ndarray


@dataclass(frozen=True)
class Trained:
    """One architecture, trained with one seed.

    `epochs` are those it was trained for, `looks` rows of the test part to look into it with, `one` a single
    one of them; `program` is what streams, None where nothing does. `kept` is False where nothing learned
    was better than the last value, so that the untrained network is what is judged. Wherever it was trained,
    it is looked into on the processor.
    """

    network: Network
    judged: Judged
    baselines: dict[str, Judged]
    epochs: int
    looks: Batch
    one: Batch
    program: Program | None
    kept: bool = True

    def __post_init__(self) -> None:
        self.network.cpu()


class ForecastSubject:
    """Forecasts by a window: the decoder "segment" around every architecture.

    `metrics` are told, the verdict goes by the first; `block` windows lean on one another.
    """

    metrics: tuple[str, ...] = ("MSE", "MAE")
    loss_unit = "scaled units"
    notes: Mapping[str, str] = {}

    def __init__(self, task: Forecaster, source: Any, columns: Mapping[str, Any]) -> None:
        if task.decoder != "segment":
            cure = "Leave the decoder out: a window is what all of them can read."
            raise ArgumentError(explain("decoder", "'segment' to compare", repr(task.decoder), cure))
        self.task, self.epochs = task, task.epochs
        series = columns.get("series")
        opened = read_frame(source, text=() if series is None else {series})
        roles = {name: columns.get(name) for name in ("known", "past", "static")}
        self.data = read_series(
            opened, roles_of(opened, columns.get("target"), columns.get("time"), series, **roles)
        )
        self.split = split_rows(self.data, columns.get("split") or (0.7, 0.1, 0.2))
        self.settings = settle_forecast(task.get_params(), self.data, self.split.train)
        check_parts(self.settings, self.data, self.split)
        settings = self.settings
        self.inputs = ForecastInputs.fit(
            self.data, self.split.train, settings.per_series, settings.time_features, settings.window
        )
        stamps = longest_stamps(self.data)
        self.step = None if stamps is None else step_of(stamps)
        self.steps = settings.history
        self.judged_at: Origins = origins_in(self.data, self.split.test, settings)
        self.block = settings.horizon
        many = len(np.unique(self.judged_at.series)) > 1
        self.groups = self.judged_at.series if many else None
        targets = ", ".join(self.data.roles.target)
        self.title = f"Forecasting {targets}: {settings.horizon} steps from the last {settings.history}"

    def hidden_for(self, cell: str, budget: int) -> int:
        """By counting networks that are never given memory."""
        return solve_hidden(lambda hidden: self._count(cell, hidden), budget, TITLES[cell])

    def own_parameters(self) -> int:
        """Those of the task's cell with its hidden size."""
        return self._count(self.task.cell, self.task.hidden_size)

    def train(self, cell: str, hidden: int, seed: int, epochs: int, reporter: Reporter) -> Trained:
        """As `Forecaster.fit` does; the plain baselines with the first seed alone."""
        settings = self._settings(cell, hidden, seed, epochs)
        fitted = fit_forecaster(settings, self.data, self.split, reporter=reporter)
        network = fitted.network
        assert isinstance(network, SegmentNetwork)
        runner = ForecastRunner(network, fitted.inputs, settings.paths, seed)
        only = None if seed == self.task.seed else ("last value",)
        found = evaluate(runner, self.data, self.split, only=only)
        judged = {
            score.name: Judged({"MSE": score.mse, "MAE": score.mae}, found.losses.by_name[score.name])
            for score in found.scores
        }
        own = judged.pop(found.scores[0].name)
        transformer = network.cell == "transformer"
        looks = self._batch(thinned(self.judged_at, LOOKED_INTO))
        one = self._batch(pick(self.judged_at, np.array([0])))
        program = None if transformer else program_of(network, fitted.inputs, self.step, settings.paths, seed)
        epochs = len(fitted.history.epochs)
        return Trained(network, own, judged, epochs, looks, one, program, fitted.kept)

    def _settings(self, cell: str, hidden: int, seed: int, epochs: int) -> ForecastSettings:
        return settle_forecast(
            parameters_of(self.task, cell, hidden, seed, epochs), self.data, self.split.train
        )

    def _batch(self, places: Origins) -> Batch:
        settings = self.settings
        return window_batch(self.inputs, self.data, places, settings.history, settings.horizon)

    def _count(self, cell: str, hidden: int) -> int:
        settings = self._settings(cell, hidden, 0, 1)
        shape = self.inputs.shape(settings.history, settings.horizon, settings.quantiles)
        with torch.device("meta"):
            network = build({"kind": settings.decoder, "shape": shape.card()} | settings.network)
        return parameter_count(network)


class SequenceSubject:
    """Labels or numbers for whole sequences, or for their steps."""

    notes: Mapping[str, str] = {}

    def __init__(
        self, task: SequenceClassifier | SequenceRegressor, source: Any, columns: Mapping[str, Any]
    ) -> None:
        self.task, self.epochs = task, task.epochs
        self.settings = settle_sequences(task.get_params())
        names = {name: columns.get(name) for name in ("series", "time", "target", "past")}
        own, data = read_training(source, columns.get("y"), columns.get("lengths"), **names)
        assert data.labels is not None
        self.answers = task.answers_kind.fit(data.labels, own.label)
        self.data = encode_labels(data, self.answers, self.settings.every, own.label)
        classes = isinstance(self.answers, Classes)
        self.metrics: tuple[str, ...] = ("log loss", "accuracy") if classes else ("RMSE", "MAE")
        self.loss_unit = "nats" if classes else "squared error, scaled"
        by_class = self.data.labels if classes and not self.settings.every else None
        split = columns.get("split") or (0.7, 0.1, 0.2)
        self.parts = split_sequences(len(self.data), split, task.seed, by_class)
        self.block = 1
        self.groups: np.ndarray | None = None
        self.steps = int(self.data.lengths.max())
        what = f"{len(self.answers.values)} classes" if isinstance(self.answers, Classes) else own.label
        kind = "Telling apart" if classes else "Predicting"
        count, shortest = f"{len(self.data):,}", int(self.data.lengths.min())
        span = f"{shortest:,}" if shortest == self.steps else f"{shortest:,} to {self.steps:,}"
        self.title = f"{kind} {what}: {count} sequences of {span} steps"

    def hidden_for(self, cell: str, budget: int) -> int:
        """By counting networks that are never given memory."""
        return solve_hidden(lambda hidden: self._count(cell, hidden), budget, TITLES[cell])

    def own_parameters(self) -> int:
        """Those of the task's cell with its hidden size."""
        return self._count(self.task.cell, self.task.hidden_size)

    def train(self, cell: str, hidden: int, seed: int, epochs: int, reporter: Reporter) -> Trained:
        """As the task's `fit` does, but for the split, which is the same for every seed."""
        settings = settle_sequences(parameters_of(self.task, cell, hidden, seed, epochs))
        weight = getattr(self.task, "class_weight", None)
        fitted = fit_sequences(settings, self.answers, self.data, self.parts, weight, reporter=reporter)
        found = evaluate_sequences(fitted.network, self.answers, fitted.baselines, self.data, self.parts.test)
        judged = {score.name: Judged(score.metrics, found.losses[score.name]) for score in found.scores}
        own = judged.pop(found.scores[0].name)
        transformer = fitted.network.cell == "transformer"
        program = None if transformer or fitted.network.bidirectional else fitted.network.lower()
        looks = self._batch(evenly(self.parts.test))
        longest = self.parts.test[self.data.lengths[self.parts.test].argmax()]
        one = self._batch(np.array([longest]))
        return Trained(fitted.network, own, judged, len(fitted.history.epochs), looks, one, program)

    def _batch(self, indices: np.ndarray) -> Batch:
        return SequenceSource(self.answers, self.data, indices, len(indices), seed=0).batch(0, 0)

    def _count(self, cell: str, hidden: int) -> int:
        settings = settle_sequences(parameters_of(self.task, cell, hidden, 0, 1))
        shape = self.answers.shape(self.data.values.shape[1], bool(np.isnan(self.data.values).any()))
        options = settings.network | (fixed_length(settings, self.data) if cell == FEED_FORWARD else {})
        with torch.device("meta"):
            return parameter_count(build({"kind": "sequence", "shape": shape.card()} | options))


class TextSubject:
    """Labels for texts, which all architectures read one way, word after word.

    `notes`: what a reader must know of an architecture, and under "" of all of them.
    """

    metrics: tuple[str, ...] = ("log loss", "accuracy")
    loss_unit = "nats"
    block = 1
    groups: np.ndarray | None = None

    def __init__(self, task: TextClassifier, source: Any, columns: Mapping[str, Any]) -> None:
        self.task, self.epochs = task, task.epochs
        settle_texts(task.get_params())
        if task.frozen:
            cure = "Leave it out: the vectors of the words are learned here."
            raise ArgumentError(explain("frozen", "False to compare", True, cure))
        named = TextColumns(columns.get("text"), columns.get("target"))
        y, validation, test = (columns.get(name) for name in ("y", "validation", "test"))
        split = columns.get("split") or (0.8, 0.1, 0.1)
        encoding = columns.get("encoding") or "utf-8"
        self.given = read_labelled(named, source, y, validation, test, split, task.seed, encoding)
        self.parts = self.given.parts
        self.tokenizer = Tokenizer.fit(
            self.given.texts_of(self.parts.train),
            task.tokenizer,
            lowercase=task.lowercase,
            min_count=task.min_count,
        )
        self.data = encode_texts(self.given.data, self.tokenizer)
        self.steps = int(self.data.lengths.max())
        self.judged = self.given.picked(self.parts.test)
        plain = TextBaselines.of_texts(self.given, self.tokenizer)
        self.plain = plain.scores([self.tokenizer.split(text) for text in self.judged.texts])
        unit = {"characters": "characters", "bpe": "tokens"}.get(task.tokenizer, "words")
        self.title = self._title(unit)
        self.notes = self._notes(unit)

    def hidden_for(self, cell: str, budget: int) -> int:
        """By counting networks that are never given memory; all have as wide vectors of words."""
        return solve_hidden(lambda hidden: self._count(cell, hidden), budget, TITLES[cell])

    def own_parameters(self) -> int:
        """Those of the task's cell with its hidden size, reading one way."""
        return self._count(self.task.cell, self.task.hidden_size)

    def train(self, cell: str, hidden: int, seed: int, epochs: int, reporter: Reporter) -> Trained:
        """As the task's `fit` does, but one way, and on the same split with every seed."""
        task, given = self.task, self.given
        fitted = fit_classifier(
            self._settings(cell, hidden, seed, epochs), given.answers, self.tokenizer, self.data,
            given.labels, self.parts, task.class_weight, prior=task.prior, reporter=reporter,
        )  # fmt: skip
        own, judged = self._judge(scores_of(fitted.network, self.data, self.parts.test))
        looks = self._batch(evenly(self.parts.test))
        one = self._batch(self.parts.test[[self.data.lengths[self.parts.test].argmax()]])
        program = fitted.network.lower() if cell in CELLS else None
        return Trained(fitted.network, own, judged, len(fitted.history.epochs), looks, one, program)

    def _judge(self, scores: np.ndarray) -> tuple[Judged, dict[str, Judged]]:
        truth = self.given.labels[self.parts.test]
        texts, names = self.judged.texts, self.judged.names
        found = evaluate_texts("", self.given.answers, {"": scores} | self.plain, truth, texts, names)
        judged = {score.name: Judged(score.metrics, found.losses[score.name]) for score in found.scores}
        return judged.pop(""), judged

    def _batch(self, indices: np.ndarray) -> Batch:
        return self.data.batch(indices) | {"label": torch.from_numpy(self.given.labels[indices])}

    def _settings(self, cell: str, hidden: int, seed: int, epochs: int) -> TextSettings:
        changed = {"bidirectional": False} | ({"pool": "last"} if cell == FEED_FORWARD else {})
        settings = settle_texts(parameters_of(self.task, cell, hidden, seed, epochs) | changed)
        return settings.windowed(self.data.lengths[self.parts.train])

    def _count(self, cell: str, hidden: int) -> int:
        shape = {"words": len(self.tokenizer), "answers": len(self.given.answers.values)}
        options = self._settings(cell, hidden, 0, 1).network
        with torch.device("meta"):
            return parameter_count(build({"kind": "text classifier", "shape": shape} | options))

    def _title(self, unit: str) -> str:
        classes, count = len(self.given.answers.values), f"{len(self.data):,}"
        span = f"{self.data.lengths.min():,} to {self.steps:,} {unit}"
        return f"Telling apart {classes} classes: {count} texts of {span}"

    def _notes(self, unit: str) -> dict[str, str]:
        window = window_over(self.data.lengths[self.parts.train])
        share = f"{WHOLE:.0%} of the training texts have no more"
        notes = {FEED_FORWARD: f"it reads the last {window:,} {unit} of a text; {share}."}
        if self.task.bidirectional:
            notes[""] = "All read one way, so that they can stream; by itself the task reads both ways."
        return notes


def evenly(part: np.ndarray) -> np.ndarray:
    """So many of a part as are looked into, from all over it: its first ones may be of one class."""
    return part[np.linspace(0, len(part) - 1, min(LOOKED_INTO, len(part))).astype(np.int64)]


def parameters_of(task: Any, cell: str, hidden: int, seed: int, epochs: int) -> dict[str, Any]:
    """The task's parameters for another architecture, without the options that it does not have."""
    changed = {"cell": cell, "hidden_size": hidden, "seed": seed, "epochs": epochs}
    if cell != "lstm":
        changed |= {"forget_bias": None, "memory": None}
    if cell not in CELLS:
        changed |= {"orthogonal": False, "layer_norm": False}
    return task.get_params() | changed


Subject = ForecastSubject | SequenceSubject | TextSubject


def subject_of(task: Any, source: Any, columns: Mapping[str, Any]) -> Subject:
    """The subject of an estimator. Raises: ArgumentError for a task that cannot be compared on."""
    for kinds, subject in SUBJECTS.items():
        if isinstance(task, kinds):
            check_columns(task, columns)
            return subject(task, source, columns)
    cure = "Write, for example, unrolled.compare(unrolled.Forecaster(horizon=24), frame, target='y')."
    expected = "a Forecaster, SequenceClassifier, SequenceRegressor or TextClassifier"
    raise ArgumentError(explain("task", expected, type(task).__name__, cure))


SUBJECTS: Mapping[Any, Any] = {
    Forecaster: ForecastSubject,
    (SequenceClassifier, SequenceRegressor): SequenceSubject,
    TextClassifier: TextSubject,
}


def check_columns(task: Any, columns: Mapping[str, Any]) -> None:
    """Refuse what the task's `fit` does not take. Raises: ArgumentError naming it."""
    known = inspect.signature(task.fit).parameters
    for name, value in columns.items():
        if value is not None and name not in known:
            got = repr(value) if isinstance(value, str) else type(value).__name__
            expected = f"nothing with a {type(task).__name__}"
            raise ArgumentError(explain(name, expected, got, "Leave it out."))
