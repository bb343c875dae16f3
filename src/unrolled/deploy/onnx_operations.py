"""Each operation of a Program without a memory as ONNX operators: a function for each, and their table.

Every function takes the emitter, the operation, its inputs and the shape it makes, and returns the value.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unrolled.deploy.onnx_attention import attention, weighted_sum
from unrolled.deploy.onnx_calendar import time_features
from unrolled.deploy.onnx_recurrent import scan, step
from unrolled.deploy.onnx_steps import convolve, cut, pool_steps, reverse
from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.base import Operation, Spec, broadcast

Shape = tuple[int, ...]
Emit = Callable[[Emitter, Any, list[Value], Shape], Value]

FUNCTIONS = {
    "tanh": "Tanh",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "exp": "Exp",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
}


def _lead(values: Sequence[Value]) -> int:
    return max(value.lead for value in values)


def _joined(e: Emitter, operator: str, a: Value, b: Value) -> Value:
    """Two values element by element."""
    a, b = e.aligned([a, b])
    shape = broadcast([Spec(a.shape), Spec(b.shape)])
    return Value(e.graph.add(operator, a.name, b.name), _lead([a, b]), shape)


def _scale(e: Emitter, op: Operation, x: list[Value], shape: Shape) -> Value:
    return _joined(e, "Div", _joined(e, "Sub", x[0], x[1]), x[2])


def _unscale(e: Emitter, op: Operation, x: list[Value], shape: Shape) -> Value:
    return _joined(e, "Add", x[1], _joined(e, "Mul", x[2], x[0]))


def _combine(e: Emitter, op: ops.Combine, x: list[Value], shape: Shape) -> Value:
    return _joined(e, {"add": "Add", "multiply": "Mul"}[op.how], x[0], x[1])


def _mask(e: Emitter, op: ops.Mask, x: list[Value], shape: Shape) -> Value:
    missing = e.graph.add("IsNaN", x[0].name)
    filled = e.graph.add("Where", missing, e.number(0), x[0].name)
    if op.channels:
        there = e.graph.add("Cast", e.graph.add("Not", missing), to=1)
        filled = e.graph.add("Concat", filled, there, axis=-1, name="masked")
    return Value(filled, x[0].lead, shape)


def _spread(e: Emitter, op: ops.Spread, x: list[Value], shape: Shape) -> Value:
    g, axis, zero = e.graph, e.numbers(-2), e.number(0)
    missing = g.add("IsNaN", x[0].name)
    there = g.add("Cast", g.add("Not", missing), to=1)
    count = g.add("Max", g.add("ReduceSum", there, axis), e.number(1))
    mean = g.add("Div", g.add("ReduceSum", g.add("Where", missing, zero, x[0].name), axis), count)
    centred = g.add("Where", missing, zero, g.add("Sub", x[0].name, mean))
    variance = g.add("Div", g.add("ReduceSum", g.add("Mul", centred, centred), axis), count)
    floored = g.add("Max", variance, e.number(op.floor**2))
    return Value(g.add("Squeeze", g.add("Sqrt", floored), axis), x[0].lead, shape)


def _window_anchor(e: Emitter, op: Operation, x: list[Value], shape: Shape) -> Value:
    """The place of the last value that is there; of none, place 0, which is then not used."""
    g, lead, (steps, columns) = e.graph, x[0].lead, x[0].shape
    places = g.weight(np.arange(steps, dtype=np.int64)[:, None])
    place = g.add("Where", g.add("IsNaN", x[0].name), e.numbers(-1), places)
    last = g.add("ReduceMax", place, axes=[lead], keepdims=1)
    found = g.add("GatherElements", x[0].name, g.add("Max", last, e.numbers(0)), axis=lead)
    otherwise = e.reshaped(x[1], (1, columns))
    missing = g.add("Less", last, e.numbers(0))
    anchor = Value(g.add("Where", missing, otherwise.name, found), lead, (1, columns))
    return e.reshaped(anchor, shape)


def _embed(e: Emitter, op: ops.Embed, x: list[Value], shape: Shape) -> Value:
    g, table = e.graph, e.weight(op.table)
    zero, size = g.weight(np.int64(0)), g.weight(np.int64(table.shape[0]))
    code = g.add("Where", g.add("Less", x[0].name, size), x[0].name, zero)
    return Value(g.add("Gather", table.name, g.add("Max", code, zero), axis=0), x[0].lead, shape)


def _dense(e: Emitter, op: ops.Dense, x: list[Value], shape: Shape) -> Value:
    product = e.graph.add("MatMul", x[0].name, e.matrix(op.weight))
    if op.bias is not None:
        product = e.graph.add("Add", product, e.weight(op.bias).name)
    return Value(product, x[0].lead, shape)


def _norm(e: Emitter, op: ops.Norm, x: list[Value], shape: Shape) -> Value:
    gain = e.graph.weight(np.ones(shape[-1], np.float32)) if op.weight is None else e.weight(op.weight).name
    inputs = [x[0].name, gain] + ([] if op.bias is None else [e.weight(op.bias).name])
    return Value(e.graph.add("LayerNormalization", *inputs, axis=-1, epsilon=op.epsilon), x[0].lead, shape)


def _activation(e: Emitter, op: ops.Activation, x: list[Value], shape: Shape) -> Value:
    axis = {"axis": -1} if "softmax" in op.function else {}
    made = e.graph.add_many(FUNCTIONS[op.function], [x[0].name], [op.function], axis)
    return Value(made[0], x[0].lead, shape)


def _concat(e: Emitter, op: ops.Concat, x: list[Value], shape: Shape) -> Value:
    lead = _lead(x)
    parts = [e.filled(part, lead, part.shape).name for part in x]
    return Value(e.graph.add("Concat", *parts, axis=op.axis), lead, shape)


def _slice(e: Emitter, op: ops.Slice, x: list[Value], shape: Shape) -> Value:
    source, hidden = x[0], x[0].hidden
    if hidden is not None and op.axis == -1 and op.stop <= hidden.shape[-1]:
        source = hidden
    if (op.start, op.stop) == (0, source.shape[op.axis]):
        return source
    places = e.numbers(op.start), e.numbers(op.stop), e.numbers(op.axis)
    return Value(e.graph.add("Slice", source.name, *places), source.lead, shape)


def _final(e: Emitter, op: ops.Final, x: list[Value], shape: Shape) -> Value:
    if x[0].final is not None and op.axis == -2:
        return x[0].final
    place = e.graph.weight(np.int64(-1))
    return Value(e.graph.add("Gather", x[0].name, place, axis=op.axis), x[0].lead, shape)


def _pad(e: Emitter, op: ops.Pad, x: list[Value], shape: Shape) -> Value:
    before, after = [0] * x[0].axes, [0] * x[0].axes
    before[op.axis], after[op.axis] = op.before, op.after
    return Value(e.graph.add("Pad", x[0].name, e.numbers(*before, *after)), x[0].lead, shape)


def _reshape(e: Emitter, op: ops.Reshape, x: list[Value], shape: Shape) -> Value:
    return e.reshaped(x[0], shape)


def _transpose(e: Emitter, op: ops.Transpose, x: list[Value], shape: Shape) -> Value:
    order = [*range(x[0].lead), *(axis + x[0].lead for axis in op.axes)]
    return Value(e.graph.add("Transpose", x[0].name, perm=order), x[0].lead, shape)


def _repeat(e: Emitter, op: ops.Repeat, x: list[Value], shape: Shape) -> Value:
    return e.filled(x[0], x[0].lead, shape)


def _constant(e: Emitter, op: ops.Constant, x: list[Value], shape: Shape) -> Value:
    return e.weight(op.weight)


def _fill(e: Emitter, op: ops.Fill, x: list[Value], shape: Shape) -> Value:
    return Value(e.graph.weight(np.full(shape, op.number, np.float32), "fill"), 0, shape)


def _ends(e: Emitter, x: Value, size: int) -> list[str]:
    """The elements of the last axis, each alone."""
    if size == 1:
        return [x.name]
    return e.graph.add_many("Split", [x.name], ["part"] * size, {"axis": -1})


def _quantile_head(e: Emitter, op: ops.QuantileHead, x: list[Value], shape: Shape) -> Value:
    """`base` upward and downward, each a sum further than its neighbour."""
    plain = _ends(e, x[0], shape[-1])
    for place in range(op.base + 1, len(plain)):
        plain[place] = e.graph.add("Add", plain[place - 1], e.graph.add("Softplus", plain[place]))
    for place in range(op.base - 1, -1, -1):
        plain[place] = e.graph.add("Sub", plain[place + 1], e.graph.add("Softplus", plain[place]))
    return Value(e.graph.add("Concat", *plain, axis=-1), x[0].lead, shape)


def _conformal(e: Emitter, op: ops.Conformal, x: list[Value], shape: Shape) -> Value:
    offsets = e.weight(op.offsets)
    moved = _joined(e, "Add", x[0], offsets if len(x) == 1 else _joined(e, "Mul", x[1], offsets))
    parts = _ends(e, moved, shape[-1])
    for place in range(op.base + 1, len(parts)):
        parts[place] = e.graph.add("Max", parts[place], parts[place - 1])
    for place in range(op.base - 1, -1, -1):
        parts[place] = e.graph.add("Min", parts[place], parts[place + 1])
    return Value(e.graph.add("Concat", *parts, axis=-1), moved.lead, shape)


def _path_quantiles(e: Emitter, op: ops.PathQuantiles, x: list[Value], shape: Shape) -> Value:
    g, lead, paths = e.graph, x[0].lead, x[0].shape[0]
    ordered = g.add_many(
        "TopK", [x[0].name, e.numbers(paths)], ["ordered", "order"], {"axis": lead, "largest": 0, "sorted": 1}
    )[0]
    places = [level * (paths - 1) for level in op.levels]
    below = [math.floor(place) for place in places]
    above = [min(place + 1, paths - 1) for place in below]
    low, high = (g.add("Gather", ordered, e.numbers(*which), axis=lead) for which in (below, above))
    share = np.array([place - least for place, least in zip(places, below, strict=True)], np.float32)
    shares = g.weight(share.reshape(-1, *(1,) * (len(shape) - 1)))  # (levels, 1, ...)
    value = g.add("Add", low, g.add("Mul", shares, g.add("Sub", high, low)))
    order = [*range(lead), *range(lead + 1, lead + len(shape)), lead]
    return Value(g.add("Transpose", value, perm=order), lead, shape)


EMIT: dict[type[Operation], Emit] = {
    ops.Activation: _activation,
    ops.Attention: attention,
    ops.Combine: _combine,
    ops.Concat: _concat,
    ops.Conformal: _conformal,
    ops.Constant: _constant,
    ops.Convolve: convolve,
    ops.Cut: cut,
    ops.Dense: _dense,
    ops.Embed: _embed,
    ops.Fill: _fill,
    ops.Final: _final,
    ops.Mask: _mask,
    ops.Norm: _norm,
    ops.Pad: _pad,
    ops.PathQuantiles: _path_quantiles,
    ops.PoolSteps: pool_steps,
    ops.QuantileHead: _quantile_head,
    ops.Repeat: _repeat,
    ops.Reshape: _reshape,
    ops.Reverse: reverse,
    ops.Scale: _scale,
    ops.Scan: scan,
    ops.Slice: _slice,
    ops.Spread: _spread,
    ops.Step: step,
    ops.TimeFeatures: time_features,
    ops.Transpose: _transpose,
    ops.Unscale: _unscale,
    ops.WeightedSum: weighted_sum,
    ops.WindowAnchor: _window_anchor,
}
