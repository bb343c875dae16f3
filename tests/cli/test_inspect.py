"""`unrolled inspect` and `--watch` from the shell."""

import csv

import pytest

from unrolled.tasks.forecast import guard


@pytest.fixture(autouse=True)
def keep_what_was_learned(monkeypatch):
    monkeypatch.setattr(guard, "helped", lambda gain: True)


def test_findings_and_a_page(call, home, tmp_path):
    done = call("inspect", home / "m.unrolled", home / "data.csv", "-o", tmp_path / "report.html")
    assert done.code == 0 and done.err == ""
    assert "gradient reach: " in done.out and "Lyapunov" in done.out and "report.html" in done.out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "Inside a Forecaster" in page


def test_json(call, home, tmp_path):
    told = call("inspect", home / "m.unrolled", home / "data.csv", "--json").json()
    assert told["page"] is None and told["window"] == 12 and told["gradient_reach"][0]["norms"][0] >= 0
    assert {finding["topic"] for finding in told["findings"]} >= {"gates", "Jacobian"}


def test_fix(call, home, tmp_path):
    model, page = tmp_path / "better.unrolled", tmp_path / "both.html"
    bad = tmp_path / "bad.unrolled"
    options = "--horizon 4 --history 12 --hidden 4 --epochs 1 --batch-size 64 --lr 0.9 --cell elman".split()
    data = home / "data.csv"
    assert call("train", "forecast", data, "--time", "date", "--target", "y", *options, "-o", bad).code == 0
    before = bad.read_bytes()
    done = call("inspect", bad, data, "--fix", "--fixed", model, "-o", page)
    assert done.code == 0 and "Trained again with" in done.out and model.exists()
    assert "Before and after" in page.read_text(encoding="utf-8") and bad.read_bytes() == before


def test_watch(call, home, tmp_path, small):
    out = tmp_path / "m.unrolled"
    data = home / "data.csv"
    done = call(
        "train", "forecast", data, "--time", "date", "--target", "y", *small, "--watch", "20", "-o", out
    )
    assert done.code == 0 and "watch.csv" in done.out
    with (tmp_path / "m.watch" / "watch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and all(int(row["step"]) % 20 == 0 for row in rows)


def test_wrong_use(refused, home, tmp_path):
    model, data = home / "m.unrolled", home / "data.csv"
    told = refused(2, "inspect", model, data, "--fixed", "x.unrolled")
    assert told == "--fixed: expected --fix beside it, got none. Write --fix, or leave it out."
    told = refused(2, "inspect", model, data, "--lags", "500")
    assert told.startswith("--lags: expected at most ") and "got 500. Give longer rows" in told
    told = refused(2, "inspect", model, data, "-o", model)
    assert "a file of its own" in told
    told = refused(2, "inspect", model, data, "--steps", "1")
    assert told == "--steps: expected a whole number >= 2, got 1. Say how many steps of a sequence to take."
    told = refused(2, "inspect", model, data, "--rows", "1")
    assert told == "--rows: expected a whole number >= 2, got 1. 128 are enough for most."
    told = refused(2, "inspect", model, data, "--fix", "--lags", "500")  # with --fix it holds too
    assert told.startswith("--lags: expected at most ")
    told = refused(2, "inspect", model, data, "--fix", "--split", "abc")
    assert told == "--split: expected numbers with commas between, got 'abc'. For example 0.7,0.1,0.2."
