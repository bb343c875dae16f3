"""The operators of numbers around recurrent nodes as operations of a Program, and the table of all operators.

Each function takes the builder and the call, of which at least one operand depends on the rows, and returns
what it makes. A node whose operands are all constants is computed beforehand, and is not seen here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from unrolled.deploy import onnx_import_shapes as shapes
from unrolled.deploy.onnx_import_graph import (
    Array,
    OnnxCall,
    ProgramBuilder,
    Result,
    Tensor,
    axis_of,
    without_leading_ones,
)
from unrolled.deploy.onnx_import_recurrent import recurrent
from unrolled.deploy.onnx_import_shapes import shown, without_time
from unrolled.runtime import Node
from unrolled.runtime import operations as ops

Convert = Callable[[ProgramBuilder, OnnxCall], Sequence[Result]]


def _joined(b: ProgramBuilder, call: OnnxCall, x: Tensor, other: Tensor | Array, how: str) -> Tensor:
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
            array = np.expand_dims(without_time(call, array, axis), axis)
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
    return _joined(b, call, x, np.array(-1, np.float32), "multiply")


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
        if prod(x.dims[axis + 1 :]) != 1 or axis == x.time or (call.opset < 13 and axis != len(x.dims) - 1):
            raise call.refused("a softmax of the last axis", f"axis {axis} of {shown(x.dims)}")
        value = b.vectors(replace(x, dims=x.dims[: axis + 1]), call)
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
    operation = ops.Norm(names[0], names[1], float(call.get("epsilon", 1e-5)))
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
    dims = tuple(1 if axis in axes else size for axis, size in enumerate(x.dims) if keep or axis not in axes)
    return [Tensor(pooled, dims, None, late=True)]


def _global_mean(b: ProgramBuilder, call: OnnxCall) -> list[Result]:
    """GlobalAveragePool: over all axes behind the channels."""
    x = call.tensor()
    if x.time is None or x.time < 2 or prod(x.row[2:]) != 1:
        raise call.refused("a mean over the rows", shown(x.dims))
    dims = (*x.dims[:2], *[1] * (len(x.dims) - 2))
    return [Tensor(b.add("mean", ops.Pool("mean"), x.name), dims, None, late=True)]


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
    "Cast": shapes.cast,
    "Clip": _clip,
    "Concat": shapes.concat,
    "Div": _divide,
    "Dropout": shapes.dropout,
    "Expand": shapes.expand,
    "Flatten": shapes.flatten,
    "Gather": shapes.gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_mean,
    "Identity": shapes.same,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "Mul": _multiply,
    "Neg": _negate,
    "ReduceMean": _mean,
    "Reshape": shapes.reshape,
    "Shape": shapes.shape,
    "Size": shapes.size,
    "Slice": shapes.slice_of,
    "Split": shapes.split,
    "Squeeze": shapes.squeeze,
    "Sub": _subtract,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
}
