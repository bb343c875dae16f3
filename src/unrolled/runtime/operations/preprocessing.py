# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""Raw units in, raw units out: scaling, anchors and masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

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
)


@dataclass(frozen=True)
class _Affine(Operation):
    """Inputs: x, a centre, a spread, aligned at the last axis."""

    arity: ClassVar = (3, 3)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        got = f"{inputs[1].shape} and {inputs[2].shape}"
        expect(
            broadcast(inputs) == inputs[0].shape,
            "centre, spread",
            f"what broadcasts to {inputs[0].shape}",
            got,
        )
        return inputs[0]


@dataclass(frozen=True)
class Scale(_Affine):
    """`(x - centre) / spread`; NaN stays NaN. With an anchor as the centre, x is seen relative to it."""

    kind: ClassVar = "scale"

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x, centre, spread = align(inputs)
        return (x - centre) / spread, {}


@dataclass(frozen=True)
class Unscale(_Affine):
    """`centre + spread * x`: back in raw units, and back from the anchor."""

    kind: ClassVar = "unscale"

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x, centre, spread = align(inputs)
        return centre + spread * x, {}


@dataclass(frozen=True)
class WindowAnchor(Operation):
    """The last value of each column of a window that is not NaN; input 1 where all are.

    Shapes: (steps, columns), (columns,) -> (columns,).
    """

    kind: ClassVar = "window_anchor"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect(len(inputs[0].shape) == 2, "input 0", "(steps, columns)", inputs[0])
        expect(inputs[1].shape == inputs[0].shape[1:], "input 1", f"float32 {inputs[0].shape[1:]}", inputs[1])
        return inputs[1]

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        window, otherwise = inputs
        valid = ~np.isnan(window)
        last = window.shape[1] - 1 - np.argmax(valid[:, ::-1], axis=1)  # (rows, columns)
        found = np.take_along_axis(window, last[:, None], axis=1)[:, 0]
        return np.where(valid.any(axis=1), found, otherwise), {}


@dataclass(frozen=True)
class CarriedAnchor(Operation):
    """The last value of each column, over all rows so far, that is not NaN; input 1 before the first one.

    Shapes: (columns,), (columns,) -> (columns,).
    """

    kind: ClassVar = "carried_anchor"
    arity: ClassVar = (2, 2)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect(inputs[0] == inputs[1], "input 1", str(inputs[0]), inputs[1])
        return inputs[0]

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"last": inputs[0], "seen": inputs[0]}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        before = np.where(states["seen"] > 0, states["last"], np.float32(np.nan))
        rows = np.concatenate([before[None], inputs[0]])
        places = np.arange(len(rows)).reshape((-1,) + (1,) * (rows.ndim - 1))
        newest = np.maximum.accumulate(np.where(np.isnan(rows), 0, places), axis=0)
        last = np.take_along_axis(rows, newest, axis=0)[1:]
        seen = ~np.isnan(last)
        after = {"last": np.where(seen[-1], last[-1], np.float32(0)), "seen": seen[-1].astype(np.float32)}
        return np.where(seen, last, inputs[1]), after


@dataclass(frozen=True)
class Mask(Operation):
    """NaN becomes 0. With `channels`, one more column for each says whether the value was there (1) or not
    (0).

    Shapes: (..., columns) -> (..., columns), or (..., 2 * columns): values first, then the mask.
    """

    channels: bool = True
    kind: ClassVar = "mask"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 1)
        *leading, columns = inputs[0].shape
        return Spec((*leading, 2 * columns if self.channels else columns))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        missing = np.isnan(inputs[0])
        filled = np.where(missing, np.float32(0), inputs[0])
        if not self.channels:
            return filled, {}
        return np.concatenate([filled, (~missing).astype(np.float32)], axis=-1), {}


@dataclass(frozen=True)
class Spread(Operation):
    """The standard deviation over a window of the values that are not NaN, at least `floor`.

    `sqrt(max(sum((x - mean)^2) / count, floor^2))` over the valid steps; where none is, `floor`.
    Shapes: (..., steps, columns) -> (..., columns).
    """

    floor: float = 1e-6
    kind: ClassVar = "spread"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect_axes(inputs[0], 2)
        return Spec(inputs[0].shape[:-2] + inputs[0].shape[-1:])

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x = inputs[0]
        valid = ~np.isnan(x)
        count = np.maximum(valid.sum(axis=-2, keepdims=True), 1).astype(np.float32)
        mean = np.where(valid, x, np.float32(0)).sum(axis=-2, keepdims=True) / count
        centred = np.where(valid, x - mean, np.float32(0))
        variance = (centred * centred).sum(axis=-2) / count[..., 0, :]
        return np.sqrt(np.maximum(variance, np.float32(self.floor**2))), {}
