"""Which plain forecasts a model is judged against."""

from typing import NamedTuple

from unrolled.baselines.ets import ETS
from unrolled.baselines.naive import LastValue, SeasonalNaive
from unrolled.baselines.past import ForecastBaseline, Rows
from unrolled.baselines.ridge import RidgeWindow


class Plain(NamedTuple):
    """The baselines that fit a task, not yet fitted, and a line for each that is left out."""

    baselines: list[ForecastBaseline]
    left_out: list[str]


def plain_forecasts(
    train: Rows, targets: int, horizon: int, history: int, season: int | None = None
) -> Plain:
    """The plain forecasts for this data: last value, last season, ridge regression, exponential smoothing.

    Shapes: train (series, 2) row ranges.

    Example:
        >>> import numpy as np
        >>> found = plain_forecasts(np.array([[0, 500]]), targets=1, horizon=24, history=96, season=24)
        >>> [baseline.name for baseline in found.baselines]
        ['last value', 'last season (24 steps)', 'ridge regression', 'exponential smoothing']
    """
    baselines: list[ForecastBaseline] = [LastValue()]
    left_out = []
    if season is not None and season > 1:
        baselines.append(SeasonalNaive(season))
    longest = int((train[:, 1] - train[:, 0]).max())
    if longest - horizon >= 2:
        baselines.append(RidgeWindow(history))
    else:
        left_out.append(f"{RidgeWindow.name} is left out: {longest} training rows for a horizon of {horizon}")
    reason = ETS.too_costly(len(train), targets, season)
    if reason is None:
        baselines.append(ETS(season if season is not None and season > 1 else None))
    else:
        left_out.append(reason)
    return Plain(baselines, left_out)
