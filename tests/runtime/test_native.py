"""The native stream beside the interpreter: one state for both, the same bits on every target."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unrolled import _native
from unrolled.errors import ArgumentError
from unrolled.format import new_card, write_model
from unrolled.runtime import Graph, Input, Node, Program, Stream
from unrolled.runtime import operations as ops

GATES = {"elman": 1, "gru": 3, "lstm": 4}
CELLS = {
    "elman": {"cell": "elman"},
    "relu": {"cell": "elman", "activation": "relu"},
    "lstm": {"cell": "lstm", "keep_h": 0.1, "keep_c": 0.2},
    "gru": {"cell": "gru"},
    "gru2014": {"cell": "gru", "reset_after": False},
}
NAMES = {"weight_ih": "w", "weight_hh": "u", "bias_ih": "bi", "bias_hh": "bh"}


def rows_of(count: int, columns: int = 5) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, columns)).astype(np.float32)


def cell_program(name: str, hidden: int, kind: str, steps: int = 1) -> Program:
    """x (steps * 5,) -> a cell over rows, or over the steps of each row -> its full state."""
    rng, rows = np.random.default_rng(hidden), GATES[CELLS[name]["cell"]] * hidden
    weights = {
        "w": rng.normal(0, 0.4, (rows, 5)).astype(np.float32),
        "u": rng.normal(0, hidden**-0.5, (rows, hidden)).astype(np.float32),
    }
    for vector in ("bi", "bh", "gi", "gh"):
        weights[vector] = rng.normal(0, 0.3, rows).astype(np.float32)
    options = CELLS[name] | NAMES | {"emit": "state"}
    operation: type = ops.Recurrent
    if kind == "normalised":
        options |= {"gain_ih": "gi", "gain_hh": "gh"}
    if kind.startswith("int8"):
        for matrix in ("w", "u"):
            scale = np.abs(weights[matrix]).max(1) / np.float32(127)
            weights[f"s{matrix}"] = scale
            weights[matrix] = np.rint(weights[matrix] / scale[:, None]).astype(np.int8)
        wide = {"int8": None, "int8 x": 3.0}[kind]
        options |= {"scale_ih": "sw", "scale_hh": "su", "x_range": wide, "h_range": 1.0}
        operation = ops.RecurrentInt8 if steps == 1 else ops.ScanInt8
    elif steps > 1:
        operation = ops.Scan
    shape = (5,) if steps == 1 else (2, steps, 5)
    nodes = (Node("shape", ops.Reshape(shape), ("x",)), Node("cell", operation(**options), ("shape",)))
    size = int(np.prod(shape))
    flat = Node("out", ops.Reshape((cell_size(name, hidden) * size // 5,)), ("cell",))
    graph = Graph((Input("x", ops.Spec((size,))),), (*nodes, flat), {"scores": "out"})
    return Program(graph, weights)


def cell_size(name: str, hidden: int) -> int:
    return hidden * (2 if name == "lstm" else 1)


@pytest.mark.parametrize("kind", ["float32", "normalised", "int8", "int8 x"])
@pytest.mark.parametrize("hidden", [1, 7, 16, 37, 64, 83])
@pytest.mark.parametrize("name", CELLS)
def test_every_cell_of_every_size_is_the_interpreters(name, hidden, kind):
    """One step is compared at a time: later, int8 may round a last bit to another whole number."""
    program = cell_program(name, hidden, kind)
    native, reference = Stream(program, runtime="native"), Stream(program, runtime="numpy")
    for row in rows_of(4):
        reference.restore(native.state)
        np.testing.assert_allclose(native.step(row), reference.step(row), atol=4e-6)


@pytest.mark.parametrize("kind", ["float32", "normalised", "int8 x"])
@pytest.mark.parametrize("name", CELLS)
def test_a_scan_is_the_interpreters(name, kind):
    program = cell_program(name, 19, kind, steps=3)
    rows = rows_of(2, 30)
    native = Stream(program, runtime="native").run(rows)
    # half a step of int8 at the second and third step
    bound = 2e-5 if kind != "int8 x" else 0.03
    np.testing.assert_allclose(native, Stream(program, runtime="numpy").run(rows), atol=bound)


@pytest.fixture
def any_target():
    """Gives the CPU target back that ran before."""
    before = _native.recurrent_target()
    yield
    _native.choose_target(before)


@pytest.mark.parametrize("kind", ["float32", "int8", "int8 x"])
@pytest.mark.parametrize("name", CELLS)
def test_targets_with_fused_multiply_adds_give_the_same_bits(name, kind, any_target):
    answers = {}
    for target in _native.cpu_targets():
        assert _native.choose_target(target)
        answers[target] = Stream(cell_program(name, 37, kind)).run(rows_of(20))
    fused = [answer for target, answer in answers.items() if target != "baseline"]
    for answer in fused[1:]:
        np.testing.assert_array_equal(answer, fused[0])
    bound = 1e-5 if kind == "float32" else 0.05
    for answer in fused:
        np.testing.assert_allclose(answer, answers["baseline"], atol=bound)


def test_the_runtime_is_chosen_and_obeyed(gru_program, monkeypatch):
    assert Stream(gru_program).runtime == "native"
    assert Stream(gru_program, runtime="numpy").runtime == "numpy"
    monkeypatch.setenv("UNROLLED_RUNTIME", "numpy")
    assert Stream(gru_program).runtime == "numpy"
    assert Stream(gru_program, runtime="native").runtime == "native"
    with pytest.raises(ArgumentError, match=r"runtime: expected one of auto, native, numpy, got 'nativ'"):
        Stream(gru_program, runtime="nativ")


@pytest.mark.parametrize("pair", [("native", "numpy"), ("numpy", "native")])
def test_a_state_goes_on_in_the_other_runtime(forecaster, pair):
    rows = {"load": [1.0, None, 4.0, 2.0], "weather": ["sun", "rain", None, "sun"]}
    rows["time"] = [f"2024-05-01T{hour}:00" for hour in range(10, 14)]
    one, other = (Stream(forecaster, series="north", runtime=runtime) for runtime in pair)
    last = {name: values[3] for name, values in rows.items()}
    for place in range(3):
        row = {name: values[place] for name, values in rows.items()}
        one.step(row, {"weather": ["sun", "rain"]})
    other.restore(one.state)
    assert other.state == one.state and other.rows == 3
    future = {"weather": ["rain", None]}
    np.testing.assert_allclose(other.step(last, future), one.step(last, future), rtol=1e-6)


GO_ON = """
import sys
import numpy as np
from pathlib import Path
from unrolled.runtime import Stream
folder = Path(sys.argv[1])
stream = Stream(folder / "m.unrolled")
stream.restore((folder / "state").read_bytes())
np.save(folder / "answers.npy", stream.run(np.load(folder / "rows.npy")))
(folder / "after").write_bytes(stream.state)
assert "torch" not in sys.modules
"""


def test_a_state_goes_on_in_a_new_process_to_the_bit(tmp_path):
    program, rows = cell_program("lstm", 37, "float32"), rows_of(9)
    write_model(
        tmp_path / "m.unrolled",
        new_card("model", "classify", {"program": program.to_card()}),
        dict(program.weights),
    )
    stream = Stream(program)
    stream.run(rows[:4])
    (tmp_path / "state").write_bytes(stream.state)
    np.save(tmp_path / "rows.npy", rows[4:])
    subprocess.run([sys.executable, "-c", GO_ON, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "answers.npy"), stream.run(rows[4:]))
    assert Path(tmp_path / "after").read_bytes() == stream.state


def test_a_row_may_be_any_numbers(gru_program):
    wanted = Stream(gru_program).step([1.5, 2.0])
    wide = np.array([[1.5, 9.0, 2.0], [0.0, 0.0, 0.0]])
    for row in (
        np.array([1.5, 2.0]),
        np.array([1.5, 2.0], np.float32),
        np.array([1.5, 2.0], np.float16),
        wide[0, ::2],
        wide.astype(np.float32)[0, ::2],
        memoryview(np.array([1.5, 2.0])),
        {"speed": 1.5, "load": 2},
    ):
        np.testing.assert_array_equal(Stream(gru_program).step(row), wanted)
    for out in (np.empty(2, np.float32), np.empty(4, np.float32)[::2]):
        assert Stream(gru_program).step(np.array([1.5, 2.0], np.float32), None, out) is out
        np.testing.assert_array_equal(out, wanted)


def test_a_wrong_call_is_a_type_error(gru_program):
    stream = Stream(gru_program)
    for wrong in (
        lambda: stream.step(),
        lambda: stream.step([1, 2], futur=None),
        lambda: stream.step(1, 2, 3, 4),
    ):
        with pytest.raises(TypeError, match=r"step\(\)"):
            wrong()
    with pytest.raises(TypeError, match="unexpected argument 'row'"):
        stream.step([1, 2], row=[1, 2])
    assert stream.rows == 0


def test_an_answer_is_the_callers_own(gru_program):
    stream = Stream(gru_program)
    answers = [stream.step(row) for row in rows_of(6, 2)]
    np.testing.assert_array_equal(np.array(answers), Stream(gru_program).run(rows_of(6, 2)))
