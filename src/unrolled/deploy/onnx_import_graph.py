"""A Program in the making out of an ONNX graph: whose tensors are followed with all their axes.

ONNX computes whole tensors, a Program one row of one sequence. So each tensor is followed by its sizes at a
batch of 1 and at the length `STAND_IN`, a number that no size of a model is; a Program's value is what is
left of the tensor without its time axis, its numbers in the same order. Axes of size 1 and how the others are
grouped are free: they are settled where an operation needs them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.runtime import Graph, Input, Node
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.base import Operation, Spec

Array = NDArray
Shape = tuple[int, ...]
STAND_IN = 100_003  # a prime: a size that holds the time axis and another one is seen to be no multiple


@dataclass(frozen=True)
class Tensor:
    """A tensor that depends on the rows: the Program's value that it is, and its sizes in ONNX.

    `time` is its time axis, None where it has none. `late` says that it came of all rows by a pool: as the
    state of the last row, or a mean.
    """

    name: str
    dims: Shape
    time: int | None
    late: bool = False

    @property
    def row(self) -> Shape:
        """The sizes without the time axis."""
        return tuple(size for axis, size in enumerate(self.dims) if axis != self.time)


@dataclass(frozen=True)
class OnnxCall:
    """One node of the file: what it is, its operands (None where left out), its attributes."""

    operator: str
    where: str  # the node as a message names it
    operands: tuple["Tensor | Array | None", ...]
    attributes: dict[str, Any]
    outputs: tuple[str, ...]  # "" where the file does not use one
    opset: int
    alone: bool  # nothing else reads the operands that depend on the rows

    def get(self, name: str, otherwise: Any = None) -> Any:
        """An attribute, or what it is where it is left out."""
        return self.attributes.get(name, otherwise)

    def tensor(self, place: int = 0) -> Tensor:
        """An operand that depends on the rows."""
        operand = self.operands[place]
        if not isinstance(operand, Tensor):
            raise self.refused("an input that depends on the rows", f"a constant as input {place}")
        return operand

    def constant(self, place: int, name: str) -> Array | None:
        """An operand that must not depend on the rows; None where it is left out."""
        operand = self.operands[place] if place < len(self.operands) else None
        if isinstance(operand, Tensor):
            raise self.refused(f"a constant {name}", "one that depends on the rows")
        return operand

    def integers(self, place: int, name: str) -> list[int] | None:
        """An operand of whole numbers, or, as older opsets have it, the attribute of that name."""
        given = self.constant(place, name)
        if given is not None:
            return [int(number) for number in np.ravel(given)]
        listed = self.get(name)
        return None if listed is None else [int(number) for number in np.ravel(listed)]

    def refused(self, expected: str, got: object, cure: str = "Nothing was written.") -> ModelFileError:
        """The error that names this node."""
        return ModelFileError(explain(self.where, expected, got, cure))


Result = Tensor | Array | None


class ProgramBuilder:
    """Nodes and weights of the Program so far; each method returns the name of a value."""

    def __init__(self, length: int | None = None) -> None:
        self.length = length  # of the sequences, where the file fixes one
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.weights: dict[str, Array] = {}
        self.specs: dict[str, Spec] = {}

    def input(self, name: str, spec: Spec) -> str:
        """A value that comes with each row."""
        self.inputs.append(Input(name, spec))
        self.specs[name] = spec
        return name

    def add(self, name: str, operation: Operation, *inputs: str) -> str:
        """An operation, checked at once; a name that is taken gets a number."""
        unique, number = name, 2
        while unique in self.specs:
            unique, number = f"{name}_{number}", number + 1
        self.specs[unique] = operation.infer([self.specs[one] for one in inputs], self.weights)
        self.nodes.append(Node(unique, operation, inputs))
        return unique

    def weight(self, name: str, array: Any) -> str:
        """A float32 weight."""
        unique, number = name, 2
        while unique in self.weights:
            unique, number = f"{name}_{number}", number + 1
        self.weights[unique] = np.array(array, np.float32, order="C")
        return unique

    def constant(self, array: Any, name: str = "constant") -> str:
        """An array as a value."""
        return self.add(name, ops.Constant(self.weight(name, array)), self.inputs[0].name)

    def reshaped(self, name: str, shape: Shape) -> str:
        """The same numbers in another shape."""
        if self.specs[name].shape == shape:
            return name
        return self.add("reshaped", ops.Reshape(shape), name)

    def natural(self, tensor: Tensor) -> str:
        """The value in a shape that joins with others element by element."""
        shape = without_leading_ones(tensor.row)
        if without_leading_ones(self.specs[tensor.name].shape) == shape:
            return tensor.name
        return self.reshaped(tensor.name, shape)

    def vectors(self, tensor: Tensor, call: OnnxCall) -> str:
        """The value with the tensor's last axis as its own last axis."""
        if not tensor.dims or tensor.time == len(tensor.dims) - 1:
            raise call.refused("features on the last axis", "the time axis there")
        shape = self.specs[tensor.name].shape
        if shape and shape[-1] == tensor.dims[-1]:
            return tensor.name
        return self.reshaped(tensor.name, without_leading_ones(tensor.row[:-1]) + tensor.row[-1:])

    def around(self, tensor: Tensor, axis: int) -> tuple[str, int]:
        """The value as (before, axis, behind), without sizes of 1 at its ends, and the axis from its last."""
        place = axis - (tensor.time is not None and tensor.time < axis)
        row = tensor.row
        before, size, behind = prod(row[:place]), row[place], prod(row[place + 1 :])
        shape = ((before,) if before > 1 else ()) + (size,) + ((behind,) if behind > 1 else ())
        return self.reshaped(tensor.name, shape), -2 if behind > 1 else -1

    def graph(self, answer: str) -> Graph:
        """The finished graph, without nodes that the answer does not need."""
        needed, kept = {answer}, []
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
                kept.append(node)
        inputs = tuple(entry for entry in self.inputs if entry.name in needed)
        return Graph(inputs, tuple(reversed(kept)), {"scores": answer})


def without_leading_ones(shape: Sequence[int]) -> Shape:
    """A shape without the sizes of 1 in front.

    Example:
        >>> without_leading_ones((1, 1, 3, 1))
        (3, 1)
    """
    listed = list(shape)
    while listed and listed[0] == 1:
        listed.pop(0)
    return tuple(listed)


def axis_of(call: OnnxCall, axis: int, rank: int) -> int:
    """An axis counted from the front. Raises: ModelFileError for one that there is not."""
    if not -rank <= axis < rank:
        raise call.refused(f"an axis in {-rank}..{rank - 1}", axis)
    return axis % rank


def told(call: OnnxCall, error: ArgumentError) -> ModelFileError:
    """An error of a Program's operation as one of the file's node."""
    return ModelFileError(f"{call.where}: {error}")
