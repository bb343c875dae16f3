"""`unrolled compare`: the table, the page, JSON, and what is refused in one line."""

import pytest

from unrolled.tasks.forecast import guard

QUICK = "--seeds 1 --seconds 0.2 --architectures gru,feed-forward".split()


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    monkeypatch.setattr(guard, "helped", lambda gain: True)


def test_a_forecast(call, home, tmp_path):
    page = tmp_path / "c.html"
    columns = [
        "--time",
        "date",
        "--target",
        "y",
        "--horizon",
        4,
        "--history",
        12,
        "--hidden",
        4,
        "--epochs",
        1,
    ]
    done = call("compare", "forecast", home / "data.csv", *columns, *QUICK, "-o", page)
    assert done.code == 0 and page.read_text().startswith("<!doctype html>")
    assert any(line.startswith("GRU ") for line in done.out.splitlines())
    assert any(line.startswith("Feed-forward ") for line in done.out.splitlines())
    assert "Verdict  " in done.out and str(page) in done.out
    assert done.lines[0].startswith("GRU, seed 1 of 1: MSE ")


def test_classes_as_json(call, home):
    columns = [
        "--series",
        "id",
        "--time",
        "step",
        "--target",
        "label",
        "--past",
        "x",
        "--hidden",
        4,
        "--epochs",
        1,
    ]
    done = call("compare", "classify", home / "labels.csv", *columns, *QUICK, "--json")
    assert done.code == 0 and done.lines == []
    found = done.json()
    assert found["metrics"] == ["log loss", "accuracy"] and found["page"] is None
    gru, dense = found["entries"]
    assert gru["variable_length"] is True and len(gru["metrics"]["accuracy"]) == 1
    assert dense["refused"].startswith("X: expected sequences of one length, got 6 to 12 steps")


def test_classic_problems(call, tmp_path):
    page = tmp_path / "s.html"
    options = (
        "--synthetic --probes recall --lags 4,6 --steps 10 --parameters 300 --architectures elman".split()
    )
    done = call("compare", *options, "-o", page)
    assert done.code == 0 and page.exists()
    assert "Delayed recall: solved by" in done.out and "lag" in done.out
    assert done.lines[0].startswith("recall, lag 4, Elman: accuracy ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            [],
            "TASK: expected forecast, classify or regress, or --synthetic, got nothing. For example:",
        ),
        (["forecast"], "DATA: expected a file, got nothing. For example: unrolled compare forecast"),
        (
            ["forecas", "d.csv"],
            "TASK: expected one of forecast, classify, regress, got 'forecas'. Did you mean",
        ),
        (
            ["forecast", "d.csv", "--lags", "9"],
            "--lags: expected an option with --synthetic alone, got it here.",
        ),
        (
            ["forecast", "d.csv", "--head", "last"],
            "--head: expected an option of forecast, got it here. Leave",
        ),
        (["classify", "d.csv", "--horizon", "3"], "--horizon: expected an option of classify, got it here."),
        (
            ["--synthetic", "--horizon", "3"],
            "--horizon: expected an option for data, got it here. Leave it out.",
        ),
        (
            ["--synthetic", "forecast"],
            "TASK: expected nothing with --synthetic, got 'forecast'. Leave it out.",
        ),
        (["--synthetic", "--lags", "2"], "--lags: expected a whole number >= 4, got 2."),
        (["--synthetic", "--lags", "a"], "--lags: expected numbers with commas between, got 'a'."),
        (["--synthetic", "--probes", "add"], "--probes: expected one of adding, copying, recall"),
    ],
)
def test_wrong_use_is_one_line(refused, arguments, told):
    assert told in refused(2, "compare", *arguments)


def test_wrong_data_is_one_line(refused, home):
    line = refused(2, "compare", "forecast", home / "data.csv", "--target", "yy", "--time", "date")
    assert "--target: expected a column of the data, got 'yy'." in line
    line = refused(2, "compare", "forecast", home / "data.csv", "--target", "y", "--architectures", "gru,tcn")
    assert (
        "--architectures: expected one of elman, lstm, gru, gru2014, transformer, feed-forward, got 'tcn'"
        in line
    )
