"""A linear forecast from the last `history` values: the plain method that is hardest to beat.

Key: F inputs. They are `history` anchored values, the oldest first; then, if training windows have gaps, as
many flags (1 = missing); last the level, which is the anchor itself.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from unrolled import arguments
from unrolled.baselines.normal_equations import Moments, Weights, ridge
from unrolled.baselines.past import (
    Origins,
    Rowed,
    Rows,
    Values,
    check_fitted,
    check_origins,
    check_ranges,
    check_series_count,
    check_table,
    interpolated,
)
from unrolled.baselines.windows import Standard, Table, window_origins
from unrolled.errors import DataError, explain
from unrolled.metrics import forecast as scores
from unrolled.metrics import judge

Array = NDArray[np.float64]

MOST_WINDOWS = 20_000  # training windows; more are sampled evenly
MOST_PAIRS = 160_000  # (window, target) pairs, for tables with many targets
MOST_OWN = 16  # with more targets than this all share one set of weights
BLOCK_NUMBERS = 2_000_000  # numbers in one block of windows
CHOICE_WINDOWS = 500  # validation windows on which the forms are judged
CHOICE_PIECES = 10  # with fewer validation windows that share no answer the plainest form stays


class Form(NamedTuple):
    """How the weights are laid out: a set for each target or one for all; the level as an input or not."""

    own: bool
    level: bool


PLAINEST = Form(own=False, level=False)


class RidgeWindow:
    """Ridge regression from the last `history` values of each target to its next `horizon` values.

    The penalty is the one of least squared error on the validation windows. All targets and series share one
    set of weights, and the level is no input, unless the validation windows say clearly that another form is
    better: by the verdict's own interval, over at least ten windows' worth of answers, since a few windows
    that overlap prove little. The level helps where a series returns to its mean, and harms where the mean
    moves: a window whose level no training window had is left to the plainest form.

    Values are standardised by series and target. A missing input counts as the training windows' mean at its
    place, with a flag if training windows have gaps. Missing answers in the training and validation rows are
    interpolated, for the fit and the choice of penalty only, and windows that miss more than half of them are
    left out. Without validation windows the last fifth of the training windows takes their place.
    """

    name = "ridge regression"

    def __init__(self, history: int) -> None:
        self.history = arguments.integer("history", history, 1, "Say how many values to look back.")
        self.horizon = 0

    def fit(self, values: Values, offsets: Rows, train: Rows, validation: Rows, horizon: int) -> Self:
        """Gather the normal equations, choose penalty and form, keep the weights.

        Raises: DataError where no training window fits.
        """
        values, offsets = check_table(values, offsets)
        train = check_ranges("train", train, offsets)
        validation = check_ranges("validation", validation, offsets)
        self.horizon = arguments.integer("horizon", horizon, 1, "Say how many steps to forecast.")
        self.standard = Standard.of(values, train)
        table = Table.of(values, offsets, self.standard)
        whole = table._replace(values=interpolated(interpolated(table.values, train), validation))
        learning, choosing = self.windows(train, validation, values.shape[1])
        self.fill, self.flags = self.fillings(table, learning)
        anchors = table.anchor(learning)
        self.levels = anchors.min(0), anchors.max(0)
        sums = self.moments(table, whole, learning)
        tests = self.moments(table, whole, choosing)
        if total(sums).n == 0:
            cure = "Shorten the horizon, fill the gaps, or leave this baseline out."
            expected = "a training window with half of its answers known"
            raise DataError(explain("values", expected, "none", cure))
        if total(tests).n == 0:  # nothing to choose by but the training windows themselves
            tests, choosing = sums, learning
        self.form, self.weights = self.choose(table, sums, tests, choosing)
        return self

    def forecast(self, values: Values, offsets: Rows, origins: Origins) -> Values:
        """Forecast in raw units: (n, horizon, targets)."""
        check_fitted(self, self.horizon > 0)
        values, offsets = check_table(values, offsets)
        check_series_count(self.name, len(self.standard.mean), offsets)
        where = Rowed(*check_origins(origins, offsets))
        table = Table.of(values, offsets, self.standard)
        answer = np.empty((where.rows.size, self.horizon, values.shape[1]), np.float32)
        first = 0
        for part in self.blocks(where, values.shape[1]):
            last = first + part.rows.size
            answer[first:last] = table.raw(self.apply(table, part, self.form, self.weights), part)
            first = last
        return answer

    def windows(self, train: Rows, validation: Rows, targets: int) -> tuple[Rowed, Rowed]:
        """Training and validation windows; the history shrinks to half of the longest series' room."""
        room = int((train[:, 1] - train[:, 0]).max()) - self.horizon
        if room < 2:
            needed = f"a series of at least {self.horizon + 2} training rows"
            cure = "Shorten the horizon, or leave this baseline out."
            raise DataError(explain("train", needed, room + self.horizon, cure))
        self.history = min(self.history, max(1, room // 2))
        most = max(1, min(MOST_WINDOWS, MOST_PAIRS // targets))
        learning = window_origins(train, self.history, self.horizon, most)
        choosing = window_origins(validation, 0, self.horizon, most)
        if choosing.rows.size:
            return learning, choosing
        cut = max(1, learning.rows.size * 4 // 5)
        return Rowed(*(part[:cut] for part in learning)), Rowed(*(part[cut - 1 :] for part in learning))

    def blocks(self, origins: Rowed, targets: int) -> Iterator[Rowed]:
        """The origins in blocks of bounded memory."""
        size = max(1, BLOCK_NUMBERS // ((self.history + self.horizon) * targets))
        for first in range(0, origins.rows.size, size):
            yield Rowed(*(part[first : first + size] for part in origins))

    def fillings(self, table: Table, learning: Rowed) -> tuple[Array, bool]:
        """The mean anchored value at each place, (history, targets), and whether there are gaps."""
        targets = table.values.shape[1]
        total, count = np.zeros((2, self.history, targets))
        if not np.isnan(table.values).any():
            return total, False
        for part in self.blocks(learning, targets):
            inputs = table.inputs(part, self.history)
            total += np.nansum(inputs, 0)
            count += np.isfinite(inputs).sum(0)
        return total / np.maximum(count, 1), bool((count < learning.rows.size).any())

    def designs(self, table: Table, origins: Rowed) -> Array:
        """The inputs of every target's regression, (targets, n, F)."""
        inputs = table.inputs(origins, self.history)
        missing = np.isnan(inputs)
        parts = [np.where(missing, self.fill, inputs), table.anchor(origins)[:, None]]
        if self.flags:
            parts.insert(1, missing.astype(np.float64))
        return np.ascontiguousarray(np.concatenate(parts, axis=1).transpose(2, 0, 1))

    def moments(self, table: Table, whole: Table, origins: Rowed) -> list[Moments]:
        """The sums for each target over all windows that know at least half of their answers."""
        targets = table.values.shape[1]
        size = self.history * (2 if self.flags else 1) + 1
        sums = [Moments.none(size, self.horizon) for _ in range(targets)]
        for part in self.blocks(origins, targets):
            known = np.isfinite(table.answers(part, self.horizon)).mean(1) >= 0.5  # (n, targets)
            answers = np.ascontiguousarray(whole.answers(part, self.horizon).transpose(2, 0, 1))
            for target, inputs in enumerate(self.designs(table, part)):
                kept = known[:, target]
                sums[target] = sums[target].add(inputs[kept], answers[target][kept])
        return sums

    def choose(
        self, table: Table, sums: list[Moments], tests: list[Moments], choosing: Rowed
    ) -> tuple[Form, list[Weights]]:
        """The plainest form, and each other one only if it is clearly better than the best so far."""
        few = Rowed(*(part[:: math.ceil(choosing.rows.size / CHOICE_WINDOWS)] for part in choosing))
        own = (False, True) if 1 < len(sums) <= MOST_OWN and all(m.n for m in sums + tests) else (False,)
        best, weights = PLAINEST, solve(PLAINEST, sums, tests)
        self.plainest = weights
        losses = self.losses(table, few, best, weights)
        if np.isfinite(losses).sum() < CHOICE_PIECES * self.overlap(few):
            return best, weights
        for form in [Form(o, level) for o in own for level in (False, True)][1:]:
            other = solve(form, sums, tests)
            if mean_error(other) >= mean_error(weights):
                continue
            found = self.losses(table, few, form, other)
            if judge(found, {"form": losses}, self.overlap(few), groups=few.series).kind == "better":
                best, weights, losses = form, other, found
        return best, weights

    def overlap(self, origins: Rowed) -> int:
        """How many neighbouring origins share answers."""
        steps = np.diff(origins.rows)[np.diff(origins.series) == 0]
        return math.ceil(self.horizon / max(1, int(np.median(steps)))) if steps.size else 1

    def losses(self, table: Table, origins: Rowed, form: Form, weights: list[Weights]) -> Array:
        """The mean squared error of each window, (n,), in standard units."""
        answer = np.concatenate([
            self.apply(table, part, form, weights) for part in self.blocks(origins, table.values.shape[1])
        ])  # fmt: skip
        return scores.mse(table.answers(origins, self.horizon), answer, per="origin")

    def apply(self, table: Table, origins: Rowed, form: Form, weights: list[Weights]) -> Array:
        """Forecasts relative to the anchor, (n, horizon, targets).

        A window whose level no training window had is left to the plainest form: it does not extrapolate.
        """
        designs = self.designs(table, origins)
        answer = linear(designs, form, weights)
        if not form.level:
            return answer
        low, high = self.levels
        anchor = table.anchor(origins)
        outside = ((anchor < low) | (anchor > high))[:, None]  # (n, 1, targets)
        return (
            np.where(outside, linear(designs, PLAINEST, self.plainest), answer) if outside.any() else answer
        )


def linear(designs: Array, form: Form, weights: list[Weights]) -> Array:
    """The weights of a form applied to every target's inputs: (n, horizon, targets)."""
    inputs = designs if form.level else designs[..., :-1]
    each = weights if form.own else weights * len(designs)
    return np.stack([x @ w.slope + w.intercept for x, w in zip(inputs, each, strict=True)], axis=-1)


def solve(form: Form, sums: list[Moments], tests: list[Moments]) -> list[Weights]:
    """The weights of a form: one set for each target, or one set for all."""
    if not form.own:
        sums, tests = [total(sums)], [total(tests)]
    kept = sums[0].x.size - (0 if form.level else 1)
    return [ridge(mine.first(kept), its.first(kept)) for mine, its in zip(sums, tests, strict=True)]


def total(sums: list[Moments]) -> Moments:
    """The sums over all targets."""
    whole = sums[0]
    for more in sums[1:]:
        whole = whole.plus(more)
    return whole


def mean_error(weights: list[Weights]) -> float:
    """The mean error over the sets of weights."""
    return sum(w.error for w in weights) / len(weights)
