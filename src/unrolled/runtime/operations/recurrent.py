# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""The recurrent cells, three ways to run them: over the rows of a stream, over an axis of a window, one step
alone.

Keys: I input · H hidden · G gates (Elman 1, GRU 3, LSTM 4) · S states (LSTM 2: h, then c; the others 1: h).
The equations are in `cell_step`; names and gate order are torch.nn's (LSTM i f g o, GRU r z n).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import number, one_of
from unrolled.runtime.operations.base import (
    Array,
    Arrays,
    Operation,
    Spec,
    expect,
    expect_axes,
    expect_floats,
    project,
    weight,
)
from unrolled.runtime.operations.dense import sigmoid

GATES = {"elman": 1, "gru": 3, "lstm": 4}
EPSILON = np.float32(1e-5)


@dataclass(frozen=True)
class _Cell(Operation):
    """A cell's kind and weights.

    Shapes: weight_ih (G*H, I); weight_hh (G*H, H); biases and layer-norm gains (G*H,) or None.
    """

    cell: str
    weight_ih: str
    weight_hh: str
    bias_ih: str | None = None
    bias_hh: str | None = None
    gain_ih: str | None = None  # layer normalisation of W x and U h', gate by gate
    gain_hh: str | None = None
    activation: str = "tanh"  # Elman
    reset_after: bool = True  # GRU
    keep_h: float = 0.0  # zoneout: the share of the old state that stays
    keep_c: float = 0.0
    weight_fields: ClassVar[tuple[str, ...]] = (
        "weight_ih",
        "weight_hh",
        "bias_ih",
        "bias_hh",
        "gain_ih",
        "gain_hh",
    )
    matrix_dtype: ClassVar = "float32"

    def _hidden(self, inputs: Sequence[Spec], weights: Arrays) -> int:
        """The hidden size, after every attribute and weight has been checked."""
        one_of("cell", self.cell, GATES)
        one_of("activation", self.activation, ["tanh", "relu"])
        number("keep_h", self.keep_h, 0, 1)
        number("keep_c", self.keep_c, 0, 1)
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        hidden = int(weight(weights, self.weight_hh, (None, None), self.matrix_dtype).shape[1])
        rows = GATES[self.cell] * hidden
        weight(weights, self.weight_hh, (rows, hidden), self.matrix_dtype)
        weight(weights, self.weight_ih, (rows, inputs[0].shape[-1]), self.matrix_dtype)
        for name in (self.bias_ih, self.bias_hh, self.gain_ih, self.gain_hh):
            if name is not None:
                weight(weights, name, (rows,))
        return hidden

    def _state_count(self) -> int:
        return 2 if self.cell == "lstm" else 1

    def product_ih(self, x: Array, weights: Arrays) -> Array:
        """`W x`, without the bias."""
        return project(x, weights[self.weight_ih])

    def product_hh(self, h: Array, weights: Arrays) -> Array:
        """`U h`, without the bias."""
        return project(h, weights[self.weight_hh])

    def _input_sum(self, x: Array, weights: Arrays) -> Array:
        return _finish(self, self.product_ih(x, weights), weights, self.bias_ih, self.gain_ih)

    def _step_cost(self, inputs: Sequence[Spec], weights: Arrays) -> int:
        """Multiply-adds of one step for one vector."""
        return int(weights[self.weight_ih].size + weights[self.weight_hh].size)


def _finish(op: _Cell, product: Array, weights: Arrays, bias: str | None, gain: str | None) -> Array:
    """`p + b`, or `gain * normalise(p) + b` with each gate of the product p normalised over its H units."""
    if gain is not None:
        by_gate = product.reshape((*product.shape[:-1], GATES[op.cell], -1))
        centred = by_gate - by_gate.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        product = (centred / np.sqrt(variance + EPSILON)).reshape(product.shape) * weights[gain]
    return product if bias is None else product + weights[bias]


def _recurrent_sum(op: _Cell, h: Array, weights: Arrays) -> Array:
    return _finish(op, op.product_hh(h, weights), weights, op.bias_hh, op.gain_hh)


def cell_step(op: _Cell, a: Array, state: tuple[Array, ...], weights: Arrays) -> tuple[Array, ...]:
    """One step of a cell.

    Shapes: a (..., G*H), the input's product; each state (..., H).
    Returns: the next states.
    Source: the equations of docs/program.md, "Recurrent".
    """
    step = {"elman": _elman_step, "gru": _gru_step, "lstm": _lstm_step}[op.cell]
    new = step(op, a, state, weights)
    keeps = (np.float32(op.keep_h), np.float32(op.keep_c))
    return tuple(
        after if keep == 0 else keep * before + (1 - keep) * after
        for after, before, keep in zip(new, state, keeps, strict=False)
    )


def _elman_step(op: _Cell, a: Array, state: tuple[Array, ...], weights: Arrays) -> tuple[Array, ...]:
    total = a + _recurrent_sum(op, state[0], weights)
    return (np.tanh(total) if op.activation == "tanh" else np.maximum(total, 0),)


def _lstm_step(op: _Cell, a: Array, state: tuple[Array, ...], weights: Arrays) -> tuple[Array, ...]:
    h, c = state
    i, f, g, o = np.split(a + _recurrent_sum(op, h, weights), 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def _gru_step(op: _Cell, a: Array, state: tuple[Array, ...], weights: Arrays) -> tuple[Array, ...]:
    h = state[0]
    a_r, a_z, a_n = np.split(a, 3, axis=-1)
    u_r, u_z, u_n = np.split(_recurrent_sum(op, h, weights), 3, axis=-1)
    r = sigmoid(a_r + u_r)
    if op.reset_after:
        n = np.tanh(a_n + r * u_n)
    else:
        n = np.tanh(a_n + np.split(_recurrent_sum(op, r * h, weights), 3, axis=-1)[2])
    z = sigmoid(a_z + u_z)
    return ((1 - z) * n + z * h,)


@dataclass(frozen=True)
class Recurrent(_Cell):
    """A cell over the rows of the stream; its state goes from row to row and starts as zeros.

    `backward` runs from the last row to the first, so it needs the whole sequence. With `emit="state"` the
    value is the full state, h then c, for a decoder to start from. Input 1, where given, is the full state it
    starts from: its value at the row that is read first.
    Shapes: (..., I), start (..., S*H) -> (..., H), or (..., S*H).
    """

    direction: str = "forward"
    emit: str = "h"
    kind: ClassVar = "recurrent"
    arity: ClassVar = (1, 2)

    @property
    def whole_sequence(self) -> str | None:
        """Why a backward pass needs the rows that come later."""
        return "it reads the sequence backward, from its last row" if self.direction == "backward" else None

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("direction", self.direction, ["forward", "backward"])
        one_of("emit", self.emit, ["h", "state"])
        hidden = self._hidden(inputs, weights)
        leading, full = inputs[0].shape[:-1], self._state_count() * hidden
        if len(inputs) == 2:
            expect(inputs[1].shape == (*leading, full), "input 1", f"float32 {(*leading, full)}", inputs[1])
        return Spec((*leading, full if self.emit == "state" else hidden))

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        if self.direction == "backward":
            return {}
        spec = Spec((*inputs[0].shape[:-1], weights[self.weight_hh].shape[1]))
        own = dict.fromkeys(("h", "c")[: self._state_count()], spec)
        return own | ({"started": Spec(())} if len(inputs) == 2 else {})

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        a = self._input_sum(inputs[0], weights)
        hidden = weights[self.weight_hh].shape[1]
        state = self._start(inputs, states, (*a.shape[1:-1], hidden))
        y = np.empty((*a.shape[:-1], hidden * (len(state) if self.emit == "state" else 1)), np.float32)
        rows = range(len(a))
        for t in rows if self.direction == "forward" else reversed(rows):
            state = cell_step(self, a[t], state, weights)
            y[t] = np.concatenate(state, axis=-1) if self.emit == "state" else state[0]
        return y, dict(zip(states, (*state, np.ones((), np.float32)), strict=False))

    def _start(self, inputs: Sequence[Array], states: Arrays, shape: tuple[int, ...]) -> tuple[Array, ...]:
        """The states before the first of these rows, each (..., H)."""
        count = self._state_count()
        if len(inputs) == 2 and not states.get("started", 0):
            first = inputs[1][0 if self.direction == "forward" else -1]
            return tuple(np.split(first, count, axis=-1))
        return tuple(states.values())[:count] or (np.zeros(shape, np.float32),) * count

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return self._step_cost(inputs, weights) * (inputs[0].size // inputs[0].shape[-1])


@dataclass(frozen=True)
class Scan(_Cell):
    """A cell over axis -2 of a window, anew at every row. Input 1, where given, is the state it starts from.

    Shapes: (..., steps, I), state (..., S*H) -> (..., steps, H), or (..., steps, S*H) with `emit="state"`.
    """

    direction: str = "forward"
    emit: str = "h"
    kind: ClassVar = "scan"
    arity: ClassVar = (1, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("direction", self.direction, ["forward", "backward"])
        one_of("emit", self.emit, ["h", "state"])
        hidden = self._hidden(inputs, weights)
        expect_axes(inputs[0], 2)
        leading, full = inputs[0].shape[:-2], self._state_count() * hidden
        if len(inputs) == 2:
            expect(inputs[1].shape == (*leading, full), "input 1", f"float32 {(*leading, full)}", inputs[1])
        return Spec((*inputs[0].shape[:-1], full if self.emit == "state" else hidden))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        a = self._input_sum(inputs[0], weights)
        count, hidden = self._state_count(), weights[self.weight_hh].shape[1]
        start = inputs[1] if len(inputs) == 2 else np.zeros((*a.shape[:-2], count * hidden), np.float32)
        state = tuple(np.split(start, count, axis=-1))
        y = np.empty((*a.shape[:-1], hidden * (count if self.emit == "state" else 1)), np.float32)
        steps = range(a.shape[-2])
        for s in steps if self.direction == "forward" else reversed(steps):
            state = cell_step(self, a[..., s, :], state, weights)
            y[..., s, :] = np.concatenate(state, axis=-1) if self.emit == "state" else state[0]
        return y, {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return self._step_cost(inputs, weights) * (inputs[0].size // inputs[0].shape[-1])


@dataclass(frozen=True)
class Step(_Cell):
    """One step of a cell from a given state: what a decoder does.

    Shapes: x (..., I), state (..., S*H) -> the next state (..., S*H).
    """

    kind: ClassVar = "step"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        full = self._state_count() * self._hidden(inputs, weights)
        wanted = (*inputs[0].shape[:-1], full)
        expect(inputs[1].shape == wanted, "input 1", f"float32 {wanted}", inputs[1])
        return inputs[1]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        a = self._input_sum(inputs[0], weights)
        state = tuple(np.split(inputs[1], self._state_count(), axis=-1))
        return np.concatenate(cell_step(self, a, state, weights), axis=-1), {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return self._step_cost(inputs, weights) * (inputs[0].size // inputs[0].shape[-1])
