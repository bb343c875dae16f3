# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""From numbers to quantiles that do not cross.

Key: Q quantiles.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import integer, number
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
from unrolled.runtime.operations.dense import softplus


def _check_base(base: int, count: int) -> None:
    integer("base", base, 0)
    expect(base < count, "base", f"a quantile in 0..{count - 1}", base)


@dataclass(frozen=True)
class QuantileHead(Operation):
    """Q plain numbers as Q rising quantiles: number `base` is a quantile, each other its softplus away from
    the next.

    Shapes: (..., Q) -> (..., Q).
    """

    base: int
    kind: ClassVar = "quantile_head"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        _check_base(self.base, inputs[0].shape[-1])
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        raw, base = inputs[0], self.base
        middle, widths = raw[..., base : base + 1], softplus(raw)
        above = middle + np.cumsum(widths[..., base + 1 :], axis=-1)
        below = middle - np.cumsum(widths[..., :base][..., ::-1], axis=-1)[..., ::-1]
        return np.concatenate([below, middle, above], axis=-1), {}


@dataclass(frozen=True)
class Conformal(Operation):
    """Calibrated offsets on the quantiles; one that crosses moves out to its neighbour on the base's side.

    `x + offsets`, or with input 1, a spread, `x + spread * offsets`.
    Shapes: (..., Q), offsets of the same shape -> (..., Q).
    """

    offsets: str
    base: int
    kind: ClassVar = "conformal"
    weight_fields: ClassVar = ("offsets",)
    arity: ClassVar = (1, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        expect(
            broadcast(inputs) == inputs[0].shape,
            "input 1",
            f"what broadcasts to {inputs[0].shape}",
            inputs[-1],
        )
        weight(weights, self.offsets, inputs[0].shape)
        _check_base(self.base, inputs[0].shape[-1])
        return inputs[0]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x, *spread = align(inputs)
        offsets, base = weights[self.offsets], self.base
        moved = x + (spread[0] * offsets if spread else offsets)
        above = np.maximum.accumulate(moved[..., base:], axis=-1)
        below = np.minimum.accumulate(moved[..., : base + 1][..., ::-1], axis=-1)[..., ::-1]
        return np.concatenate([below[..., :-1], above], axis=-1), {}


@dataclass(frozen=True)
class PathQuantiles(Operation):
    """Quantiles over the first axis, sample paths, linear between the order statistics.

    Level q stands at place q * (paths - 1) of the sorted paths: `low + share * (high - low)` of its two
    neighbours.
    Shapes: (paths, ...) -> (..., levels).
    """

    levels: tuple[float, ...]
    kind: ClassVar = "path_quantiles"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        expect(inputs[0].size > 0, "input", "at least one path", inputs[0])
        expect(len(self.levels) > 0, "levels", "at least one level", self.levels)
        for level in self.levels:
            number("levels", level, 0, 1)
        return Spec((*inputs[0].shape[1:], len(self.levels)))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        ordered = np.sort(inputs[0], axis=1)
        paths = ordered.shape[1]
        answers = []
        for level in self.levels:
            place = level * (paths - 1)
            below = math.floor(place)
            low, high = ordered[:, below], ordered[:, min(below + 1, paths - 1)]
            answers.append(low + np.float32(place - below) * (high - low))
        return np.stack(answers, axis=-1), {}
