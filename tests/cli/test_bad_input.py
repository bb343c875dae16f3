"""Every mistake of a user is one line and an exit code, and harms no file."""

import hashlib
import re

import numpy as np
import polars as pl
import pytest

from unrolled.format import new_card, write_model

COLUMNS = ["--time", "date", "--target", "y"]


@pytest.fixture
def train(refused, small, tmp_path):
    """A training of `data` that must be refused; the old file in its place stays as it was."""
    out = tmp_path / "m.unrolled"
    out.write_text("old")

    def called(code, data, *more, columns=COLUMNS, settings=None, task="forecast"):
        if isinstance(data, pl.DataFrame):
            data.write_csv(tmp_path / "in.csv")
            data = tmp_path / "in.csv"
        elif isinstance(data, str):
            (tmp_path / "in.csv").write_text(data)
            data = tmp_path / "in.csv"
        before = sorted(tmp_path.iterdir())
        line = refused(
            code, "train", task, data, *columns, *(small if settings is None else settings), *more, "-o", out
        )
        assert out.read_text() == "old"
        assert sorted(tmp_path.iterdir()) == before, "something was left behind"
        return line

    return called


# Files and columns


@pytest.mark.parametrize("command", ["check", "train", "predict", "evaluate"])
def test_a_file_that_is_missing(refused, home, tmp_path, command):
    path = home / "dat.csv"
    arguments = {
        "check": ["check", path],
        "train": ["train", "forecast", path, "-o", tmp_path / "m.unrolled"],
        "predict": ["predict", home / "m.unrolled", path],
        "evaluate": ["evaluate", home / "m.unrolled", path],
    }[command]
    assert refused(2, *arguments) == f"{path}: expected a file, got no such file. Did you mean 'data.csv'?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "",
            "expected a table with column names, got an empty file or line. The first line",
        ),
        ("date,y\n", "expected at least one row of data, got none. Is it the right source?"),
    ],
)
def test_a_file_without_rows(train, refused, tmp_path, text, told):
    assert told in train(1, text)
    assert told in refused(1, "check", tmp_path / "in.csv")


@pytest.mark.parametrize(
    ("flag", "wrong", "told"),
    [
        ("--target", "Y1", "--target: expected a column of the data, got 'Y1'. Did you mean 'y'?"),
        ("--time", "dates", "--time: expected a column of the data, got 'dates'. Did you mean 'date'?"),
        ("--known", "promos", "--known: expected a column of the data, got 'promos'. Did you mean 'promo'?"),
        (
            "--past",
            "qqq",
            "--past: expected a column of the data, got 'qqq'. The columns are: date, y, other, promo.",
        ),
    ],
)
def test_no_such_column(train, refused, home, flag, wrong, told):
    columns = {"--time": "date", "--target": "y"} | {flag: wrong}
    listed = [word for pair in columns.items() for word in pair]
    assert train(2, home / "data.csv", columns=listed) == told
    assert refused(2, "check", home / "data.csv", *listed) == told


def test_stamps_that_cannot_be_read(train, wave):
    table = wave.with_columns(pl.col("date").dt.to_string("%Y-%m-%d %H:%M:%S"))
    dates = table["date"].to_list()
    dates[99] = "soon"
    line = train(1, table.with_columns(date=pl.Series(dates)))
    assert line.startswith("date, row 100: expected a") and "'soon'" in line


def test_stamps_that_occur_twice(train, call, tmp_path, wave):
    table = wave
    line = train(1, pl.concat([table[:50], table[49:]]))
    assert line == (
        "date, row 51: expected each stamp once, got 2024-01-03 01:00:00 after 2024-01-03 01:00:00 (row 50). "
        "Drop one of the rows, or name the column that tells series apart."
    )
    done = call("check", tmp_path / "in.csv", "--json")
    assert done.code == 1 and ("duplicate", 51) in [(f["kind"], f["row"]) for f in done.json()]


def test_text_in_a_column_of_numbers(train, wave):
    table = wave.with_columns(y=pl.col("y").cast(pl.String))
    values = table["y"].to_list()
    values[7] = "off"
    line = train(1, table.with_columns(y=pl.Series(values)))
    assert line.startswith("y, row 8: expected a number") and "'off'" in line


@pytest.mark.parametrize(
    ("bad", "told"),
    [(None, "promo, row 31: expected a value, got"), (np.inf, "promo, row 31: expected")],
)
def test_a_known_column_that_is_not_known(train, bad, told, wave):
    promo = wave["promo"].to_list()
    promo[30] = bad
    line = train(1, wave.with_columns(promo=pl.Series(promo, dtype=pl.Float64)), "--known", "promo")
    assert line.startswith(told)


@pytest.mark.parametrize("given", [["--horizon", "500"], ["--history", "5000"]])
def test_a_window_longer_than_the_data(train, call, home, given, small):
    settings = [*small, *given]
    line = train(1, home / "data.csv", settings=settings)
    assert re.search(r"expected .*, got .*\d+.*\. \w+", line), line
    checked = call("check", home / "data.csv", *COLUMNS, *given)
    assert checked.code == 1
    assert f"240 rows, fewer than history and horizon need ({given[1]})." in checked.out


# Options


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ["--horizon", "0"],
            "--horizon: expected a whole number >= 1, got 0. Say how many rows to forecast.",
        ),
        (
            ["--cell", "gruu"],
            "--cell: expected one of elman, lstm, gru, gru2014, transformer, feed-forward, got 'gruu'. Did"
            " you mean 'gru'?",
        ),
        (["--decoder", "segments"], "Did you mean 'segment'?"),
        (["--hidden", "0"], "--hidden: expected a whole number >= 1, got 0. 128 is a good start."),
        (["--lr", "-1"], "--lr: expected a number >= 0, got -1.0."),
        (["--dropout", "1"], "--dropout: expected a number >= 0 and < 1, got 1.0. 0 turns it off."),
        (["--precision", "fp16"], "--precision: expected one of fp32, bf16, got 'fp16'."),
        (["--split", "0.9,0.2,0.1"], "For example --split 0.7,0.1,0.2."),
        (["--split", "much"], "--split: expected numbers with commas between, got 'much'. For example"),
        (["--resume"], "--resume: expected a checkpoint to go on from, got no --checkpoint. Name the file:"),
        (
            ["--head", "last"],
            "--head: expected an option of 'unrolled train forecast', got no such option.",
        ),
        (
            ["--epochs", "many"],
            "--epochs: expected a whole number, got 'many'. See: unrolled train forecast --help",
        ),
        (
            ["--horizn", "3"],
            "--horizn: expected an option of 'unrolled train forecast', got no such option. Did you mean '-",
        ),
        (["--learning-rate", "1"], "got no such option. Did you mean '--lr'?"),
        (["--hidden_size", "8"], "got no such option. Did you mean '--hidden'?"),
        (["--lr", "fast"], "--lr: expected a number, got 'fast'."),
        (
            ["--zzz"],
            "--zzz: expected an option of 'unrolled train forecast', got no such option. See: unrolled ",
        ),
    ],
)
def test_an_option_that_cannot_be_used(train, home, given, told):
    line = train(2, home / "data.csv", *given)
    assert told in line


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("forcast", "No such command 'forcast'. Did you mean 'forecast'? See: unrolled train --help"),
        ("x", "No such command 'x'. See: unrolled train --help"),
    ],
)
def test_an_unknown_task(train, home, task, told):
    assert train(2, home / "data.csv", task=task) == told


@pytest.mark.parametrize(("task", "flag"), [("classify", "--leak-test"), ("regress", "--horizon")])
def test_an_option_of_another_task(train, home, task, flag):
    columns = ["--series", "id", "--target", "label"]
    line = train(2, home / "labels.csv", flag, columns=columns, settings=[], task=task)
    assert line.startswith(f"{flag}: expected an option of 'unrolled train {task}', got no such option.")


def test_an_unknown_command(refused):
    line = refused(2, "trian")
    assert line == "No such command 'trian'. Did you mean 'train'? See: unrolled --help"


def test_an_argument_that_is_missing(refused):
    assert refused(2, "train", "forecast").startswith(
        "Missing argument 'DATA'. See: unrolled train forecast --help"
    )


# Outputs


@pytest.mark.parametrize("flag", ["-o", "--plot", "--checkpoint"])
def test_a_folder_that_does_not_exist_is_said_before_training(refused, home, tmp_path, flag, small):
    outputs = {"-o": tmp_path / "m.unrolled"} | {flag: tmp_path / "none" / "a.png"}
    more = [word for pair in outputs.items() for word in pair]
    done = refused(1, "train", "forecast", home / "data.csv", *COLUMNS, *small, *more)
    assert f"expected a folder that exists, got '{tmp_path / 'none'}'. Make it first: mkdir -p" in done
    assert list(tmp_path.iterdir()) == []


def test_predictions_go_to_a_folder_that_exists(refused, home, tmp_path):
    line = refused(1, "predict", home / "m.unrolled", home / "data.csv", "-o", tmp_path / "none" / "f.csv")
    assert "Make it first: mkdir -p" in line


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["-o", "f.txt"], "expected a file ending in .csv or .parquet, got '.txt'"),
        (["--plot", "f.jpg"], "--plot: expected a file ending in .png, got 'f.jpg'. Name it so."),
    ],
)
def test_an_output_of_an_unknown_kind(refused, home, given, told):
    assert told in refused(2, "predict", home / "m.unrolled", home / "data.csv", *given)


def test_an_output_never_replaces_an_input_or_another_output(refused, home, tmp_path, wave, small):
    data = tmp_path / "data.csv"
    wave.write_csv(data)
    before = data.read_bytes()
    line = refused(2, "train", "forecast", data, *COLUMNS, *small, "-o", data)
    assert line == f"-o: expected a file of its own, got '{data}', which is read. Choose another name."
    assert "--checkpoint: expected a file of its own" in refused(
        2, "train", "forecast", data, *COLUMNS, *small, "-o", tmp_path / "m", "--checkpoint", tmp_path / "m"
    )
    assert "-o: expected a file of its own" in refused(2, "predict", home / "m.unrolled", data, "-o", data)
    assert data.read_bytes() == before


# Model files


def test_a_model_file_that_is_missing(refused, home):
    line = refused(1, "predict", home / "mm.unrolled", home / "data.csv")
    assert f"{home / 'mm.unrolled'}" in line and "no such file" in line


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "change", [damaged, lambda data: data[:-9], lambda data: b"", lambda data: b"PK" * 999]
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_model_file_that_is_damaged_or_foreign(refused, home, tmp_path, command, change):
    path = tmp_path / "m.unrolled"
    path.write_bytes(change((home / "m.unrolled").read_bytes()))
    line = refused(1, command, path, home / "data.csv")
    assert str(path) in line and re.search(r"expected .*, got .*\. \w+", line), line


def test_a_model_file_that_needs_a_newer_version(refused, home, tmp_path):
    path = tmp_path / "m.unrolled"
    write_model(path, new_card("model", "forecast", {}) | {"format": 1}, {"w": np.zeros(1, np.float32)})
    old = path.read_bytes()
    new = old.replace(b'\\"format\\":1', b'\\"format\\":2')
    digest = re.search(rb'"sha256":"(\w{64})"', new)[1]
    zeroed = new.replace(digest, b"0" * 64)
    path.write_bytes(new.replace(digest, hashlib.sha256(zeroed).hexdigest().encode()))
    line = refused(1, "predict", path, home / "data.csv")
    assert "It needs a newer unrolled: pip install -U unrolled" in line


def test_a_checkpoint_is_no_model(refused, call, home, tmp_path, small):
    path = tmp_path / "run.checkpoint"
    out = tmp_path / "m.unrolled"
    more = ["--checkpoint", path, "-o", out]
    assert call("train", "forecast", home / "data.csv", *COLUMNS, *small, *more).code == 0
    line = refused(1, "predict", path, home / "data.csv")
    assert str(path) in line and "checkpoint" in line


# Predicting


def test_a_column_is_missing_when_predicting(refused, home, tmp_path, wave):
    path = tmp_path / "data.csv"
    wave.rename({"y": "why"}).write_csv(path)
    for command in ("predict", "evaluate"):
        line = refused(2, command, home / "m.unrolled", path)
        assert (
            line == "--target: expected a column of the data, got 'y'. Did you mean 'why'?" or "'y'" in line
        )


def test_known_columns_are_asked_for(refused, home):
    line = refused(2, "predict", home / "known.unrolled", home / "data.csv")
    assert line == "--future: expected the next 4 rows of promo, got none. Pass --future with them."


def test_too_few_rows_to_look_back_at(refused, home, tmp_path, wave):
    path = tmp_path / "data.csv"
    wave[:5].write_csv(path)
    assert "expected at least 12 rows to look back at, got 5" in refused(
        1, "predict", home / "m.unrolled", path
    )


def test_rows_that_the_model_has_seen_are_not_scored(refused, home, tmp_path, wave):
    path = tmp_path / "data.csv"
    wave[:100].write_csv(path)
    line = refused(1, "evaluate", home / "m.unrolled", path)
    assert "which the model has not seen, got only earlier rows" in line


def test_a_label_that_is_missing(train, labels):
    words = labels["label"].to_list()
    words[3] = None
    columns = ["--series", "id", "--time", "step", "--target", "label"]
    line = train(
        1, labels.with_columns(label=pl.Series(words)), columns=columns, settings=[], task="classify"
    )
    assert line == "label, row 4: expected a label, got None. Fill it in, or drop the row."


def test_a_file_that_may_not_be_read(refused, home, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied", "data.csv")

    monkeypatch.setattr("unrolled.data.read.read_text_file", forbidden)
    assert refused(1, "check", home / "data.csv") == "data.csv: permission denied"
