"""Operations that only move numbers, as C: another shape, a part, another order, side by side."""

import math
from typing import Any

from unrolled.deploy.c.body import Body, Value
from unrolled.deploy.c.loops import loops, row_major, spread_over
from unrolled.runtime import Node
from unrolled.runtime.operations.base import Spec


def write_reshape(body: Body, node: Node, inputs: list[Value]) -> None:
    """The same memory in another shape."""
    body.alias(node.name, body.specs[node.name], inputs[0])


def write_slice(body: Body, node: Node, inputs: list[Value]) -> None:
    """Part of an axis: the same memory where it lies in one piece."""
    op: Any = node.operation
    axis = len(inputs[0].spec.shape) + op.axis
    _cut(body, node, inputs[0], axis, op.start)


def write_final(body: Body, node: Node, inputs: list[Value]) -> None:
    """The last element of an axis."""
    shape = inputs[0].spec.shape
    axis = len(shape) + node.operation.axis  # type: ignore[attr-defined]
    _cut(body, node, inputs[0], axis, shape[axis] - 1)


def _cut(body: Body, node: Node, x: Value, axis: int, start: int) -> None:
    """Elements of an axis from `start` on, as many as the value has."""
    spec, strides = body.specs[node.name], row_major(x.spec.shape)
    if math.prod(x.spec.shape[:axis]) == 1:
        offset = f" + {start * strides[axis]}" if start else ""
        body.alias(node.name, spec, x, offset)
        return
    gone = len(spec.shape) < len(x.spec.shape)
    kept = strides[:axis] + strides[axis + 1 :] if gone else strides
    _move(body, node, x, spec.shape, kept, start * strides[axis])


def write_transpose(body: Body, node: Node, inputs: list[Value]) -> None:
    """The axes in another order."""
    strides = row_major(inputs[0].spec.shape)
    shape = body.specs[node.name].shape
    _move(body, node, inputs[0], shape, tuple(strides[a] for a in node.operation.axes))  # type: ignore[attr-defined]


def write_repeat(body: Body, node: Node, inputs: list[Value]) -> None:
    """A value filled up to a larger shape."""
    shape = body.specs[node.name].shape
    _move(body, node, inputs[0], shape, spread_over(inputs[0].spec.shape, shape))


def _move(
    body: Body, node: Node, x: Value, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
) -> None:
    """A copy of elements that lie apart."""
    plus = f" + {offset}" if offset else ""
    spec = body.specs[node.name]
    if spec.dtype == "int64":
        y = _whole_numbers(body, node, spec)
    else:
        y = body.make(node.name, spec).name
    line = f"{y}[{{y}}] = {x.name}[{{x}}{plus}];"
    body.say(loops(shape, {"y": row_major(shape), "x": strides}, line))


def _whole_numbers(body: Body, node: Node, spec: Spec) -> str:
    """Room for codes in the state; as C."""
    pointer = body.source.member("int32_t", f"{node.name}_codes", spec.size, "scratch")
    body.see(node.name, spec, pointer, kind="int32_t")
    return pointer


def write_pad(body: Body, node: Node, inputs: list[Value]) -> None:
    """Zeros around."""
    op: Any = node.operation
    spec, own = body.specs[node.name], inputs[0].spec.shape
    y = body.make(node.name, spec)
    strides = row_major(spec.shape)
    body.call("zeros", y.name, spec.size)
    offset = op.before * strides[len(own) + op.axis]
    plus = f" + {offset}" if offset else ""
    line = f"{y.name}[{{y}}{plus}] = {inputs[0].name}[{{x}}];"
    body.say(loops(own, {"y": strides, "x": row_major(own)}, line))


def write_concat(body: Body, node: Node, inputs: list[Value]) -> None:
    """Values side by side."""
    spec = body.specs[node.name]
    y = body.make(node.name, spec)
    strides, place = row_major(spec.shape), 0
    axis = len(spec.shape) + node.operation.axis  # type: ignore[attr-defined]
    for x in inputs:
        plus = f" + {place * strides[axis]}" if place else ""
        line = f"{y.name}[{{y}}{plus}] = {x.name}[{{x}}];"
        body.say(loops(x.spec.shape, {"y": strides, "x": row_major(x.spec.shape)}, line))
        place += x.spec.shape[axis]
