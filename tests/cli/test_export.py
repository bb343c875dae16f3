"""`unrolled export`: a model for another runtime, tried on held-out rows."""

import json
import subprocess

import pytest


def test_a_forecaster_becomes_c_and_is_tried_on_its_own_last_rows(call, home, tmp_path):
    folder = tmp_path / "pump"
    done = call("export", home / "m.unrolled", "--to", "c", "-o", folder, "--rows", home / "data.csv")
    assert done.code == 0, done.err
    assert "largest difference 0, 0 of the answer (bound 1e-05)" in done.out
    assert "RAM, one state" in done.out and "data.csv" in done.out
    subprocess.run(["gcc", "pump.c", "pump_test.c", "-o", "t", "-lm"], cwd=folder, check=True)
    assert subprocess.run([folder / "t"]).returncode == 0


def test_known_columns_come_from_the_rows(call, home, tmp_path):
    arguments = ["--to", "program", "-o", tmp_path / "out", "--rows", home / "data.csv", "--name", "Hall 3"]
    done = call("export", home / "known.unrolled", *arguments, "--json")
    found = json.loads(done.out)
    assert found["to"] == "program" and found["parity"]["share"] == 0 and found["parity"]["answers"] > 1000
    assert found["files"] == [str(tmp_path / "out" / "hall_3.unrolled")]
    again = call("export", tmp_path / "out" / "hall_3.unrolled", "--to", "program", "-o", tmp_path / "again")
    assert again.code == 0 and "drawn rows" in again.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "rust"], "--to: expected one of c, wasm"),
        (
            ["--to", "c", "--rows", "labels.csv"],
            "column 'y': expected in the rows to try, got none of this name",
        ),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(call, home, tmp_path, arguments, message):
    named = [home / word if word == "labels.csv" else word for word in arguments]
    done = call("export", home / "m.unrolled", *named, "-o", tmp_path / "out")
    assert done.code in (1, 2) and message in done.err and done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_int8_tells_what_it_changed(call, home, tmp_path):
    data = home / "data.csv"
    done = call(
        "export", home / "known.unrolled", "--to", "c", "-o", tmp_path / "small", "--int8", data, "--json"
    )
    assert done.code == 0, done.err
    found = done.json()
    before, after = found["int8"]["weights"]
    assert after < before and abs(found["int8"]["change"]) < 0.05 and found["parity"]["share"] == 0
    assert "int8_t" in (tmp_path / "small" / "small.c").read_text()
    told = call(
        "export", home / "m.unrolled", "--to", "c", "-o", tmp_path / "own", "--int8", data, "--rows", data
    )
    assert told.code == 0 and "pinball loss" in told.out and "answers move by" in told.out


def test_a_task_exports_itself(home, tmp_path):
    import unrolled

    model = unrolled.load(home / "known.unrolled")
    done = model.export(tmp_path / "hall", to="c", rows=home / "data.csv")
    assert done.parity.share == 0 and done.parity.answers > 1000
    drawn = model.export(tmp_path / "drawn", to="program", name="hall")
    assert drawn.files == (tmp_path / "drawn" / "hall.unrolled",) and drawn.parity.answers > 100
