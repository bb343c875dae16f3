"""Int8: a Program whose recurrent matrices are whole numbers, and what that costs in the task's own metric.

The arithmetic is in docs/program.md, "Recurrent, with int8 weights".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, explain
from unrolled.runtime import Graph, Node, Program, Stream
from unrolled.runtime import operations as ops
from unrolled.runtime.observe import largest
from unrolled.runtime.rollout import Rollout

Array = NDArray

# A layer that reads no more numbers than this keeps them in float32: raw features have outliers that eat up
# the 255 steps of an int8, and there are few of them.
PLAIN_INPUTS = 32
MOST = 127
INT8 = {ops.Recurrent: ops.RecurrentInt8, ops.Scan: ops.ScanInt8, ops.Step: ops.StepInt8}


@dataclass(frozen=True)
class Drift:
    """The mean distance of the answers of two programs over a long stream, in standard deviations of the
    answer: in its first and in its last quarter. A drift shows as a `last` far above `first`.
    """

    first: float
    last: float


@dataclass(frozen=True)
class Quantised:
    """An int8 program, and what became of the metric and of the answers on held-out data.

    `before`, `after` and `change` (after / before - 1) are None where no metric was given, `drift` where
    there were no rows to stream.
    """

    program: Program
    bytes_before: int
    bytes_after: int
    before: float | None = None
    after: float | None = None
    drift: Drift | None = None

    @property
    def change(self) -> float | None:
        """The relative change of the metric."""
        if self.before is None or self.after is None:
            return None
        return self.after / self.before - 1


def quantize(
    model: Any,
    calibration_rows: Any,
    metric: Callable[[Program], float] | None = None,
    held_out: Any = None,
    series: str | int | None = None,
) -> Quantised:
    """A model with int8 matrices in its Elman, LSTM and GRU layers.

    `model` is a Program, or what has one, such as a Forecaster. `calibration_rows`, as a stream takes them,
    show how large the layers' inputs become; the last `horizon` of them serve as the future. `metric` is
    called with each program on data of its own. `held_out` rows are streamed through both.

    Raises: ArgumentError for a program without a recurrent layer in float32.

    Example: `quantize(forecaster, rows, metric=pinball_on_test).change`, such as 0.0008.
    """
    program = model if isinstance(model, Program) else model.program()
    cells = _cells(program.graph)
    if not cells:
        cure = "Only Elman, LSTM and GRU layers become int8."
        raise ArgumentError(explain("model", "a recurrent layer in float32", "none", cure))
    small = _with_int8(program, _ranges(program, calibration_rows, series))
    return Quantised(
        small,
        program.parameter_bytes,
        small.parameter_bytes,
        None if metric is None else metric(program),
        None if metric is None else metric(small),
        None if held_out is None else drift(program, small, held_out, series),
    )


def drift(one: Program, other: Program, rows: Any, series: str | int | None = None) -> Drift:
    """How far apart two programs' answers are along a stream."""
    given, future = _without_future(one, rows)
    a, b = (Stream(p, series).run(given, future).astype(np.float64) for p in (one, other))
    kept = ~np.isnan(a).reshape(len(a), -1).any(axis=1)
    distance = np.abs(a - b)[kept].reshape(int(kept.sum()), -1).mean(axis=1) / max(a[kept].std(), 1e-30)
    quarter = max(1, len(distance) // 4)
    return Drift(float(distance[:quarter].mean()), float(distance[-quarter:].mean()))


def _cells(graph: Graph) -> list[Node]:
    """The recurrent nodes of a graph in float32, those of its rollouts included."""
    found = []
    for node in graph.nodes:
        if isinstance(node.operation, Rollout):
            found += _cells(node.operation.body)
        elif type(node.operation) in INT8:
            found.append(node)
    return found


@dataclass(frozen=True)
class _Ranges:
    x: Mapping[str, float]  # by the name of weight_ih: the cells of a rollout share it with one outside
    h: Mapping[str, float]


def _ranges(program: Program, rows: Any, series: str | int | None) -> _Ranges:
    """The largest value that each layer reads, over the calibration rows."""
    outside = [node for node in program.graph.nodes if type(node.operation) in INT8]
    wide = [n for n in outside if program.weights[n.operation.weight_ih].shape[1] > PLAIN_INPUTS]  # type: ignore[attr-defined]
    open_ended = [n for n in outside if _is_open_ended(n)]
    names = {n.inputs[0] for n in wide} | {n.name for n in open_ended}
    given, future = _without_future(program, rows)
    found = largest(program, given, names, future, series) if names else {}
    x: dict[str, float] = {}
    h: dict[str, float] = {}
    for node in wide:
        own = x.setdefault(node.operation.weight_ih, 0.0)  # type: ignore[attr-defined]
        x[node.operation.weight_ih] = max(own, found[node.inputs[0]])  # type: ignore[attr-defined]
    for node in open_ended:
        own = h.setdefault(node.operation.weight_hh, 0.0)  # type: ignore[attr-defined]
        h[node.operation.weight_hh] = max(own, found[node.name])  # type: ignore[attr-defined]
    return _Ranges({name: _usable(r) for name, r in x.items()}, {name: _usable(r) for name, r in h.items()})


def _is_open_ended(node: Node) -> bool:
    """Whether h can leave -1..1: only with relu."""
    return node.operation.cell == "elman" and node.operation.activation == "relu"  # type: ignore[attr-defined]


def _usable(largest_value: float) -> float:
    return largest_value if 1e-30 < largest_value < 1e30 else 1.0


def _without_future(program: Program, rows: Any) -> tuple[Any, Any]:
    """The rows to stream, and the last `horizon` of them as the future, where the program needs one."""
    if not any(name.startswith("future_") for name in program.inputs):
        return rows, None
    ahead = program.horizon
    if isinstance(rows, Mapping):
        return {n: v[:-ahead] for n, v in rows.items()}, {n: v[-ahead:] for n, v in rows.items()}
    raise ArgumentError(
        explain("rows", "a mapping of columns", type(rows).__name__, "Its last rows are the future.")
    )


def _with_int8(program: Program, ranges: _Ranges) -> Program:
    weights = dict(program.weights)
    for node in _cells(program.graph):
        for matrix in (node.operation.weight_ih, node.operation.weight_hh):  # type: ignore[attr-defined]
            if weights[matrix].dtype != np.int8:
                weights[matrix], weights[f"{matrix}.scale"] = whole_numbers(program.weights[matrix])
    return replace(program, graph=_graph_with_int8(program.graph, ranges), weights=weights)


def whole_numbers(matrix: Array) -> tuple[Array, Array]:
    """A matrix as int8 with a scale for each output: `scale * int8` is nearest to it.

    Example:
        >>> whole, scale = whole_numbers(np.array([[0.5, -1.0], [0.0, 0.0]], np.float32))
        >>> whole.tolist()
        [[64, -127], [0, 0]]
    """
    most = np.abs(matrix).max(axis=1)
    scale = np.where(most > 0, most, 1).astype(np.float32) / np.float32(MOST)
    return np.rint(matrix / scale[:, None].astype(np.float64)).clip(-MOST, MOST).astype(np.int8), scale


def _graph_with_int8(graph: Graph, ranges: _Ranges) -> Graph:
    return replace(graph, nodes=tuple(replace(n, operation=_int8(n.operation, ranges)) for n in graph.nodes))


def _int8(operation: Any, ranges: _Ranges) -> Any:
    if isinstance(operation, Rollout):
        return replace(operation, body=_graph_with_int8(operation.body, ranges))
    if type(operation) not in INT8:
        return operation
    same = {field.name: getattr(operation, field.name) for field in fields(operation)}
    return INT8[type(operation)](
        **same,
        scale_ih=f"{operation.weight_ih}.scale",
        scale_hh=f"{operation.weight_hh}.scale",
        x_range=ranges.x.get(operation.weight_ih),
        h_range=ranges.h.get(operation.weight_hh, 1.0),
    )
