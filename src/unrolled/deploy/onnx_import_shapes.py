"""The operators that move numbers or look them up as operations of a Program; most only count axes anew."""

from math import prod

import numpy as np

from unrolled.deploy.onnx_import_graph import (
    STAND_IN,
    Array,
    OnnxCall,
    ProgramBuilder,
    Result,
    Tensor,
    axis_of,
    without_leading_ones,
)
from unrolled.runtime import operations as ops

INTEGERS, FLOATS = (6, 7), (1, 10, 11)  # ONNX's numbers of int32, int64 and of float32, float16, float64
AXIS = "an axis other than time"


def _moved(x: Tensor, dims: tuple[int, ...], time: int | None) -> list[Result]:
    """The same value, its axes counted otherwise."""
    return [Tensor(x.name, dims, time, x.late)]


def same(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Identity."""
    return [call.tensor()]


def dropout(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Nothing, as a model that is used drops nothing."""
    training = call.constant(2, "training_mode")
    if training is not None and training.any():
        raise call.refused(
            "a model that is not in training", "training_mode 1", "Export it in evaluation mode."
        )
    return [call.tensor()]


def cast(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Nothing: a Program has one kind of numbers, and codes."""
    x, to = call.tensor(), int(call.get("to", 0))
    is_code = b.specs[x.name].dtype == "int64"
    if to not in (INTEGERS if is_code else FLOATS):
        got = "codes to numbers" if is_code else "numbers to another type"
        raise call.refused("a cast between kinds of floats, or of whole numbers", got)
    return [x]


def transpose(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """The axes in another order."""
    x = call.tensor()
    order = [int(axis) for axis in call.get("perm", range(len(x.dims))[::-1])]
    dims = tuple(x.dims[axis] for axis in order)
    time = None if x.time is None else order.index(x.time)
    rest = [axis for axis in order if axis != x.time]
    big = [axis for axis in rest if x.dims[axis] != 1]
    if big == sorted(big):
        return _moved(x, dims, time)
    places = {axis: place for place, axis in enumerate(sorted(rest))}
    whole = b.reshaped(x.name, x.row)
    return [
        Tensor(b.add("transposed", ops.Transpose(tuple(places[a] for a in rest)), whole), dims, time, x.late)
    ]


def squeeze(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Axes of size 1 go."""
    x = call.tensor()
    given = call.integers(1, "axes")
    rank = len(x.dims)
    axes = (
        [axis for axis, size in enumerate(x.dims) if size == 1]
        if given is None
        else [axis_of(call, axis, rank) for axis in given]
    )
    if any(x.dims[axis] != 1 for axis in axes):
        raise call.refused("axes of size 1", [x.dims[axis] for axis in axes], "Is the batch above 1?")
    kept = [axis for axis in range(rank) if axis not in axes]
    return _moved(x, tuple(x.dims[axis] for axis in kept), None if x.time is None else kept.index(x.time))


def unsqueeze(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Axes of size 1 come."""
    x, given = call.tensor(), call.integers(1, "axes") or []
    rank = len(x.dims) + len(given)
    axes = {axis_of(call, axis, rank) for axis in given}
    kept = [axis for axis in range(rank) if axis not in axes]
    sizes = dict(zip(kept, x.dims, strict=True))
    time = None if x.time is None else kept[x.time]
    return _moved(x, tuple(sizes.get(axis, 1) for axis in range(rank)), time)


def flatten(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Two axes out of all."""
    x = call.tensor()
    axis = int(call.get("axis", 1)) % (len(x.dims) + 1)
    return _regrouped(b, call, x, (prod(x.dims[:axis]), prod(x.dims[axis:])))


def reshape(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """The same numbers under other sizes."""
    x, wanted = call.tensor(), call.integers(1, "shape")
    if wanted is None:
        raise call.refused("a shape", "none")
    if not call.get("allowzero", 0):
        wanted = [x.dims[place] if size == 0 else size for place, size in enumerate(wanted)]
    if -1 in wanted:
        known = prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = prod(x.dims) // max(known, 1)
    return _regrouped(b, call, x, tuple(wanted))


def _regrouped(b: ProgramBuilder, call: OnnxCall, x: Tensor, dims: tuple[int, ...]) -> list[Result]:
    """The same numbers under other sizes; the time axis must stay one, with as much before it."""
    if prod(dims) != prod(x.dims) and b.length in dims:  # a length that was fixed when the file was written
        place = dims.index(b.length)
        dims = (*dims[:place], STAND_IN, *dims[place + 1 :])
    if prod(dims) != prod(x.dims):
        cure = "Export it with a dynamic length and batch."
        raise call.refused(f"a shape that fits {shown(x.dims)}", shown(dims), cure)
    if x.time is None:
        return _moved(x, dims, None)
    if STAND_IN not in dims or prod(dims[: dims.index(STAND_IN)]) != prod(x.dims[: x.time]):
        raise call.refused("a shape that keeps the time axis", f"{shown(x.dims)} to {shown(dims)}")
    return _moved(x, dims, dims.index(STAND_IN))


def shown(dims: tuple[int, ...]) -> str:
    """Sizes with the length by its name."""
    return "(" + ", ".join("time" if size == STAND_IN else str(size) for size in dims) + ")"


def expand(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """A value repeated to larger sizes."""
    x, wanted = call.tensor(), call.integers(1, "shape") or []
    rank = max(len(x.dims), len(wanted))
    front = rank - len(x.dims)
    time = None if x.time is None else x.time + front
    padded = Tensor(x.name, (1,) * front + x.dims, time, x.late)
    sizes = (1,) * (rank - len(wanted)) + tuple(wanted)
    dims = tuple(max(pair) for pair in zip(padded.dims, sizes, strict=True))
    if time is None and STAND_IN in dims:
        if x.late or prod(dims) != STAND_IN * prod(x.dims):
            raise call.refused("a value known before the last row", "one that comes of all rows, repeated")
        return _moved(x, dims, dims.index(STAND_IN))
    row = tuple(size for axis, size in enumerate(dims) if axis != time)
    if row == padded.row:
        return [Tensor(x.name, dims, time, x.late)]
    return [Tensor(b.add("repeated", ops.Repeat(row), b.reshaped(x.name, padded.row)), dims, time, x.late)]


def concat(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Values side by side, constants too."""
    first = next(operand for operand in call.operands if isinstance(operand, Tensor))
    axis = axis_of(call, int(call.get("axis", 0)), len(first.dims))
    parts, width, late = [], 0, False
    timed = next((o for o in call.operands if isinstance(o, Tensor) and o.time is not None), first)
    for operand in call.operands:
        tensor = operand if isinstance(operand, Tensor) else _as_tensor(b, call, np.asarray(operand), timed)
        if tensor.time != timed.time or axis == tensor.time or len(tensor.dims) != len(timed.dims):
            raise call.refused("tensors joined on " + AXIS, "others")
        late = late or tensor.late
        place = axis - (tensor.time is not None and tensor.time < axis)
        before = prod(tensor.row[:place])
        size = prod(tensor.row[place:])
        parts.append(b.reshaped(tensor.name, (before, size) if before > 1 else (size,)))
        width += tensor.dims[axis]
    dims = (*timed.dims[:axis], width, *timed.dims[axis + 1 :])
    return [Tensor(b.add("joined", ops.Concat(), *parts), dims, timed.time, late)]


def _as_tensor(b: ProgramBuilder, call: OnnxCall, array: Array, like: Tensor) -> Tensor:
    """A constant beside tensors of rows: the same at each of them."""
    if like.time is not None:
        array = without_time(call, array, like.time)
        return Tensor(
            b.constant(array), (*array.shape[: like.time], STAND_IN, *array.shape[like.time :]), like.time
        )
    return Tensor(b.constant(array), array.shape, None)


def without_time(call: OnnxCall, array: Array, axis: int) -> Array:
    """A constant without its time axis, on which it must not change."""
    if array.shape[axis] != 1 and not (array == array.take([0], axis=axis)).all():
        raise call.refused("a constant that is the same at each row", "one that changes with the rows")
    return array.take(0, axis=axis)


def slice_of(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """A part of some axes; of time the first row, the last one or all."""
    x = call.tensor()
    starts, stops = call.integers(1, "starts") or [], call.integers(2, "ends") or []
    axes = call.integers(3, "axes") or list(range(len(starts)))
    steps = call.integers(4, "steps") or [1] * len(starts)
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        axis = axis_of(call, axis, len(x.dims))
        if step != 1:
            raise call.refused("steps of 1", step)
        if axis == x.time and stop == b.length:
            stop = STAND_IN
        first, last, _ = slice(start, stop).indices(x.dims[axis])
        x = _part(b, call, x, axis, first, last)
    return [x]


def _part(b: ProgramBuilder, call: OnnxCall, x: Tensor, axis: int, first: int, last: int) -> Tensor:
    """Elements first to last of one axis, which stays."""
    if (first, last) == (0, x.dims[axis]):
        return x
    if axis == x.time:
        row = _one_row(b, call, x, first if last - first == 1 else None)
        return Tensor(row.name, (*x.dims[:axis], 1, *x.dims[axis + 1 :]), None, row.late)
    if last <= first:
        raise call.refused("a slice with something in it", f"{first} to {last}")
    value, place = b.around(x, axis)
    dims = (*x.dims[:axis], last - first, *x.dims[axis + 1 :])
    return Tensor(b.add("part", ops.Slice(first, last, axis=place), value), dims, x.time, x.late)


def _one_row(b: ProgramBuilder, call: OnnxCall, x: Tensor, row: int | None) -> Tensor:
    """The first or the last row of a sequence, its time axis gone."""
    if b.length is not None and row == b.length - 1:
        row = STAND_IN - 1
    if row not in (0, STAND_IN - 1):
        raise call.refused("the first row, the last one or all", "another part of the time axis")
    how = "first" if row == 0 else "last"
    return Tensor(b.add(how, ops.Pool(how), x.name), x.row, None, x.late or how == "last")


def split(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Several parts of an axis."""
    x = call.tensor()
    axis = axis_of(call, int(call.get("axis", 0)), len(x.dims))
    count = len(call.outputs)
    sizes = call.integers(1, "split") or [-(-x.dims[axis] // count)] * count
    ends = np.minimum(np.cumsum(sizes), x.dims[axis]).tolist()
    return [_part(b, call, x, axis, *pair) for pair in zip([0, *ends[:-1]], ends, strict=True)]


def gather(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """Elements of an axis, or rows of a table of embeddings."""
    if not isinstance(call.operands[0], Tensor):
        return _embedding(b, call)
    x, places = call.tensor(), np.asarray(call.constant(1, "indices"))
    axis = axis_of(call, int(call.get("axis", 0)), len(x.dims))
    listed = [int(place) % x.dims[axis] for place in np.ravel(places)]
    if not listed or listed != list(range(listed[0], listed[0] + len(listed))):
        raise call.refused("places one after another", listed[:8])
    part = _part(b, call, x, axis, listed[0], listed[-1] + 1)
    if places.ndim:
        return [part]
    if axis == part.time:  # all of a sequence of length 1
        raise call.refused("a sequence of any length", "one of length 1")
    time = None if part.time is None else part.time - (axis < part.time)
    return _moved(part, part.dims[:axis] + part.dims[axis + 1 :], time)


def _embedding(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """A row of a constant table for each code."""
    table, codes = call.constant(0, "table"), call.tensor(1)
    if table is None or table.ndim != 2 or int(call.get("axis", 0)):
        raise call.refused("a table (codes, width) on axis 0", None if table is None else table.shape)
    if b.specs[codes.name].dtype != "int64":
        raise call.refused("codes as they come in", "numbers that were computed")
    name = b.weight("embedding.weight", table)
    value = b.reshaped(codes.name, without_leading_ones(codes.row))
    return [
        Tensor(
            b.add("embedded", ops.Embed(name), value), (*codes.dims, table.shape[1]), codes.time, codes.late
        )
    ]


def shape(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """The sizes, which are known."""
    dims = call.tensor().dims
    return [np.array(dims[call.get("start", 0) : call.get("end", len(dims))], np.int64)]


def size(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """How many numbers there are."""
    return [np.array(prod(call.tensor().dims), np.int64)]
