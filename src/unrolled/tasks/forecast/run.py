"""Run a forecasting network over data: at many origins, as each decoder does it.

A segment network sees the window before an origin. A direct or recursive network reads every row from the
first of the series on, so that its state at an origin is the state a stream would have there.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from unrolled._native import philox_normal
from unrolled.data import Origins, SeriesSet
from unrolled.errors import DataError, explain
from unrolled.models import DirectNetwork, RecursiveNetwork, SegmentNetwork
from unrolled.models.recurrent import join_states
from unrolled.models.recursive import Start
from unrolled.tasks.forecast.inputs import Batch, ForecastInputs
from unrolled.tasks.forecast.sources import chunk_batch, pick, window_batch
from unrolled.training import to_device

ForecastNetwork = SegmentNetwork | DirectNetwork | RecursiveNetwork
WINDOWS = 256  # windows in one call
CHUNK = 256  # rows of a series in one call
PATHS = 2048  # sample paths that advance together


class ForecastRunner:
    """A network with its inputs, ready to forecast at any origin.

    `paths` and `seed` are the sample paths of a recursive network and their noise: Philox(seed, rows seen so
    far).
    """

    def __init__(self, network: ForecastNetwork, inputs: ForecastInputs, paths: int, seed: int) -> None:
        self.network, self.inputs, self.paths, self.seed = network, inputs, paths, seed

    @torch.no_grad()
    def at(self, data: SeriesSet, origins: Origins) -> np.ndarray:
        """The quantiles at each origin in raw units, float32 (n, horizon, targets, quantiles)."""
        self.network.eval()
        shape = self.network.shape
        out = np.empty((len(origins.rows), shape.horizon, shape.targets, len(shape.quantiles)), np.float32)
        for places, quantiles in self._parts(data, origins):
            out[places] = quantiles.float().cpu().numpy()
        return out

    def _parts(self, data: SeriesSet, origins: Origins) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        network = self.network
        if isinstance(network, SegmentNetwork):
            yield from self._windows(data, origins)
            return
        for series in np.unique(origins.series):
            places = np.flatnonzero(origins.series == series)
            places = places[np.argsort(origins.rows[places], kind="stable")]
            one = (data, int(series), places, origins.rows[places])
            yield from (
                self._sweep(network, *one)
                if isinstance(network, DirectNetwork)
                else self._sample(network, *one)
            )

    def _windows(self, data: SeriesSet, origins: Origins) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        shape = self.network.shape
        for start in range(0, len(origins.rows), WINDOWS):
            places = np.arange(start, min(start + WINDOWS, len(origins.rows)))
            picked = pick(origins, places)
            batch = window_batch(self.inputs, data, picked, shape.history, shape.horizon, answers=False)
            yield places, self.network.forecast(self._on_device(batch))[0]

    def _sweep(
        self, network: DirectNetwork, data: SeriesSet, series: int, places: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """One pass over a series; the answers at every origin inside a chunk come out of one call."""
        state: Any = None
        for start in range(int(data.offsets[series]), int(rows[-1]), CHUNK):
            stop = min(start + CHUNK, int(rows[-1]))
            inside = (start < rows) & (rows <= stop)
            steps = torch.from_numpy(rows[inside] - 1 - start)
            batch = self._chunk(data, series, start, stop)
            quantiles, state = network.forecast_at(batch, steps.to(batch["target"].device), state)
            yield places[inside], quantiles[0]

    def _sample(
        self, network: RecursiveNetwork, data: SeriesSet, series: int, places: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """From origin to origin; the sample paths of several origins advance together."""
        state: Any = None
        first = start = int(data.offsets[series])
        together = max(1, PATHS // self.paths)
        waiting: list[Start] = []
        for count, row in enumerate(rows.tolist(), start=1):
            while row - start > CHUNK:
                *_, state = network.read(self._chunk(data, series, start, start + CHUNK), state)
                start += CHUNK
            waiting.append(network.start(self._chunk(data, series, start, row), state))
            state, start = waiting[-1].state, row
            if len(waiting) == together or count == len(rows):
                done = slice(count - len(waiting), count)
                noise = np.concatenate([self.noise(int(seen)) for seen in rows[done] - first])
                joined = join_states(waiting)
                yield places[done], network.quantiles(joined, torch.from_numpy(noise).to(joined.mean.device))
                waiting = []

    def noise(self, seen: int) -> np.ndarray:
        """The standard normals of the sample paths after `seen` rows, (1, paths, horizon, targets)."""
        shape = self.network.shape
        draws = np.empty((1, self.paths, shape.horizon, shape.targets), np.float32)
        philox_normal(self.seed, seen, draws.reshape(-1))
        return draws

    @torch.no_grad()
    def carried_loss(self, data: SeriesSet, ranges: np.ndarray) -> float:
        """The network's own loss over row ranges, each read with the state of all rows before it."""
        self.network.eval()
        total, count = 0.0, 0
        for series, (first, last) in enumerate(ranges):
            state: Any = None
            start = int(data.offsets[series])
            while start < last:
                # A chunk ends where the range begins, so that the rows before it do not count.
                stop = min(start + CHUNK, int(first if start < first else last))
                loss, state = self.network.loss(self._chunk(data, series, start, stop), state)
                if start >= first:
                    total, count = total + float(loss) * (stop - start), count + stop - start
                start = stop
        return total / max(count, 1)

    def _chunk(self, data: SeriesSet, series: int, start: int, stop: int) -> Batch:
        whole = np.stack([data.offsets[:-1], data.offsets[1:]], axis=1)
        first, last, which = (np.array([number]) for number in (start, stop, series))
        horizon = self.network.shape.horizon
        batch = chunk_batch(self.inputs, data, whole, first, last, which, stop - start, horizon)
        return self._on_device(batch)

    def _on_device(self, batch: Batch) -> Batch:
        return to_device(batch, next(self.network.parameters()).device)


def ends_of(data: SeriesSet, network: ForecastNetwork) -> Origins:
    """The origin `horizon` rows before the end of each series.

    Raises: DataError for a series that is too short for the network.
    """
    shape = network.shape
    found = Origins(data.offsets[1:] - shape.horizon, np.arange(len(data.names)))
    needed = shape.history if isinstance(network, SegmentNetwork) else 1
    have = found.rows - data.offsets[:-1]
    if (have < needed).any():
        number = int((have < needed).argmax())
        where = f"series {data.names[number]!r}" if data.names[number] else "data"
        cure = "Give more rows, or train with a shorter history."
        raise DataError(explain(where, f"at least {needed} rows to look back at", int(have[number]), cure))
    return found
