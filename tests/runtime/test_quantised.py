"""Cells with int8 weights against the equations written once more, in whole numbers and float64."""

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.format import new_card, write_model
from unrolled.runtime import Graph, Input, Node, Program, Stream
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.quantised import quantise

CELLS = {
    "tanh": {"cell": "elman"},
    "relu": {"cell": "elman", "activation": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "gru2014": {"cell": "gru", "reset_after": False},
}
GATES = {"elman": 1, "gru": 3, "lstm": 4}
NAMES = {
    "weight_ih": "w",
    "weight_hh": "u",
    "bias_ih": "bi",
    "bias_hh": "bh",
    "scale_ih": "sw",
    "scale_hh": "su",
}


def drawn(cell: str, inputs: int = 5, hidden: int = 3) -> dict[str, np.ndarray]:
    rows, rng = GATES[cell] * hidden, np.random.default_rng(0)
    weights = {
        "w": rng.integers(-127, 128, (rows, inputs)).astype(np.int8),
        "u": rng.integers(-127, 128, (rows, hidden)).astype(np.int8),
    }
    for name in ("bi", "bh"):
        weights[name] = rng.normal(0, 0.3, rows).astype(np.float32)
    for name in ("sw", "su"):
        weights[name] = rng.uniform(0.002, 0.01, rows).astype(np.float32)
    return weights


def program_of(name: str, x_range: float | None, **changes) -> Program:
    options = CELLS[name] | NAMES | {"x_range": x_range, "h_range": 1.0} | changes
    graph = Graph(
        (Input("x", ops.Spec((5,))),),
        (Node("cell", ops.RecurrentInt8(**options), ("x",)),),
        {"scores": "cell"},
    )
    return Program(graph, drawn(options["cell"]))


def whole(v, largest):
    return np.rint(np.clip(v * 127 / largest, -127, 127))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(name: str, x: np.ndarray, w: dict, x_range: float | None) -> np.ndarray:
    h, c, answers = np.zeros(3), np.zeros(3), []
    r_, z_, n_ = slice(0, 3), slice(3, 6), slice(6, 9)
    for row in x.astype(np.float64):
        seen = row if x_range is None else whole(row, x_range) * x_range / 127
        a = (w["w"].astype(float) @ seen) * w["sw"] + w["bi"]
        u = (w["u"].astype(float) @ whole(h, 1.0) / 127) * w["su"] + w["bh"]
        if name in ("tanh", "relu"):
            h = np.tanh(a + u) if name == "tanh" else np.maximum(a + u, 0)
        elif name == "lstm":
            i, f, g, o = np.split(a + u, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            r, z = sigmoid(a[r_] + u[r_]), sigmoid(a[z_] + u[z_])
            if name == "gru":
                n = np.tanh(a[n_] + r * u[n_])
            else:
                inner = (w["u"][n_].astype(float) @ whole(r * h, 1.0) / 127) * w["su"][n_]
                n = np.tanh(a[n_] + inner + w["bh"][n_])
            h = (1 - z) * n + z * h
        answers.append(h)
    return np.array(answers)


@pytest.mark.parametrize("x_range", [None, 1.5])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_the_equations_in_whole_numbers(name, x_range):
    program = program_of(name, x_range)
    x = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)
    x[0, 0] = 4.0  # saturates
    # two rows: later, a difference in the last bit can round to another whole number
    got = Stream(program).run(x)
    np.testing.assert_allclose(got, by_hand(name, x, program.weights, x_range), atol=3e-6)


def test_numbers_round_half_to_even_and_saturate():
    v = np.array([0.5, 1.5, 2.5, -0.5, 127.4, 1e9, -1e9, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(quantise(v, 127.0), [0, 2, 2, 0, 127, 127, -127, 127, -127, 0])


def test_a_file_holds_int8(tmp_path):
    program = program_of("lstm", None)
    assert program.weights["u"].dtype == np.int8 and program.parameter_bytes == 12 * 8 + 4 * 4 * 12
    path = tmp_path / "m.unrolled"
    card = new_card("model", "classify", {"program": program.to_card()})
    write_model(path, card, dict(program.weights))
    x = np.ones((4, 5), np.float32)
    again = Stream(path)
    np.testing.assert_array_equal(again.run(x), Stream(program).run(x))
    assert again.program.fingerprint == program.fingerprint
    changed = {**program.weights, "u": -program.weights["u"]}
    assert Program(program.graph, changed).fingerprint != program.fingerprint


def test_what_is_no_int8_cell_is_refused():
    with pytest.raises(ArgumentError, match=r"h_range: expected a number in 1e-30..1e30, got 0.0. Take"):
        program_of("gru", None, h_range=0.0)
    program = program_of("gru", None)
    for name, wrong, message in (
        (
            "u",
            program.weights["u"].astype(np.float32),
            r"u: expected int8 \(any, any\), got float32 \(9, 3\)",
        ),
        ("sw", np.ones(8, np.float32), r"sw: expected float32 \(9\), got float32 \(8,\)"),
        ("u", np.full((9, 3), -128, np.int8), "u: expected whole numbers in -127..127, got -128"),
    ):
        with pytest.raises(ShapeError, match=message):
            Program(program.graph, {**program.weights, name: wrong})
