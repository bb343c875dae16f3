"""The operators around recurrent nodes as operations of a Program: a function for each, and their table.

Each takes the builder and the call, of which at least one operand depends on the rows, and returns what it
makes. An operator all of whose operands are constants is computed beforehand, and is not seen here.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from unrolled.deploy.onnx_import_graph import (
    STAND_IN,
    Array,
    OnnxCall,
    ProgramBuilder,
    Tensor,
    axis_of,
    without_leading_ones,
)
from unrolled.deploy.onnx_import_recurrent import recurrent
from unrolled.runtime import Node
from unrolled.runtime import operations as ops

Result = Tensor | Array | None
Convert = Callable[[ProgramBuilder, OnnxCall], list[Result]]
INTEGERS, FLOATS = (6, 7), (1, 10, 11)  # ONNX's numbers of int32, int64 and of float32, float16, float64
AXIS = "an axis other than time"


def _moved(x: Tensor, dims: tuple[int, ...], time: int | None) -> list[Result]:
    """The same value, its axes counted otherwise."""
    return [Tensor(x.name, dims, time, x.late)]


def _same(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    return [call.tensor()]


def _dropout(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    training = call.constant(2, "training_mode")
    if training is not None and training.any():
        raise call.refused("a model that is not in training", "training_mode 1", "Export it in evaluation mode.")
    return [call.tensor()]


def _cast(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, to = call.tensor(), int(call.get("to", 0))
    is_code = b.specs[x.name].dtype == "int64"
    if to not in (INTEGERS if is_code else FLOATS):
        got = "codes to numbers" if is_code else "numbers to another type"
        raise call.refused("a cast between kinds of floats, or of whole numbers", got)
    return [x]


def _transpose(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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
    return [Tensor(b.add("transposed", ops.Transpose(tuple(places[a] for a in rest)), whole), dims, time, x.late)]


def _squeeze(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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


def _unsqueeze(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, given = call.tensor(), call.integers(1, "axes") or []
    rank = len(x.dims) + len(given)
    axes = {axis_of(call, axis, rank) for axis in given}
    kept = [axis for axis in range(rank) if axis not in axes]
    sizes = dict(zip(kept, x.dims, strict=True))
    time = None if x.time is None else kept[x.time]
    return _moved(x, tuple(sizes.get(axis, 1) for axis in range(rank)), time)


def _flatten(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x = call.tensor()
    axis = int(call.get("axis", 1)) % (len(x.dims) + 1)
    return _regrouped(b, call, x, (prod(x.dims[:axis]), prod(x.dims[axis:])))


def _reshape(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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
        raise call.refused(f"a shape that fits {_shown(x.dims)}", _shown(dims), cure)
    if x.time is None:
        return _moved(x, dims, None)
    if STAND_IN not in dims or prod(dims[: dims.index(STAND_IN)]) != prod(x.dims[: x.time]):
        raise call.refused("a shape that keeps the time axis", f"{_shown(x.dims)} to {_shown(dims)}")
    return _moved(x, dims, dims.index(STAND_IN))


def _shown(dims: tuple[int, ...]) -> str:
    """Sizes with the length by its name."""
    return "(" + ", ".join("time" if size == STAND_IN else str(size) for size in dims) + ")"


def _expand(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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


def _concat(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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
        array = _without_time(call, array, like.time)
        return Tensor(b.constant(array), (*array.shape[: like.time], STAND_IN, *array.shape[like.time :]), like.time)
    return Tensor(b.constant(array), array.shape, None)


def _without_time(call: OnnxCall, array: Array, axis: int) -> Array:
    """A constant without its time axis, on which it must not change."""
    if array.shape[axis] != 1 and not (array == array.take([0], axis=axis)).all():
        raise call.refused("a constant that is the same at each row", "one that changes with the rows")
    return array.take(0, axis=axis)


def _slice(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
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


def _split(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x = call.tensor()
    axis = axis_of(call, int(call.get("axis", 0)), len(x.dims))
    count = len(call.outputs)
    sizes = call.integers(1, "split") or [-(-x.dims[axis] // count)] * count
    ends = np.minimum(np.cumsum(sizes), x.dims[axis]).tolist()
    return [_part(b, call, x, axis, *pair) for pair in zip([0, *ends[:-1]], ends, strict=True)]


def _gather(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    if not isinstance(call.operands[0], Tensor):
        return _embedding(b, call)
    x, places = call.tensor(), call.constant(1, "indices")
    axis = axis_of(call, int(call.get("axis", 0)), len(x.dims))
    listed = [int(place) % x.dims[axis] for place in np.ravel(places)]
    if not listed or listed != list(range(listed[0], listed[0] + len(listed))):
        raise call.refused("places one after another", listed[:8])
    part = _part(b, call, x, axis, listed[0], listed[-1] + 1)
    if np.ndim(places):
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
    return [Tensor(b.add("embedded", ops.Embed(name), value), (*codes.dims, table.shape[1]), codes.time, codes.late)]


def _joined(
    b: ProgramBuilder, call: OnnxCall, x: Tensor, other: Tensor | Array, how: str
) -> Tensor:
    """Two tensors, or one and a constant, element by element; axes are aligned at the last."""
    if not isinstance(other, Tensor):
        other = _constant_beside(b, call, x, np.asarray(other))
    rank = max(len(x.dims), len(other.dims))
    a, c = (_padded(tensor, rank) for tensor in (x, other))
    time = a.time if a.time is not None else c.time
    for tensor in (a, c):
        if tensor.time != time and time is not None:
            if tensor.time is not None or tensor.dims[time] != 1:
                raise call.refused("one time axis", "two in different places")
            if tensor.late:
                raise call.refused("a value known before the last row", "one that comes of all rows")
    dims = tuple(p if q == 1 else q for p, q in zip(a.dims, c.dims, strict=True))
    # the axis that the other one's time stands on is no axis of a row
    names = [b.natural(Tensor(t.name, _cut(t.dims, time), None)) for t in (a, c)]
    return Tensor(b.add(how, ops.Combine(how), *names), dims, time, a.late or c.late)


def _padded(tensor: Tensor, rank: int) -> Tensor:
    front = rank - len(tensor.dims)
    time = None if tensor.time is None else tensor.time + front
    return Tensor(tensor.name, (1,) * front + tensor.dims, time, tensor.late)


def _cut(dims: tuple[int, ...], time: int | None) -> tuple[int, ...]:
    return dims if time is None else dims[:time] + dims[time + 1 :]


def _constant_beside(b: ProgramBuilder, call: OnnxCall, x: Tensor, array: Array) -> Tensor:
    """A constant as a tensor without rows; one that has the length must be the same at each row."""
    if x.time is not None:
        axis = x.time - len(x.dims) + array.ndim
        if axis >= 0 and array.shape[axis] != 1:
            array = np.expand_dims(_without_time(call, array, axis), axis)
    name = b.constant(array.reshape(without_leading_ones(array.shape)))
    return Tensor(name, array.shape, None)


def _add(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, other = _ordered(call)
    if not isinstance(other, Tensor):
        fused = _with_bias(b, x, np.asarray(other)) if call.alone else None
        if fused is not None:
            return [fused]
    return [_joined(b, call, x, other, "add")]


def _with_bias(b: ProgramBuilder, x: Tensor, bias: Array) -> Tensor | None:
    """A product followed by a constant vector is one dense layer, where nothing was made in between."""
    last, vector = b.nodes[-1], without_leading_ones(bias.shape)
    operation = last.operation
    if last.name != x.name or not isinstance(operation, ops.Dense) or operation.bias is not None:
        return None
    if vector != x.dims[-1:] or b.specs[x.name].shape[-1:] != vector:
        return None
    name = b.weight(operation.weight.replace("weight", "bias"), bias.reshape(vector))
    b.nodes[-1] = Node(last.name, ops.Dense(operation.weight, name), last.inputs)
    return x


def _ordered(call: OnnxCall) -> tuple[Tensor, Tensor | Array]:
    """The two operands, one that depends on the rows first; for what may be turned round."""
    a, c = call.operands[:2]
    if isinstance(a, Tensor) and c is not None:
        return a, c
    assert isinstance(c, Tensor) and a is not None
    return c, a


def _multiply(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    return [_joined(b, call, *_ordered(call), "multiply")]


def _negative(b: ProgramBuilder, call: OnnxCall, x: Tensor) -> Tensor:
    return _joined(b, call, x, np.float32(-1), "multiply")


def _negate(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    return [_negative(b, call, call.tensor())]


def _subtract(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    a, c = call.operands[:2]
    if isinstance(c, Tensor):
        other = _negative(b, call, c)
        return [_joined(b, call, other, a, "add")] if a is not None else []
    return [_joined(b, call, call.tensor(), -np.asarray(c), "add")]


def _divide(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    by = call.constant(1, "divisor")
    return [_joined(b, call, call.tensor(), 1 / np.asarray(by, np.float64), "multiply")]


def _matmul(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, matrix = call.tensor(), call.constant(1, "matrix")
    if matrix is None or matrix.ndim < 2 or prod(matrix.shape[:-2]) != 1:
        raise call.refused("a matrix (input, output)", None if matrix is None else matrix.shape)
    return [_dense(b, call, x, matrix.reshape(matrix.shape[-2:]).T, None)]


def _gemm(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, matrix, bias = call.tensor(), call.constant(1, "B"), call.constant(2, "C")
    if call.get("transA", 0) or matrix is None:
        raise call.refused("a product with features on the last axis", "transA 1")
    weight = (matrix if call.get("transB", 0) else matrix.T) * np.float32(call.get("alpha", 1.0))
    if bias is not None:
        if np.ndim(bias) > 1 and np.shape(bias)[0] != 1:
            raise call.refused("one bias for all rows", np.shape(bias))
        bias = np.broadcast_to(np.ravel(bias) * np.float32(call.get("beta", 1.0)), (len(weight),))
    return [_dense(b, call, x, weight, bias)]


def _dense(b: ProgramBuilder, call: OnnxCall, x: Tensor, matrix: Array, bias: Array | None) -> Tensor:
    value = b.vectors(x, call)
    if matrix.shape[1] != x.dims[-1]:
        raise call.refused(f"a matrix of {x.dims[-1]} inputs", matrix.shape[1])
    weight = b.weight("dense.weight", matrix)
    own = None if bias is None else b.weight(weight.replace("weight", "bias"), bias)
    return Tensor(b.add("dense", ops.Dense(weight, own), value), (*x.dims[:-1], len(matrix)), x.time, x.late)


def _activation(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, function = call.tensor(), ACTIVATIONS[call.operator]
    value = x.name
    if "softmax" in function:
        axis = axis_of(call, int(call.get("axis", 1 if call.opset < 13 else -1)), len(x.dims))
        if prod(x.dims[axis + 1 :]) != 1 or (call.opset < 13 and axis != len(x.dims) - 1):
            raise call.refused("a softmax of the last axis", f"axis {axis}")
        value = b.vectors(x, call)
    return [Tensor(b.add(function, ops.Activation(function), value), x.dims, x.time, x.late)]


def _clip(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    low, high = (call.constant(place, name) for place, name in ((1, "min"), (2, "max")))
    low = call.get("min") if low is None else low
    high = call.get("max") if high is None else high
    if low is None or float(low) != 0 or (high is not None and float(high) < 3e38):
        raise call.refused("a clip at 0 from below", f"{low} to {high}")
    x = call.tensor()
    return [Tensor(b.add("relu", ops.Activation("relu"), x.name), x.dims, x.time, x.late)]


def _layer_norm(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x = call.tensor()
    if axis_of(call, int(call.get("axis", -1)), len(x.dims)) != len(x.dims) - 1:
        raise call.refused("the last axis alone", call.get("axis"))
    names = []
    for place, name in ((1, "weight"), (2, "bias")):
        array = call.constant(place, name)
        names.append(None if array is None else b.weight(f"norm.{name}", np.ravel(array)))
    operation = ops.Norm(*names, epsilon=float(call.get("epsilon", 1e-5)))
    return [Tensor(b.add("norm", operation, b.vectors(x, call)), x.dims, x.time, x.late)]


def _batch_norm(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """In evaluation: each channel, axis 1, times a number plus a number."""
    x = call.tensor()
    if call.get("training_mode", 0) or len(x.dims) < 2 or x.time == 1:
        raise call.refused("channels on axis 1, in evaluation", "another form")
    scale, bias, mean, variance = (
        np.asarray(call.constant(place, "statistic"), np.float64) for place in range(1, 5)
    )
    factor = scale / np.sqrt(variance + float(call.get("epsilon", 1e-5)))
    shape = (-1,) + (1,) * (len(x.dims) - 2)
    scaled = _joined(b, call, x, factor.reshape(shape), "multiply")
    return [_joined(b, call, scaled, (bias - mean * factor).reshape(shape), "add")]


def _mean(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    x, given = call.tensor(), call.integers(1, "axes")
    axes = [axis_of(call, axis, len(x.dims)) for axis in given or range(len(x.dims))]
    if x.time is None or any(axis != x.time and x.dims[axis] != 1 for axis in axes) or x.time not in axes:
        raise call.refused("a mean over the rows", f"axes {axes}")
    pooled = b.add("mean", ops.Pool("mean"), x.name)
    keep = call.get("keepdims", 1)
    dims = tuple(
        1 if axis in axes else size for axis, size in enumerate(x.dims) if keep or axis not in axes
    )
    return [Tensor(pooled, dims, None, late=True)]


def _global_mean(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """GlobalAveragePool: over all axes behind the channels."""
    x = call.tensor()
    if x.time is None or x.time < 2 or any(size != 1 for a, size in enumerate(x.dims) if a > 1 and a != x.time):
        raise call.refused("a mean over the rows", _shown(x.dims))
    return [Tensor(b.add("mean", ops.Pool("mean"), x.name), (*x.dims[:2], *[1] * (len(x.dims) - 2)), None, True)]


def _shape(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    dims = call.tensor().dims
    return [np.array(dims[call.get("start", 0) : call.get("end", len(dims))], np.int64)]


def _size(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    return [np.array(prod(call.tensor().dims), np.int64)]


ACTIVATIONS = {
    "Tanh": "tanh",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Exp": "exp",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}
OPERATORS: dict[str, Convert] = {
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(("RNN", "GRU", "LSTM"), recurrent),
    "Add": _add,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Div": _divide,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_mean,
    "Identity": _same,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "Mul": _multiply,
    "Neg": _negate,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _subtract,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
