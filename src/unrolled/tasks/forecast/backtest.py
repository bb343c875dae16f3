"""Backtest: roll the origin forward, train anew before each piece of the test part, score on the piece."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from unrolled.arguments import integer
from unrolled.data import SeriesSet, Split, read_frame, read_series, split_rows
from unrolled.errors import DataError, explain
from unrolled.tasks.forecast.evaluation import Evaluation, Losses, Score
from unrolled.tasks.forecast.frames import roles_of
from unrolled.tasks.forecast.scoring import verdict_of
from unrolled.training import Reporter


def backtest(
    forecaster: Any,
    frame: Any,
    target: Any,
    folds: int,
    reporter: Reporter | None = None,
    *,
    time: Any = None,
    series: str | None = None,
    known: Any = None,
    past: Any = None,
    static: Any = None,
    split: Any = (0.7, 0.1, 0.2),
) -> Evaluation:
    """The scores of all folds together, the verdict on all their windows.

    Raises: DataError if a piece of the test part is shorter than the horizon.
    """
    folds = integer("folds", folds, 1, "3 is a good number.")
    opened = read_frame(frame, text=() if series is None else {series})
    data = read_series(opened, roles_of(opened, target, time, series, known=known, past=past, static=static))
    whole = split_rows(data, split)
    longest = int((whole.test[:, 1] - whole.test[:, 0]).max())
    if longest // folds < forecaster.horizon:
        got = f"{longest} test rows for {folds} folds"
        cure = "Take fewer folds, a shorter horizon or a larger test part."
        raise DataError(explain("folds", f"pieces of at least {forecaster.horizon} rows", got, cure))
    found = []
    for fold in range(folds):
        if reporter is not None:
            reporter.note(f"Fold {fold + 1} of {folds}")
        part = fold_split(data, whole, fold, folds)
        found.append(clone(forecaster).fit_series(data, part, reporter=reporter).evaluation_)
    return pooled(found, forecaster.horizon)


def fold_split(data: SeriesSet, whole: Split, fold: int, folds: int) -> Split:
    """The split of a fold: its piece of the test part, validation as long as before, the rest to train.

    Several series with stamps are cut at the same dates, so that no fold learns from another's future.
    """
    if data.stamps is not None and len(data.names) > 1:
        validation, first, last = cuts_by_date(data, whole, fold, folds)
    else:
        start = whole.test[:, 0]
        length = (whole.test[:, 1] - start) // folds
        first = start + fold * length
        last = whole.test[:, 1] if fold == folds - 1 else first + length
        validation = first - (whole.validation[:, 1] - whole.validation[:, 0])
    return Split(
        np.stack([whole.train[:, 0], validation], 1),
        np.stack([validation, first], 1),
        np.stack([first, last], 1),
    )


def cuts_by_date(data: SeriesSet, whole: Split, fold: int, folds: int) -> tuple[np.ndarray, ...]:
    """Where a fold's validation and test rows begin and end in each series, each int64 (series,).

    The test rows of all series together are cut in pieces of equal size; validation lasts as long as before.
    """
    assert data.stamps is not None
    stamps = data.stamps
    ordered = np.sort(np.concatenate([stamps[start:stop] for start, stop in whole.test]))
    starts = [stamps[start] for start, stop in whole.validation if start < stop]
    lasting = ordered[0] - min(starts)
    first = ordered[fold * len(ordered) // folds]
    last = None if fold == folds - 1 else ordered[(fold + 1) * len(ordered) // folds]
    cuts = []
    for stamp in (first - lasting, first, last):
        ends = whole.test[:, 1]
        if stamp is not None:
            reach = zip(whole.train[:, 0], whole.test[:, 1], strict=True)
            ends = np.array([start + np.searchsorted(stamps[start:stop], stamp) for start, stop in reach])
        cuts.append(ends)
    return tuple(cuts)


def pooled(found: list[Evaluation], horizon: int) -> Evaluation:
    """Several evaluations as one: means weighted by windows, the verdict on all windows together."""
    weights = np.array([evaluation.windows for evaluation in found], float)
    names = [
        score.name
        for score in found[0].scores
        if all(score.name in evaluation.losses.by_name for evaluation in found)
    ]
    losses = Losses(
        {name: np.concatenate([e.losses.by_name[name] for e in found]) for name in names},
        np.concatenate([e.losses.rows for e in found]),
        np.concatenate([e.losses.series for e in found]),
    )
    scores = tuple(mean_score([evaluation.score(name) for evaluation in found], weights) for name in names)
    every = dict.fromkeys(score.name for evaluation in found for score in evaluation.scores)
    notes = [f"{name} is left out: not every fold could take it." for name in every if name not in names]
    return replace(
        found[0],
        title=f"Backtest: {len(found)} folds, {int(weights.sum())} windows of {horizon} rows",
        scores=scores,
        verdict=verdict_of(losses, found[0].model.name, horizon),
        windows=int(weights.sum()),
        notes=tuple(dict.fromkeys([*(note for e in found for note in e.notes), *notes])),
        losses=losses,
    )


def mean_score(scores: list[Score], weights: np.ndarray) -> Score:
    """The mean of one table row over folds."""

    def mean(values: list[Any]) -> Any:
        if values[0] is None:
            return None
        if isinstance(values[0], dict):
            return {name: mean([value[name] for value in values]) for name in values[0]}
        return float(np.average(values, weights=weights))

    fields = ("mae", "mse", "mase", "coverage", "interval_score", "raw_mae", "coverage_by_target")
    return replace(
        scores[0], **{field: mean([getattr(score, field) for score in scores]) for field in fields}
    )
