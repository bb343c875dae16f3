"""A graph as JSON and back. What comes from a file is believed only after it has been checked."""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from unrolled.errors import ArgumentError, explain, nearest
from unrolled.runtime import operations
from unrolled.runtime.graph import Graph, Input, Node
from unrolled.runtime.operations.base import Operation, Spec
from unrolled.runtime.rollout import Rollout

Card = dict[str, Any]

OPERATIONS: dict[str, type[Operation]] = {
    operation.kind: operation
    for operation in (
        operations.Activation,
        operations.Attention,
        operations.CarriedAnchor,
        operations.Combine,
        operations.Concat,
        operations.Conformal,
        operations.Constant,
        operations.Convolve,
        operations.Cut,
        operations.Delay,
        operations.Dense,
        operations.Embed,
        operations.Fill,
        operations.Final,
        operations.Mask,
        operations.Norm,
        operations.Pad,
        operations.PathQuantiles,
        operations.Pool,
        operations.PoolAttention,
        operations.PoolMax,
        operations.PoolSteps,
        operations.QuantileHead,
        operations.Recurrent,
        operations.RecurrentInt8,
        operations.Repeat,
        operations.Reshape,
        operations.Reverse,
        Rollout,
        operations.Scale,
        operations.Scan,
        operations.ScanInt8,
        operations.Slice,
        operations.Spread,
        operations.Step,
        operations.StepInt8,
        operations.TimeFeatures,
        operations.Transpose,
        operations.Unscale,
        operations.Window,
        operations.WeightedSum,
        operations.WindowAnchor,
    )
}

_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def graph_to_card(graph: Graph) -> Card:
    """A graph as JSON: inputs, nodes with their attributes, outputs."""
    return {
        "inputs": [
            {"name": i.name, "shape": list(i.spec.shape), "dtype": i.spec.dtype, "missing": i.missing}
            for i in graph.inputs
        ],
        "nodes": [
            {
                "name": node.name,
                "operation": node.operation.kind,
                "inputs": list(node.inputs),
                "attributes": attributes(node.operation),
            }
            for node in graph.nodes
        ],
        "outputs": dict(graph.outputs),
    }


def attributes(operation: Operation) -> Card:
    """The attributes of an operation as JSON."""
    names = [field.name for field in fields(operation)]  # type: ignore[arg-type]
    return {name: _to_json(getattr(operation, name)) for name in names}


def _to_json(value: Any) -> Any:
    if isinstance(value, Graph):
        return graph_to_card(value)
    return list(value) if isinstance(value, tuple) else value


def graph_from_card(card: Any, where: str = "program") -> Graph:
    """The graph that a card describes; its shapes are checked later, by `resolve`.

    Raises: ArgumentError that names the place in the card.
    """
    outputs = typed(card, "outputs", dict, where)
    for name, value in outputs.items():
        if not isinstance(value, str):
            raise wrong(f"{where}.outputs.{name}", "a text", value)
    return Graph(
        inputs=tuple(
            _input(item, f"{where}.inputs[{i}]") for i, item in enumerate(typed(card, "inputs", list, where))
        ),
        nodes=tuple(
            _node(item, f"{where}.nodes[{i}]") for i, item in enumerate(typed(card, "nodes", list, where))
        ),
        outputs=outputs,
    )


def _input(card: Any, where: str) -> Input:
    shape = tuple(typed(card, "shape", list, where))
    if not all(type(size) is int for size in shape):
        raise wrong(f"{where}.shape", "whole numbers", list(shape))
    spec = Spec(shape, typed(card, "dtype", str, where))
    return Input(typed(card, "name", str, where), spec, typed(card, "missing", bool, where))


def _node(card: Any, where: str) -> Node:
    name = typed(card, "name", str, where)
    where = f"node '{name}'"
    kind = typed(card, "operation", str, where)
    if kind not in OPERATIONS:
        cure = nearest(kind, OPERATIONS) or "The file needs a newer unrolled."
        raise ArgumentError(explain(f"{where}: operation", "one that is known here", repr(kind), cure))
    inputs = typed(card, "inputs", list, where)
    if not all(isinstance(item, str) for item in inputs):
        raise wrong(f"{where}: inputs", "texts", inputs)
    operation = _operation(OPERATIONS[kind], typed(card, "attributes", dict, where), where)
    return Node(name, operation, tuple(inputs))


def _operation(kind: type[Operation], given: Mapping[str, Any], where: str) -> Operation:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in (*given, *names):
        if name not in given or name not in names:
            expected = f"'{name}'" if name in names else f"only {', '.join(names)}"
            raise wrong(f"{where}: attributes", expected, "none" if name in names else name)
    return kind(**{name: _from_json(given[name], hints[name], f"{where}: {name}") for name in names})


def _from_json(value: Any, hint: Any, where: str) -> Any:
    """A JSON value as an attribute of the given type. A whole number may stand for a number."""
    if hint is Graph:
        return graph_from_card(value, where)
    if isinstance(hint, types.UnionType):  # text or none
        return None if value is None else _from_json(value, typing.get_args(hint)[0], where)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise wrong(where, "a list", value)
        return tuple(
            _from_json(item, typing.get_args(hint)[0], f"{where}[{i}]") for i, item in enumerate(value)
        )
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise wrong(where, _WORDS[hint], value)
    return value


def typed(card: Any, name: str, kind: type, where: str) -> Any:
    """A field of a card, if the card is an object, has it, and it has the type."""
    if not isinstance(card, dict):
        raise wrong(where, "an object", card)
    if name not in card:
        raise wrong(f"{where}.{name}", _WORDS[kind], "no such field")
    if type(card[name]) is not kind:
        raise wrong(f"{where}.{name}", _WORDS[kind], card[name])
    return card[name]


def wrong(where: str, expected: str, got: Any) -> ArgumentError:
    """The error for a place in a card; a long value is cut."""
    shown = repr(got)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ArgumentError(
        explain(where, expected, shown, "The program was not written by unrolled, or is damaged.")
    )
