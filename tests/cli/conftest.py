"""Small data, small models, and the command line called in this process."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from unrolled.cli.main import status
from unrolled.tasks.forecast import guard

HOURS = np.datetime64("2024-01-01", "us") + np.arange(240) * np.timedelta64(1, "h")
SMALL = "--horizon 4 --history 12 --hidden 4 --epochs 1 --batch-size 64".split()


@pytest.fixture(scope="session")
def small():
    """Options of a forecast that is trained in a moment."""
    return SMALL


@pytest.fixture(scope="session")
def wave():
    """240 hours of a daily wave with noise, as columns: date, y, other, promo (known in advance)."""
    random = np.random.default_rng(0)
    promo = (np.arange(240) % 7 == 0).astype(float)
    y = 10 + 3 * np.sin(2 * np.pi * np.arange(240) / 24) + promo + random.normal(0, 0.3, 240)
    return pl.DataFrame(
        {"date": HOURS, "y": y.round(3), "other": random.normal(size=240).round(3), "promo": promo}
    )


@pytest.fixture(scope="session")
def labels():
    """Forty sequences of 6 to 12 steps, rising or falling: columns id, step, x, label, level."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(40):
        slope = 1 if number % 2 else -1
        for step in range(6 + number % 7):
            x = slope * step + random.normal(0, 0.1)
            rows.append((f"s{number:02}", step, x, "up" if slope > 0 else "down", float(slope * number)))
    return pl.DataFrame(rows, schema=["id", "step", "x", "label", "level"], orient="row")


@pytest.fixture(scope="session")
def home(tmp_path_factory, wave, labels):
    """A folder with data.csv, labels.csv and a small model; tests must not write into it."""
    folder = tmp_path_factory.mktemp("home")
    wave.write_csv(folder / "data.csv", datetime_format="%Y-%m-%d %H:%M")
    labels.write_csv(folder / "labels.csv")
    data, model = str(folder / "data.csv"), str(folder / "m.unrolled")
    assert status(["train", "forecast", data, "--time", "date", "--target", "y", *SMALL, "-o", model]) == 0
    known = str(folder / "known.unrolled")
    columns = ["--time", "date", "--target", "y", "--known", "promo"]
    with pytest.MonkeyPatch.context() as patch:  # so little training is no gain that tells
        patch.setattr(guard, "helped", lambda gain: True)
        assert status(["train", "forecast", data, *columns, *SMALL, "-o", known]) == 0
    return folder


@pytest.fixture
def call(capsys):
    """Call the command line: its exit code, what it printed, and the lines on standard error."""

    def called(*arguments):
        code = status([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(
            code=code, out=out, err=err, lines=err.splitlines(), json=lambda: json.loads(out)
        )

    return called


@pytest.fixture
def refused(call):
    """Call the command line, expect one line that says what is wrong, and answer the line."""

    def called(code, *arguments):
        done = call(*arguments)
        assert (done.code, done.out) == (code, ""), done
        progress = [line for line in done.lines if not line.startswith("unrolled: ")]
        assert all(line.startswith("epoch ") for line in progress), done.err
        assert len(done.lines) - len(progress) == 1, done.err
        return done.lines[-1].removeprefix("unrolled: ")

    return called
