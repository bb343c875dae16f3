import json
import math

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError, ShapeError
from unrolled.runtime import Column, Columns, Graph, Input, Node, Program
from unrolled.runtime import operations as ops
from unrolled.runtime.card import OPERATIONS, graph_from_card, graph_to_card
from unrolled.runtime.operations.base import Operation
from unrolled.runtime.rollout import Rollout


def copy_of(card: dict) -> dict:
    return json.loads(json.dumps(card))


def one_node(operation: Operation, *shapes: tuple[int, ...], weights: dict | None = None) -> Program:
    """A program of one operation on inputs of the given shapes, made scores by a reshape."""
    names = ("x", "target", "past")[: len(shapes)]
    inputs = tuple(Input(name, ops.Spec(shape)) for name, shape in zip(names, shapes, strict=True))
    graph = Graph(inputs, (Node("op", operation, names),), {"scores": "op"})
    return Program(graph, weights or {})


def test_a_card_is_json_and_comes_back_the_same(gru_program, forecaster):
    for program in (gru_program, forecaster):
        again = Program.from_card(copy_of(program.to_card()), program.weights)
        assert again.to_card() == program.to_card()
        assert again.graph == program.graph
        assert again.columns == program.columns
        assert again.fingerprint == program.fingerprint


def test_the_fingerprint_sees_a_weight_and_an_attribute(gru_program):
    other = {name: array.copy() for name, array in gru_program.weights.items()}
    other["b_hh"][0] += 1e-6
    assert (
        Program(gru_program.graph, other, columns=gru_program.columns).fingerprint != gru_program.fingerprint
    )
    card = copy_of(gru_program.to_card())
    card["nodes"][0]["attributes"]["reset_after"] = False
    assert Program.from_card(card, gru_program.weights).fingerprint != gru_program.fingerprint


def test_sizes_are_known_before_the_first_row(gru_program, forecaster):
    assert dict(gru_program.states) == {"gru.h": ops.Spec((3,))}
    assert gru_program.state_bytes == 12
    assert gru_program.parameter_bytes == 4 * (18 + 27 + 9 + 9 + 6)
    assert gru_program.multiply_adds == 18 + 27 + 6
    assert gru_program.output_shape == (2,)
    assert dict(forecaster.states) == {"window.rows": ops.Spec((3, 1))}
    assert (forecaster.history, forecaster.horizon, forecaster.levels) == (3, 2, (0.5,))
    assert forecaster.multiply_adds == 3 + 2 * 2


def test_weights_are_a_read_only_copy_of_those_that_are_used(gru_program):
    given = dict(gru_program.weights) | {"optimizer": np.zeros(9, np.float32)}
    program = Program(gru_program.graph, given)
    assert "optimizer" not in program.weights
    with pytest.raises(ValueError, match="read-only"):
        program.weights["head"][0] = 1


def test_columns_without_names_are_named_after_their_place(gru_program):
    assert Program(gru_program.graph, gru_program.weights).columns.names == ("x[0]", "x[1]")


def test_a_backward_pass_is_not_streamable_and_says_why(gru_program):
    node = gru_program.graph.nodes[0]
    backward = Node("gru", ops.Recurrent("gru", "w_ih", "w_hh", "b_ih", "b_hh", direction="backward"), ("x",))
    graph = Graph(gru_program.graph.inputs, (backward, gru_program.graph.nodes[1]), {"scores": "scores"})
    program = Program(graph, gru_program.weights)
    assert not program.streamable
    assert program.not_streamable == (
        "node 'gru' needs the whole sequence: it reads the sequence backward, from its last row"
    )
    assert gru_program.streamable and node.operation.whole_sequence is None


DAMAGE = {
    "unknown operation": (
        lambda c: c["nodes"][0].update(operation="gruu"),
        "node 'gru': operation: expected one that is known here, got 'gruu'",
    ),
    "near operation": (
        lambda c: c["nodes"][1].update(operation="dens"),
        "node 'scores': operation: .* got 'dens'. Did you mean 'dense'?",
    ),
    "no weight": (lambda c: c["weights"].remove("w_hh"), "node 'gru' .*w_hh: expected a weight of this name"),
    "other weight": (lambda c: c["weights"].append("w_xx"), "program.weights: .* got 'w_xx'"),
    "wrong weight": (
        lambda c: c["nodes"][0]["attributes"].update(weight_ih="w_hh"),
        r"node 'gru' \(recurrent\): w_hh: expected float32 \(9, 2\), got float32 \(9, 3\)",
    ),
    "wrong input": (
        lambda c: c["inputs"][0].update(shape=[3]),
        r"node 'gru' \(recurrent\): w_ih: expected float32 \(9, 3\), got float32 \(9, 2\)",
    ),
    "shape of text": (lambda c: c["inputs"][0].update(shape=["2"]), r"program.inputs\[0\].shape"),
    "negative shape": (lambda c: c["inputs"][0].update(shape=[-2]), "input 'x': expected float32 or int64"),
    "dtype": (lambda c: c["inputs"][0].update(dtype="float64"), "input 'x': expected float32 or int64"),
    "input's name": (lambda c: c["inputs"][0].update(name="y"), "node 'gru'.*expected values made before"),
    "attribute's type": (
        lambda c: c["nodes"][0]["attributes"].update(reset_after=1),
        "node 'gru': reset_after: expected true or false, got 1",
    ),
    "attribute's value": (
        lambda c: c["nodes"][0]["attributes"].update(cell="gruu"),
        "node 'gru' .*cell: expected one of elman, gru, lstm, got 'gruu'",
    ),
    "extra attribute": (
        lambda c: c["nodes"][0]["attributes"].update(exec="rm"),
        "node 'gru': attributes: expected only .*, got 'exec'",
    ),
    "missing attribute": (
        lambda c: c["nodes"][0]["attributes"].pop("cell"),
        "node 'gru': attributes: expected 'cell', got 'none'",
    ),
    "later value": (lambda c: c["nodes"].reverse(), "node 'scores' .*expected values made before, got 'gru'"),
    "name twice": (
        lambda c: c["nodes"][1].update(name="gru"),
        "node 'gru' .*expected a name of its own, got one that is taken",
    ),
    "too many inputs": (
        lambda c: c["nodes"][1].update(inputs=["gru", "gru"]),
        r"node 'scores' \(dense\): inputs: expected 1, got 2",
    ),
    "no output": (lambda c: c.update(outputs={}), "outputs: expected one of quantiles, scores, got none"),
    "output's name": (lambda c: c.update(outputs={"scores": "gruu"}), "output 'scores': expected a value"),
    "version": (lambda c: c.update(version=2), "program.version: expected 1, got 2"),
    "seed": (lambda c: c.update(seed=-1), "seed: expected a whole number >= 0, got -1"),
    "columns": (lambda c: c["columns"]["columns"].pop(), "columns: x: expected 2 columns, got speed"),
    "column's role": (
        lambda c: c["columns"]["columns"][0].update(role="xx"),
        "column 'speed': role: expected one of",
    ),
    "a list": (lambda c: c.update(nodes={}), "program.nodes: expected a list"),
    "nothing": (lambda c: c.clear(), "program.version: expected a whole number, got 'no such field'"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_card_is_refused_by_name(name, gru_program):
    damage, message = DAMAGE[name]
    card = copy_of(gru_program.to_card())
    damage(card)
    with pytest.raises(ModelFileError, match=message) as caught:
        Program.from_card(card, gru_program.weights)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("card", [None, [], 3, "program"])
def test_what_is_no_card_is_refused(card):
    with pytest.raises(ModelFileError, match="program: expected an object"):
        Program.from_card(card, {})


@pytest.mark.parametrize("history", [10**9, 10**18])
def test_a_file_cannot_ask_for_the_whole_memory(history):
    with pytest.raises(ShapeError, match=r"node 'op' \(window\): expected at most 1073741824 bytes"):
        one_node(ops.Window(history), (4,))
    with pytest.raises(ShapeError, match="input 'x': expected at most"):
        one_node(ops.Window(2), (history,))


def test_from_code_the_error_is_one_of_arguments(gru_program):
    with pytest.raises(ArgumentError, match="w_hh: expected a weight of this name, got none"):
        Program(gru_program.graph, {"w_ih": gru_program.weights["w_ih"]})


def test_every_operation_has_its_own_kind_and_a_card():
    assert len(OPERATIONS) == 42
    assert all(name == operation.kind for name, operation in OPERATIONS.items())
    named = {
        value for value in vars(ops).values() if isinstance(value, type) and issubclass(value, Operation)
    }
    assert named - {Operation} | {Rollout} == set(OPERATIONS.values())


def test_a_rollout_comes_back_from_its_card():
    body = Graph(
        (Input("sum", ops.Spec((2,))), Input("more", ops.Spec((2,)))),
        (Node("next", ops.Combine("add"), ("sum", "more")),),
        {"sum": "next", "result": "next"},
    )
    rollout = Rollout(body, 3, ("carried", "each"))
    graph = Graph(
        (Input("x", ops.Spec((2,))), Input("past", ops.Spec((2,)))),
        (Node("each", ops.Repeat((3, 2)), ("past",)), Node("op", rollout, ("x", "each"))),
        {"scores": "op"},
    )
    assert graph_from_card(copy_of(graph_to_card(graph))) == graph
    card = copy_of(graph_to_card(graph))
    card["nodes"][1]["attributes"]["body"]["nodes"][0]["operation"] = "sum"
    with pytest.raises(ArgumentError, match="node 'next': operation"):
        graph_from_card(card)


def test_a_body_must_not_remember():
    body = Graph(
        (Input("sum", ops.Spec((2,))),),
        (Node("late", ops.Delay(), ("sum",)),),
        {"sum": "late", "result": "late"},
    )
    with pytest.raises(ArgumentError, match="operations without a memory, got node 'late'"):
        one_node(Rollout(body, 3, ("carried",)), (2,))


def test_a_rollout_is_not_nested():
    inner = Graph((Input("a", ops.Spec((2,))),), (Node("b", ops.Mask(), ("a",)),), {"result": "b"})
    outer = Graph(
        (Input("a", ops.Spec((2,))),), (Node("r", Rollout(inner, 2, ("fixed",)), ("a",)),), {"result": "r"}
    )
    with pytest.raises(ArgumentError, match="no rollout inside a rollout, got node 'r'"):
        one_node(Rollout(outer, 3, ("fixed",)), (2,))


def test_a_forecast_says_its_levels(forecaster):
    with pytest.raises(ArgumentError, match=r"output 'quantiles': expected \(horizon, targets, 2 levels\)"):
        Program(forecaster.graph, forecaster.weights, levels=(0.1, 0.5))


def test_columns_must_fit_the_inputs(gru_program):
    with pytest.raises(ArgumentError, match="columns: x: expected 2 columns, got a"):
        gru_program.with_columns(Columns((Column("a", "x"),)))
    with pytest.raises(ArgumentError, match="column 'c': expected a role the model reads, got 'past'"):
        gru_program.with_columns(Columns((Column("a", "x"), Column("b", "x"), Column("c", "past"))))
    with pytest.raises(ArgumentError, match="columns: expected different names, got 'a'"):
        Columns((Column("a", "x"), Column("a", "x")))


def test_time_features_take_the_last_columns(forecaster):
    assert [entry.name for entry in forecaster.graph.inputs if "known" in entry.name] == [
        "future_known_codes"
    ]
    assert forecaster.graph.nodes[0].operation == ops.TimeFeatures(("hour of day",))
    bare = Program(forecaster.graph, forecaster.weights, levels=(0.5,))
    assert bare.columns.stamp == "stamp"
    assert math.prod(bare.output_shape) == 2


def test_more_phases_than_columns_are_refused(gru_program):
    graph = Graph(
        (Input("known", ops.Spec((2,))),), (Node("op", ops.Activation("tanh"), ("known",)),), {"scores": "op"}
    )
    with pytest.raises(ArgumentError, match="phases: expected at most 1, got 2"):
        Program(graph, {}).with_columns(Columns((), stamp="t"), ("hour of day", "day of week"))


ODD = [None, True, -1, 0, 10**12, 2**63, 0.5, 1e300, "", "gru", [], {}, [1], ["x"], [-1], [10**12, 10**12]]


def places(value, path=()):
    """The path of every value inside a card."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def test_no_altered_card_does_worse_than_be_refused(gru_program, forecaster):
    rng = np.random.default_rng(0)
    refused = 0
    for program in (gru_program, forecaster):
        paths = list(places(copy_of(program.to_card())))
        for _ in range(400):
            card = copy_of(program.to_card())
            *way, last = paths[rng.integers(len(paths))]
            parent = card
            for key in way:
                parent = parent[key]
            parent[last] = ODD[rng.integers(len(ODD))]
            try:
                Program.from_card(card, program.weights)
            except ModelFileError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > 600
