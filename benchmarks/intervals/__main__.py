"""`python -m benchmarks.intervals [--data FOLDER]`: coverage and interval score, calibrated and not."""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unrolled import Forecaster
from unrolled.data import Split, read_frame, read_series, split_rows
from unrolled.tasks.forecast.frames import roles_of
from unrolled.tasks.forecast.scoring import evaluate
from unrolled.training import SilentReporter

ROWS, HORIZON = 12_000, 24


def exchangeable(seed: int) -> np.ndarray:
    """A daily cycle with noise that is wider at noon: the law of a window does not change in time."""
    hours = np.arange(ROWS) % 24
    noise = np.random.default_rng(seed).normal(size=ROWS)
    return np.sin(2 * np.pi * hours / 24) + (0.3 + 0.2 * np.cos(2 * np.pi * hours / 24)) * noise


def compare(name: str, frame: Any, columns: dict[str, Any], split: Any, seed: int) -> None:
    """Fit, then score with and without the conformal offsets."""
    opened = read_frame(frame)
    data = read_series(opened, roles_of(opened, columns.get("target"), columns.get("time"), None))
    parts: Split = split_rows(data, split)
    forecaster = Forecaster(HORIZON, seed=seed).fit_series(data, parts, reporter=SilentReporter())
    calibrated = forecaster.evaluation_.model
    with torch.no_grad():
        forecaster.network_.offsets.values.zero_()
    plain = evaluate(forecaster.runner(), data, parts, only=("last value",)).model
    print(f"{name}, seed {seed}")
    for what, score in (("calibrated", calibrated), ("uncalibrated", plain)):
        print(f"  {what:<12} {score.coverage:.1%} covered, interval score {score.interval_score:.4f}")
    if len(calibrated.coverage_by_target) > 1:
        print(
            "  "
            + ", ".join(f"{target} {share:.1%}" for target, share in calibrated.coverage_by_target.items())
        )


def main() -> None:
    """The simulated series, then ETTh1 where the data folder is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=__doc__)
    parser.add_argument("--data", default=os.environ.get("UNROLLED_DATA", ""), help="or UNROLLED_DATA")
    folder = parser.parse_args().data
    for seed in range(3):
        compare("exchangeable", {"y": exchangeable(seed)}, {}, (0.5, 0.25, 0.25), seed)
    if folder:
        path = Path(folder) / "forecast" / "ETTh1.csv"
        compare("ETTh1", path, {"target": "all", "time": "date"}, (8640, 2880, 2880), 0)


if __name__ == "__main__":
    main()
