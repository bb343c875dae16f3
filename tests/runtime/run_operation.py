"""One operation run every way: over all rows, row by row, and in the native core."""

import numpy as np

from unrolled.runtime import Graph, Input, Node, Program, Stream
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import resolve
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.operations.base import Operation, Spec


def run(operation: Operation, *inputs, weights: dict | None = None) -> np.ndarray:
    """The values at each row, checked against `infer`. Inputs carry a leading rows axis."""
    arrays = [np.asarray(x) for x in inputs]
    arrays = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in arrays]
    weights = {name: np.asarray(array, np.float32) for name, array in (weights or {}).items()}
    names = tuple(f"x{i}" for i in range(len(arrays)))
    graph = Graph(
        tuple(Input(n, Spec(x.shape[1:], str(x.dtype))) for n, x in zip(names, arrays, strict=True)),
        (Node("op", operation, names),),
        {"out": "op"},
    )
    resolved = resolve(graph, weights)
    states = {"op": {name: np.zeros(s.shape, np.float32) for name, s in resolved.states["op"].items()}}
    before = [x.copy() for x in arrays]
    outputs, after = evaluate(graph, dict(zip(names, arrays, strict=True)), states, weights)
    value = outputs["out"]
    spec = resolved.values["op"]
    assert value.shape == (len(arrays[0]), *spec.shape) and value.dtype == spec.dtype
    assert {name: a.shape for name, a in after.get("op", {}).items()} == {
        name: s.shape for name, s in resolved.states["op"].items()
    }
    for x, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, kept)
    split_run(graph, dict(zip(names, arrays, strict=True)), states, weights, value)
    if not operation.whole_sequence:
        answered = native_run(operation, arrays, weights)
        early = len(value) - len(answered)  # a stream does not answer while a window is not full
        np.testing.assert_allclose(answered, value[early:], rtol=1e-5, atol=1e-6)
    return value


def native_run(operation: Operation, arrays: list[np.ndarray], weights: dict) -> np.ndarray:
    """The same operation in the native core, behind inputs that a row of numbers can hold."""
    kinds = {"float32": ["x", "target", "past", "known", "static"], "int64": ["known_codes"]}
    inputs, nodes, columns = [], [], []
    for place, array in enumerate(arrays):
        name = kinds[str(array.dtype)].pop(0)
        flat = array.reshape(len(array), -1)
        inputs.append(Input(name, Spec(flat.shape[1:], str(array.dtype)), missing=name != "known_codes"))
        nodes.append(Node(f"x{place}", ops.Reshape(array.shape[1:]), (name,)))
        columns.append(np.where(flat < 0, 10**6, flat) if name == "known_codes" else flat.astype(np.float64))
    nodes.append(Node("op", operation, tuple(node.name for node in nodes)))
    program = Program(Graph(tuple(inputs), tuple(nodes), {"scores": "op"}), weights)
    stream = Stream(program, runtime="native")
    answers = stream.run(np.concatenate(columns, axis=1))
    return answers[program.history - 1 :]


def split_run(graph, inputs, states, weights, whole) -> None:
    """Row by row with carried states gives the same bits, for what runs row by row."""
    if graph.nodes[0].operation.whole_sequence:
        return
    rows = []
    for t in range(len(whole)):
        outputs, states = evaluate(graph, {n: x[t : t + 1] for n, x in inputs.items()}, states, weights)
        rows.append(outputs["out"][0])
    np.testing.assert_array_equal(np.array(rows), whole)
