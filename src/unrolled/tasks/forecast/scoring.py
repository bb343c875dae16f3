"""Score a forecaster and the plain baselines on the same windows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unrolled.baselines import ForecastBaseline, LastValue, SeasonalNaive, plain_forecasts
from unrolled.data import Origins, SeriesSet, Split, origins
from unrolled.errors import DataError
from unrolled.metrics import Verdict, fit_offsets, judge
from unrolled.metrics.forecast import coverage, interval_score, mae, mase, mse, seasonal_scale
from unrolled.tasks.forecast.evaluation import Evaluation, Losses, Score
from unrolled.tasks.forecast.fit import halves, thinned
from unrolled.tasks.forecast.losses import answers
from unrolled.tasks.forecast.periods import season_of, shown
from unrolled.tasks.forecast.run import ForecastRunner
from unrolled.tasks.forecast.sources import pick

MOST_NUMBERS = 40_000_000  # of forecasts held at once; beyond it windows are scored evenly spaced
BLOCK_NUMBERS = 500_000  # of forecasts scored at once: the scores are taken in float64
PIECE_NUMBERS = 3_000_000  # of a baseline's forecasts made at once
MOST_SAMPLED = 200  # windows of a recursive network, each of which takes sample paths
CALIBRATION_WINDOWS = 2_000  # for the baselines' intervals
RIDGE_HISTORY = 336  # rows the linear baseline looks at, at most


class Forecasts(NamedTuple):
    """Forecasts at some origins, raw: `point` (n, horizon, targets), `bounds` two of that shape."""

    point: np.ndarray
    bounds: tuple[np.ndarray, np.ndarray] | None


Block = Callable[[slice], Forecasts]  # the forecasts of some of the windows that are scored


@dataclass(frozen=True)
class Mean:
    """Means by target and how many values each is of, both (targets,)."""

    mean: np.ndarray
    known: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """The sums by target, 0 where nothing is known."""
        return np.where(self.known > 0, self.mean * self.known, 0.0)

    @property
    def overall(self) -> float:
        """The mean over all values; NaN if there is none."""
        count = self.known.sum()
        return float(self.total.sum() / count) if count else math.nan


def mean_by_target(parts: list[Mean]) -> Mean:
    """The mean over several blocks."""
    known = np.sum([part.known for part in parts], axis=0)
    total = np.sum([part.total for part in parts], axis=0)
    return Mean(np.where(known > 0, total / np.maximum(known, 1), math.nan), known)


@dataclass(frozen=True)
class Judge:
    """What all forecasts of one evaluation are scored against, block by block.

    Shapes: truth (n, horizon, targets); scale (series, targets), each series' training standard deviation;
    naive (series, targets), the denominators of MASE; series (n,), the one of each window.
    """

    truth: np.ndarray
    scale: np.ndarray
    naive: np.ndarray
    series: np.ndarray
    targets: tuple[str, ...]
    level: float | None

    def score(self, name: str, found: Block) -> tuple[Score, np.ndarray]:
        """The scores, and the squared error of each window, (n,)."""
        size = max(1, BLOCK_NUMBERS // self.truth[0].size)
        places = [slice(first, first + size) for first in range(0, len(self.truth), size)]
        parts, losses = zip(*(self._block(part, found(part)) for part in places), strict=True)
        means = {
            key: mean_by_target([part[key] for part in parts if key in part])
            for key in dict.fromkeys(key for part in parts for key in part)
        }
        covered, widths = means.get("coverage"), means.get("interval")
        score = Score(
            name=name,
            mae=mean_of_known(means["mae"].mean),
            mse=mean_of_known(means["mse"].mean),
            mase=means["mase"].overall,
            coverage=None if covered is None else covered.overall,
            interval_score=None if widths is None else widths.overall,
            raw_mae=self._named(means["raw"].mean),
            coverage_by_target={} if covered is None else self._named(covered.mean),
        )
        return score, np.concatenate(losses)

    def _block(self, part: slice, found: Forecasts) -> tuple[dict[str, Mean], np.ndarray]:
        """The scores of a block by target, and the squared error of each window."""
        raw, series = self.truth[part], self.series[part]
        scale = self.scale[series][:, None]
        truth, point = raw / scale, found.point / scale
        known = np.isfinite(raw).sum((0, 1))
        comparable = np.isfinite(raw / self.naive[series][:, None]).sum((0, 1))
        means = {
            "raw": Mean(mae(raw, found.point, per="target"), known),
            "mae": Mean(mae(truth, point, per="target"), known),
            "mse": Mean(mse(truth, point, per="target"), known),
            "mase": Mean(mase(raw, found.point, self.naive, series, per="target"), comparable),
        }
        if found.bounds is not None and self.level is not None:
            low, high = found.bounds
            widths = interval_score(truth, low / scale, high / scale, self.level, per="target")
            means |= {
                "coverage": Mean(coverage(raw, low, high, per="target"), known),
                "interval": Mean(widths, known),
            }
        return means, mse(truth, point, per="origin")

    def _named(self, values: np.ndarray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(self.targets, values, strict=True)}


def mean_of_known(by_target: np.ndarray) -> float:
    """The mean over the targets of which something is known; NaN if there is none."""
    known = by_target[np.isfinite(by_target)]
    return float(known.mean()) if len(known) else math.nan


def scored_windows(found: Origins, runner: ForecastRunner) -> Origins:
    """All origins where that can be afforded, else as many as can, evenly spaced."""
    shape = runner.network.shape
    most = MOST_NUMBERS // (shape.horizon * shape.targets * len(shape.quantiles))
    sampled = runner.network.configuration["kind"] == "recursive"
    return thinned(found, min(most, MOST_SAMPLED) if sampled else max(most, 1))


def model_forecasts(runner: ForecastRunner, data: SeriesSet, judged: Origins) -> Block:
    """The model's point forecast (its base quantile) and the bounds of its widest interval."""
    quantiles = runner.at(data, judged)
    pair, base = widest(runner.network.shape.quantiles), runner.network.offsets.base

    def block(part: slice) -> Forecasts:
        own = quantiles[part]
        bounds = None if pair is None else (own[..., pair[0]], own[..., pair[1]])
        return Forecasts(own[..., base], bounds)

    return block


def baseline_forecasts(
    runner: ForecastRunner,
    baseline: ForecastBaseline,
    data: SeriesSet,
    calibration: Origins | None,
    judged: Origins,
    level: float | None,
) -> Block:
    """A baseline's forecasts, with an interval as wide as covered the windows the model was calibrated on."""
    point = points(baseline, data, judged, runner.network.shape.horizon)
    if level is None or calibration is None:
        return lambda part: Forecasts(point[part], None)
    margins = baseline_margins(runner, baseline, data, calibration, level)

    def block(part: slice) -> Forecasts:
        low, high = np.moveaxis(margins[judged.series[part]], -1, 0)
        return Forecasts(point[part], (point[part] + low, point[part] + high))

    return block


def points(baseline: ForecastBaseline, data: SeriesSet, judged: Origins, horizon: int) -> np.ndarray:
    """A baseline's forecasts, (n, horizon, targets), made in pieces, as it needs room to make them."""
    target = data.values[:, data.numeric("target")]
    found = np.empty((len(judged), horizon, target.shape[1]), np.float32)
    size = max(1, PIECE_NUMBERS // found[0].size)
    for first in range(0, len(judged), size):
        part = np.arange(first, min(first + size, len(judged)))
        found[part] = baseline.forecast(target, data.offsets, pick(judged, part))
    return found


def calibration_windows(runner: ForecastRunner, data: SeriesSet, split: Split) -> Origins | None:
    """The windows for the baselines' intervals, None where the data does not hold any."""
    try:
        return thinned(origins_of(runner, data, halves(split.validation)[1]), CALIBRATION_WINDOWS)
    except DataError:
        return None


def baseline_margins(
    runner: ForecastRunner, baseline: ForecastBaseline, data: SeriesSet, calibration: Origins, level: float
) -> np.ndarray:
    """What to add to a forecast for its lower and its upper bound, raw: (series, horizon, targets, 2)."""
    scale = runner.inputs.target_scaler.scale[runner.inputs.scaler_rows(data)]  # (series, targets)
    point = baseline.forecast(data.values[:, data.numeric("target")], data.offsets, calibration)
    truth = answers(data, calibration, point.shape[1])
    unit = scale[calibration.series][:, None]
    both = np.repeat((point / unit)[..., None], 2, axis=-1)
    offsets = fit_offsets(both, truth / unit, ((1 - level) / 2, (1 + level) / 2))
    return (offsets * scale[:, None, :, None]).astype(np.float32)


def widest(levels: tuple[float, ...]) -> tuple[int, int] | None:
    """The places of the outermost quantiles that form an interval, or None.

    Example:
        >>> widest((0.05, 0.1, 0.5, 0.9))
        (1, 3)
    """
    for low, level in enumerate(levels):
        for high in range(len(levels) - 1, low, -1):
            if abs(levels[high] - (1 - level)) < 1e-6:
                return low, high
    return None


def verdict_of(losses: Losses, name: str, horizon: int) -> Verdict:
    """The model's squared errors against the best baseline's, by block bootstrap over the windows."""
    known = ~np.isnan(losses.by_name[name])
    stride = int(np.median(np.diff(losses.rows))) if len(losses.rows) > 1 else 1
    groups = losses.series[known] if len(np.unique(losses.series)) > 1 else None
    others = {other: values[known] for other, values in losses.by_name.items() if other != name}
    block = max(1, round(horizon / max(stride, 1)))
    return judge(losses.by_name[name][known], others, block=block, groups=groups)


def evaluate(
    runner: ForecastRunner,
    data: SeriesSet,
    split: Split,
    naive: np.ndarray | None = None,
    only: tuple[str, ...] | None = None,
    season: int | None = None,
) -> Evaluation:
    """Scores of the model and of every baseline that can be fitted, on the windows of the test part.

    `naive` (series, targets) are the denominators of MASE and `season` is the one of the training data, where
    this data does not hold the training part; `only` names the baselines that are wanted.
    """
    shape = runner.network.shape
    every = origins_of(runner, data, split.test)
    judged = scored_windows(every, runner)
    season = season or season_of(data)
    judge_ = judge_for(runner, data, split, judged, season, naive)
    name = f"{runner.network.cell.upper()} ({runner.network.configuration['kind']})"
    score, losses = judge_.score(name, model_forecasts(runner, data, judged))
    scores, by_name = [score], {name: losses}
    baselines, notes = fitted_baselines(runner, data, split, season, only)
    calibration = calibration_windows(runner, data, split)
    notes = [*notes_on(data, split, every, judged), *notes]
    for baseline in baselines:
        found = baseline_forecasts(runner, baseline, data, calibration, judged, judge_.level)
        score, by_name[baseline.name] = judge_.score(baseline.name, found)
        scores.append(score)
    kept = Losses(by_name, judged.rows, judged.series)
    return Evaluation(
        title=f"{len(judged)} windows of {shape.horizon} rows{spanned(data, judged, shape.horizon)}",
        scores=tuple(scores),
        verdict=verdict_of(kept, name, shape.horizon),
        level=judge_.level,
        windows=len(judged),
        notes=tuple(notes),
        losses=kept,
    )


def notes_on(data: SeriesSet, split: Split, every: Origins, judged: Origins) -> list[str]:
    """What a reader must know of the windows that were scored."""
    notes = []
    if len(judged) < len(every):
        notes.append(f"{len(judged)} of {len(every)} windows are scored, evenly spaced.")
    absent = np.setdiff1d(np.arange(len(data.names)), every.series)
    if len(absent):
        notes.append(
            f"{len(absent)} of {len(data.names)} series are not scored, they have no window in this part: "
            f"{listed([data.names[number] for number in absent])}."
        )
    if data.stamps is None and not split.rows[0]:
        notes.append("The data has no stamps: every row counts as one that the model has not seen.")
    return notes


def listed(names: list[str], most: int = 5) -> str:
    """Some names, the first few of them where there are many.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b, ...'
    """
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


def origins_of(runner: ForecastRunner, data: SeriesSet, ranges: np.ndarray) -> Origins:
    """The origins of a part at which this network can forecast. Raises: DataError if there is none."""
    shape = runner.network.shape
    needed = shape.history if runner.network.configuration["kind"] == "segment" else 1
    return origins(data, ranges, needed, shape.horizon)


def judge_for(
    runner: ForecastRunner,
    data: SeriesSet,
    split: Split,
    judged: Origins,
    season: int | None,
    naive: np.ndarray | None,
) -> Judge:
    """What the forecasts of these windows are scored against."""
    shape = runner.network.shape
    scale = runner.inputs.target_scaler.scale[runner.inputs.scaler_rows(data)]  # (series, targets)
    if naive is None:
        values = data.values[:, data.numeric("target")]
        naive = seasonal_scale(values, data.offsets, split.train, season or 1)
    pair = widest(shape.quantiles)
    return Judge(
        truth=answers(data, judged, shape.horizon),
        scale=scale,
        naive=naive,
        series=judged.series,
        targets=data.roles.target,
        level=None if pair is None else shape.quantiles[pair[1]] - shape.quantiles[pair[0]],
    )


def fitted_baselines(
    runner: ForecastRunner,
    data: SeriesSet,
    split: Split,
    season: int | None,
    only: tuple[str, ...] | None = None,
) -> tuple[list[ForecastBaseline], list[str]]:
    """The plain forecasts, fitted on the training part, and a line for each that is left out."""
    shape = runner.network.shape
    values = data.values[:, data.numeric("target")]
    history = min(shape.history, RIDGE_HISTORY)
    plain = plain_forecasts(split.train, shape.targets, shape.horizon, history, season)
    few: list[ForecastBaseline]
    if not (split.train[:, 0] < split.train[:, 1]).any():
        few = [baseline for baseline in plain.baselines if isinstance(baseline, LastValue | SeasonalNaive)]
        left_out = ["Baselines that learn are left out: the data does not hold the training period."]
    else:
        few, left_out = plain.baselines, list(plain.left_out)
    if only is not None:
        few = [baseline for baseline in few if baseline.name in only]
    for baseline in few:
        baseline.fit(values, data.offsets, split.train, split.validation, shape.horizon)
    return few, left_out


def naive_scales(data: SeriesSet, split: Split) -> dict[str, np.ndarray]:
    """The denominators of MASE by series, (targets,) each."""
    values = data.values[:, data.numeric("target")]
    scales = seasonal_scale(values, data.offsets, split.train, season_of(data) or 1)
    return dict(zip(data.names, scales, strict=True))


def spanned(data: SeriesSet, judged: Origins, horizon: int) -> str:
    """From when to when the windows reach, where there are stamps."""
    if data.stamps is None:
        return ""
    first, last = data.stamps[judged.rows].min(), data.stamps[judged.rows + horizon - 1].max()
    return f", {shown(first)} to {shown(last)}"
