"""The values of a Program as tensors of an ONNX graph: their leading axes, and moving between them.

A value of a Program has a shape per row. As a tensor it has `lead` more axes in front:

    2   (time, batch, ...)   a value at each row
    1   (batch, ...)         one value for each sequence: of its last row, or the same at all rows
    0   (...)                a weight, the same everywhere
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unrolled.deploy.onnx_graph import OnnxGraph
from unrolled.runtime.operations.base import Arrays


@dataclass(frozen=True)
class Value:
    """A tensor and what it is per row.

    ONNX's LSTM gives h at every row but c only after the last. So a full state may come in parts: `hidden` is
    its h alone, `end` the whole after the last row, `begin` that of a backward pass at the first row, `final`
    the whole after the last step of a window; `name` is then empty.
    """

    name: str
    lead: int
    shape: tuple[int, ...]
    hidden: "Value | None" = None
    end: "Value | None" = None
    begin: "Value | None" = None
    final: "Value | None" = None

    @property
    def axes(self) -> int:
        """How many axes the tensor has."""
        return self.lead + len(self.shape)


@dataclass(frozen=True)
class Extent:
    """How long the sequences are: names of tensors. None in a graph of one step."""

    time: str  # (1,) int64, rows of the longest
    lengths: str  # (batch,) int64
    lengths32: str  # (batch,) int32, as the recurrent operators want them
    valid: str  # (time, batch) bool
    last: str  # (batch, 2) int64: the last row of each sequence, its number


@dataclass
class Emitter:
    """What the emission of an operation needs: the graph, the weights, the sizes."""

    graph: OnnxGraph
    weights: Arrays
    batch: str = ""  # (1,) int64
    extent: Extent | None = None
    transposed: dict[str, str] = field(default_factory=dict)

    def inner(self) -> "Emitter":
        """For the body of a Scan: one row at a time."""
        return replace(self, graph=self.graph.inner(), extent=None)

    def numbers(self, *values: int) -> str:
        """An int64 weight (n,)."""
        return self.graph.weight(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A float32 weight ()."""
        return self.graph.weight(np.float32(value))

    def weight(self, name: str) -> Value:
        """A weight of the Program."""
        array = self.weights[name]
        return Value(self.graph.weight(array, name), 0, array.shape)

    def leading(self, lead: int) -> list[str]:
        """The sizes of the leading axes, each (1,) int64."""
        if lead == 2:
            assert self.extent is not None
            return [self.extent.time, self.batch]
        return [self.batch] * lead

    def reshaped(self, value: Value, shape: Sequence[int], name: str = "reshaped") -> Value:
        """The same numbers per row in another shape."""
        if tuple(shape) == value.shape:
            return value
        target = self.numbers(*([0] * value.lead), *shape)
        return Value(self.graph.add("Reshape", value.name, target, name=name), value.lead, tuple(shape))

    def aligned(self, values: Sequence[Value]) -> list[Value]:
        """Values of one rank per row, so that ONNX broadcasts them as a Program does."""
        axes = max(len(value.shape) for value in values)
        made = []
        for value in values:
            ones = (1,) * (axes - len(value.shape))
            made.append(self.reshaped(value, ones + value.shape) if value.lead else value)
        return made

    def filled(self, value: Value, lead: int, shape: Sequence[int], name: str = "filled") -> Value:
        """The value repeated to a larger shape per row and to more leading axes."""
        if value.lead == lead and value.shape == tuple(shape):
            return value
        ones = (1,) * (len(shape) - len(value.shape))
        padded = self.reshaped(value, ones + value.shape)
        if value.lead == lead:
            target = self.numbers(*([1] * lead), *shape)
        else:
            parts = [*self.leading(lead), self.numbers(*shape)]
            target = self.graph.add("Concat", *parts, axis=0, name="sizes")
        return Value(self.graph.add("Expand", padded.name, target, name=name), lead, tuple(shape))

    def rows(self, value: Value) -> Value:
        """The value at each row."""
        return self.filled(value, 2, value.shape)

    def last(self, value: Value) -> Value:
        """The value at the last row of each sequence; one without rows stays."""
        if value.lead < 2:
            return value
        if value.end is not None:
            return value.end
        assert self.extent is not None
        return Value(self.graph.add("GatherND", value.name, self.extent.last, name="last"), 1, value.shape)

    def flat(self, value: Value) -> str:
        """All vectors of a value one after another: (n, size)."""
        if value.lead == 1 and len(value.shape) == 1:
            return value.name
        return self.graph.add("Reshape", value.name, self.numbers(-1, value.shape[-1]), name="flat")

    def unflat(self, name: str, lead: int, shape: Sequence[int], called: str = "reshaped") -> Value:
        """From (n, ...) or any order-keeping form back to the leading axes and a shape per row."""
        target = self.numbers(*([-1] * lead), *shape)
        if lead == 2:
            rest = self.numbers(-1, *shape)
            target = self.graph.add("Concat", self.leading(2)[0], rest, axis=0, name="sizes")
        return Value(self.graph.add("Reshape", name, target, name=called), lead, tuple(shape))

    def matrix(self, name: str) -> str:
        """A weight (output, input) as (input, output), for a product from the right."""
        return self.graph.weight(self.weights[name].T, f"{name}.T")
