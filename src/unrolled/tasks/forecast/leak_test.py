"""Does a forecast know what it should not? Three tests, each of which a leak would fail.

(a) windows: everything after an origin is replaced by noise, known columns aside; the forecast must not
    change by one bit;
(b) labels: a network trained on answers shuffled among windows must not beat the last value: there is nothing
    to learn, so whatever it knows has leaked;
(c) known columns: one whose removal costs more than 90 % of the skill over the last value probably holds the
    answer.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from unrolled.data import Codes, Origins, Roles, SeriesSet, Split
from unrolled.errors import DataError, explain
from unrolled.models import SegmentNetwork
from unrolled.models.inputs import last_valid
from unrolled.tasks.forecast.inputs import Batch
from unrolled.tasks.forecast.scoring import evaluate, origins_of
from unrolled.training import Reporter, SilentReporter

ORIGINS = 8
SKILL_LOST = 0.9
LABEL_GAIN = 0.02  # of the squared error: a hair's breadth off the last value can drift the right way


@dataclass(frozen=True)
class Leak:
    """One test: what was looked at, whether it leaks, and the finding in a sentence."""

    kind: str
    found: bool
    text: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind, "found": self.found, "text": self.text}


def leak_test(forecaster: Any, data: SeriesSet, split: Split, reporter: Reporter | None = None) -> list[Leak]:
    """Run the three tests on the data a forecaster was fitted on.

    Raises: DataError if the data does not hold the training part.
    """
    if not split.rows[0]:
        cure = "Pass the frame of fit to the forecaster that was fitted on it."
        raise DataError(
            explain("data", "the rows the model was trained on", "none that are known as such", cure)
        )
    reporter = reporter or SilentReporter()
    reporter.note("Leak test: windows")
    found = [windows_leak(forecaster, data, split)]
    reporter.note("Leak test: labels, one training")
    found.append(labels_leak(forecaster, data, split, reporter))
    for name in data.roles.known:
        reporter.note(f"Leak test: known column {name}, one training")
        found.append(known_leak(forecaster, data, split, name, reporter))
    return found


def windows_leak(forecaster: Any, data: SeriesSet, split: Split) -> Leak:
    """(a) Forecasts with the true rows after the origin, and with noise there, compared bit by bit."""
    runner = forecaster.runner()
    every = origins_of(runner, data, split.test)
    places = np.unique(np.linspace(0, len(every) - 1, ORIGINS).round().astype(np.int64))
    changed = 0
    for row, series in zip(every.rows[places], every.series[places], strict=True):
        origin = Origins(np.array([row]), np.array([series]))
        before = runner.at(data, origin)
        after = runner.at(with_noise(data, int(row), int(series)), origin)
        changed += before.tobytes() != after.tobytes()
    text = f"{len(places)} origins with noise after them: {changed or 'no'} forecasts changed"
    return Leak("windows", changed > 0, text)


def with_noise(data: SeriesSet, row: int, series: int) -> SeriesSet:
    """The data with targets and past columns replaced from a row of a series on."""
    random = np.random.default_rng(row)
    last = int(data.offsets[series + 1])
    values, categories = data.values.copy(), dict(data.categories)
    for role in ("target", "past"):
        block = data.numeric(role)
        spread = np.nan_to_num(np.nanstd(values[:row, block], axis=0)) + 1.0
        values[row:last, block] = 10 * spread * random.standard_normal((last - row, block.stop - block.start))
        for name in getattr(data.roles, role):
            if name in categories:
                codes = categories[name].codes.copy()
                codes[row:last] = random.integers(0, len(categories[name].words), last - row)
                categories[name] = Codes(codes, categories[name].words)
    return replace(data, values=values, categories=categories)


def labels_leak(forecaster: Any, data: SeriesSet, split: Split, reporter: Reporter) -> Leak:
    """(b) Trained on shuffled answers, judged on true ones beside the last value."""
    untrained = clone(forecaster)
    if forecaster.decoder == "segment":
        untrained.fit_series(data, split, reporter=reporter, loss=shuffled_loss)
    else:  # every row is an answer, and an input too
        untrained.fit_series(with_shuffled_moves(data, split), split, reporter=reporter)
    verdict = evaluate(untrained.runner(), data, split, only=("last value",)).verdict
    found = verdict.kind == "better" and verdict.relative < -LABEL_GAIN
    return Leak("labels", found, f"trained on shuffled answers: {verdict.text}")


def shuffled_loss(network: SegmentNetwork, batch: Batch, state: None) -> tuple[torch.Tensor, None]:
    """The network's own loss with the answers dealt out anew among the windows of a batch.

    What is dealt out is the move from the last value: answers in raw units would teach the level of the
    series, which is no leak. Each is turned upside down or not by the toss of a coin, so that nothing is left
    to learn: neither the drift of the moves, nor what a window shares with the one next to it.
    """
    mean, scale = network.inputs.target_scaling(batch)
    anchor, scale = last_valid(batch["target"], mean)[:, -1:], scale[:, None]
    moves = (batch["future"] - anchor) / scale
    dealt = moves[torch.randperm(len(moves), device=moves.device)]
    coins = 2.0 * torch.randint(0, 2, (len(moves), 1, 1), device=moves.device) - 1.0
    return network.loss(batch | {"future": anchor + scale * coins * dealt}, state)


def with_shuffled_moves(data: SeriesSet, split: Split) -> SeriesSet:
    """The data with the moves from row to row of training and validation in random order, each up or down."""
    values, block = data.values.copy(), data.numeric("target")
    for start, stop in zip(split.train[:, 0], split.validation[:, 1], strict=True):
        for column in range(block.start, block.stop):
            known = np.flatnonzero(~np.isnan(values[start:stop, column])) + start
            moves = np.diff(values[known, column])
            if len(moves):
                random = np.random.default_rng(start + column)
                dealt = random.permutation(moves) * random.choice([-1.0, 1.0], len(moves))
                values[known[1:], column] = values[known[0], column] + np.cumsum(dealt)
    return replace(data, values=values)


def known_leak(forecaster: Any, data: SeriesSet, split: Split, name: str, reporter: Reporter) -> Leak:
    """(c) Trained without one known column."""
    without = without_known(data, name)
    with_it = skill(evaluate(forecaster.runner(), data, split, only=("last value",)))
    fitted = clone(forecaster).fit_series(without, split, reporter=reporter)
    left = skill(evaluate(fitted.runner(), without, split, only=("last value",)))
    lost = (with_it - left) / with_it if with_it > 0 else 0.0
    found = with_it > 0.05 and lost > SKILL_LOST
    text = f"{name}: skill over the last value {with_it:.1%} with it, {left:.1%} without"
    text += ": does it hold the answer? Is it truly known in advance?" if found else ""
    return Leak("known", found, text)


def without_known(data: SeriesSet, name: str) -> SeriesSet:
    """The data without one known column."""
    roles = Roles(
        data.roles.target,
        data.roles.time,
        data.roles.series,
        tuple(other for other in data.roles.known if other != name),
        data.roles.past,
        data.roles.static,
    )
    categories = {other: codes for other, codes in data.categories.items() if other != name}
    keep = [place for place, other in enumerate(data.columns) if other != name]
    columns = tuple(data.columns[place] for place in keep)
    return replace(data, roles=roles, columns=columns, values=data.values[:, keep], categories=categories)


def skill(evaluation: Any) -> float:
    """The share of the last value's squared error that the model saves."""
    return 1.0 - evaluation.model.mse / evaluation.score("last value").mse
