"""The commands doing what they are for, on small data."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import unrolled
from unrolled.cli import demo
from unrolled.errors import OutputError

COLUMNS = ["--time", "date", "--target", "y"]
LABELLED = ["--series", "id", "--time", "step", "--hidden", "4", "--epochs", "2"]


def is_png(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 10_000


def test_train_prints_the_summary_the_table_the_verdict_and_where_the_model_is(call, home, small, tmp_path):
    out, picture = tmp_path / "m.unrolled", tmp_path / "m.png"
    done = call("train", "forecast", home / "data.csv", *COLUMNS, *small, "-o", out, "--plot", picture)
    assert done.code == 0
    assert [line.split("/")[0] for line in done.lines] == ["epoch 1"], "progress belongs to standard error"
    for told in (
        "data      240 rows, 1 series, 1 target, 2024-01-01 to 2024-01-10 23:00, step 1 hour",
        "split     168 training, 24 validation (half to stop, half to calibrate), 48 test",
        "model     GRU 4 x 1, segment decoder, history 12, horizon 4",
        "multiply-adds per streamed step",
        "45 windows of 4 rows, 2024-01-09 to 2024-01-10 23:00",
        "\nlast value ",
        "\nridge regression ",
        "\nVerdict  ",
        f"\nmodel    {out}\npicture  {picture}\n",
    ):
        assert told in done.out, told
    assert is_png(picture)


def test_train_as_json(call, home, small, tmp_path):
    out = tmp_path / "m.unrolled"
    done = call("train", "forecast", home / "data.csv", *COLUMNS, *small, "-o", out, "--json", "--leak-test")
    assert (done.code, done.err) == (0, "")
    found = done.json()
    assert found["model"] == str(out) and found["picture"] is None
    assert set(found["summary"]) == {"data", "split", "model", "size", "training"}
    names = [score["name"] for score in found["evaluation"]["scores"]]
    assert names[:2] == ["GRU (segment)", "last value"]
    assert found["evaluation"]["verdict"]["kind"] in ("better", "as good", "worse")
    assert [leak["kind"] for leak in found["leaks"]] == ["windows", "labels"]
    assert not found["leaks"][0]["found"]


def test_a_model_that_cannot_be_saved_is_kept_elsewhere(call, home, small, tmp_path, monkeypatch):
    """As where the disk is full: what took hours is not lost."""
    from unrolled.tasks.forecast import forecaster

    out, write = tmp_path / "m.unrolled", forecaster.write_model

    def full(path, card, tensors):
        if str(path) == str(out):
            raise OutputError(f"{path}: expected space. Free some.")
        write(path, card, tensors)

    monkeypatch.setattr(forecaster, "write_model", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = call("train", "forecast", home / "data.csv", *COLUMNS, *small, "-o", out)
    assert (done.code, done.out) == (1, "")
    told = done.lines[-1].removeprefix(f"unrolled: {out}: expected space. Free some. The model is kept in ")
    kept = Path(told.removesuffix("."))
    assert kept.name == "m.unrolled" and kept.parent.parent == tmp_path and not out.exists()
    assert unrolled.load(kept).horizon == 4


def test_the_leak_test_comes_after_the_model_is_told(call, home, small, tmp_path):
    out = tmp_path / "m.unrolled"
    done = call("train", "forecast", home / "data.csv", *COLUMNS, *small, "-o", out, "--leak-test")
    assert done.code == 0
    assert done.out.index(f"model  {out}") < done.out.index("Leak test\n")
    assert "no forecasts changed" in done.out


def test_every_option_reaches_the_model(call, home, tmp_path):
    out = tmp_path / "m.unrolled"
    options = "--horizon 3 --history 9 --hidden 5 --layers 2 --cell lstm --decoder direct --epochs 1 --seed 7"
    options += " --quantiles 0.2,0.5,0.8 --bptt 16 --batch-size 8 --lr 0.01 --clip 0.5 --dropout 0.2"
    options += " --patience 2 --precision fp32 --device cpu --split 150,40,50 --past other"
    done = call("train", "forecast", home / "data.csv", *COLUMNS, *options.split(), "-o", out, "--json")
    assert done.code == 0, done.err
    model = unrolled.load(out)
    wanted = {
        "horizon": 3, "history": 9, "hidden_size": 5, "layers": 2, "cell": "lstm", "decoder": "direct",
        "epochs": 1, "seed": 7, "quantiles": (0.2, 0.5, 0.8), "bptt": 16, "batch_size": 8,
        "learning_rate": 0.01, "clip": 0.5, "dropout": 0.2, "patience": 2, "device": "cpu",
    }  # fmt: skip
    found = model.get_params()
    assert {name: found[name] for name in wanted} == wanted
    assert model.inputs_.roles.past == ("other",)
    assert done.json()["summary"]["split"].startswith("150 training, 40 validation")


def test_predict_prints_csv_and_json_and_writes_files(call, home, tmp_path):
    model, data = home / "m.unrolled", home / "data.csv"
    printed = call("predict", model, data)
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    assert lines[0] == "date,y,y_q0.1,y_q0.9" and len(lines) == 5
    assert [line.split(",")[0] for line in lines[1:3]] == ["2024-01-11 00:00:00", "2024-01-11 01:00:00"]
    expected = unrolled.load(model).predict(str(data))
    rows = call("predict", model, data, "--json").json()
    assert [row["y"] for row in rows] == pytest.approx(expected["y"].to_list(), abs=1e-5)
    assert rows[0]["date"] == "2024-01-11 00:00:00"
    for name in ("f.csv", "f.parquet"):
        done = call("predict", model, data, "-o", tmp_path / name, "--plot", tmp_path / "f.png")
        assert done.code == 0 and f"4 rows   {tmp_path / name}" in done.out
        assert is_png(tmp_path / "f.png")
    assert (tmp_path / "f.csv").read_text() == printed.out
    assert pl.read_parquet(tmp_path / "f.parquet").equals(expected)


def test_predict_with_known_columns(call, home, tmp_path):
    model, data, future = home / "known.unrolled", home / "data.csv", tmp_path / "future.csv"
    hours = np.datetime64("2024-01-11", "us") + np.arange(4) * np.timedelta64(1, "h")
    answers = []
    for promo in (0.0, 1.0):
        table = pl.DataFrame({"date": hours, "promo": [promo] * 4})
        table.write_csv(future)
        done = call("predict", model, data, "--future", future)
        assert done.code == 0 and len(done.out.splitlines()) == 5
        answers.append(done.out)
    assert answers[0] != answers[1], "the known column is not looked at"
    table[:3].write_csv(future)
    short = call("predict", model, data, "--future", future)
    assert short.code == 1 and "expected a row for 2024-01-11T03:00:00, got none" in short.err


def test_evaluate_says_what_train_said(call, home):
    done = call("evaluate", home / "m.unrolled", home / "data.csv")
    assert done.code == 0 and done.err == ""
    assert done.out.startswith("45 windows of 4 rows, 2024-01-09 to 2024-01-10 23:00\n")
    assert "\nVerdict  " in done.out
    found = call("evaluate", home / "m.unrolled", home / "data.csv", "--json").json()
    assert found["windows"] == 45 and found["level"] == pytest.approx(0.8)


def test_check_prints_what_it_finds(call, home, tmp_path, wave):
    path = tmp_path / "bad.csv"
    wave.with_columns(y=pl.when(pl.int_range(240) < 3).then(-9999.0).otherwise("y")).write_csv(path)
    done = call("check", path, *COLUMNS)
    assert done.code == 0 and "\n0 errors, " in done.out
    assert any(line.startswith("warning  y, row 1: ") and "-9999" in line for line in done.out.splitlines())
    found = call("check", path, *COLUMNS, "--json").json()
    assert ("sentinel", "y", 1) in [(f["kind"], f["column"], f["row"]) for f in found]
    every = call("check", path, "--time", "date", "--target", "all", "--horizon", "4")
    assert every.code == 0 and "promo" not in every.err


def test_check_of_data_that_is_sound(call, tmp_path):
    path = tmp_path / "good.csv"
    pl.DataFrame({"t": np.arange(9), "y": [1.0, 3, 2, 5, 4, 7, 6, 9, 8]}).write_csv(path)
    done = call("check", path, "--time", "t", "--target", "y")
    assert (done.code, done.out) == (0, "Nothing wrong was found.\n")


def test_classify(call, home, tmp_path):
    model, labels, out = tmp_path / "c.unrolled", home / "labels.csv", tmp_path / "p.csv"
    more = ["--target", "label", "--class-weight", "balanced", "-o", model, "--plot", tmp_path / "c.png"]
    done = call("train", "classify", labels, *LABELLED, *more)
    assert done.code == 0, done.err
    assert "accuracy" in done.out and "Verdict" in done.out and is_png(tmp_path / "c.png")
    assert call("predict", model, labels, "-o", out).code == 0
    found = pl.read_csv(out)
    assert found.columns == ["id", "label", "p_down", "p_up"] and len(found) == 40
    assert found["p_down"].to_numpy() + found["p_up"].to_numpy() == pytest.approx(np.ones(40))
    seen = call("evaluate", model, labels)
    assert seen.code == 0 and "that the model was trained or stopped on are left out." in seen.out
    assert call("evaluate", model, labels, "--json").json()["sequences"] == 8


def test_regress(call, home, tmp_path):
    model, labels = tmp_path / "r.unrolled", home / "labels.csv"
    done = call(
        "train", "regress", labels, *LABELLED, "--target", "level", "--past", "x", "-o", model, "--json"
    )
    assert done.code == 0, done.err
    assert "RMSE" in done.json()["evaluation"]["scores"][0]
    assert len(call("predict", model, labels, "--json").json()) == 40
    for more, told in ((["--plot", tmp_path / "r.png"], "--plot:"), (["--future", labels], "--future:")):
        refused = call("predict", model, labels, *more)
        assert refused.code == 2
        assert (
            f"{told} expected the model of a forecast, got a SequenceRegressor. Leave it out." in refused.err
        )


def test_demo(call, tmp_path, monkeypatch):
    whole = demo.load_series()
    assert (len(whole), whole["co2"].null_count(), str(whole["week"][0])) == (2284, 59, "1958-03-29 00:00:00")
    monkeypatch.setattr(demo, "load_series", lambda: whole[-420:])
    monkeypatch.setattr(demo, "HORIZON", 8)
    quick = partial(unrolled.Forecaster, epochs=1, hidden_size=8)
    monkeypatch.setattr(unrolled, "Forecaster", quick)
    folder = tmp_path / "new" / "demo"
    done = call("demo", "-o", folder)
    assert done.code == 0, done.err
    for told in (
        "The data: weekly CO2 in the air at Mauna Loa",
        "Backtest: 3 folds",
        "\nridge regression ",
        "\nVerdict  ",
        f"model     {folder / 'co2.unrolled'}",
        "Try next",
    ):
        assert told in done.out, told
    assert [line for line in done.lines if not line.startswith("epoch ")] == [
        f"Fold {k} of 3" for k in (1, 2, 3)
    ]
    forecast = pl.read_csv(folder / "forecast.csv")
    assert forecast.columns == ["week", "co2", "co2_q0.1", "co2_q0.9"] and len(forecast) == 8
    assert forecast["week"][0] == "2002-01-05" and 360 < forecast["co2"].min() < forecast["co2"].max() < 385
    assert is_png(folder / "forecast.png")
    monkeypatch.undo()
    again = call("predict", folder / "co2.unrolled", folder / "co2.csv")
    assert again.out == (folder / "forecast.csv").read_text()


def test_the_demo_s_folder_cannot_be_made(call, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = call("demo", "-o", tmp_path / "file")
    assert done.code == 1 and "expected a folder that can be made, got file exists." in done.err
    assert (tmp_path / "file").read_text() == "mine"
