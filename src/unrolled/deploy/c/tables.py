"""Numbers written as C: constant tables, and the registry of those that a source holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.names import identifiers

TYPES = {"float32": "float", "int8": "int8_t", "int32": "int32_t"}
WIDTH = 110


def as_float(value: float) -> str:
    """A float32 as C that reads back to the same bits.

    Example:
        >>> as_float(0.1), as_float(3.0), as_float(-1e-30)
        ('0.100000001f', '3.0f', '-1e-30f')
    """
    number = np.float32(value)
    if np.isnan(number):
        return "NAN"
    if np.isinf(number):
        return "INFINITY" if number > 0 else "-INFINITY"
    text = f"{number:.9g}"
    for digits in range(1, 9):
        if np.float32(f"{number:.{digits}g}") == number:
            text = f"{number:.{digits}g}"
            break
    return f"{text}f" if any(mark in text for mark in ".e") else f"{text}.0f"


def as_numbers(array: NDArray) -> list[str]:
    """Each element of an array as C."""
    flat = array.reshape(-1)
    return [as_float(value) for value in flat] if array.dtype == np.float32 else [str(int(v)) for v in flat]


@dataclass(frozen=True)
class Table:
    """A constant array: its name in C, its numbers, and a word on its layout."""

    name: str
    array: NDArray
    layout: str

    def declare(self) -> list[str]:
        """The definition in C."""
        kind, size = TYPES[self.array.dtype.name], self.array.size
        return [
            f"static const {kind} {self.name}[{size}] = {{ /* {self.layout} */",
            *filled(as_numbers(self.array)),
            "};",
        ]


def filled(numbers: list[str], indent: str = "    ") -> list[str]:
    """Numbers with commas between, in lines that are as long as they may be."""
    lines, line = [], indent
    for number in numbers:
        if len(line) + len(number) + 1 > WIDTH:
            lines.append(line.rstrip())
            line = indent
        line += f"{number}, "
    return [*lines, line.rstrip()]


class Tables:
    """The constant arrays of a source; one that is asked for again is the same."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken  # identifiers of the whole source
        self.by_key: dict[tuple[str, bytes], Table] = {}

    def add(self, name: str, array: NDArray, layout: str = "") -> str:
        """The name in C of a table with these numbers."""
        array = np.ascontiguousarray(array)
        key = (name, array.tobytes())
        if key not in self.by_key:
            shape = layout or "(" + ", ".join(map(str, array.shape)) + ")"
            own = identifiers([name], self.taken)[0]
            self.taken.add(own)
            self.by_key[key] = Table(own, array, shape)
        return self.by_key[key].name

    @property
    def nbytes(self) -> int:
        """The bytes of all tables together."""
        return sum(table.array.nbytes for table in self.by_key.values())
