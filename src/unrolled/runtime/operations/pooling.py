# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""One value for all rows so far, beside `Pool`: the largest, and the mean weighted by scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.runtime.operations.base import Array, Arrays, Operation, Spec, expect, expect_floats


@dataclass(frozen=True)
class PoolMax(Operation):
    """The largest number so far, element by element. Shapes: (...) -> (...)."""

    kind: ClassVar = "pool_max"
    pools: ClassVar = True

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        return inputs[0]

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"most": inputs[0], "started": Spec(())}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x = inputs[0]
        before = states["most"] if states["started"] > 0 else np.full_like(states["most"], -np.inf)
        most = np.maximum.accumulate(np.concatenate([before[None], x]), axis=0)[1:]
        return most, {"most": most[-1].copy(), "started": np.ones((), np.float32)}


@dataclass(frozen=True)
class PoolAttention(Operation):
    """The mean of the rows so far, weighted by the softmax of their scores, input 1.

    Sums are kept relative to the largest score, and scaled anew when a larger one comes.
    Shapes: x (H,), score (1,) -> (H,).
    """

    kind: ClassVar = "pool_attention"
    arity: ClassVar = (2, 2)
    pools: ClassVar = True

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        expect(len(inputs[0].shape) == 1, "input 0", "(features,)", inputs[0])
        expect(inputs[1].shape == (1,), "input 1", "(1,)", inputs[1], "This is the score of a row.")
        return inputs[0]

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"sum": inputs[0], "weight": Spec(()), "most": Spec(())}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        total, weight, most = states["sum"], states["weight"], states["most"]
        means = np.empty_like(inputs[0])
        for row, (x, (score,)) in enumerate(zip(*inputs, strict=True)):
            new = np.maximum(most, score) if weight > 0 else score
            kept, own = np.exp(most - new) if weight > 0 else np.float32(0), np.exp(score - new)
            total, weight, most = total * kept + x * own, weight * kept + own, new
            means[row] = total / weight
        after = {"sum": total, "weight": weight, "most": most}
        return means, {name: np.array(value, np.float32) for name, value in after.items()}
