"""Each operation of docs/program.md as C: a function from a node to the lines that make its value."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from unrolled.deploy.c.body import Body, Place, Value, state_of
from unrolled.deploy.c.comments import comment
from unrolled.deploy.c.loops import loops, row_major, spread_over
from unrolled.deploy.c.moves import (
    write_concat,
    write_final,
    write_pad,
    write_repeat,
    write_reshape,
    write_slice,
    write_transpose,
)
from unrolled.deploy.c.recurrent import write_recurrent, write_scan, write_step
from unrolled.deploy.c.steps import write_convolve, write_pool_attention, write_pool_max, write_steps
from unrolled.deploy.c.tables import as_float
from unrolled.deploy.c.time_features import write_time_features
from unrolled.runtime import Node
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import resolve
from unrolled.runtime.rollout import Rollout

MANY = 1_000_000  # uses
Writer = Callable[[Body, Node, list[Value]], None]


def write_scale(body: Body, node: Node, inputs: list[Value]) -> None:
    """(x - centre) / spread."""
    _elementwise(body, node, inputs, "({0} - {1}) / {2}")


def write_unscale(body: Body, node: Node, inputs: list[Value]) -> None:
    """Centre + spread * x."""
    _elementwise(body, node, inputs, "{1} + {2} * {0}")


def write_combine(body: Body, node: Node, inputs: list[Value]) -> None:
    """A sum or a product."""
    _elementwise(body, node, inputs, "{0} + {1}" if node.operation.how == "add" else "{0} * {1}")  # type: ignore[attr-defined]


ELEMENTWISE = {
    "tanh": ("tanh1({0})", "tanh1"),
    "sigmoid": ("sigmoid1({0})", "sigmoid1"),
    "softplus": ("softplus1({0})", "softplus1"),
    "exp": ("exp1({0})", "exp1"),
    "relu": ("{0} > 0.0f ? {0} : 0.0f", "arithmetic"),
}


def write_activation(body: Body, node: Node, inputs: list[Value]) -> None:
    """A function of each element, or softmax of the last axis."""
    function = node.operation.function  # type: ignore[attr-defined]
    if function in ELEMENTWISE:
        expression, part = ELEMENTWISE[function]
        body.source.parts.add(part)
        _elementwise(body, node, inputs, expression)
        return
    spec = inputs[0].spec
    y = body.make(node.name, spec)
    width = spec.shape[-1]
    body.call(function, y.name, inputs[0].name, spec.size // width, width)


def _elementwise(body: Body, node: Node, inputs: list[Value], expression: str) -> None:
    """One line for each element; in the place of an input that has the same shape and is not read again."""
    spec = body.specs[node.name]
    y = body.make(node.name, spec, over=inputs)
    strides = {f"x{n}": spread_over(value.spec.shape, spec.shape) for n, value in enumerate(inputs)}
    terms = [f"{value.name}[{{x{n}}}]" for n, value in enumerate(inputs)]
    line = f"{y.name}[{{y}}] = {expression.format(*terms)};"
    body.say(loops(spec.shape, {"y": row_major(spec.shape), **strides}, line))


def write_dense(body: Body, node: Node, inputs: list[Value]) -> None:
    """W x + b, the matrix stored with its outputs side by side."""
    op: Any = node.operation
    weights, tables = body.source.weights, body.source.tables
    outputs, width = weights[op.weight].shape
    matrix = tables.add(op.weight, weights[op.weight].T, f"({width}, {outputs})")
    bias = "0" if op.bias is None else tables.add(op.bias, weights[op.bias])
    y = body.make(node.name, body.specs[node.name])
    body.call("dense", y.name, inputs[0].name, matrix, bias, inputs[0].spec.size // width, width, outputs)


def write_norm(body: Body, node: Node, inputs: list[Value]) -> None:
    """Layer normalisation."""
    op: Any = node.operation
    tables, weights = body.source.tables, body.source.weights
    names = ["0" if name is None else tables.add(name, weights[name]) for name in (op.weight, op.bias)]
    width = inputs[0].spec.shape[-1]
    y = body.make(node.name, body.specs[node.name])
    count = inputs[0].spec.size // width
    body.call("norm", y.name, inputs[0].name, *names, as_float(op.epsilon), count, width)


def write_embed(body: Body, node: Node, inputs: list[Value]) -> None:
    """Rows of a table."""
    table = body.source.weights[node.operation.table]  # type: ignore[attr-defined]
    own = body.source.tables.add(node.operation.table, table)  # type: ignore[attr-defined]
    y = body.make(node.name, body.specs[node.name])
    body.call("embed", y.name, inputs[0].name, own, inputs[0].spec.size, *table.shape)


def write_constant(body: Body, node: Node, inputs: list[Value]) -> None:
    """A table as a value."""
    name = node.operation.weight  # type: ignore[attr-defined]
    table = body.source.tables.add(name, body.source.weights[name])
    body.hold(node.name, Value(table, body.specs[node.name], Place()))


def write_fill(body: Body, node: Node, inputs: list[Value]) -> None:
    """One number everywhere."""
    spec = body.specs[node.name]
    y = body.make(node.name, spec)
    number = as_float(node.operation.number)  # type: ignore[attr-defined]
    body.say(loops((spec.size,), {"y": (1,)}, f"{y.name}[{{y}}] = {number};"))


def write_mask(body: Body, node: Node, inputs: list[Value]) -> None:
    """NaN becomes 0; with channels, a column for each says whether it was there."""
    x = inputs[0]
    if not node.operation.channels:  # type: ignore[attr-defined]
        y = body.make(node.name, x.spec, over=inputs)
        body.call("mask", y.name, x.name, x.spec.size)
        return
    y = body.make(node.name, body.specs[node.name])
    width = x.spec.shape[-1]
    body.call("mask_channels", y.name, x.name, x.spec.size // width, width)


def write_spread(body: Body, node: Node, inputs: list[Value]) -> None:
    """The standard deviation of a window."""
    steps, columns = inputs[0].spec.shape[-2:]
    y = body.make(node.name, body.specs[node.name])
    least = as_float(node.operation.floor**2)  # type: ignore[attr-defined]
    windows = inputs[0].spec.size // (steps * columns)
    body.call("spread", y.name, inputs[0].name, least, windows, steps, columns)


def write_window_anchor(body: Body, node: Node, inputs: list[Value]) -> None:
    """The last value of a window."""
    y = body.make(node.name, body.specs[node.name])
    body.call("window_anchor", y.name, inputs[0].name, inputs[1].name, *inputs[0].spec.shape)


def write_carried_anchor(body: Body, node: Node, inputs: list[Value]) -> None:
    """The last value of all rows."""
    count = inputs[0].spec.size
    last, seen = (state_of(body, node, own, count) for own in ("last", "seen"))
    y = body.make(node.name, body.specs[node.name])
    body.call("carried_anchor", y.name, last, seen, inputs[0].name, inputs[1].name, count)


def write_delay(body: Body, node: Node, inputs: list[Value]) -> None:
    """The row before."""
    count = inputs[0].spec.size
    previous, started = state_of(body, node, "previous", count), state_of(body, node, "started", 1)
    y = body.make(node.name, body.specs[node.name])
    body.call("delay", y.name, previous, started, inputs[0].name, count)


def write_pool(body: Body, node: Node, inputs: list[Value]) -> None:
    """The mean of the rows so far, or the last of them."""
    if node.operation.how == "last":  # type: ignore[attr-defined]
        body.alias(node.name, inputs[0].spec, inputs[0])
        return
    width = inputs[0].spec.size
    total, count = state_of(body, node, "sum", width), state_of(body, node, "count", 1)
    y = body.make(node.name, body.specs[node.name])
    body.call("pool_mean", y.name, total, count, inputs[0].name, width)


def write_quantile_head(body: Body, node: Node, inputs: list[Value]) -> None:
    """Rising quantiles."""
    spec = inputs[0].spec
    y = body.make(node.name, spec)
    count, base = spec.shape[-1], node.operation.base  # type: ignore[attr-defined]
    body.call("quantile_head", y.name, inputs[0].name, spec.size // count, count, base)


def write_conformal(body: Body, node: Node, inputs: list[Value]) -> None:
    """Offsets, then order."""
    op: Any = node.operation
    offsets = body.source.tables.add(op.offsets, body.source.weights[op.offsets])
    spec = inputs[0].spec
    table = Value(offsets, spec, Place())
    expression = "{0} + {1} * {2}" if len(inputs) == 2 else "{0} + {1}"
    _elementwise(body, node, [*inputs, table], expression)
    count = spec.shape[-1]
    body.call("keep_order", body.values[node.name].name, spec.size // count, count, op.base)


def write_path_quantiles(body: Body, node: Node, inputs: list[Value]) -> None:
    """Quantiles over sample paths."""
    paths, *rest = inputs[0].spec.shape
    levels = node.operation.levels  # type: ignore[attr-defined]
    places = [level * (paths - 1) for level in levels]
    below = [math.floor(place) for place in places]
    shares = np.array([place - low for place, low in zip(places, below, strict=True)], np.float32)
    tables = body.source.tables
    named = (
        tables.add(f"{node.name}_below", np.array(below, np.int32)),
        tables.add(f"{node.name}_share", shares),
    )
    y = body.make(node.name, body.specs[node.name])
    ordered = body.scratch(f"{node.name}_sorted", paths)
    body.call("path_quantiles", y.name, inputs[0].name, ordered, *named, paths, math.prod(rest), len(levels))


def write_window(body: Body, node: Node, inputs: list[Value]) -> None:
    """Take the row into the ring; `write_window_rows` lays it out."""
    history = node.operation.history  # type: ignore[attr-defined]
    width = inputs[0].spec.size
    ring = state_of(body, node, "rows", history * width)
    following = body.source.member("int32_t", f"{node.name}_next", 1, f"{node.name}: where the next row goes")
    body.call("push", ring, f"&{following}", inputs[0].name, history, width)
    body.rings[node.name] = (ring, following)


def write_window_rows(body: Body, node: Node) -> None:
    """A window's rows in order, the oldest first."""
    ring, following = body.rings[node.name]
    spec = body.specs[node.name]
    history = spec.shape[0]
    y = body.make(node.name, spec)
    body.call("unroll", y.name, ring, following, history, spec.size // history)


def write_rollout(body: Body, node: Node, inputs: list[Value]) -> None:
    """The steps of a decoder: a loop with the body's own values inside."""
    op: Any = node.operation
    source = body.source
    y = body.make(node.name, body.specs[node.name])
    inner = Body(source, op.body, resolve(op.body, source.weights).values, (), body.indent + 1)
    places = list(zip(op.wiring, op.body.inputs, inputs, strict=True))
    carried = {}
    for how, entry, value in places:
        if how == "carried":
            carried[entry.name] = body.make(f"{entry.name}_carried", entry.spec)
            body.call("copy", carried[entry.name].name, value.name, entry.spec.size)
    body.say(f"for (int step = 0; step < {op.steps}; ++step) {{")
    held = [*inputs, *carried.values(), y]
    for value in held:
        value.place.left += MANY  # read at every step: nothing may take its place
    for how, entry, value in places:
        if how == "each":
            inner.alias(entry.name, entry.spec, value, f" + step * {entry.spec.size}")
        else:
            inner.hold(entry.name, carried.get(entry.name, value))
    write_nodes(inner, inner.nodes)
    source.memory.now += 1
    result = inner.read(op.body.outputs[op.result])
    inner.call("copy", f"{y.name} + step * {result.spec.size}", result.name, result.spec.size)
    _carry(inner, op, carried)
    for value in held:
        value.place.left -= MANY
        if value.place.buffer is not None:
            value.place.buffer.dies = source.memory.now
    body.lines += inner.lines
    body.say("}")


def _carry(inner: Body, op: Any, carried: dict[str, Value]) -> None:
    """Hand the body's outputs on to its next step; what is itself carried is first laid aside."""
    places = {id(value.place) for value in carried.values()}
    new = {name: inner.read(op.body.outputs[name]) for name in carried}
    for name, value in new.items():
        if id(value.place) in places and value is not carried[name]:
            aside = inner.scratch(f"{name}_aside", value.spec.size)
            inner.call("copy", aside, value.name, value.spec.size)
            new[name] = replace(value, name=aside)
    for name, value in new.items():
        if value is not carried[name]:
            inner.call("copy", carried[name].name, value.name, value.spec.size)


def write_nodes(body: Body, nodes: Any) -> None:
    """The lines of some nodes in their order."""
    for node in nodes:
        body.source.memory.now += 1
        told = comment(f"{node.name}: {node.operation.kind} of {', '.join(node.inputs)}")
        body.say(["", f"/* {told} */"])
        WRITERS[type(node.operation)](body, node, [body.read(name) for name in node.inputs])


WRITERS: dict[type, Writer] = {
    ops.Activation: write_activation,
    ops.CarriedAnchor: write_carried_anchor,
    ops.Combine: write_combine,
    ops.Concat: write_concat,
    ops.Conformal: write_conformal,
    ops.Constant: write_constant,
    ops.Convolve: write_convolve,
    ops.Cut: write_steps,
    ops.Delay: write_delay,
    ops.Dense: write_dense,
    ops.Embed: write_embed,
    ops.Fill: write_fill,
    ops.Final: write_final,
    ops.Mask: write_mask,
    ops.Norm: write_norm,
    ops.Pad: write_pad,
    ops.PathQuantiles: write_path_quantiles,
    ops.Pool: write_pool,
    ops.PoolAttention: write_pool_attention,
    ops.PoolMax: write_pool_max,
    ops.PoolSteps: write_steps,
    ops.QuantileHead: write_quantile_head,
    ops.Recurrent: write_recurrent,
    ops.RecurrentInt8: write_recurrent,
    Rollout: write_rollout,
    ops.Repeat: write_repeat,
    ops.Reshape: write_reshape,
    ops.Reverse: write_steps,
    ops.Scale: write_scale,
    ops.Scan: write_scan,
    ops.ScanInt8: write_scan,
    ops.Slice: write_slice,
    ops.Spread: write_spread,
    ops.Step: write_step,
    ops.StepInt8: write_step,
    ops.TimeFeatures: write_time_features,
    ops.Transpose: write_transpose,
    ops.Unscale: write_unscale,
    ops.Window: write_window,
    ops.WindowAnchor: write_window_anchor,
}
