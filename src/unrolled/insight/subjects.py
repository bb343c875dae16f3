"""A task with its data, read and split once, on which every architecture is trained and judged alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.data import Origins, read_frame, read_series, split_rows, step_of
from unrolled.errors import ArgumentError, explain
from unrolled.insight.architectures import TITLES, solve_hidden
from unrolled.models import CELLS, FEED_FORWARD, SegmentNetwork, SequenceNetwork, build
from unrolled.nn import parameter_count
from unrolled.runtime import Program
from unrolled.tasks import Forecaster, SequenceClassifier, SequenceRegressor
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
from unrolled.training import Reporter

Batch = dict[str, Tensor]
Network = SegmentNetwork | SequenceNetwork
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
    was better than the last value, so that the untrained network is what is judged.
    """

    network: Network
    judged: Judged
    baselines: dict[str, Judged]
    epochs: int
    looks: Batch
    one: Batch
    program: Program | None
    kept: bool = True


class ForecastSubject:
    """Forecasts by a window: the decoder "segment" around every architecture.

    `metrics` are told, the verdict goes by the first; `block` windows lean on one another.
    """

    metrics: tuple[str, ...] = ("MSE", "MAE")
    loss_unit = "scaled units"

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
        looks = self._batch(self.parts.test[:LOOKED_INTO])
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


def parameters_of(task: Any, cell: str, hidden: int, seed: int, epochs: int) -> dict[str, Any]:
    """The task's parameters for another architecture, without the options that it does not have."""
    changed = {"cell": cell, "hidden_size": hidden, "seed": seed, "epochs": epochs}
    if cell != "lstm":
        changed |= {"forget_bias": None, "memory": None}
    if cell not in CELLS:
        changed |= {"orthogonal": False, "layer_norm": False}
    return task.get_params() | changed


Subject = ForecastSubject | SequenceSubject


def subject_of(task: Any, source: Any, columns: Mapping[str, Any]) -> Subject:
    """The subject of an estimator. Raises: ArgumentError for a task that cannot be compared on."""
    if isinstance(task, Forecaster):
        return ForecastSubject(task, source, columns)
    if isinstance(task, SequenceClassifier | SequenceRegressor):
        return SequenceSubject(task, source, columns)
    cure = "Write, for example, unrolled.compare(unrolled.Forecaster(horizon=24), frame, target='y')."
    expected = "a Forecaster, SequenceClassifier or SequenceRegressor"
    raise ArgumentError(explain("task", expected, type(task).__name__, cure))
