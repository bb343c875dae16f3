# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""Moving numbers without changing them, and joining values element by element."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from unrolled.arguments import integer, number, one_of
from unrolled.runtime.operations.base import (
    Array,
    Arrays,
    Operation,
    Spec,
    align,
    broadcast,
    expect,
    expect_axes,
    expect_floats,
    weight,
)


@dataclass(frozen=True)
class Concat(Operation):
    """Values side by side along one axis, counted from the last: -1 for features."""

    axis: int = -1
    kind: ClassVar = "concat"
    arity: ClassVar = (1, 64)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        axes = len(inputs[0].shape)
        expect(-axes <= self.axis < 0, "axis", f"-{axes}..-1", self.axis)
        shape = list(inputs[0].shape)
        for spec in inputs[1:]:
            same = len(spec.shape) == axes and all(
                a == b
                for i, (a, b) in enumerate(zip(shape, spec.shape, strict=True))
                if i != axes + self.axis
            )
            expect(
                same,
                "inputs",
                f"shapes that differ only on axis {self.axis}",
                f"{tuple(shape)} and {spec.shape}",
            )
            shape[self.axis] += spec.shape[self.axis]
        return Spec(tuple(shape))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return np.concatenate(inputs, axis=self.axis), {}


@dataclass(frozen=True)
class Slice(Operation):
    """Elements `start` to `stop` (not included) of one axis, counted from the last."""

    start: int
    stop: int
    axis: int = -1
    kind: ClassVar = "slice"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        shape = list(inputs[0].shape)
        expect(-len(shape) <= self.axis < 0, "axis", f"-{len(shape)}..-1", self.axis)
        size = shape[self.axis]
        expect(
            0 <= self.start < self.stop <= size,
            "start, stop",
            f"a range in 0..{size}",
            (self.start, self.stop),
        )
        shape[self.axis] = self.stop - self.start
        return Spec(tuple(shape), inputs[0].dtype)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        where: list[Any] = [slice(None)] * inputs[0].ndim
        where[self.axis] = slice(self.start, self.stop)
        return inputs[0][tuple(where)], {}


@dataclass(frozen=True)
class Reshape(Operation):
    """The same numbers in another shape, last axis fastest: (steps, ...) -> (segments, length, ...)."""

    shape: tuple[int, ...]
    kind: ClassVar = "reshape"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        for size in self.shape:
            integer("shape", size, 1)
        expect(prod(self.shape) == inputs[0].size, "shape", f"{inputs[0].size} elements", self.shape)
        return Spec(self.shape, inputs[0].dtype)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return inputs[0].reshape(inputs[0].shape[:1] + self.shape), {}


@dataclass(frozen=True)
class Transpose(Operation):
    """The axes in another order."""

    axes: tuple[int, ...]
    kind: ClassVar = "transpose"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        shape = inputs[0].shape
        expect(
            sorted(self.axes) == list(range(len(shape))),
            "axes",
            f"an order of 0..{len(shape) - 1}",
            self.axes,
        )
        return Spec(tuple(shape[axis] for axis in self.axes), inputs[0].dtype)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return inputs[0].transpose(0, *(axis + 1 for axis in self.axes)), {}


@dataclass(frozen=True)
class Pad(Operation):
    """Zeros before and after the elements of one axis, counted from the last."""

    before: int
    after: int
    axis: int = -1
    kind: ClassVar = "pad"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        integer("before", self.before, 0)
        integer("after", self.after, 0)
        shape = list(inputs[0].shape)
        expect(-len(shape) <= self.axis < 0, "axis", f"-{len(shape)}..-1", self.axis)
        shape[self.axis] += self.before + self.after
        return Spec(tuple(shape))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        widths = [(0, 0)] * inputs[0].ndim
        widths[self.axis] = (self.before, self.after)
        return np.pad(inputs[0], widths), {}


@dataclass(frozen=True)
class Repeat(Operation):
    """The value repeated to a larger shape; axes of size 1, or absent in front, are filled."""

    shape: tuple[int, ...]
    kind: ClassVar = "repeat"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        for size in self.shape:
            integer("shape", size, 1)
        target = Spec(self.shape, inputs[0].dtype)
        expect(
            broadcast([inputs[0], target]) == self.shape, "shape", f"what {inputs[0].shape} fills", self.shape
        )
        return target

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x = inputs[0]
        ones = (1,) * (1 + len(self.shape) - x.ndim)
        return np.broadcast_to(x.reshape(x.shape[:1] + ones + x.shape[1:]), x.shape[:1] + self.shape), {}


@dataclass(frozen=True)
class Constant(Operation):
    """A weight as a value, the same at every row. Its input only says that there is a row."""

    weight: str
    kind: ClassVar = "constant"
    weight_fields: ClassVar = ("weight",)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        shape = weights[self.weight].shape if self.weight in weights else ()
        return Spec(weight(weights, self.weight, shape).shape)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        value = weights[self.weight]
        return np.broadcast_to(value, (len(inputs[0]), *value.shape)), {}


@dataclass(frozen=True)
class Fill(Operation):
    """A value whose every element is one number. Its input only says that there is a row."""

    number: float
    shape: tuple[int, ...] = ()
    kind: ClassVar = "fill"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        number("number", self.number)
        for size in self.shape:
            integer("shape", size, 1)
        return Spec(self.shape)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return np.full((len(inputs[0]), *self.shape), self.number, np.float32), {}


@dataclass(frozen=True)
class Combine(Operation):
    """Values added or multiplied element by element, aligned at the last axis."""

    how: str
    kind: ClassVar = "combine"
    arity: ClassVar = (2, 2)
    any_length: ClassVar = True

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("how", self.how, ["add", "multiply"])
        expect_floats(inputs)
        return Spec(broadcast(inputs))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        a, b = align(inputs)
        return (a + b if self.how == "add" else a * b), {}


@dataclass(frozen=True)
class Final(Operation):
    """The last element of an axis, which goes: the last step of a window.

    Shapes: (..., steps, features) -> (..., features) for axis -2.
    """

    axis: int = -2
    kind: ClassVar = "final"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        shape = inputs[0].shape
        expect_axes(inputs[0], 1)
        expect(-len(shape) <= self.axis < 0, "axis", f"-{len(shape)}..-1", self.axis)
        cut = len(shape) + self.axis
        return Spec(shape[:cut] + shape[cut + 1 :], inputs[0].dtype)

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return np.take(inputs[0], -1, axis=self.axis), {}
