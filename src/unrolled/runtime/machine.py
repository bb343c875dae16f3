"""A Program written out for the native stream: values and nodes by number, weights by address.

Every shape is static, so moving numbers (slices, transpositions, padding ...) comes down to a list of runs to
copy, found here by moving the numbers' places through the same operation. What is the same at every row is
worked out once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from unrolled import preprocess
from unrolled._native import recurrent_target, stream_machine
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import Graph, Node, resolve
from unrolled.runtime.operations.base import Array, Operation, Spec, broadcast
from unrolled.runtime.operations.quantised import _Int8Cell
from unrolled.runtime.operations.recurrent import _Cell
from unrolled.runtime.program import Program
from unrolled.runtime.rollout import Rollout

MOVES = (ops.Concat, ops.Final, ops.Pad, ops.Repeat, ops.Reshape, ops.Slice, ops.Transpose)
# operations whose value numpy gives to the same bits as every runtime
EXACT = (*MOVES, ops.Combine, ops.Constant, ops.Fill, ops.Scale, ops.Unscale)
FUNCTIONS = ("tanh", "relu", "sigmoid", "exp", "softplus")  # the order of the native enumeration
WIRES = ("fixed", "each", "carried")
PHASES = preprocess.time_features.PHASES


@dataclass
class Parts:
    """What an operation is made of natively; what the numbers mean is said in native/src/stream."""

    kind: str
    ints: Sequence[int] = ()
    floats: Sequence[float] = ()
    arrays: Sequence[Array | None] = ()
    body: list = field(default_factory=list)


class Scope(NamedTuple):
    """The values of a graph, or of a rollout's body: their numbers and shapes."""

    numbers: dict[str, int]
    specs: Mapping[str, Spec]


class Machine(NamedTuple):
    """A program as the native core holds it, and the number of each input."""

    native: Any
    inputs: Mapping[str, int]


_MACHINES: WeakKeyDictionary[Program, dict[str, Machine]] = WeakKeyDictionary()


def machine_of(program: Program) -> Machine:
    """The machine of a program, made once for each CPU target: streams of one program share its weights."""
    made = _MACHINES.setdefault(program, {})
    target = recurrent_target()
    if target not in made:
        made[target] = Writer(program).machine()
    return made[target]


def missing_operation(program: Program) -> str | None:
    """The kind of an operation that the native core does not know, or None."""
    for node in program.graph.nodes:
        if isinstance(node.operation, Rollout):
            inner = [n.operation for n in node.operation.body.nodes]
        else:
            inner = [node.operation]
        for operation in inner:
            if not isinstance(operation, (*MOVES, *EXACT, *BUILDERS, _Cell)):
                return operation.kind
    return None


class Writer:
    """Writes one program out."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values: list[tuple[int, bool, int]] = []  # size, is int64, address of a constant or 0
        self.constants: dict[int, Array] = {}
        self.kept: list[Array] = []  # what addresses point to, until the machine has its copies
        self.states = {name: number for number, name in enumerate(program.states)}

    def machine(self) -> Machine:
        """The machine, and the numbers of its inputs."""
        program = self.program
        scope = Scope({}, program.resolved.values)
        for entry in program.graph.inputs:
            scope.numbers[entry.name] = self._value(entry.spec)
        nodes = self._nodes(program.graph, scope)
        output = scope.numbers[program.graph.outputs[program.output]]
        places = (output, scope.numbers.get("noise", -1), scope.numbers.get("series", -1))
        states = [spec.size for spec in program.states.values()]
        native = stream_machine(self.values, nodes, states, places, program.seed)
        return Machine(native, {name: scope.numbers[name] for name in program.inputs})

    def _value(self, spec: Spec, constant: Array | None = None) -> int:
        """The number of a new value."""
        address = 0 if constant is None else self._address(constant)
        self.values.append((spec.size, spec.dtype == "int64", address))
        return len(self.values) - 1

    def _address(self, array: Array | None) -> int:
        if array is None:
            return 0
        whole = np.ascontiguousarray(array, np.int8 if array.dtype == np.int8 else np.float32)
        self.kept.append(whole)
        return whole.ctypes.data

    def _nodes(self, graph: Graph, scope: Scope) -> list[tuple]:
        """The nodes of a graph but for those that are the same at every row, which become constants."""
        written = []
        for node in graph.nodes:
            constant = self._constant(node, scope)
            if constant is not None:
                number = self._value(scope.specs[node.name], constant)
                self.constants[number] = constant
                scope.numbers[node.name] = number
            else:
                written.append(self._node(node, scope))
        return written

    def _constant(self, node: Node, scope: Scope) -> Array | None:
        """The value of a node that is the same at every row."""
        reads = [self.constants.get(scope.numbers[name]) for name in node.inputs]
        if isinstance(node.operation, ops.Constant | ops.Fill):
            reads = [np.zeros(())]
        if not isinstance(node.operation, EXACT) or any(value is None for value in reads):
            return None
        rows = [value[None] for value in reads if value is not None]
        with np.errstate(all="ignore"):
            return np.ascontiguousarray(node.operation.run(rows, {}, self.program.weights)[0][0])

    def _node(self, node: Node, scope: Scope) -> tuple:
        inputs = [scope.specs[name] for name in node.inputs]
        if isinstance(node.operation, Rollout):
            parts, output = self._rollout(node, scope), scope.specs[node.name]
        else:
            parts, output = self._parts(node.operation, inputs), scope.specs[node.name]
        scope.numbers[node.name] = self._value(output)
        states = [number for name, number in self.states.items() if name.rsplit(".", 1)[0] == node.name]
        return (
            parts.kind,
            [scope.numbers[name] for name in node.inputs],
            scope.numbers[node.name],
            states,
            [int(number) for number in parts.ints],
            list(parts.floats),
            [self._address(array) for array in parts.arrays],
            bool(states) or node.name in self.program.every_row,
            parts.body,
        )

    def _parts(self, operation: Operation, inputs: list[Spec]) -> Parts:
        if isinstance(operation, MOVES):
            return _move(operation, inputs)
        if isinstance(operation, _Cell):
            return _cell(operation, inputs, self.program.weights)
        return BUILDERS[type(operation)](operation, inputs, self.program.weights)

    def _rollout(self, node: Node, scope: Scope) -> Parts:
        rollout = node.operation
        assert isinstance(rollout, Rollout)
        inner = Scope({}, resolve(rollout.body, self.program.weights).values)
        for how, name, entry in zip(rollout.wiring, node.inputs, rollout.body.inputs, strict=True):
            constant = self.constants.get(scope.numbers[name]) if how == "fixed" else None
            number = self._value(entry.spec, constant)
            if constant is not None:
                self.constants[number] = constant
            inner.numbers[entry.name] = number
        body = self._nodes(rollout.body, inner)
        outputs = {name: inner.numbers[value] for name, value in rollout.body.outputs.items()}
        result = inner.specs[rollout.body.outputs[rollout.result]]
        ints = [rollout.steps, outputs[rollout.result], result.nbytes]
        for how, entry in zip(rollout.wiring, rollout.body.inputs, strict=True):
            next_value = outputs[entry.name] if how == "carried" else -1
            ints += [WIRES.index(how), inner.numbers[entry.name], entry.spec.nbytes, next_value]
        return Parts("rollout", ints, body=body)


def _move(operation: Operation, inputs: Sequence[Spec]) -> Parts:
    """Runs of elements to copy. Each element of an input gets a number from 1 on; 0 stands for a zero."""
    starts = np.cumsum([1] + [spec.size for spec in inputs])
    places = [
        np.arange(start, start + spec.size).reshape(1, *spec.shape)
        for start, spec in zip(starts, inputs, strict=False)
    ]
    moved = operation.run(places, {}, {})[0].ravel()
    source = np.searchsorted(starts, moved, side="right") - 1  # -1 for a zero
    follows = (source[1:] == source[:-1]) & ((moved[1:] == moved[:-1] + 1) | (source[1:] < 0))
    firsts = np.flatnonzero(np.concatenate([[True], ~follows]))
    counts = np.diff(np.append(firsts, len(moved)))
    offsets = np.where(source[firsts] < 0, 0, moved[firsts] - starts[source[firsts]])
    runs = np.stack([firsts, source[firsts], offsets, counts], axis=1)
    width = 8 if inputs[0].dtype == "int64" else 4
    return Parts("move", [width, len(moved), *runs.ravel().tolist()])


def _places(spec: Spec, shape: tuple[int, ...]) -> list[int]:
    """The element that each element of a broadcast value is; nothing where they are the same."""
    spread = np.broadcast_to(np.arange(spec.size).reshape(spec.shape), shape)
    return [] if spread.size == spec.size else spread.ravel().tolist()


def _elementwise(kind: str) -> Callable[..., Parts]:
    def parts(operation: Operation, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
        shape = broadcast(inputs)
        ints = [int(np.prod(shape))]
        for spec in inputs:
            places = _places(spec, shape)
            ints += [len(places), *places]
        name = operation.how if isinstance(operation, ops.Combine) else kind
        return Parts(name, ints)

    return parts


def _vectors(spec: Spec) -> list[int]:
    """How many vectors a value holds, and their width."""
    return [spec.size // spec.shape[-1], spec.shape[-1]]


def _mask(op: ops.Mask, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    return Parts("mask", [*_vectors(inputs[0]), op.channels])


def _embed(op: ops.Embed, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    table = weights[op.table]
    return Parts("embed", [inputs[0].size, *table.shape], arrays=[table])


def _window(op: ops.Window, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    return Parts("window", [op.history, inputs[0].size])


def _sized(kind: str) -> Callable[..., Parts]:
    def parts(op: Operation, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
        return Parts(kind, [inputs[0].size])

    return parts


def _pool(op: ops.Pool, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    if op.how == "mean":
        return Parts("pool_mean", [inputs[0].size])
    return Parts("move", [4, inputs[0].size, 0, 0, 0, inputs[0].size])


def _convolve(op: ops.Convolve, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    """The weights of a tap side by side: those of a step's neighbours then lie as the steps do."""
    matrix = weights[op.weight]
    outputs, _, taps = matrix.shape
    flat = matrix.transpose(0, 2, 1).reshape(outputs, -1)
    return Parts("convolve", [*inputs[0].shape, outputs, taps], arrays=[flat, weights[op.bias]])


def _steps(kind: str) -> Callable[..., Parts]:
    def parts(op: Operation, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
        is_max = [op.how == "max"] if isinstance(op, ops.PoolSteps) else []
        return Parts(kind, [*inputs[0].shape, *is_max])

    return parts


def _window_anchor(op: ops.WindowAnchor, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    return Parts("window_anchor", inputs[0].shape)


def _spread(op: ops.Spread, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    *leading, steps, columns = inputs[0].shape
    return Parts("spread", [int(np.prod(leading)), steps, columns], [op.floor])


def _time_features(op: ops.TimeFeatures, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    return Parts("time_features", [inputs[0].size, *(PHASES.index(phase) for phase in op.phases)])


def _dense(op: ops.Dense, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    matrix = weights[op.weight]
    count = _vectors(inputs[0])[0]
    return Parts("dense", [count, *matrix.shape], arrays=[matrix, weights[op.bias] if op.bias else None])


def _norm(op: ops.Norm, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    arrays = [weights[name] if name else None for name in (op.weight, op.bias)]
    return Parts("norm", _vectors(inputs[0]), [op.epsilon], arrays)


def _activation(op: ops.Activation, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    if op.function in FUNCTIONS:
        return Parts("activation", [inputs[0].size, FUNCTIONS.index(op.function)])
    return Parts("softmax", [*_vectors(inputs[0]), op.function == "log_softmax"])


def _quantile_head(op: ops.QuantileHead, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    return Parts("quantile_head", [*_vectors(inputs[0]), op.base])


def _conformal(op: ops.Conformal, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    spread = np.zeros(0, np.int64)
    if len(inputs) == 2:
        spread = np.broadcast_to(np.arange(inputs[1].size).reshape(inputs[1].shape), inputs[0].shape)
    ints = [*_vectors(inputs[0]), op.base, *spread.ravel().tolist()]
    return Parts("conformal", ints, arrays=[weights[op.offsets]])


def _path_quantiles(op: ops.PathQuantiles, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    paths = inputs[0].shape[0]
    return Parts("path_quantiles", [paths, inputs[0].size // paths], op.levels)


def _cell(op: _Cell, inputs: Sequence[Spec], weights: Mapping[str, Array]) -> Parts:
    hidden = weights[op.weight_hh].shape[1]
    kinds = {"elman": 0 if op.activation == "tanh" else 1, "lstm": 2, "gru": 3 if op.reset_after else 4}
    vectors = inputs[0].size // inputs[0].shape[-1]
    ints = [kinds[op.cell], inputs[0].shape[-1], hidden]
    names = [op.weight_ih, op.weight_hh, op.bias_ih, op.bias_hh, op.gain_ih, op.gain_hh]
    ranges = [0.0, 1.0]
    if isinstance(op, _Int8Cell):
        names += [op.scale_ih, op.scale_hh]
        ranges = [op.x_range or 0.0, op.h_range]
    arrays = [weights[name] if name else None for name in names]
    arrays += [None] * (8 - len(arrays))
    floats = [op.keep_h, op.keep_c, *ranges]
    if isinstance(op, ops.Scan):
        steps = inputs[0].shape[-2]
        ints += [vectors // steps, steps, op.emit == "state", op.direction == "backward"]
        return Parts("scan", ints, floats, arrays)
    if isinstance(op, ops.Recurrent):
        return Parts("recurrent", [*ints, vectors, op.emit == "state"], floats, arrays)
    return Parts("step", [*ints, vectors], floats, arrays)


BUILDERS: dict[type[Operation], Callable[..., Parts]] = {
    ops.Activation: _activation,
    ops.CarriedAnchor: _sized("carried_anchor"),
    ops.Combine: _elementwise("add"),
    ops.Conformal: _conformal,
    ops.Convolve: _convolve,
    ops.Cut: _steps("cut"),
    ops.Delay: _sized("delay"),
    ops.Dense: _dense,
    ops.Embed: _embed,
    ops.Mask: _mask,
    ops.Norm: _norm,
    ops.PathQuantiles: _path_quantiles,
    ops.Pool: _pool,
    ops.PoolAttention: _sized("pool_attention"),
    ops.PoolMax: _sized("pool_max"),
    ops.PoolSteps: _steps("pool_steps"),
    ops.QuantileHead: _quantile_head,
    ops.Reverse: _steps("reverse"),
    ops.Scale: _elementwise("scale"),
    ops.Spread: _spread,
    ops.TimeFeatures: _time_features,
    ops.Unscale: _elementwise("unscale"),
    ops.Window: _window,
    ops.WindowAnchor: _window_anchor,
}
