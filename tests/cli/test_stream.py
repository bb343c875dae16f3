"""`unrolled stream`: rows in, answers out, a state that outlives the process."""

import json
import subprocess
import sys

import numpy as np
import pytest

from unrolled.format import new_card, write_model
from unrolled.runtime import Column, Columns, Graph, Input, Interval, Node, Program, Stream
from unrolled.runtime import operations as ops

ROWS = "speed,load\n1.5,2\n\n0.25,\n-1,3\n"
JSON_ROWS = '{"speed": 1.5, "load": 2}\n{"speed": 0.25, "load": null}\n{"load": 3, "speed": -1}\n'


@pytest.fixture
def model(tmp_path):
    """speed, load (may be missing) -> their sum so far, as an Elman cell keeps it."""
    graph = Graph(
        (Input("x", ops.Spec((2,)), missing=True),),
        (
            Node("filled", ops.Mask(channels=False), ("x",)),
            Node("cell", ops.Recurrent("elman", "w", "u", activation="relu"), ("filled",)),
        ),
        {"scores": "cell"},
    )
    weights = {"w": np.ones((1, 2), np.float32), "u": np.ones((1, 1), np.float32)}
    columns = Columns((Column("speed", "x", missing=True), Column("load", "x", missing=True)))
    return save(tmp_path / "m.unrolled", Program(graph, weights, columns=columns))


def save(path, program):
    write_model(path, new_card("model", "classify", {"program": program.to_card()}), dict(program.weights))
    return path


def run(model, rows, *options):
    """Standard output as JSON lines, standard error, exit code."""
    command = [sys.executable, "-m", "unrolled.cli.main", "stream", str(model), *map(str, options)]
    code = f"import sys; sys.argv[1:] = {command[3:]!r}\nfrom unrolled.cli.main import run\nrun()"
    done = subprocess.run([sys.executable, "-c", code], input=rows, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


@pytest.mark.parametrize("rows", [ROWS, JSON_ROWS])
def test_csv_and_json_lines_are_answered(model, rows):
    assert run(model, rows) == ([[3.5], [3.75], [5.75]], "", 0)


def test_a_state_goes_on_in_the_next_process(model, tmp_path):
    state = tmp_path / "m.state"
    assert run(model, "speed,load\n1.5,2\n", "--state", state)[0] == [[3.5]]
    stream = Stream(model)
    stream.step([1.5, 2])
    assert state.read_bytes() == stream.state
    assert run(model, JSON_ROWS.splitlines()[1], "--state", state)[0] == [[3.75]]
    state.write_bytes(state.read_bytes()[:-1])
    answers, error, code = run(model, ROWS, "--state", state)
    assert not answers and code == 2 and "state: expected" in error and error.count("\n") == 1


BAD = [
    ("speed,load\n1,2\n1,fast\n", "line 3: column 'load': expected a number, got 'fast'."),
    ("speed,load\n1,2\n1\n", "line 3: expected 2 values, got 1. Write speed, load."),
    (
        "speed,lod\n1,2\n",
        "line 2: row: column 'lod': expected a column of the model, got another. Did you mean",
    ),
    ('{"speed": 1, "load": 2}\n{"speed": 1\n', "line 2: expected JSON, got"),
    ('{"speed": 1}\n', "line 1: row: column 'load': expected a value, got none."),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_a_bad_row_is_one_line_and_the_answers_before_it_stand(model, rows, message, tmp_path):
    answers, error, code = run(model, rows, "--state", tmp_path / "s")
    assert code in (1, 2) and message in error and error.count("\n") == 1
    assert len(answers) == rows.count("\n") - (1 if rows.startswith("{") else 2)
    if answers:
        stream = Stream(model)
        stream.step([1, 2])
        assert (tmp_path / "s").read_bytes() == stream.state


def test_a_forecast_names_targets_and_levels(tmp_path):
    """Two rows make a window; the answer is the last row, three hours on, at two levels."""
    graph = Graph(
        (Input("target", ops.Spec((1,))),),
        (
            Node("window", ops.Window(2), ("target",)),
            Node("last", ops.Final(), ("window",)),
            Node("each", ops.Repeat((3, 1)), ("last",)),
            Node("column", ops.Reshape((3, 1, 1)), ("each",)),
            Node("both", ops.Repeat((3, 1, 2)), ("column",)),
        ),
        {"quantiles": "both"},
    )
    columns = Columns(
        (Column("OT", "target"),), stamp="date", interval=Interval("microsecond", 1), unread=("date",)
    )
    path = save(tmp_path / "f.unrolled", Program(graph, {}, levels=(0.1, 0.9), columns=columns))
    answers, error, code = run(path, "date,OT\n2024-01-01,1.5\n2024-01-02,0.1\n")
    assert (error, code) == ("", 0)
    assert answers == [None, {"OT": {"0.1": [0.1, 0.1, 0.1], "0.9": [0.1, 0.1, 0.1]}}]
