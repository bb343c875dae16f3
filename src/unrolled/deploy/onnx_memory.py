"""The operations with a memory, twice: one row with the state before it, and whole sequences from the start.

`STEP` takes the states before the row, `SEQUENCE` starts from zeros; both return the value and the states
after, which are named as the Program names them and have one leading axis, the batch. A sequence's states are
those after its own last row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.deploy.onnx_graph import Body, Port
from unrolled.deploy.onnx_recurrent import (
    hidden_size,
    is_plain,
    one_step,
    run_operator,
    split_state,
    state_count,
    whole_state,
)
from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.base import Spec

States = dict[str, Value]


@dataclass(frozen=True)
class Place:
    """A node with a memory: its name, its value and states per row, and which rows are read later on."""

    name: str
    spec: Spec
    states: Mapping[str, Spec]
    every_row: bool  # its value is read at each row, not at the last alone
    every_state: bool = False  # a full state is read whole at each row, not its h alone


Made = tuple[Value, States]
Step = Callable[[Emitter, Any, list[Value], States, Place], Made]
Sequence = Callable[[Emitter, Any, list[Value], Place], Made]


def _where_started(e: Emitter, states: States, old: Value, new: Value) -> Value:
    """`old` in the sequences that have begun, `new` in the others."""
    started = e.graph.add("Greater", states["started"].name, e.number(0))
    started = e.reshaped(Value(started, 1, ()), (1,) * len(old.shape)).name
    old, new = e.aligned([old, new])
    return Value(e.graph.add("Where", started, old.name, new.name), 1, old.shape)


def _ones(e: Emitter) -> Value:
    """The number 1 for each sequence."""
    return e.filled(Value(e.number(1), 0, ()), 1, ())


def _recurrent_step(e: Emitter, op: ops.Recurrent, x: list[Value], before: States, place: Place) -> Made:
    names, size = ("h", "c"), hidden_size(e, op)
    old = [before[name] for name in names if name in before]
    if len(x) == 2:
        given = e.filled(x[1], 1, x[1].shape)
        parts = split_state(e, op, e.flat(given))
        fresh = [e.unflat(part, 1, old[0].shape) for part in parts]
        old = [_where_started(e, before, *pair) for pair in zip(old, fresh, strict=True)]
    row = e.filled(x[0], 1, x[0].shape)
    after = one_step(e, op, e.flat(row), tuple(e.flat(state) for state in old))
    shape = (*row.shape[:-1], size)
    states = {name: e.unflat(part, 1, shape) for name, part in zip(names, after, strict=False)}
    if len(x) == 2:
        states["started"] = _ones(e)
    whole = whole_state(e, after) if op.emit == "state" else after[0]
    return e.unflat(whole, 1, place.spec.shape), states


def _window_step(e: Emitter, op: ops.Window, x: list[Value], before: States, place: Place) -> Made:
    rows, new = before["rows"], e.filled(x[0], 1, x[0].shape)
    kept = e.graph.add("Slice", rows.name, e.numbers(1), e.numbers(op.history), e.numbers(1))
    one = e.graph.add("Unsqueeze", new.name, e.numbers(1))
    window = Value(e.graph.add("Concat", kept, one, axis=1), 1, rows.shape)
    return window, {"rows": window}


def _delay_step(e: Emitter, op: ops.Delay, x: list[Value], before: States, place: Place) -> Made:
    nothing = Value(e.number(np.nan), 0, ())
    value = _where_started(e, before, before["previous"], nothing)
    return value, {"previous": e.filled(x[0], 1, x[0].shape), "started": _ones(e)}


def _anchor_step(e: Emitter, op: Any, x: list[Value], before: States, place: Place) -> Made:
    g, last, seen = e.graph, before["last"].name, before["seen"].name
    missing = g.add("IsNaN", x[0].name)
    carried = g.add("Where", g.add("Greater", seen, e.number(0)), last, x[1].name)
    value = g.add("Where", missing, carried, x[0].name)
    here = g.add("Cast", g.add("Not", missing), to=1)
    after = {"last": g.add("Where", missing, last, x[0].name), "seen": g.add("Max", seen, here)}
    shape = place.spec.shape
    return Value(value, 1, shape), {name: Value(after[name], 1, shape) for name in after}


def _pool_step(e: Emitter, op: ops.Pool, x: list[Value], before: States, place: Place) -> Made:
    if op.how == "last":
        return x[0], {}
    total = e.graph.add("Add", before["sum"].name, x[0].name, name="sum")
    count = Value(e.graph.add("Add", before["count"].name, e.number(1), name="count"), 1, ())
    shape = place.spec.shape
    each = e.reshaped(count, (1,) * len(shape))
    return Value(e.graph.add("Div", total, each.name), 1, shape), {
        "sum": Value(total, 1, shape),
        "count": count,
    }


def _pool_max_step(e: Emitter, op: ops.PoolMax, x: list[Value], before: States, place: Place) -> Made:
    row = e.filled(x[0], 1, x[0].shape)
    larger = Value(e.graph.add("Max", before["most"].name, row.name), 1, row.shape)
    value = _where_started(e, before, larger, row)
    return value, {"most": value, "started": _ones(e)}


def _pool_attention_step(
    e: Emitter, op: ops.PoolAttention, x: list[Value], before: States, place: Place
) -> Made:
    g, shape = e.graph, place.spec.shape
    row, score = (e.filled(value, 1, value.shape) for value in x)
    most, weight = (e.reshaped(before[name], (1,)).name for name in ("most", "weight"))
    started = g.add("Greater", weight, e.number(0))
    new = g.add("Where", started, g.add("Max", most, score.name), score.name)  # (B, 1)
    kept = g.add("Where", started, g.add("Exp", g.add("Sub", most, new)), e.number(0))
    own = g.add("Exp", g.add("Sub", score.name, new))
    total = g.add("Add", g.add("Mul", before["sum"].name, kept), g.add("Mul", row.name, own))
    weight = g.add("Add", g.add("Mul", weight, kept), own)
    value = Value(g.add("Div", total, weight), 1, shape)
    after = {name: e.reshaped(Value(one, 1, (1,)), ()) for name, one in (("most", new), ("weight", weight))}
    return value, {"sum": Value(total, 1, shape), **after}


def _recurrent_sequence(e: Emitter, op: ops.Recurrent, x: list[Value], place: Place) -> Made:
    in_parts = op.emit == "state" and op.cell == "lstm"
    backward = op.direction == "backward"
    if not is_plain(op) or (in_parts and place.every_state):
        return scanned(e, op, x, place)
    assert e.extent is not None
    rows = e.rows(x[0])
    many, size = int(np.prod(rows.shape[:-1])), hidden_size(e, op)
    over_time, lengths = rows.name, e.extent.lengths32
    if len(rows.shape) > 1:
        over_time = e.graph.add("Reshape", rows.name, e.numbers(0, -1, rows.shape[-1]))
        each = e.graph.add("Unsqueeze", lengths, e.numbers(1))
        lengths = e.graph.add("Reshape", e.graph.add("Expand", each, e.numbers(1, many)), e.numbers(-1))
    start: tuple[str, ...] = ()
    if len(x) == 2:
        given = e.last(x[1]) if backward else _first(e, x[1])
        start = split_state(e, op, e.flat(e.filled(given, 1, given.shape)))
    ran = run_operator(e, op, over_time, start, lengths, backward)
    shape = (*rows.shape[:-1], size)
    hidden = e.unflat(ran.hidden, 2, shape)
    ends = [e.unflat(state, 1, shape) for state in ran.states]
    after = {} if backward else dict(zip(("h", "c"), ends, strict=False))
    if "started" in place.states:
        after["started"] = _ones(e)
    if not in_parts:
        # of a backward pass the operator's last state is that of the first row
        return Value(hidden.name, 2, shape, end=None if backward else ends[0]), after
    end = e.unflat(whole_state(e, ran.states), 1, place.spec.shape)
    if backward:
        return Value("", 2, place.spec.shape, hidden=hidden, begin=end), after
    return Value("", 2, place.spec.shape, hidden=hidden, end=end), after


def _first(e: Emitter, value: Value) -> Value:
    """The value at the first row."""
    if value.lead < 2:
        return value
    if value.begin is not None:
        return value.begin
    return Value(e.graph.add("Gather", value.name, e.graph.weight(np.int64(0)), axis=0), 1, value.shape)


def _window_sequence(e: Emitter, op: ops.Window, x: list[Value], place: Place) -> Made:
    """The last rows of each sequence, by their places among its rows and the zeros before them."""
    if place.every_row:
        return scanned(e, op, x, place)
    assert e.extent is not None
    g, rows, history = e.graph, e.rows(x[0]), op.history
    sizes = g.add("Concat", e.numbers(history), e.batch, e.numbers(*rows.shape), axis=0)
    padded = g.add("Concat", g.add("Expand", e.number(0), sizes), rows.name, axis=0)
    starts = g.add("Unsqueeze", e.extent.lengths, e.numbers(1))  # (N, 1): the zeros come first
    places = g.add("Add", starts, g.weight(np.arange(history, dtype=np.int64)))  # (N, history)
    numbers = g.add("Slice", e.extent.last, e.numbers(1), e.numbers(2), e.numbers(1))  # (N, 1)
    both = [places, g.add("Expand", numbers, e.numbers(1, history))]
    index = g.add("Concat", *(g.add("Unsqueeze", one, e.numbers(2)) for one in both), axis=2)
    window = Value(g.add("GatherND", padded, index), 1, (history, *rows.shape))
    return window, {"rows": window}


def _delay_sequence(e: Emitter, op: ops.Delay, x: list[Value], place: Place) -> Made:
    g, rows = e.graph, e.rows(x[0])
    sizes = g.add("Concat", e.numbers(1), e.batch, e.numbers(*rows.shape), axis=0)
    nothing = g.add("Expand", e.number(np.nan), sizes)
    early = g.add("Slice", rows.name, e.numbers(0), e.numbers(-1), e.numbers(0))
    value = Value(g.add("Concat", nothing, early, axis=0), 2, rows.shape)
    return value, {"previous": e.last(rows), "started": _ones(e)}


def _anchor_sequence(e: Emitter, op: Any, x: list[Value], place: Place) -> Made:
    """The latest row of each sequence that has a value; of none, row 0, which is then not used."""
    if place.every_row:
        return scanned(e, op, x, place)
    assert e.extent is not None
    g, rows, otherwise = e.graph, e.rows(x[0]), e.last(x[1])
    ones = (1,) * len(rows.shape)
    valid = e.reshaped(Value(e.extent.valid, 2, ()), ones).name
    usable = g.add("And", valid, g.add("Not", g.add("IsNaN", rows.name)))
    times = g.add("Range", g.weight(np.int64(0)), g.add("Squeeze", e.extent.time), g.weight(np.int64(1)))
    times = g.add("Reshape", times, e.numbers(-1, 1, *ones))
    newest = g.add("ReduceMax", g.add("Where", usable, times, e.numbers(-1)), axes=[0], keepdims=1)
    found = g.add("GatherElements", rows.name, g.add("Max", newest, e.numbers(0)), axis=0)
    found = g.add("Squeeze", found, e.numbers(0))
    never = g.add("Less", g.add("Squeeze", newest, e.numbers(0)), e.numbers(0))
    value = g.add("Where", never, otherwise.name, found)
    seen = g.add("Cast", g.add("Not", never), to=1)
    after = {"last": g.add("Where", never, e.number(0), found), "seen": seen}
    shape = rows.shape
    return Value(value, 1, shape), {name: Value(after[name], 1, shape) for name in after}


def _pool_sequence(e: Emitter, op: ops.Pool, x: list[Value], place: Place) -> Made:
    if op.how == "last":
        return (x[0] if place.every_row else e.last(x[0])), {}
    if op.how == "first":
        return _first(e, x[0]), {}
    assert e.extent is not None
    g, rows = e.graph, e.rows(x[0])
    sums = Value(g.add("CumSum", rows.name, g.weight(np.int64(0))), 2, rows.shape)
    counts = Value(g.add("Cast", e.extent.lengths, to=1), 1, ())
    total = e.last(sums)
    ones = e.rows(Value(e.number(1), 0, ()))
    row = Value(g.add("CumSum", ones.name, g.weight(np.int64(0))), 2, ())
    each, of = (sums, row) if place.every_row else (total, counts)
    mean = g.add("Div", each.name, e.reshaped(of, (1,) * len(rows.shape)).name)
    return Value(mean, each.lead, rows.shape), {"sum": total, "count": counts}


def scanned(e: Emitter, op: Any, x: list[Value], place: Place) -> Made:
    """The step of an operation over all rows in an ONNX Scan; behind its length a sequence's state stays."""
    assert e.extent is not None
    g, inner = e.graph, e.inner()
    backward = getattr(op, "direction", "forward") == "backward"
    specs = place.states or _backward_states(e, op, x)
    old = {name: _port(inner, name, spec.shape) for name, spec in specs.items()}
    rows = [e.rows(value) for value in x]
    now = [_port(inner, "now", value.shape) for value in rows]
    valid = Port(inner.graph.unique("valid"), ("batch",), "bool")
    before = {name: Value(port.name, 1, specs[name].shape) for name, port in old.items()}
    reads = [Value(port.name, 1, value.shape) for port, value in zip(now, rows, strict=True)]
    value, after = STEP[type(op)](inner, op, reads, before, place)
    kept = {name: _kept(inner, valid.name, after[name], before[name]) for name in old}
    emitted = inner.graph.add("Identity", value.name)
    outputs = [Port(kept[name], ("batch", *specs[name].shape)) for name in old]
    outputs.append(Port(emitted, ("batch", *value.shape)))
    body = Body(tuple(inner.graph.nodes), (*old.values(), *now, valid), tuple(outputs))
    start = [e.filled(Value(e.number(0), 0, ()), 1, spec.shape).name for spec in specs.values()]
    scans = [value.name for value in rows] + [e.extent.valid]
    attributes: dict[str, Any] = {"body": body, "num_scan_inputs": len(scans)}
    if backward:
        attributes |= {"scan_input_directions": [1] * len(scans), "scan_output_directions": [1]}
    *ends, y = g.add_many("Scan", [*start, *scans], [*old, "scanned"], attributes)
    states = {name: Value(end, 1, specs[name].shape) for name, end in zip(old, ends, strict=True)}
    return Value(y, 2, value.shape), ({} if backward else states)


def _backward_states(e: Emitter, op: ops.Recurrent, x: list[Value]) -> dict[str, Spec]:
    """What a backward pass carries from row to row; nothing of it is left when the pass ends."""
    spec = Spec((*x[0].shape[:-1], hidden_size(e, op)))
    states = dict.fromkeys(("h", "c")[: state_count(op)], spec)
    return states | ({"started": Spec(())} if len(x) == 2 else {})


def _port(inner: Emitter, name: str, shape: tuple[int, ...]) -> Port:
    return Port(inner.graph.unique(name), ("batch", *shape))


def _kept(e: Emitter, valid: str, new: Value, old: Value) -> str:
    here = e.reshaped(Value(valid, 1, ()), (1,) * len(old.shape))
    return e.graph.add("Where", here.name, new.name, old.name)


STEP: dict[type, Step] = {
    ops.CarriedAnchor: _anchor_step,
    ops.Delay: _delay_step,
    ops.Pool: _pool_step,
    ops.PoolAttention: _pool_attention_step,
    ops.PoolMax: _pool_max_step,
    ops.Recurrent: _recurrent_step,
    ops.Window: _window_step,
}
SEQUENCE: dict[type, Sequence] = {
    ops.CarriedAnchor: _anchor_sequence,
    ops.Delay: _delay_sequence,
    ops.Pool: _pool_sequence,
    ops.PoolAttention: scanned,
    ops.PoolMax: scanned,
    ops.Recurrent: _recurrent_sequence,
    ops.Window: _window_sequence,
}
