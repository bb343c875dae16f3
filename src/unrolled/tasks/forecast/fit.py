"""Fit a forecaster: inputs, network, training, calibration, in this order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from unrolled.data import Origins, SeriesSet, Split, origins
from unrolled.metrics import block_bootstrap, fit_offsets
from unrolled.metrics.forecast import mse
from unrolled.models import RecursiveNetwork, build
from unrolled.tasks.forecast.inputs import ForecastInputs
from unrolled.tasks.forecast.run import ForecastNetwork, ForecastRunner
from unrolled.tasks.forecast.settings import ForecastSettings
from unrolled.tasks.forecast.sources import ChunkSource, WindowSource, pick
from unrolled.training import Checkpoint, History, Loss, Reporter, fit, network_loss, seed_everything

VALIDATION_WINDOWS = 2_000  # scored after each epoch, evenly spaced
CALIBRATION_WINDOWS = 5_000
LARGE_GAIN = 0.2
SAMPLED_WINDOWS = 200  # of a recursive network, each of which takes sample paths
EPOCH_WINDOWS = 100_000  # visited in an epoch at most; the next epoch draws others


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind."""

    inputs: ForecastInputs
    network: ForecastNetwork
    history: History
    kept: bool  # whether what was learned was better than the last value on rows that did not choose it


def fit_forecaster(
    settings: ForecastSettings,
    data: SeriesSet,
    split: Split,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    loss: Loss = network_loss,
) -> Fitted:
    """Train on the training part, stop by the first half of the validation part, calibrate by the second."""
    stopping, calibration = halves(split.validation)
    seed_everything(settings.training.seed)
    inputs = ForecastInputs.fit(
        data, split.train, settings.per_series, settings.time_features, settings.window
    )
    network = build_network(settings, inputs)
    runner = ForecastRunner(network, inputs, settings.paths, settings.training.seed)
    source = training_source(settings, inputs, data, split.train)
    judged = origins_in(data, stopping, settings, VALIDATION_WINDOWS)
    untrained = {name: value.clone() for name, value in network.state_dict().items()}
    history = fit(
        network,
        source,
        lambda _: validation_loss(runner, data, judged, stopping),
        settings.training,
        loss=loss,
        checkpoint=as_checkpoint(checkpoint, settings, inputs, data),
        resume=resume,
        reporter=reporter,
    )
    most = SAMPLED_WINDOWS if settings.decoder == "recursive" else CALIBRATION_WINDOWS
    fresh = origins_in(data, calibration, settings, most)
    kept, quantiles = keep_if_better(runner, untrained, data, fresh)
    calibrate(runner, data, fresh, quantiles)
    return Fitted(inputs, network, history, kept)


def keep_if_better(
    runner: ForecastRunner, untrained: dict[str, Tensor], data: SeriesSet, judged: Origins
) -> tuple[bool, np.ndarray]:
    """Go back to the untrained network, which forecasts the last value, unless training helped on fresh rows.

    The best of many epochs on few windows looks better than it is; these rows had no part in the choice.
    Returns: whether what was learned is kept, and the kept network's quantiles at these origins.
    """
    trained = {name: value.clone() for name, value in runner.network.state_dict().items()}
    after = runner.at(data, judged)
    runner.network.load_state_dict(untrained)
    before = runner.at(data, judged)
    learned, untaught = (window_losses(runner, data, judged, quantiles) for quantiles in (after, before))
    if not helped(learned, untaught, judged, runner.network.shape.horizon):
        return False, before
    runner.network.load_state_dict(trained)
    return True, after


def helped(learned: np.ndarray, untrained: np.ndarray, judged: Origins, horizon: int) -> bool:
    """Whether the windows' losses, (n,), fell by more than chance would have it.

    Either by a fifth of what they were, or visibly: by more than 1.645 standard errors of the block
    bootstrap, which one noise in twenty does. (Few and long windows can hide a large gain from a test.)
    """
    known = np.isfinite(untrained)
    gain = untrained[known] - learned[known]
    if gain.mean() > LARGE_GAIN * untrained[known].mean():
        return True
    stride = max(1, int(np.median(np.diff(judged.rows)))) if len(judged) > 1 else 1
    low, high = block_bootstrap(gain, max(1, round(horizon / stride)))
    return bool(gain.mean() > 1.645 * (high - low) / (2 * 1.96))


def build_network(settings: ForecastSettings, inputs: ForecastInputs) -> ForecastNetwork:
    """A network for these inputs, its scalers filled in."""
    shape = inputs.shape(settings.history, settings.horizon, settings.quantiles)
    network: Any = build({"kind": settings.decoder, "shape": shape.card()} | settings.network)
    network.inputs.set_scaling(inputs.scaling())
    return network


def training_source(
    settings: ForecastSettings, inputs: ForecastInputs, data: SeriesSet, train: np.ndarray
) -> WindowSource | ChunkSource:
    """Windows for the segment decoder, whole series in chunks for the others."""
    seed, batch_size = settings.training.seed, settings.batch_size
    if settings.decoder != "segment":
        return ChunkSource(
            inputs,
            data,
            train,
            horizon=settings.horizon,
            bptt=settings.bptt,
            batch_size=batch_size,
            seed=seed,
        )
    return WindowSource(
        inputs,
        data,
        origins_in(data, train, settings),
        history=settings.history,
        horizon=settings.horizon,
        batch_size=batch_size,
        per_epoch=EPOCH_WINDOWS,
        seed=seed,
    )


def origins_in(
    data: SeriesSet, ranges: np.ndarray, settings: ForecastSettings, most: int | None = None
) -> Origins:
    """The origins of a part, at most so many of them, evenly spaced. Raises: DataError if it has none."""
    needed = settings.history if settings.decoder == "segment" else 1
    found = origins(data, ranges, needed, settings.horizon)
    return found if most is None else thinned(found, most)


def thinned(found: Origins, most: int) -> Origins:
    """At most so many origins, evenly spaced."""
    if len(found) <= most:
        return found
    return pick(found, np.linspace(0, len(found) - 1, most).round().astype(np.int64))


def halves(ranges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the second half of each row range."""
    middle = (ranges[:, 0] + ranges[:, 1]) // 2
    return np.stack([ranges[:, 0], middle], 1), np.stack([middle, ranges[:, 1]], 1)


def validation_loss(runner: ForecastRunner, data: SeriesSet, judged: Origins, ranges: np.ndarray) -> float:
    """The point forecast's error; of a recursive network its own likelihood, which needs no sample paths."""
    if isinstance(runner.network, RecursiveNetwork):
        return runner.carried_loss(data, ranges)
    return point_loss(runner, data, judged)


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


def calibrate(runner: ForecastRunner, data: SeriesSet, judged: Origins, quantiles: np.ndarray) -> None:
    """Set the network's conformal offsets from its forecasts of windows it was not trained or stopped on."""
    quantiles, truth = scaled(runner, data, judged, quantiles)
    offsets = runner.network.offsets.values
    offsets.copy_(offsets.new_tensor(fit_offsets(quantiles, truth, runner.network.shape.quantiles)))


def as_checkpoint(
    path: str | Path | None, settings: ForecastSettings, inputs: ForecastInputs, data: SeriesSet
) -> Checkpoint | None:
    """A checkpoint that knows what was trained on what."""
    if path is None:
        return None
    numbers = data.values.view(np.uint32)
    fingerprint = {
        "decoder": settings.decoder,
        "horizon": settings.horizon,
        "history": settings.history,
        "batch_size": settings.batch_size,
        "bptt": settings.bptt,
        "rows": len(numbers),
        "numbers": int(numbers.sum(dtype=np.uint64)),
        "inputs": inputs.card(),
    }
    return Checkpoint(Path(path), fingerprint=fingerprint)
