"""The recurrent cells with int8 weights: the products in whole numbers, all else in float32.

Keys: G gates · H hidden. The equations are those of docs/program.md, "Recurrent, with int8 weights".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from unrolled.errors import ArgumentError, explain
from unrolled.runtime.operations.base import Array, Arrays, Spec, expect, project, weight
from unrolled.runtime.operations.recurrent import Recurrent, Scan, Step, _Cell

MOST = np.float32(127)


@dataclass(frozen=True)
class _Int8Cell(_Cell):
    """What the three operations with int8 matrices share.

    `scale_ih`, `scale_hh` (G*H,) are the scales of each output; `x_range` and `h_range` the largest values of
    the vectors, which saturate beyond. With `x_range` None x stays float32: right for a few raw inputs.
    """

    scale_ih: str = field(kw_only=True)
    scale_hh: str = field(kw_only=True)
    x_range: float | None = field(kw_only=True)
    h_range: float = field(kw_only=True)
    weight_fields: ClassVar = (*_Cell.weight_fields, "scale_ih", "scale_hh")
    matrix_dtype: ClassVar = "int8"

    def _hidden(self, inputs: Sequence[Spec], weights: Arrays) -> int:
        hidden = super()._hidden(inputs, weights)
        for name, largest in (("x_range", self.x_range), ("h_range", self.h_range)):
            # what float32 cannot divide 127 by would make infinite factors
            if largest is not None and not 1e-30 < largest < 1e30:
                cure = "Take the largest value of the vector."
                raise ArgumentError(explain(name, "a number in 1e-30..1e30", largest, cure))
        for matrix, scale in ((self.weight_ih, self.scale_ih), (self.weight_hh, self.scale_hh)):
            weight(weights, scale, (len(weights[matrix]),))
            lowest = int(weights[matrix].min(initial=0))
            expect(lowest > -128, matrix, "whole numbers in -127..127", lowest)
        return hidden

    def product_ih(self, x: Array, weights: Arrays) -> Array:
        scale = weights[self.scale_ih]
        if self.x_range is None:
            return project(x, weights[self.weight_ih].astype(np.float32)) * scale
        return whole_product(x, weights[self.weight_ih], self.x_range, scale)

    def product_hh(self, h: Array, weights: Arrays) -> Array:
        return whole_product(h, weights[self.weight_hh], self.h_range, weights[self.scale_hh])


def quantise(v: Array, largest: float) -> Array:
    """A vector as whole numbers in -127..127, float32: `rint(v * (127 / largest))`, saturated; NaN is 0.

    Example:
        >>> quantise(np.array([-2.0, 0.5, 1.0], np.float32), 1.0).tolist()
        [-127.0, 64.0, 127.0]
    """
    number = v * (MOST / np.float32(largest))
    return np.rint(np.clip(np.nan_to_num(number, nan=0.0, posinf=127, neginf=-127), -MOST, MOST))


def whole_product(v: Array, matrix: Array, largest: float, scale: Array) -> Array:
    """`matrix @ v` through whole numbers; float64 holds their sums exactly.

    Shapes: v (..., input); matrix int8 (output, input); scale (output,) -> (..., output).
    """
    whole = np.matmul(quantise(v, largest).astype(np.float64), matrix.T.astype(np.float64))
    return whole.astype(np.float32) * (scale * (np.float32(largest) / MOST))


@dataclass(frozen=True)
class RecurrentInt8(_Int8Cell, Recurrent):
    """`Recurrent` with int8 matrices."""

    kind: ClassVar = "recurrent_int8"


@dataclass(frozen=True)
class ScanInt8(_Int8Cell, Scan):
    """`Scan` with int8 matrices."""

    kind: ClassVar = "scan_int8"


@dataclass(frozen=True)
class StepInt8(_Int8Cell, Step):
    """`Step` with int8 matrices."""

    kind: ClassVar = "step_int8"
