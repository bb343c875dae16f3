"""What is done over the first steps of a short sequence inside a row, as ONNX operators.

Key: L steps · E features · H results · ... the leading axes.
"""

import numpy as np

from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime import operations as ops

Shape = tuple[int, ...]


def cut(e: Emitter, op: ops.Cut, x: list[Value], shape: Shape) -> Value:
    """Zeros behind the length."""
    return Value(_where_valid(e, x, 0.0), x[0].lead, shape)


def reverse(e: Emitter, op: ops.Reverse, x: list[Value], shape: Shape) -> Value:
    """The steps that count, last first."""
    g, (places, length) = e.graph, _places(e, x)
    turned = g.add("Sub", g.add("Sub", length, e.numbers(1)), places)
    places = g.add("Where", g.add("Less", places, length), turned, places)  # (..., L)
    places = g.add("Expand", g.add("Unsqueeze", places, e.numbers(-1)), g.add("Shape", x[0].name))
    return Value(g.add("GatherElements", x[0].name, places, axis=-2), x[0].lead, shape)


def pool_steps(e: Emitter, op: ops.PoolSteps, x: list[Value], shape: Shape) -> Value:
    """The last step that counts, or the largest of each feature."""
    g, lead = e.graph, x[0].lead
    if op.how == "max":
        found = g.add("ReduceMax", _where_valid(e, x, -np.inf), axes=[-2], keepdims=0)
        return Value(found, lead, shape)
    places, length = _places(e, x)
    is_last = g.add("Equal", places, g.add("Sub", length, e.numbers(1)))
    own = g.add("Where", g.add("Unsqueeze", is_last, e.numbers(-1)), x[0].name, e.number(0))
    return Value(g.add("ReduceSum", own, e.numbers(-2), keepdims=0), lead, shape)


def convolve(e: Emitter, op: ops.Convolve, x: list[Value], shape: Shape) -> Value:
    """A convolution over the steps; ONNX wants the features before them."""
    g, (steps, features) = e.graph, x[0].shape
    matrix, bias = e.weight(op.weight), e.weight(op.bias)
    flat = g.add("Reshape", x[0].name, e.numbers(-1, steps, features))
    turned = g.add("Transpose", flat, perm=[0, 2, 1])
    made = g.add("Conv", turned, matrix.name, bias.name, pads=[matrix.shape[2] // 2] * 2)
    return e.unflat(g.add("Transpose", made, perm=[0, 2, 1]), x[0].lead, shape)


def _places(e: Emitter, x: list[Value]) -> tuple[str, str]:
    """The numbers of the steps (L,), and the length (..., 1), in int64."""
    steps = x[0].shape[0]
    length = e.reshaped(Value(x[1].name, x[1].lead, ()), (1,)).name
    length = e.graph.add("Min", e.graph.add("Max", length, e.numbers(1)), e.numbers(steps))
    return e.numbers(*range(steps)), length


def _where_valid(e: Emitter, x: list[Value], otherwise: float) -> str:
    places, length = _places(e, x)
    valid = e.graph.add("Unsqueeze", e.graph.add("Less", places, length), e.numbers(-1))
    return e.graph.add("Where", valid, x[0].name, e.number(otherwise))
