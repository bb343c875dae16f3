# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""Where a stamp stands in the day, the week and the year."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from unrolled import preprocess
from unrolled.runtime.operations.base import Array, Arrays, Operation, Spec, expect


@dataclass(frozen=True)
class TimeFeatures(Operation):
    """Sine and cosine of calendar phases, by the formula of `preprocess.TimeFeatures`.

    Shapes: int64 (...), microseconds since 1970-01-01 -> float32 (..., 2 * phases).
    """

    phases: tuple[str, ...]
    kind: ClassVar = "time_features"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        preprocess.TimeFeatures(self.phases)
        expect(inputs[0].dtype == "int64", "input", "int64 stamps", inputs[0])
        return Spec((*inputs[0].shape, 2 * len(self.phases)))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return preprocess.TimeFeatures(self.phases).encode(inputs[0].astype("datetime64[us]")), {}
