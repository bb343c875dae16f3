"""The recurrent cells as ONNX's RNN, GRU and LSTM, or, with gains or zoneout, equation by equation.

Gate order: a Program has torch.nn's (GRU r z n, LSTM i f g o), ONNX its own (GRU z r n, LSTM i o f g). The
GRU's `linear_before_reset` is `reset_after`.

Key: B vectors · T steps · I input · H hidden · G gates · S states.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.deploy.onnx_graph import Body, Port
from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.recurrent import EPSILON, GATES

OPERATORS = {"elman": "RNN", "gru": "GRU", "lstm": "LSTM"}
ORDER = {"elman": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}  # of ONNX's gates, by the place in a Program
FUNCTIONS = {"tanh": "Tanh", "relu": "Relu"}
Cell = ops.Recurrent | ops.Scan | ops.Step


@dataclass(frozen=True)
class Ran:
    """What a recurrent operator made: h of all steps (T, B, H), and each state after the last, (B, H)."""

    hidden: str
    states: tuple[str, ...]


def state_count(op: Cell) -> int:
    """1, or 2 for an LSTM: h and c."""
    return 2 if op.cell == "lstm" else 1


def hidden_size(e: Emitter, op: Cell) -> int:
    """H."""
    return int(e.weights[op.weight_hh].shape[1])


def is_plain(op: Cell) -> bool:
    """Whether ONNX's own operator has the cell's equations."""
    return op.gain_ih is None and op.gain_hh is None and op.keep_h == 0 and op.keep_c == 0


def run_operator(
    e: Emitter, op: Cell, x: str, start: tuple[str, ...] = (), lengths: str = "", backward: bool = False
) -> Ran:
    """ONNX's own operator. Shapes: x (T, B, I); start (B, H) each; lengths int32 (B,)."""
    g, size = e.graph, hidden_size(e, op)
    first = [g.add("Unsqueeze", state, e.numbers(0), name="start") for state in start] or [""] * 2
    given = [x, *_weights(e, op), lengths, *first]
    while not given[-1]:
        given.pop()
    attributes: dict[str, Any] = {"hidden_size": size, "direction": "reverse" if backward else "forward"}
    if op.cell == "gru":
        attributes["linear_before_reset"] = int(op.reset_after)
    if op.cell == "elman":
        attributes["activations"] = [FUNCTIONS[op.activation]]
    names = ["y", "y_h", "y_c"][: 1 + state_count(op)]
    y, *ends = g.add_many(OPERATORS[op.cell], given, names, attributes)
    hidden = g.add("Squeeze", y, e.numbers(1), name="hidden")
    return Ran(hidden, tuple(g.add("Squeeze", end, e.numbers(0), name="state") for end in ends))


def _weights(e: Emitter, op: Cell) -> tuple[str, str, str]:
    """W (1, G*H, I), R (1, G*H, H) and B (1, 2*G*H) with ONNX's order of gates; B "" without biases."""
    w, r = (_ordered(op, e.weights[name])[None] for name in (op.weight_ih, op.weight_hh))
    names = (f"{op.weight_ih}.onnx", f"{op.weight_hh}.onnx")
    matrices = e.graph.weight(w, names[0]), e.graph.weight(r, names[1])
    given = op.bias_ih or op.bias_hh
    if given is None:
        return *matrices, ""
    none = np.zeros(w.shape[1], np.float32)
    biases = [none if name is None else _ordered(op, e.weights[name]) for name in (op.bias_ih, op.bias_hh)]
    return *matrices, e.graph.weight(np.concatenate(biases)[None], f"{given}.onnx")


def _ordered(op: Cell, array: np.ndarray) -> np.ndarray:
    """The rows of a weight (G*H, ...) in ONNX's order of gates."""
    gates = array.reshape(GATES[op.cell], -1, *array.shape[1:])
    return gates[list(ORDER[op.cell])].reshape(array.shape)


def one_step(e: Emitter, op: Cell, x: str, state: tuple[str, ...]) -> tuple[str, ...]:
    """One step of a cell. Shapes: x (B, I), each state (B, H) -> the next states."""
    if is_plain(op):
        return run_operator(e, op, e.graph.add("Unsqueeze", x, e.numbers(0)), state).states
    after = {"elman": _elman, "gru": _gru, "lstm": _lstm}[op.cell](e, op, x, state)
    pairs = zip(after, state, (op.keep_h, op.keep_c), strict=False)
    return tuple(_kept(e, new, old, keep) for new, old, keep in pairs)


def _kept(e: Emitter, new: str, old: str, keep: float) -> str:
    """Zoneout: a share of the old state stays."""
    if keep == 0:
        return new
    parts = [
        e.graph.add("Mul", value, e.number(share))
        for value, share in ((old, keep), (new, float(1 - np.float32(keep))))
    ]
    return e.graph.add("Add", *parts)


def _product(e: Emitter, op: Cell, v: str, side: str, gates: slice | None = None) -> str:
    """`gain * normalise(W v) + b` of the given gates. side: "ih" or "hh"."""
    g, size = e.graph, hidden_size(e, op)
    matrix, bias, gain = (getattr(op, f"{kind}_{side}") for kind in ("weight", "bias", "gain"))
    rows = slice(None) if gates is None else slice(gates.start * size, gates.stop * size)
    product = g.add("MatMul", v, g.weight(e.weights[matrix][rows].T, f"{matrix}.T"))
    if gain is not None:
        by_gate = g.add("Reshape", product, e.numbers(0, -1, size))
        ones = g.weight(np.ones(size, np.float32))
        by_gate = g.add("LayerNormalization", by_gate, ones, axis=-1, epsilon=float(EPSILON))
        product = g.add("Reshape", by_gate, e.numbers(0, len(e.weights[gain][rows])))
        product = g.add("Mul", product, g.weight(e.weights[gain][rows], gain))
    return product if bias is None else g.add("Add", product, g.weight(e.weights[bias][rows], bias))


def _split(e: Emitter, value: str, parts: int) -> list[str]:
    return e.graph.add_many("Split", [value], ["gate"] * parts, {"axis": -1})


def _elman(e: Emitter, op: Cell, x: str, state: tuple[str, ...]) -> tuple[str, ...]:
    total = e.graph.add("Add", _product(e, op, x, "ih"), _product(e, op, state[0], "hh"))
    return (e.graph.add(FUNCTIONS[op.activation], total),)


def _lstm(e: Emitter, op: Cell, x: str, state: tuple[str, ...]) -> tuple[str, ...]:
    g, (h, c) = e.graph, state
    i, f, n, o = _split(e, g.add("Add", _product(e, op, x, "ih"), _product(e, op, h, "hh")), 4)
    old, new = g.add("Mul", g.add("Sigmoid", f), c), g.add("Mul", g.add("Sigmoid", i), g.add("Tanh", n))
    cell = g.add("Add", old, new)
    return g.add("Mul", g.add("Sigmoid", o), g.add("Tanh", cell)), cell


def _gru(e: Emitter, op: Cell, x: str, state: tuple[str, ...]) -> tuple[str, ...]:
    g, h = e.graph, state[0]
    a_r, a_z, a_n = _split(e, _product(e, op, x, "ih"), 3)
    u_r, u_z, u_n = _split(e, _product(e, op, h, "hh"), 3)
    r = g.add("Sigmoid", g.add("Add", a_r, u_r))
    if op.reset_after:
        inner = g.add("Mul", r, u_n)
    else:
        inner = _product(e, op, g.add("Mul", r, h), "hh", slice(2, 3))
    n = g.add("Tanh", g.add("Add", a_n, inner))
    z = g.add("Sigmoid", g.add("Add", a_z, u_z))
    fresh = g.add("Mul", g.add("Sub", e.number(1), z), n)
    return (g.add("Add", fresh, g.add("Mul", z, h)),)


def split_state(e: Emitter, op: Cell, full: str) -> tuple[str, ...]:
    """A full state (B, S*H) as its parts."""
    if state_count(op) == 1:
        return (full,)
    return tuple(e.graph.add_many("Split", [full], ["state", "state"], {"axis": -1}))


def whole_state(e: Emitter, states: tuple[str, ...]) -> str:
    """The parts side by side."""
    return states[0] if len(states) == 1 else e.graph.add("Concat", *states, axis=-1, name="state")


def step(e: Emitter, op: ops.Step, inputs: list[Value], shape: tuple[int, ...]) -> Value:
    """One step of a decoder."""
    lead = max(value.lead for value in inputs)
    x, state = (e.flat(e.filled(value, lead, value.shape)) for value in inputs)
    after = one_step(e, op, x, split_state(e, op, state))
    return e.unflat(whole_state(e, after), lead, shape)


def scan(
    e: Emitter, op: ops.Scan, inputs: list[Value], shape: tuple[int, ...], every_state: bool = True
) -> Value:
    """A cell over the steps of a window. `every_state`: the full state is read at steps before the last."""
    lead = max(value.lead for value in inputs)
    x = e.filled(inputs[0], lead, inputs[0].shape)
    steps, features = x.shape[-2:]
    flat = e.graph.add("Reshape", x.name, e.numbers(-1, steps, features))
    over_time = e.graph.add("Transpose", flat, perm=[1, 0, 2])  # (steps, B, I)
    start: tuple[str, ...] = ()
    if len(inputs) == 2:
        start = split_state(e, op, e.flat(e.filled(inputs[1], lead, inputs[1].shape)))
    backward = op.direction == "backward"
    in_parts = op.emit == "state" and op.cell == "lstm"
    if not is_plain(op) or (in_parts and every_state):
        return _back(e, run_loop(e, op, over_time, start, op.emit, backward), lead, shape)
    ran = run_operator(e, op, over_time, start, backward=backward)
    size = hidden_size(e, op)
    hidden = _back(e, ran.hidden, lead, (*shape[:-1], size))
    if not in_parts:
        return hidden
    final = e.unflat(whole_state(e, ran.states), lead, (*shape[:-2], shape[-1]))
    return Value("", lead, shape, hidden=hidden, final=final)


def _back(e: Emitter, y: str, lead: int, shape: tuple[int, ...]) -> Value:
    """(steps, B, n) -> the leading axes and (..., steps, n)."""
    return e.unflat(e.graph.add("Transpose", y, perm=[1, 0, 2]), lead, shape)


def run_loop(e: Emitter, op: Cell, x: str, start: tuple[str, ...], emit: str, backward: bool) -> str:
    """A cell over x (T, B, I), step by step in an ONNX Scan -> (T, B, H), or (T, B, S*H) for full states."""
    g, size = e.graph, hidden_size(e, op)
    if not start:
        count = g.add("Slice", g.add("Shape", x), e.numbers(1), e.numbers(2))
        zeros = g.add("Expand", e.number(0), g.add("Concat", count, e.numbers(size), axis=0))
        start = (zeros,) * state_count(op)
    inner = e.inner()
    states = [Port(inner.graph.unique("state"), ("vectors", size)) for _ in start]
    now = Port(inner.graph.unique("now"), ("vectors", e.weights[op.weight_ih].shape[1]))
    after = one_step(inner, op, now.name, tuple(port.name for port in states))
    emitted = inner.graph.add("Identity", whole_state(inner, after) if emit == "state" else after[0])
    width = size * (len(start) if emit == "state" else 1)
    outputs = [*(Port(name, ("vectors", size)) for name in after), Port(emitted, ("vectors", width))]
    attributes: dict[str, Any] = {
        "body": Body(tuple(inner.graph.nodes), (*states, now), tuple(outputs)),
        "num_scan_inputs": 1,
    }
    if backward:
        attributes |= {"scan_input_directions": [1], "scan_output_directions": [1]}
    # ONNX Runtime wants a name for each output, also for the states that nobody reads
    return g.add_many("Scan", [*start, x], [*["state"] * len(start), "scanned"], attributes)[-1]
