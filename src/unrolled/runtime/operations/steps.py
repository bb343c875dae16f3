# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""What is done over the steps of a short sequence inside a row, such as the characters of a word.

It has a fixed number of steps, of which the first `length` count: at least one, at most all.
Key: L steps · E features · H results · K width of a convolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import one_of
from unrolled.runtime.operations.base import Array, Arrays, Operation, Spec, expect, weight


def check_steps(inputs: Sequence[Spec]) -> None:
    """Raise unless input 0 is float32 (L, E) and input 1, the length, int64 ()."""
    expect(
        inputs[0].dtype == "float32" and len(inputs[0].shape) == 2, "input 0", "float32 (steps, .)", inputs[0]
    )
    expect(inputs[1] == Spec((), "int64"), "input 1", "int64 ()", inputs[1], "This is the length.")


def lengths_of(inputs: Sequence[Array]) -> Array:
    """The lengths of some rows, (rows, 1)."""
    return np.clip(inputs[1], 1, inputs[0].shape[1])[:, None]


@dataclass(frozen=True)
class Cut(Operation):
    """The steps behind the length become 0. Shapes: (L, E), length () int64 -> (L, E)."""

    kind: ClassVar = "cut"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        check_steps(inputs)
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        valid = np.arange(inputs[0].shape[1]) < lengths_of(inputs)
        return np.where(valid[..., None], inputs[0], np.float32(0)), {}


@dataclass(frozen=True)
class Reverse(Operation):
    """The steps that count, last first; those behind stay. Shapes: (L, E), length () int64 -> (L, E)."""

    kind: ClassVar = "reverse"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        check_steps(inputs)
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        places, lengths = np.arange(inputs[0].shape[1]), lengths_of(inputs)
        places = np.where(places < lengths, lengths - 1 - places, places)
        return np.take_along_axis(inputs[0], places[..., None], axis=1), {}


@dataclass(frozen=True)
class PoolSteps(Operation):
    """One vector for the steps that count: the last, or the largest of each feature.

    Shapes: (L, E), length () int64 -> (E,).
    """

    how: str
    kind: ClassVar = "pool_steps"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("how", self.how, ["last", "max"])
        check_steps(inputs)
        return Spec(inputs[0].shape[1:])

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x, lengths = inputs[0], lengths_of(inputs)
        if self.how == "last":
            return np.take_along_axis(x, lengths[..., None] - 1, axis=1)[:, 0], {}
        valid = np.arange(x.shape[1]) < lengths
        return np.where(valid[..., None], x, np.float32(-np.inf)).max(axis=1), {}


@dataclass(frozen=True)
class Convolve(Operation):
    """A convolution over the steps, with zeros around: `y_s = b + sum over k of W[:, :, k] x_(s+k-K//2)`.

    Shapes: (L, E) -> (L, H); weight (H, E, K), K odd; bias (H,).
    """

    weight: str
    bias: str
    kind: ClassVar = "convolve"
    weight_fields: ClassVar = ("weight", "bias")

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        x = inputs[0]
        expect(x.dtype == "float32" and len(x.shape) == 2, "input", "float32 (steps, features)", x)
        own = weight(weights, self.weight, (None, x.shape[1], None)).shape
        expect(own[2] % 2 == 1, self.weight, "an odd width", own)
        weight(weights, self.bias, (own[0],))
        return Spec((x.shape[0], own[0]))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        matrix = weights[self.weight]
        outputs, _, width = matrix.shape
        padded = np.pad(inputs[0], ((0, 0), (width // 2, width // 2), (0, 0)))
        near = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)  # (rows, L, E, K)
        flat = np.ascontiguousarray(near).reshape(*near.shape[:2], -1)
        # one product for each row, so that a row has the same bits alone and among others
        return np.matmul(flat, matrix.reshape(outputs, -1).T) + weights[self.bias], {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return inputs[0].shape[0] * int(weights[self.weight].size)
