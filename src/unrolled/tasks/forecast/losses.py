"""The errors of a forecaster at chosen origins, in units of each series' scale."""

import numpy as np

from unrolled.data import Origins, SeriesSet
from unrolled.metrics.forecast import mse
from unrolled.tasks.forecast.run import ForecastRunner


def point_loss(runner: ForecastRunner, data: SeriesSet, judged: Origins) -> float:
    """The squared error of the point forecast in scaled units, by which a forecast will be judged."""
    return float(np.nanmean(window_losses(runner, data, judged, runner.at(data, judged))))


def window_losses(
    runner: ForecastRunner, data: SeriesSet, judged: Origins, quantiles: np.ndarray
) -> np.ndarray:
    """The squared error of the point forecast of each window, scaled, (n,); NaN where no answer is known."""
    base = runner.network.offsets.base
    point, truth = scaled(runner, data, judged, quantiles[..., base : base + 1])
    return mse(truth, point[..., 0], per="origin")


def scaled(
    runner: ForecastRunner, data: SeriesSet, judged: Origins, quantiles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles and truth at some origins in units of each series' scale."""
    series = runner.inputs.scaler_rows(data)[judged.series]
    scaler = runner.inputs.target_scaler
    mean, scale = scaler.mean[series][:, None], scaler.scale[series][:, None]  # (n, 1, targets)
    truth = (answers(data, judged, quantiles.shape[1]) - mean) / scale
    return (quantiles - mean[..., None]) / scale[..., None], truth


def answers(data: SeriesSet, judged: Origins, horizon: int) -> np.ndarray:
    """The true rows from each origin on, float32 (n, horizon, targets)."""
    target = data.values[:, data.numeric("target")]
    found = np.empty((len(judged), horizon, target.shape[1]), np.float32)
    for step in range(horizon):  # an index of all rows at once would be larger than the answers
        found[:, step] = target[judged.rows + step]
    return found
