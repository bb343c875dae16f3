"""ONNX's RNN, GRU and LSTM as the recurrent operations of a Program.

Key: D directions · B batch · I input · H hidden · G gates · S states.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.deploy.onnx_import_graph import Array, OnnxCall, ProgramBuilder, Result, Tensor
from unrolled.deploy.onnx_recurrent import ORDER
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.recurrent import GATES

CELLS = {"RNN": "elman", "GRU": "gru", "LSTM": "lstm"}
ACTIVATIONS = {"elman": ["tanh"], "gru": ["sigmoid", "tanh"], "lstm": ["sigmoid", "tanh", "tanh"]}
DIRECTIONS = {
    "forward": ("forward",),
    "reverse": ("backward",),
    "bidirectional": ("forward", "backward"),
}
STARTS = ("initial_h", "initial_c")


@dataclass(frozen=True)
class Layer:
    """A recurrent node, read: what its directions share."""

    call: OnnxCall
    cell: str
    directions: tuple[str, ...]
    activations: tuple[str, ...]  # of an Elman cell, one a direction
    hidden: int
    batch: int
    batch_first: bool


def recurrent(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Y, Y_h and, of an LSTM, Y_c; None where the file does not use one."""
    x = call.tensor()
    layer = _read(call, x)
    seen = [_run(b, layer, x, place) for place in range(len(layer.directions))]
    wanted = [bool(name) for name in call.outputs] + [False] * 3
    made: list[Result] = [_every_row(b, layer, x, seen) if wanted[0] else None]
    made += [_ends(b, layer, x, seen, part) if wanted[1 + part] else None for part in (0, 1)]
    return made


def _read(call: OnnxCall, x: Tensor) -> Layer:
    """Check what a Program cannot do and read the rest. Raises: ModelFileError."""
    cell = CELLS[call.operator]
    if call.operator == "LSTM" and len(call.operands) > 7 and call.operands[7] is not None:
        raise call.refused("an LSTM without peepholes", "input 7 (P)")
    for name in ("clip", "input_forget"):
        if call.get(name):
            raise call.refused(f"no attribute {name}", f"{call.get(name):g}")
    batch_first = bool(call.get("layout", 0))
    if len(x.dims) != 3:
        raise call.refused("X of three axes", f"{len(x.dims)}")
    directions = DIRECTIONS[_text(call.get("direction", "forward"))]
    weight = call.constant(2, "R")
    if weight is None or weight.ndim != 3 or len(weight) != len(directions):
        raise call.refused(f"R of {len(directions)} directions", None if weight is None else weight.shape)
    activations = _activations(call, cell, len(directions))
    hidden = int(weight.shape[2])
    layer = Layer(call, cell, directions, activations, hidden, x.dims[0 if batch_first else 1], batch_first)
    steps = 1 if batch_first else 0
    if x.time is not None and x.time != steps:
        raise call.refused("the rows on X's time axis", f"axis {x.time} of {x.dims}")
    if x.time is None and layer.batch != 1:
        raise call.refused("a batch of 1 over fixed steps", layer.batch)
    _check_lengths(call, x.dims[steps])
    return layer


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _activations(call: OnnxCall, cell: str, directions: int) -> tuple[str, ...]:
    """The activation of each direction's Elman cell; the others have only their standard ones."""
    standard = ACTIVATIONS[cell] * directions
    given = [_text(name).lower() for name in call.get("activations", [])] or standard
    allowed = {"tanh", "relu"} if cell == "elman" else set()
    if len(given) != len(standard) or any(
        a != b and a not in allowed for a, b in zip(given, standard, strict=True)
    ):
        raise call.refused(f"the activations {', '.join(ACTIVATIONS[cell])}", ", ".join(given))
    return tuple(given[:: len(ACTIVATIONS[cell])])


def _check_lengths(call: OnnxCall, steps: int) -> None:
    """A Program's sequence ends with its own last row: lengths that say otherwise cannot be kept."""
    lengths = call.constant(4, "sequence_lens")
    if lengths is not None and (np.ravel(lengths) != steps).any():
        got = np.unique(lengths).tolist()
        raise call.refused("sequence_lens of the whole length, or as an input of the file", got)


def _run(b: ProgramBuilder, layer: Layer, x: Tensor, place: int) -> str:
    """One direction: the full state at each row where the file reads c, else h."""
    call, name = layer.call, layer.call.operator.lower()
    over_rows = x.time is not None
    kind = ops.Recurrent if over_rows else ops.Scan
    own = f"{name}_{layer.directions[place]}"
    weights = _weights(b, layer, place, own)
    operation = kind(
        layer.cell,
        weights["weight_ih"],
        weights["weight_hh"],
        weights.get("bias_ih"),
        weights.get("bias_hh"),
        activation=layer.activations[place] if layer.cell == "elman" else "tanh",
        reset_after=bool(call.get("linear_before_reset", 0)) if layer.cell == "gru" else True,
        direction=layer.directions[place],
        emit="state" if len(call.outputs) > 2 and call.outputs[2] else "h",
    )
    size = x.dims[-1]
    lead = ((layer.batch,) if layer.batch > 1 else ()) if over_rows else (x.dims[int(layer.batch_first)],)
    inputs = [b.reshaped(x.name, (*lead, size))]
    start = _start(b, layer, x, place)
    return b.add(own, operation, *inputs, *([] if start is None else [start]))


def _weights(b: ProgramBuilder, layer: Layer, place: int, name: str) -> dict[str, str]:
    """The weights of one direction by our names, in our order of gates."""
    call, rows = layer.call, GATES[layer.cell] * layer.hidden
    arrays = {"weight_ih": call.constant(1, "W"), "weight_hh": call.constant(2, "R")}
    names = {}
    for own, array in arrays.items():
        if array is None or array.shape[:2] != (len(layer.directions), rows):
            expected = f"{own} ({len(layer.directions)}, {rows}, ...)"
            raise call.refused(expected, None if array is None else array.shape)
        names[own] = b.weight(f"{name}.{own}", _ours(layer.cell, array[place]))
    bias = call.constant(3, "B")
    if bias is not None:
        if bias.shape != (len(layer.directions), 2 * rows):
            raise call.refused(f"B ({len(layer.directions)}, {2 * rows})", bias.shape)
        for own, part in zip(("bias_ih", "bias_hh"), np.split(bias[place], 2), strict=True):
            names[own] = b.weight(f"{name}.{own}", _ours(layer.cell, part))
    return names


def _ours(cell: str, array: Array) -> Array:
    """The rows of a weight (G*H, ...) from ONNX's order of gates to ours."""
    gates = array.reshape(GATES[cell], -1, *array.shape[1:])
    return gates[np.argsort(ORDER[cell])].reshape(array.shape)


def _start(b: ProgramBuilder, layer: Layer, x: Tensor, place: int) -> str | None:
    """The full state that a direction starts from, or None for zeros."""
    given = [_start_of(b, layer, x, place, part) for part in range(2 if layer.cell == "lstm" else 1)]
    if all(isinstance(part, np.ndarray) and not part.any() for part in given):
        return None
    parts = [b.constant(part, "start") if isinstance(part, np.ndarray) else part for part in given]
    return parts[0] if len(parts) == 1 else b.add("start", ops.Concat(), *parts)


def _start_of(b: ProgramBuilder, layer: Layer, x: Tensor, place: int, part: int) -> Array | str:
    """initial_h or initial_c of one direction, ((B,) H): an array, or a value of the Program."""
    call, count = layer.call, len(layer.directions)
    lead = (layer.batch,) if layer.batch > 1 else ()
    shape, axes = (*lead, layer.hidden), (layer.batch, count) if layer.batch_first else (count, layer.batch)
    operand = call.operands[5 + part] if len(call.operands) > 5 + part else None
    if operand is None:
        return np.zeros(shape, np.float32)
    if isinstance(operand, Tensor):
        if operand.time is not None or (operand.late and x.time is not None):
            raise call.refused(f"an {STARTS[part]} known before the first row", "one that comes of the rows")
        if operand.dims != (*axes, layer.hidden) or layer.batch > 1:
            raise call.refused(f"{STARTS[part]} {(*axes, layer.hidden)}", operand.dims)
        flat = b.reshaped(operand.name, (count * layer.hidden,))
        return b.add("start", ops.Slice(place * layer.hidden, (place + 1) * layer.hidden), flat)
    if not operand.any():
        return np.zeros(shape, np.float32)
    try:
        full = np.broadcast_to(operand, (*axes, layer.hidden))
    except ValueError:
        raise call.refused(f"{STARTS[part]} {(*axes, layer.hidden)}", operand.shape) from None
    return np.array(full[:, place] if layer.batch_first else full[place], np.float32).reshape(shape)


def _part(b: ProgramBuilder, layer: Layer, state: str, part: int) -> str:
    """H (0) or c (1) of what `_run` gave."""
    size = b.specs[state].shape[-1]
    if size == layer.hidden:
        return state
    return b.add(f"{state}.{'hc'[part]}", ops.Slice(part * layer.hidden, (part + 1) * layer.hidden), state)


def _side_by_side(b: ProgramBuilder, layer: Layer, parts: list[str]) -> str:
    """One value of each direction, ((B,) H), in the order of ONNX's axes."""
    if len(parts) == 1:
        return parts[0]
    if layer.batch == 1 or layer.batch_first:
        return b.add("both", ops.Concat(), *parts)
    stacked = [b.reshaped(part, (1, layer.batch, layer.hidden)) for part in parts]
    return b.add("both", ops.Concat(axis=-3), *stacked)


def _every_row(b: ProgramBuilder, layer: Layer, x: Tensor, seen: list[str]) -> Tensor:
    """Y: (T, D, B, H), or (B, T, D, H) where the batch comes first."""
    value = _side_by_side(b, layer, [_part(b, layer, state, 0) for state in seen])
    steps, count, h = x.dims[int(layer.batch_first)], len(layer.directions), layer.hidden
    dims = (layer.batch, steps, count, h) if layer.batch_first else (steps, count, layer.batch, h)
    time = None if x.time is None else int(layer.batch_first)
    return Tensor(value, dims, time, x.late)


def _ends(b: ProgramBuilder, layer: Layer, x: Tensor, seen: list[str], part: int) -> Tensor:
    """Y_h (0) or Y_c (1): each direction's state after the last row it read."""
    ends, late = [], x.late
    for state, direction in zip(seen, layer.directions, strict=True):
        own = _part(b, layer, state, part)
        if x.time is not None:
            how = "last" if direction == "forward" else "first"
            late = late or how == "last"
            ends.append(b.add("end", ops.Pool(how), own))
        elif direction == "forward":
            ends.append(b.add("end", ops.Final(), own))
        else:
            first = b.add("end", ops.Slice(0, 1, axis=-2), own)
            ends.append(b.reshaped(first, (layer.hidden,)))
    count = len(layer.directions)
    axes = (layer.batch, count) if layer.batch_first else (count, layer.batch)
    return Tensor(_side_by_side(b, layer, ends), (*axes, layer.hidden), None, late)
