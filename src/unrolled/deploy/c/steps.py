"""Operations over the steps inside a row, and pools over all rows so far, as C."""

from typing import Any

from unrolled.deploy.c.body import Body, Value, state_of
from unrolled.runtime import Node


def write_pool_max(body: Body, node: Node, inputs: list[Value]) -> None:
    """The largest of the rows so far."""
    width = inputs[0].spec.size
    most, started = state_of(body, node, "most", width), state_of(body, node, "started", 1)
    y = body.make(node.name, body.specs[node.name])
    body.call("pool_max", y.name, most, started, inputs[0].name, width)


def write_pool_attention(body: Body, node: Node, inputs: list[Value]) -> None:
    """The mean of the rows so far, weighted by their scores."""
    width = inputs[0].spec.size
    sizes = (("sum", width), ("weight", 1), ("most", 1))
    states = [state_of(body, node, own, size) for own, size in sizes]
    y = body.make(node.name, body.specs[node.name])
    body.call("pool_attention", y.name, *states, inputs[0].name, inputs[1].name, width)


def write_steps(body: Body, node: Node, inputs: list[Value]) -> None:
    """Steps that count: cut, turned round, or pooled."""
    op: Any = node.operation
    kind = {"last": "last_step", "max": "largest_step"}[op.how] if op.kind == "pool_steps" else op.kind
    y = body.make(node.name, body.specs[node.name])
    body.call(kind, y.name, inputs[0].name, inputs[1].name, *inputs[0].spec.shape)


def write_convolve(body: Body, node: Node, inputs: list[Value]) -> None:
    """A convolution over steps, its weights tap by tap with the outputs side by side."""
    op: Any = node.operation
    weights, tables = body.source.weights, body.source.tables
    outputs, features, taps = weights[op.weight].shape
    flat = weights[op.weight].transpose(2, 1, 0).reshape(-1, outputs)
    matrix = tables.add(op.weight, flat, f"({taps}, {features}, {outputs})")
    bias = tables.add(op.bias, weights[op.bias])
    y = body.make(node.name, body.specs[node.name])
    sizes = (inputs[0].spec.shape[0], features, outputs, taps)
    body.call("convolve", y.name, inputs[0].name, matrix, bias, *sizes)
