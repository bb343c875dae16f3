"""A graph of operations: named inputs, nodes in running order, named outputs; shapes known beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

from unrolled.errors import ArgumentError, ShapeError, explain, nearest
from unrolled.runtime.operations.base import ANY, DTYPES, Arrays, Operation, Spec

# One row's values and states together. Far above any model here; it stops a file that asks for the whole
# memory.
MOST_BYTES = 1 << 30
# Outputs that are wanted at every row: what an encoder keeps of each token. Of the others the last counts.
EACH_ROW = ("memory", "keys")


@dataclass(frozen=True)
class Input:
    """A value that comes with each row; `missing` says that it may be NaN."""

    name: str
    spec: Spec
    missing: bool = False


@dataclass(frozen=True)
class Node:
    """An operation, the values it reads, and the name of the value it makes."""

    name: str
    operation: Operation
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Inputs, nodes in running order, and outputs by name."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Resolved:
    """What the shapes of a graph are: of each value, and of each node's states."""

    values: Mapping[str, Spec]
    states: Mapping[str, Mapping[str, Spec]]
    multiply_adds: int


def resolve(graph: Graph, weights: Arrays) -> Resolved:
    """Check a graph node by node and find every shape.

    Raises: ArgumentError or ShapeError that names the node: a value used before it is made, a name made
    twice, a missing weight, a shape that does not fit, more memory than a model may take.
    """
    values: dict[str, Spec] = {}
    for entry in graph.inputs:
        _check_input(entry, values)
        values[entry.name] = entry.spec
    states: dict[str, Mapping[str, Spec]] = {}
    cost = 0
    for node in graph.nodes:
        inputs = _inputs_of(node, values)
        try:
            output = node.operation.infer(inputs, weights)
        except ArgumentError as error:
            raise type(error)(f"node '{node.name}' ({node.operation.kind}): {error}") from None
        values[node.name] = output
        states[node.name] = node.operation.states(inputs, weights)
        cost += node.operation.multiply_adds(inputs, output, weights)
        _check_memory(node, values, states)
    for name, value in graph.outputs.items():
        if value not in values:
            raise ArgumentError(
                explain(f"output '{name}'", "a value of the graph", repr(value), nearest(value, values))
            )
    return Resolved(values, states, cost)


def _check_input(entry: Input, values: Mapping[str, Spec]) -> None:
    if entry.name in values or not entry.name:
        raise ArgumentError(explain("inputs", "different names", repr(entry.name), "Name each input once."))
    if entry.spec.dtype not in DTYPES or any(size < 0 and size != ANY for size in entry.spec.shape):
        raise ArgumentError(
            explain(f"input '{entry.name}'", "float32 or int64 of a plain shape", entry.spec, "")
        )
    if entry.spec.nbytes > MOST_BYTES:
        raise ShapeError(
            explain(f"input '{entry.name}'", f"at most {MOST_BYTES} bytes", entry.spec.nbytes, "")
        )


def _inputs_of(node: Node, values: Mapping[str, Spec]) -> list[Spec]:
    what = f"node '{node.name}' ({node.operation.kind})"
    if not node.name or node.name in values:
        raise ArgumentError(explain(what, "a name of its own", "one that is taken", "Name each value once."))
    for name in node.inputs:
        if name not in values:
            cure = nearest(name, values) or "A node reads inputs and the nodes before it."
            raise ArgumentError(explain(f"{what}: inputs", "values made before", repr(name), cure))
        if ANY in values[name].shape and not node.operation.any_length:
            cure = "Only attention reads a memory of any length."
            raise ShapeError(explain(f"{what}: inputs", "values of a known shape", values[name], cure))
    fewest, most = node.operation.arity
    if not fewest <= len(node.inputs) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ArgumentError(explain(f"{what}: inputs", wanted, len(node.inputs), ""))
    return [values[name] for name in node.inputs]


def _check_memory(node: Node, values: Mapping[str, Spec], states: Mapping[str, Mapping[str, Spec]]) -> None:
    total = sum(spec.nbytes for spec in values.values())
    total += sum(spec.nbytes for own in states.values() for spec in own.values())
    if total > MOST_BYTES:
        what = f"node '{node.name}' ({node.operation.kind})"
        raise ShapeError(
            explain(what, f"at most {MOST_BYTES} bytes of values and states up to it", total, "")
        )


def rows_needed(graph: Graph, resolved: Resolved) -> frozenset[str]:
    """The values needed at every row when only the last answer is wanted: those that reach a state, and those
    of a memory.
    """
    every = {value for name, value in graph.outputs.items() if name in EACH_ROW}
    for node in reversed(graph.nodes):
        remembers = resolved.states[node.name] or node.operation.whole_sequence
        if remembers or node.name in every:
            every.update(node.inputs)
    return frozenset(every)
