"""What an operation of a Program is: checked attributes, a static shape, an explicit state, one equation.

Every value of a Program exists once per row of the stream, and its shape per row is known before the first
row; of the memory that a decoder looks at, the number of steps is open. `run` works on many rows at once: all
its arrays carry a leading `rows` axis in front of the shape per row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ShapeError, explain

Array = NDArray
Arrays = Mapping[str, Array]

DTYPES = ("float32", "int64")
ANY = -1  # the size of an axis that is known only at run time: the steps of a memory
_STAND_IN = 2**31 - 1  # for ANY, where shapes are broadcast: no size is as large


@dataclass(frozen=True)
class Spec:
    """The shape per row and the type of a value.

    Example:
        >>> Spec((336, 7)).size
        2352
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """How many numbers one row's value holds; of an axis of any length, one step."""
        return prod(size for size in self.shape if size != ANY)

    @property
    def nbytes(self) -> int:
        """How many bytes one row's value takes."""
        return self.size * np.dtype(self.dtype).itemsize

    def __str__(self) -> str:
        if ANY not in self.shape:
            return f"{self.dtype} {self.shape}"
        sizes = ", ".join("any" if size == ANY else str(size) for size in self.shape)
        return f"{self.dtype} ({sizes}{',' if len(self.shape) == 1 else ''})"


class Operation:
    """One typed operation: a frozen dataclass whose fields are its attributes.

    A subclass names the fields that hold names of weights in `weight_fields`, and says how many inputs it
    takes.
    """

    kind: ClassVar[str]
    weight_fields: ClassVar[tuple[str, ...]] = ()
    arity: ClassVar[tuple[int, int]] = (1, 1)  # the fewest and the most inputs
    any_length: ClassVar[bool] = False  # it takes values with an axis of any length
    pools: ClassVar[bool] = False  # its value is one for all rows so far

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights this operation reads."""
        found = (getattr(self, field) for field in self.weight_fields)
        return tuple(name for name in found if name is not None)

    @property
    def whole_sequence(self) -> str | None:
        """Why this operation needs the rows that come later, or None where it runs row by row."""
        return None

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        """The value this operation makes.

        Raises: ShapeError or ArgumentError where an attribute, an input or a weight does not fit.
        """
        raise NotImplementedError

    def states(self, inputs: Sequence[Spec], weights: Arrays) -> dict[str, Spec]:
        """What this operation remembers from row to row; it starts as zeros."""
        return {}

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        """The value at each row, (rows, ...), and the states after the last. Nothing given is modified."""
        raise NotImplementedError

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        """Multiplications with addition that one row costs; element by element work is not counted."""
        return 0


def expect(condition: bool, what: str, expected: str, got: object, cure: str = "") -> None:
    """Raise ShapeError in the house's form unless the condition holds."""
    if not condition:
        raise ShapeError(explain(what, expected, got, cure))


def expect_floats(inputs: Sequence[Spec]) -> None:
    """Raise unless every input is float32."""
    for number, spec in enumerate(inputs):
        expect(spec.dtype == "float32", f"input {number}", "float32", spec)


def expect_axes(spec: Spec, count: int) -> None:
    """Raise unless a value has at least `count` axes."""
    expect(len(spec.shape) >= count, "input", f"at least {count} axes", spec)


def weight(weights: Arrays, name: str, shape: tuple[int | None, ...], dtype: str = "float32") -> Array:
    """A weight by its name, if it is there and has the shape and the type; None stands for any size.

    Raises: ArgumentError where it is missing; ShapeError where it does not fit.
    """
    if name not in weights:
        raise ArgumentError(
            explain(name, "a weight of this name", "none", "The tensors belong to another program.")
        )
    found = weights[name]
    fits = len(found.shape) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, found.shape, strict=True)
    )
    wanted = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
    expect(fits and found.dtype == np.dtype(dtype), name, f"{dtype} {wanted}", f"{found.dtype} {found.shape}")
    return found


def broadcast(inputs: Sequence[Spec]) -> tuple[int, ...]:
    """The common shape of values that are joined element by element, aligned at the last axis."""
    shapes = [tuple(_STAND_IN if size == ANY else size for size in spec.shape) for spec in inputs]
    try:
        found = np.broadcast_shapes(*shapes)
        return tuple(ANY if size == _STAND_IN else size for size in found)
    except ValueError:
        told = " and ".join(str(spec.shape) for spec in inputs)
        raise ShapeError(explain("inputs", "shapes that broadcast", told, "")) from None


def align(arrays: Sequence[Array]) -> list[Array]:
    """Arrays with a leading rows axis, given the same number of axes so that they broadcast per row."""
    axes = max(array.ndim for array in arrays)
    return [array.reshape(array.shape[:1] + (1,) * (axes - array.ndim) + array.shape[1:]) for array in arrays]


def project(x: Array, matrix: Array) -> Array:
    """`matrix @ x` for each vector x on the last axis.

    One product per vector, never one for all: a row then has the same bits alone and among others.
    Shapes: x (..., input); matrix (output, input) -> (..., output).
    """
    return np.matmul(x[..., None, :], matrix.T)[..., 0, :]
