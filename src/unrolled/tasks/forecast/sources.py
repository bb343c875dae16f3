"""Where training batches of a forecaster come from: windows, or whole series in chunks.

Both are pure functions of (seed, epoch, index): a run that was killed and resumed sees the same batches.
"""

from functools import lru_cache

import numpy as np
import torch

from unrolled.data import Origins, SeriesSet, shuffled
from unrolled.tasks.forecast.inputs import Batch, ForecastInputs, take

STEPS = 60  # batches in an epoch at least


def pick(origins: Origins, places: np.ndarray) -> Origins:
    """Some of the origins."""
    return Origins(origins.rows[places], origins.series[places])


def window_batch(
    inputs: ForecastInputs,
    data: SeriesSet,
    origins: Origins,
    history: int,
    horizon: int,
    answers: bool = True,
) -> Batch:
    """The windows before the given origins, and the answers behind them.

    Shapes: as docs/house.md lists them for a batch; `future` (batch, horizon, targets) if `answers`.
    """
    rows = origins.rows[:, None] + np.arange(-history, horizon)
    batch = inputs.batch(data, rows[:, :history], rows, origins.series)
    if answers:
        batch["future"] = take(data.values[:, data.numeric("target")], rows[:, history:])
    return batch


class WindowSource:
    """Windows of the training part in an order drawn anew for each pass over them.

    `per_epoch` bounds how many windows an epoch visits; the next epoch draws others. Where there are few, an
    epoch makes several passes, so that it has at least `STEPS` batches.
    """

    def __init__(
        self,
        inputs: ForecastInputs,
        data: SeriesSet,
        origins: Origins,
        *,
        history: int,
        horizon: int,
        batch_size: int,
        per_epoch: int,
        seed: int,
    ) -> None:
        self._inputs, self._data, self._origins = inputs, data, origins
        self._history, self._horizon, self._batch_size = history, horizon, batch_size
        self._count = min(per_epoch, len(origins.rows))
        count = self._count  # not self: the cache would keep the source, and all its origins, alive
        self._order = lru_cache(maxsize=1)(
            lambda epoch: shuffled(len(origins.rows), seed, epoch)[:count].copy()
        )

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self._pass_steps * passes(self._pass_steps)

    @property
    def _pass_steps(self) -> int:
        return -(-self._count // self._batch_size)

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch."""
        again, place = divmod(index, self._pass_steps)
        order = self._order(epoch * passes(self._pass_steps) + again)
        picks = order[place * self._batch_size : (place + 1) * self._batch_size]
        return window_batch(
            self._inputs, self._data, pick(self._origins, picks), self._history, self._horizon
        )


class ChunkSource:
    """Whole series in chunks of `bptt` rows, side by side, for truncated BPTT with carried state.

    Long series are cut in strips so that a batch has rows to work on; a strip starts with a fresh state.
    Strips are laid end to end in at most `batch_size` lanes of nearly equal length; each epoch orders the
    strips of a lane anew.
    """

    def __init__(
        self,
        inputs: ForecastInputs,
        data: SeriesSet,
        ranges: np.ndarray,
        *,
        horizon: int,
        bptt: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._inputs, self._data, self._ranges = inputs, data, ranges
        self._horizon, self._bptt, self._seed = horizon, bptt, seed
        strips = cut_strips(ranges, bptt, batch_size)
        self._lanes = fill_lanes(strips, -(-(strips[:, 1] - strips[:, 0]) // bptt), batch_size)
        self._plan = lru_cache(maxsize=1)(self._chunks_of)
        self._steps = max(len(lane) for lane in self._plan(0))

    @property
    def steps(self) -> int:
        """Batches in an epoch: of one pass over the strips, or of several where they are few."""
        return self._steps * passes(self._steps)

    def batch(self, epoch: int, index: int) -> Batch:
        """The chunks at a place of an epoch, one of each lane; a lane that has ended has length 0."""
        again, place = divmod(index, self._steps)
        lanes = self._plan(epoch * passes(self._steps) + again)
        chunks = [lane[place] if place < len(lane) else (0, 0, 0, True) for lane in lanes]
        start, stop, series, fresh = (np.array(column) for column in zip(*chunks, strict=True))
        return chunk_batch(
            self._inputs, self._data, self._ranges, start, stop, series, self._bptt, self._horizon
        ) | {"fresh": torch.from_numpy(fresh)}

    def _chunks_of(self, number: int) -> list[list[tuple[int, int, int, bool]]]:
        lanes = []
        for which, lane in enumerate(self._lanes):
            order = shuffled(len(lane), self._seed * 1_000_003 + which, number)
            lanes.append([chunk for place in order for chunk in cut_chunks(lane[place], self._bptt)])
        return lanes


def passes(steps: int) -> int:
    """How many passes over the data make an epoch, so that it is worth a look at the validation part."""
    return max(1, STEPS // steps)


def cut_strips(ranges: np.ndarray, bptt: int, batch_size: int) -> np.ndarray:
    """Cut each series' range in strips: (strips, 3) of first row, row after the last, series.

    A strip has at least four chunks where the series allows it, so that most steps see a carried state.
    """
    total = int((ranges[:, 1] - ranges[:, 0]).sum())
    length = max(4 * bptt, -(-total // batch_size // bptt) * bptt)
    strips = [
        (start, min(start + length, last), series)
        for series, (first, last) in enumerate(ranges)
        for start in range(first, last, length)
    ]
    return np.array([strip for strip in strips if strip[1] - strip[0] > 1], np.int64).reshape(-1, 3)


def fill_lanes(strips: np.ndarray, chunks: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Deal the strips to lanes, the longest first, each to the lane that has the fewest chunks so far."""
    lanes: list[list[int]] = [[] for _ in range(min(batch_size, len(strips)))]
    loads = np.zeros(len(lanes), np.int64)
    for strip in np.argsort(-chunks, kind="stable"):
        lane = int(loads.argmin())
        lanes[lane].append(int(strip))
        loads[lane] += chunks[strip]
    return [strips[lane] for lane in lanes]


def cut_chunks(strip: np.ndarray, bptt: int) -> list[tuple[int, int, int, bool]]:
    """The chunks of a strip: (first row, row after the last, series, whether the state starts anew)."""
    first, last, series = (int(number) for number in strip)
    return [(start, min(start + bptt, last), series, start == first) for start in range(first, last, bptt)]


def chunk_batch(
    inputs: ForecastInputs,
    data: SeriesSet,
    ranges: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    series: np.ndarray,
    time: int,
    horizon: int,
) -> Batch:
    """Rows start .. stop of some series, padded to `time`, and the rows that follow each of them.

    Shapes: ranges (series, 2), outside of which a row is no answer; start, stop, series (batch,). The batch
    holds `target (batch, time, targets)`, `lengths (batch,)` and `after (batch, horizon, targets)`, NaN
    outside the range.
    """
    rows = start[:, None] + np.arange(time)
    ahead = stop[:, None] + np.arange(horizon)
    known_rows = start[:, None] + np.arange(time + horizon)
    ahead[ahead >= ranges[series, 1][:, None]] = -1
    known_rows[known_rows >= data.offsets[series + 1][:, None]] = -1
    rows[rows >= stop[:, None]] = -1
    batch = inputs.batch(data, rows, known_rows, series)
    batch["after"] = take(data.values[:, data.numeric("target")], ahead)
    batch["lengths"] = torch.from_numpy(stop - start)
    return batch
