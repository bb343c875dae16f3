"""A whole training of a recursive forecaster, ours against torch's kernels, and the two loss curves.

`python -m benchmarks.kernels.forecaster [--threads 1 2] [--pairs 5] [--epochs 15]`: hourly rows made here, or
those of ETTh1 where UNROLLED_DATA names a folder of real data. Two ratios: of the training alone (from the
split data to the calibrated network), and of `Forecaster.fit`, which also fits and scores the plain baselines
(the same work whichever kernels run).
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch

import unrolled as ur
from benchmarks.kernels.measure import Pairs
from unrolled import kernels
from unrolled.data import Roles, SeriesSet, read_series, split_rows
from unrolled.tasks.forecast import forecaster
from unrolled.training import SilentReporter

ROWS = (8640, 2880, 2880)  # training, validation, test


class Taken(NamedTuple):
    """Seconds of the training and of the whole fit, and the losses of all epochs, (2 * epochs,)."""

    training: float
    whole: float
    losses: np.ndarray


def hourly_rows() -> SeriesSet:
    """One target by the hour: ETTh1's oil temperature, or days and weeks with noise that is carried on."""
    folder = os.environ.get("UNROLLED_DATA")
    if folder and (path := Path(folder) / "forecast" / "ETTh1.csv").exists():
        return read_series(path, Roles(("OT",), time="date"))
    hours = np.arange(sum(ROWS))
    random = np.random.default_rng(0)
    noise = np.convolve(random.standard_normal(len(hours) + 200), 0.95 ** np.arange(200), "valid")[1:]
    values = 10 + 3 * np.sin(hours * np.pi / 12) + 2 * np.sin(hours * np.pi / 84) + noise
    stamps = np.datetime64("2016-07-01", "us") + hours * np.timedelta64(3_600_000_000, "us")
    return read_series({"date": stamps, "OT": values}, Roles(("OT",), time="date"))


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Within: `fit_forecaster`, the training inside of a fit, leaves its seconds in the list."""
    honest = forecaster.fit_forecaster

    def measured(*arguments: Any) -> Any:
        begin = time.perf_counter()
        fitted = honest(*arguments)
        seconds.append(time.perf_counter() - begin)
        return fitted

    with mock.patch.object(forecaster, "fit_forecaster", measured):
        yield


def fit(backend: str, data: SeriesSet, epochs: int) -> Taken:
    """One whole run on a backend."""
    model = ur.Forecaster(
        horizon=24, decoder="recursive", cell="gru", hidden_size=64, epochs=epochs, patience=0
    )
    seconds: list[float] = []
    begin = time.perf_counter()
    with kernels.use(backend), timed(seconds):
        model.fit_series(data, split_rows(data, ROWS), reporter=SilentReporter())
    whole = time.perf_counter() - begin
    curve = [(record.train_loss, record.validation) for record in model.history_.epochs]
    return Taken(seconds[0], whole, np.array(curve).ravel())


def line(threads: int, what: str, pairs: Pairs) -> str:
    """One row of the table."""
    low, middle, high = pairs.quartiles
    peer, ours = np.median(pairs.peer), np.median(pairs.ours)
    return f"{threads:>7} {what:<10} {peer:>8.2f} {ours:>8.2f} {middle:>6.2f} {low:>6.2f} .. {high:.2f}"


def main(arguments: Any = None) -> None:
    """Print seconds with torch's kernels and with ours, their ratio, and how far the losses differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels.forecaster", description=__doc__)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    given = parser.parse_args(arguments)
    data = hourly_rows()
    print(f"{'threads':>7} {'run':<10} {'torch s':>8} {'ours s':>8} {'ratio':>6} {'quartiles':>14}")
    for threads in given.threads:
        torch.set_num_threads(threads)
        fit("native", data, 1)  # to warm up: the first fit imports what it needs
        runs = [
            [fit(backend, data, given.epochs) for backend in ("torch", "native")] for _ in range(given.pairs)
        ]
        for what, part in (("training", 0), ("whole fit", 1)):
            seconds = np.array([[run[part] for run in pair] for pair in runs])
            print(line(threads, what, Pairs(seconds[:, 0], seconds[:, 1])))
        curves = np.array([[run.losses for run in pair] for pair in runs])  # (pairs, 2, 2 * epochs)
        apart = np.abs(curves[:, 1] / curves[:, 0] - 1).max()
        print(
            f"        losses of {curves[0].size // 2} epochs and scores differ by {apart:.1e} of themselves"
        )


if __name__ == "__main__":
    main()
