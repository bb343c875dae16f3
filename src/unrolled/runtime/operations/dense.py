# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""The feed-forward operations: dense, embed, layer normalisation, activations."""

from collections.abc import Callable, Sequence
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


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))` without overflow."""
    half = np.float32(0.5)
    return half + half * np.tanh(half * x)


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))` without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x: Array) -> Array:
    """Shares of the last axis, summing to 1."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    """The logarithm of `softmax`, without underflow."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "softplus": softplus,
    "exp": np.exp,
    "softmax": softmax,
    "log_softmax": log_softmax,
}


@dataclass(frozen=True)
class Dense(Operation):
    """`W x + b` on the last axis. Shapes: weight (output, input), bias (output,)."""

    weight: str
    bias: str | None = None
    kind: ClassVar = "dense"
    weight_fields: ClassVar = ("weight", "bias")

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        outputs = weight(weights, self.weight, (None, inputs[0].shape[-1])).shape[0]
        if self.bias is not None:
            weight(weights, self.bias, (outputs,))
        return Spec((*inputs[0].shape[:-1], outputs))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        product = project(inputs[0], weights[self.weight])
        return (product if self.bias is None else product + weights[self.bias]), {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return output.size * inputs[0].shape[-1]


@dataclass(frozen=True)
class Embed(Operation):
    """Row `code` of a table. Code 0 is an unknown or missing word. Shapes: int64 (...) -> (..., width)."""

    table: str
    kind: ClassVar = "embed"
    weight_fields: ClassVar = ("table",)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect(inputs[0].dtype == "int64", "input", "int64 codes", inputs[0])
        return Spec((*inputs[0].shape, weight(weights, self.table, (None, None)).shape[1]))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        table = weights[self.table]
        known = (inputs[0] >= 0) & (inputs[0] < len(table))
        return table[np.where(known, inputs[0], 0)], {}


@dataclass(frozen=True)
class Norm(Operation):
    """Layer normalisation of the last axis: `(x - mean) / sqrt(variance + epsilon) * weight + bias`."""

    weight: str | None = None
    bias: str | None = None
    epsilon: float = 1e-5
    kind: ClassVar = "norm"
    weight_fields: ClassVar = ("weight", "bias")

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        number("epsilon", self.epsilon, 0)
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        for name in self.weights:
            weight(weights, name, inputs[0].shape[-1:])
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return normalise(inputs[0], self.weight, self.bias, self.epsilon, weights), {}


def normalise(x: Array, scale: str | None, shift: str | None, epsilon: float, weights: Arrays) -> Array:
    """Layer normalisation of the last axis; the variance is the mean square, not divided by count - 1."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    y = centred / np.sqrt(variance + np.float32(epsilon))
    y = y if scale is None else y * weights[scale]
    return y if shift is None else y + weights[shift]


@dataclass(frozen=True)
class Activation(Operation):
    """A function of each element; softmax and log_softmax one of the last axis."""

    function: str
    kind: ClassVar = "activation"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("function", self.function, ACTIVATIONS)
        expect_floats(inputs)
        expect_axes(inputs[0], 1 if "softmax" in self.function else 0)
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return ACTIVATIONS[self.function](inputs[0]), {}
