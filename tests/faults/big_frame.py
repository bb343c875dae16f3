"""Train on a big frame of a thousand ragged series and say how much memory that takes beyond the imports.

    python tests/faults/big_frame.py --megabytes 300 --series 1000

The frame is polars: a stamp, a series name, a target, covariates in three roles. What counts is the growth
of the peak resident memory from after the imports, with the frame not yet made, to after the training: twice
the frame and 300 MB are the most. Linux only.
"""

import argparse
import json
import resource
import subprocess
import sys
from typing import Any

MEGABYTE = 10**6
ROW_BYTES = 56  # a stamp, five numbers, a short name


def frame_of(megabytes: int, series: int) -> Any:
    """Series of 0.2 to 1.8 times the mean length, the rows of each in one piece."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    shares = random.uniform(0.2, 1.8, series)
    lengths = (shares / shares.sum() * megabytes * MEGABYTE / ROW_BYTES).astype(np.int64)
    rows = int(lengths.sum())
    place = np.arange(rows) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    names = pl.Series([f"s{number:04d}" for number in range(series)])
    return pl.DataFrame(
        {
            "t": np.datetime64("2020-01-01", "us") + place * np.timedelta64(60_000_000, "us"),
            "id": names.gather(np.repeat(np.arange(series, dtype=np.uint32), lengths)),
            "y": np.sin(place / 60) + 0.1 * random.standard_normal(rows),
            "x": random.standard_normal(rows),
            "w": random.standard_normal(rows),
            "k": random.standard_normal(rows),
            "size": np.repeat(shares, lengths),
        }
    )


def peak() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def measure(megabytes: int, series: int) -> dict[str, float]:
    """Import, make the frame, train, in this process."""
    import polars  # noqa: F401
    import statsmodels.tsa.exponential_smoothing.ets  # noqa: F401  (a baseline's, imported where it is fitted)
    import torch

    from unrolled.tasks import Forecaster
    from unrolled.training import SilentReporter

    torch.set_num_threads(1)
    after_import = peak()
    frame = frame_of(megabytes, series)
    size = frame.estimated_size() / MEGABYTE
    made = peak()
    model = Forecaster(horizon=12, history=48, hidden_size=16, epochs=1, device="cpu")
    model.fit(
        frame,
        "y",
        time="t",
        series="id",
        past="x,w",
        known="k",
        static="size",
        reporter=SilentReporter(),
    )
    return {
        "rows": len(frame),
        "frame": size,
        "after_import": after_import,
        "making": made - after_import,
        "growth": peak() - after_import,
        "allowed": 2 * size + 300,
    }


def in_fresh_process(megabytes: int, series: int) -> dict[str, float]:
    """The same in a process of its own, whose peak holds nothing older."""
    command = [sys.executable, __file__, "--megabytes", str(megabytes), "--series", str(series), "--here"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> int:
    """Print the figures; 1 where the growth is too large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=300, help="size of the frame")
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.megabytes, given.series)))
        return 0
    found = in_fresh_process(given.megabytes, given.series)
    print(
        f"frame {found['frame']:.0f} MB, {found['rows']:,} rows in {given.series} series; peak after import"
        f" {found['after_import']:.0f} MB, growth {found['growth']:.0f} MB (making the frame alone"
        f" {found['making']:.0f} MB), allowed {found['allowed']:.0f} MB"
    )
    return int(found["growth"] > found["allowed"])


if __name__ == "__main__":
    sys.exit(main())
