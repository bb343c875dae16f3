"""Int8: the matrices, the ranges, and the report."""

import numpy as np
import pytest

from unrolled.deploy import drift, quantize
from unrolled.deploy.quantize import whole_numbers
from unrolled.errors import ArgumentError
from unrolled.models import build
from unrolled.runtime import Graph, Input, Node, Program, Stream
from unrolled.runtime import operations as ops

CELLS = ["elman", "lstm", "gru", "gru2014"]


def sequence_program(cell: str, hidden: int = 48, layers: int = 2) -> Program:
    shape = {"features": 3, "targets": 1}
    return build(
        {"kind": "sequence", "shape": shape, "cell": cell, "layers": layers, "hidden": hidden}
    ).lower()


def rows_of(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)


@pytest.mark.parametrize("cell", CELLS)
def test_an_int8_model_answers_nearly_alike(cell):
    program, rows = sequence_program(cell), rows_of(400)
    wanted = Stream(program).run(rows)

    def metric(other: Program) -> float:
        return float(np.mean((Stream(other).run(rows) - wanted - 0.5) ** 2))

    small = quantize(program, rows[:100], metric, rows)
    kinds = [node.operation.kind for node in small.program.graph.nodes]
    assert kinds.count("recurrent_int8") == 2 and "recurrent" not in kinds
    assert small.bytes_after < 0.4 * small.bytes_before
    assert small.before == pytest.approx(0.25) and abs(small.change) < 0.02
    assert 0 < small.drift.last < 2 * small.drift.first + 0.01 < 0.3
    again = Program.from_card(small.program.to_card(), small.program.weights)
    np.testing.assert_array_equal(Stream(again).run(rows), Stream(small.program).run(rows))


def test_only_wide_inputs_are_quantised():
    program = sequence_program("gru")
    first, second = (
        node.operation
        for node in quantize(program, rows_of(50)).program.graph.nodes
        if node.operation.kind == "recurrent_int8"
    )
    assert first.x_range is None and 0 < second.x_range <= 1 and first.h_range == second.h_range == 1


def test_a_relu_cell_is_measured():
    graph = Graph(
        (Input("x", ops.Spec((1,))),),
        (Node("cell", ops.Recurrent("elman", "w", "u", activation="relu"), ("x",)),),
        {"scores": "cell"},
    )
    program = Program(graph, {"w": np.ones((1, 1), np.float32), "u": np.full((1, 1), 0.5, np.float32)})
    small = quantize(program, np.full((60, 1), 3.0))
    assert small.program.graph.nodes[0].operation.h_range == pytest.approx(6.0)  # 3 + 3/2 + 3/4 ...
    np.testing.assert_allclose(Stream(small.program).run(np.full((9, 1), 3.0))[-1], 6, rtol=0.01)


@pytest.mark.parametrize("decoder", ["segment", "direct", "recursive"])
def test_every_decoder_of_a_forecaster(decoder):
    shape = {"targets": 1, "history": 24, "horizon": 4}
    network = build({"kind": decoder, "shape": shape, "hidden": 40})
    program = network.lower(paths=9, seed=1)
    rows = np.sin(np.arange(300.0) / 4)[:, None]
    small = quantize(program, rows, held_out=rows)
    kinds = {node.operation.kind for node in small.program.graph.nodes}
    assert not kinds & {"recurrent", "scan", "step"}
    assert small.drift.last < 0.05 and small.change is None
    assert drift(program, program, rows).last == 0


def test_weights_are_nearest_and_symmetric():
    matrix = np.random.default_rng(1).normal(size=(5, 70)).astype(np.float32)
    matrix[3] = 0
    whole, scale = whole_numbers(matrix)
    assert (
        whole.dtype == np.int8 and whole.min() >= -127 and (np.abs(whole).max(1)[[0, 1, 2, 4]] == 127).all()
    )
    assert (np.abs(whole * scale[:, None] - matrix) <= scale[:, None] / 2 * 1.0001).all()


def test_what_has_no_cell_is_refused():
    graph = Graph((Input("x", ops.Spec((2,))),), (Node("d", ops.Dense("w"), ("x",)),), {"scores": "d"})
    with pytest.raises(ArgumentError, match=r"model: expected a recurrent layer in float32, got none. Only"):
        quantize(Program(graph, {"w": np.ones((1, 2), np.float32)}), np.zeros((3, 2)))
