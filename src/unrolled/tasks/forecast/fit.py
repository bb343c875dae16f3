"""Fit a forecaster: inputs, network, training, calibration, in this order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data import Origins, SeriesSet, Split, origins
from unrolled.metrics import fit_offsets
from unrolled.models import RecursiveNetwork, build
from unrolled.tasks.forecast.guard import keep_if_better
from unrolled.tasks.forecast.inputs import ForecastInputs
from unrolled.tasks.forecast.losses import point_loss, scaled
from unrolled.tasks.forecast.run import ForecastNetwork, ForecastRunner
from unrolled.tasks.forecast.settings import ForecastSettings
from unrolled.tasks.forecast.sources import ChunkSource, WindowSource, pick
from unrolled.training import Checkpoint, History, Loss, Reporter, fit, network_loss, seed_everything

VALIDATION_WINDOWS = 2_000  # scored after each epoch, evenly spaced
CALIBRATION_WINDOWS = 5_000
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
    fresh, chosen = (origins_in(data, part, settings, most) for part in (calibration, stopping))
    kept, quantiles = keep_if_better(runner, untrained, data, fresh, chosen)
    calibrate(runner, data, fresh, quantiles)
    return Fitted(inputs, network, history, kept)


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
