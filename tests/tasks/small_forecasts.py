"""Small series with every role, and forecasters that train in a fraction of a second."""

import numpy as np
import polars as pl
import torch

from unrolled.data import Roles, read_series
from unrolled.tasks import Forecaster
from unrolled.training import SilentReporter

HOUR = np.timedelta64(3_600_000_000, "us")
SMALL = {"horizon": 3, "history": 8, "hidden_size": 8, "epochs": 1, "paths": 10, "device": "cpu"}
DECODERS = ("segment", "direct", "recursive")
QUIET = SilentReporter()


def hours(count, start="2024-01-01"):
    return np.datetime64(start, "us") + np.arange(count) * HOUR


def wave(count=160, seed=0, start="2024-01-01"):
    """One hourly series `y` with a number `x` that moves it, a word `sky` and stamps `t`."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(count)
    y = 10 + 3 * np.sin(np.arange(count) / 24 * 2 * np.pi) + x + 0.3 * random.standard_normal(count)
    sky = np.array(["clear", "rain", "snow"])[random.integers(0, 3, count)]
    return pl.DataFrame({"t": hours(count, start), "y": y, "x": x, "sky": sky})


def ragged(lengths=(120, 100, 90), seed=0):
    """Series of different lengths, levels and spreads, each with a number and a word of its own."""
    frames = []
    for place, length in enumerate(lengths):
        frame = wave(length, seed + place).with_columns(
            pl.col("y") * (1 + 9 * place) + 100 * place,
            shop=pl.lit(f"s{place}"),
            size=pl.lit(float(place)),
            town=pl.lit("north" if place % 2 else "south"),
        )
        frames.append(frame)
    return pl.concat(frames)


def counted(rows=20, series=1, target="y", **roles):
    """Series whose values are their row numbers: y = row, x = 1000 + row, k = 2000 + row."""
    row = np.arange(rows * series, dtype=float)
    frame = {
        "t": np.tile(hours(rows), series),
        "id": np.repeat([f"s{place}" for place in range(series)], rows),
        "y": row,
        "x": 1000 + row,
        "k": 2000 + row,
        "word": np.where(row % 2 == 0, "even", "odd"),
    }
    return read_series(frame, Roles(target, time="t", series="id" if series > 1 else None, **roles))


def small(**changes):
    return Forecaster(**SMALL | changes)


def fitted(frame, target="y", changes=None, **columns):
    """A small forecaster, fitted without a word on the screen."""
    return small(**changes or {}).fit(frame, target, reporter=QUIET, **columns)


def stirred(model):
    """The model with every weight moved a little, so that none is at the 0 it may have started from."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.network_.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=draw))
    return model


def rows_of(frame):
    """A frame as the rows of a stream: columns by name."""
    return {name: frame[name].to_list() for name in frame.columns}


def weights(forecaster):
    """The bits of every weight and buffer, by name."""
    return {name: value.numpy().tobytes() for name, value in forecaster.network_.state_dict().items()}
