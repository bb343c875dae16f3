"""A Program as ONNX: one graph for whole sequences, one for a single row with the state in and out.

    sequence.onnx   rows (batch, time, columns) and `lengths` -> the answer after each sequence's last row
    step.onnx       a row (batch, columns) and `state.*` -> its answer and `next.*`

An encoder is a graph of the first kind, its decoder one of the second.

Both take raw units and answer in raw units; docs/onnx.md lists their inputs and outputs.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled.deploy.onnx_graph import OPSET, OnnxGraph, Port, to_model
from unrolled.deploy.onnx_memory import SEQUENCE, STEP, Place, States
from unrolled.deploy.onnx_operations import EMIT
from unrolled.deploy.onnx_recurrent import scan
from unrolled.deploy.onnx_rollout import rollout
from unrolled.deploy.onnx_value import Emitter, Extent, Value
from unrolled.errors import ArgumentError, explain
from unrolled.runtime import Input, Node, Program
from unrolled.runtime import operations as ops
from unrolled.runtime.columns import FUTURE
from unrolled.runtime.graph import EACH_ROW
from unrolled.runtime.operations.base import ANY
from unrolled.runtime.program import CARRIED
from unrolled.runtime.rollout import Rollout

ONCE = ("series", "static", "static_codes", "noise")  # inputs without a time axis in a sequence
STATE, NEXT, BY_ROW = "state.", "next.", "_by_row"


def step_model(program: Program) -> Any:
    """The graph of one row as an onnx.ModelProto; the program must be streamable, or a decoder."""
    inputs = [Port(i.name, ("batch", *_sizes(i.spec.shape)), i.spec.dtype) for i in program.graph.inputs]
    inputs += [Port(STATE + name, ("batch", *spec.shape)) for name, spec in program.states.items()]
    e = _emitter(program, inputs)
    e.batch = _size(e, inputs[0].name, 0)
    values = {i.name: Value(i.name, 1, i.spec.shape) for i in program.graph.inputs}
    after: States = {}
    for node in program.graph.nodes:
        e.graph.scope = node.name
        reads = [values[name] for name in node.inputs]
        if type(node.operation) in STEP:
            place = place_of(program, node, frozenset())
            before = {own: Value(f"{STATE}{node.name}.{own}", 1, s.shape) for own, s in place.states.items()}
            values[node.name], made = STEP[type(node.operation)](e, node.operation, reads, before, place)
            after |= {f"{node.name}.{own}": value for own, value in made.items()}
        else:
            values[node.name] = emit(e, program, node, reads, frozenset())
    e.graph.scope = ""
    outputs = []
    for name in _output_names(program):
        answer = values[program.graph.outputs[name]]
        outputs.append(_output(e, _next(program, name), e.filled(answer, 1, answer.shape)))
    outputs += [_output(e, NEXT + name, after[name]) for name in program.states]
    return to_model(e.graph, "step", inputs, outputs, metadata(program))


def sequence_model(program: Program) -> Any:
    """The graph of whole sequences as an onnx.ModelProto."""
    inputs = [_sequence_port(entry) for entry in program.graph.inputs]
    inputs.append(Port("lengths", ("batch",), "int64"))
    e = _emitter(program, inputs)
    values = _sequence_values(e, program, inputs)
    each = answers_each_row(program)
    every = frozenset(n.name for n in program.graph.nodes) if each else program.every_row
    after: States = {}
    for node in program.graph.nodes:
        e.graph.scope = node.name
        reads = [values[name] for name in node.inputs]
        if type(node.operation) in SEQUENCE:
            place = place_of(program, node, every)
            values[node.name], made = SEQUENCE[type(node.operation)](e, node.operation, reads, place)
            after |= {f"{node.name}.{own}": value for own, value in made.items()}
        else:
            reads = reads if node.name in every else [e.last(value) for value in reads]
            values[node.name] = emit(e, program, node, reads, every)
    e.graph.scope = ""
    if program.is_encoder:
        outputs = [_encoded(e, n, values[program.graph.outputs[n]]) for n in _output_names(program)]
    else:
        outputs = _answers(e, program, values[program.graph.outputs[program.output]], each)
    if program.streamable:
        outputs += [_output(e, NEXT + name, after[name]) for name in program.states]
    return to_model(e.graph, "sequence", inputs, outputs, metadata(program))


def check_expressible(program: Program) -> None:
    """Raise ArgumentError that names the first node which ONNX cannot express."""
    nodes = list(program.graph.nodes)
    for node in program.graph.nodes:
        if isinstance(node.operation, Rollout):
            nodes += node.operation.body.nodes
    for node in nodes:
        kind = type(node.operation)
        if kind not in EMIT and kind not in STEP and kind is not Rollout:
            where = f"node '{node.name}' ({node.operation.kind})"
            cure = "Export the float32 model." if "int8" in node.operation.kind else "Choose another target."
            raise ArgumentError(explain(where, "an operation that ONNX can express", "another", cure))


def emit(e: Emitter, program: Program, node: Node, reads: list[Value], every: frozenset[str]) -> Value:
    """The value of a node without a memory."""
    shape = program.resolved.values[node.name].shape
    if isinstance(node.operation, Rollout):
        return rollout(e, node.operation, reads, shape)
    if isinstance(node.operation, ops.Scan):
        return scan(e, node.operation, reads, shape, _reads_whole_state(program, node, every))
    return EMIT[type(node.operation)](e, node.operation, reads, shape)


def place_of(program: Program, node: Node, every: frozenset[str]) -> Place:
    """What the emission of a node with a memory needs to know of its surroundings.

    `every` names the values that are read at each row.
    """
    whole = isinstance(node.operation, ops.Recurrent) and _reads_whole_state(program, node, every)
    states = program.resolved.states[node.name]
    return Place(node.name, program.resolved.values[node.name], states, node.name in every, whole)


def _reads_whole_state(program: Program, node: Node, every: frozenset[str]) -> bool:
    """Whether anything but the h of a full state is read at rows, or steps of a window, before the last."""
    operation, over_rows = node.operation, isinstance(node.operation, ops.Recurrent)
    assert isinstance(operation, ops.Recurrent | ops.Scan)
    size, backward = program.weights[operation.weight_hh].shape[1], operation.direction == "backward"

    def is_modest(reader: Node) -> bool:
        op = reader.operation
        if isinstance(op, ops.Slice):
            return op.axis == -1 and op.stop <= size
        if over_rows and backward:
            return isinstance(op, ops.Pool) and op.how == "first"
        if over_rows:
            return reader.name not in every and not program.resolved.states[reader.name]
        return isinstance(op, ops.Final) and op.axis == -2 and not backward

    readers = [reader for reader in program.graph.nodes if node.name in reader.inputs]
    is_answer = node.name in program.graph.outputs.values() and (not over_rows or node.name in every)
    return is_answer or not all(is_modest(reader) for reader in readers)


def answers_each_row(program: Program) -> bool:
    """Whether the answer at every row means something: not where a whole sequence is pooled."""
    pools = any(node.operation.pools for node in program.graph.nodes)
    return program.output == "scores" and (program.streamable or not pools)


def metadata(program: Program) -> dict[str, str]:
    """What a user of the graph must know beside it: the columns with their words, the quantile levels."""
    return {
        "unrolled.columns": json.dumps(program.columns.card(), sort_keys=True),
        "unrolled.levels": json.dumps(list(program.levels)),
        "unrolled.history": str(program.history),
        "unrolled.seed": str(program.seed),
        "unrolled.opset": str(OPSET),
    }


def is_once(name: str) -> bool:
    """Whether an input has no time axis in the graph of whole sequences."""
    return name in ONCE or name.startswith(FUTURE)


def _emitter(program: Program, inputs: Iterable[Port]) -> Emitter:
    """An empty graph that keeps the names of inputs and outputs for them."""
    kept = {port.name for port in inputs} | {NEXT + name for name in program.states}
    kept |= {_next(program, name) for name in program.graph.outputs} | {program.output + BY_ROW}
    return Emitter(OnnxGraph(taken=kept), program.weights)


def _sequence_port(entry: Input) -> Port:
    leading = ("batch",) if is_once(entry.name) else ("batch", "time")
    return Port(entry.name, (*leading, *entry.spec.shape), entry.spec.dtype)


def _size(e: Emitter, name: str, axis: int) -> str:
    """One size of a tensor, (1,) int64."""
    return e.graph.add("Shape", name, start=axis, end=axis + 1, name="size")


def _sequence_values(e: Emitter, program: Program, inputs: Iterable[Port]) -> dict[str, Value]:
    """The inputs, time first where they have rows; the sizes of the batch on the way."""
    g, values = e.graph, {}
    timed = [entry.name for entry in program.graph.inputs if not is_once(entry.name)]
    e.batch = _size(e, "lengths", 0)
    for entry in program.graph.inputs:
        shape = entry.spec.shape
        if is_once(entry.name):
            values[entry.name] = Value(entry.name, 1, shape)
            continue
        order = [1, 0, *range(2, 2 + len(shape))]
        values[entry.name] = Value(g.add("Transpose", entry.name, perm=order, name="rows"), 2, shape)
    zero, one = g.weight(np.int64(0)), g.weight(np.int64(1))
    time = _size(e, timed[0], 1)
    rows = g.add("Range", zero, g.add("Squeeze", time), one)
    numbers = g.add("Range", zero, g.add("Squeeze", e.batch), one)
    valid = g.add("Less", g.add("Unsqueeze", rows, e.numbers(1)), "lengths", name="valid")
    pairs = [g.add("Sub", "lengths", one), numbers]
    last = g.add("Concat", *(g.add("Unsqueeze", part, e.numbers(1)) for part in pairs), axis=1)
    e.extent = Extent(time, "lengths", g.add("Cast", "lengths", to=6), valid, last)
    return values


def _answers(e: Emitter, program: Program, answer: Value, each: bool) -> list[Port]:
    """The answer after the last row, NaN where no window is full; with `each`, that of every row too."""
    g, last = e.graph, e.last(answer)
    last = e.filled(last, 1, last.shape)
    if program.history > 1:
        full = g.add("GreaterOrEqual", "lengths", g.weight(np.int64(program.history)))
        full = e.reshaped(Value(full, 1, ()), (1,) * len(last.shape)).name
        last = Value(g.add("Where", full, last.name, e.number(np.nan)), 1, last.shape)
    ports = [_output(e, program.output, last)]
    if not each:
        return ports
    rows = e.rows(answer)
    assert e.extent is not None
    valid = e.reshaped(Value(e.extent.valid, 2, ()), (1,) * len(rows.shape)).name
    there = g.add("Where", valid, rows.name, e.number(np.nan))
    order = [1, 0, *range(2, rows.axes)]
    name = f"{program.output}{BY_ROW}"
    g.output(name, g.add("Transpose", there, perm=order))
    return [*ports, Port(name, ("batch", "time", *rows.shape))]


def _encoded(e: Emitter, name: str, value: Value) -> Port:
    """An answer of an encoder: of each row, 0 behind a length, or after the last one."""
    g = e.graph
    if name not in EACH_ROW:
        last = e.last(value)
        return _output(e, name, e.filled(last, 1, last.shape))
    rows = e.rows(value)
    assert e.extent is not None
    valid = e.reshaped(Value(e.extent.valid, 2, ()), (1,) * len(rows.shape)).name
    there = g.add("Where", valid, rows.name, e.number(0))
    g.output(name, g.add("Transpose", there, perm=[1, 0, *range(2, rows.axes)]))
    return Port(name, ("batch", "time", *rows.shape))


def _output(e: Emitter, name: str, value: Value) -> Port:
    """A value with one leading axis as an output of the model."""
    e.graph.output(name, value.name)
    return Port(name, ("batch", *_sizes(value.shape)))


def _output_names(program: Program) -> list[str]:
    """The outputs, the answer first."""
    return [program.output, *sorted(set(program.graph.outputs) - {program.output})]


def _next(program: Program, name: str) -> str:
    """What an output is called: what a decoder reads again, as the state of a step is."""
    return NEXT + name if program.is_decoder and name in CARRIED else name


def _sizes(shape: tuple[int, ...]) -> tuple[int | str, ...]:
    return tuple("steps" if size == ANY else size for size in shape)
