# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""What a model remembers of earlier rows besides a recurrent state: windows, delays and pools."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import integer, one_of
from unrolled.runtime.operations.base import Array, Arrays, Operation, Spec, expect_floats


@dataclass(frozen=True)
class Window(Operation):
    """A ring buffer: the last `history` rows, oldest first.

    Rows before the first one are 0; the stream answers only when the window is full.
    Shapes: (...) -> (history, ...).
    """

    history: int
    kind: ClassVar = "window"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        integer("history", self.history, 1)
        expect_floats(inputs)
        return Spec((self.history, *inputs[0].shape))

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"rows": Spec((self.history, *inputs[0].shape))}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        rows = np.concatenate([states["rows"][1:], inputs[0]])
        views = np.lib.stride_tricks.sliding_window_view(rows, self.history, axis=0)  # (rows, ..., history)
        return np.moveaxis(views, -1, 1), {"rows": rows[-self.history :].copy()}


@dataclass(frozen=True)
class Delay(Operation):
    """The value of the row before; NaN at the first row, which has none."""

    kind: ClassVar = "delay"

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        expect_floats(inputs)
        return inputs[0]

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"previous": inputs[0], "started": Spec(())}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        before = np.where(states["started"] > 0, states["previous"], np.float32(np.nan))
        rows = np.concatenate([before[None], inputs[0]])
        return rows[:-1], {"previous": rows[-1].copy(), "started": np.ones((), np.float32)}


@dataclass(frozen=True)
class Pool(Operation):
    """One value for the rows so far: the `last` row, their `mean`, or, for a backward pass, the `first` row.

    At the last row this is the pooled sequence. `mean` keeps a running sum; `first` needs the whole sequence.
    """

    how: str
    kind: ClassVar = "pool"
    pools: ClassVar = True

    @property
    def whole_sequence(self) -> str | None:
        """Why `first` needs the rows that come later."""
        return "it pools a backward pass" if self.how == "first" else None

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("how", self.how, ["last", "mean", "first"])
        expect_floats(inputs)
        return inputs[0]

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        return {"sum": inputs[0], "count": Spec(())} if self.how == "mean" else {}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        x = inputs[0]
        if self.how == "last":
            return x, {}
        if self.how == "first":
            return np.broadcast_to(x[:1], x.shape), {}
        # cumsum adds row after row, as a stream does: the same bits
        sums = np.cumsum(np.concatenate([states["sum"][None], x]), axis=0, dtype=np.float32)[1:]
        counts = states["count"] + np.arange(1, len(x) + 1, dtype=np.float32)
        means = sums / counts.reshape((-1,) + (1,) * (x.ndim - 1))
        return means, {"sum": sums[-1].copy(), "count": counts[-1:].reshape(()).copy()}
