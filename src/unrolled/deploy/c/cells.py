"""Recurrent cells as C: one function a layer, which takes h (and c) a step on in place.

Key: I inputs · H hidden · G gates. Gate order in the tables: LSTM i f g o; GRU n r z of the input and r z n
of the state, so that the sums of r and z lie in one place for both; GRU of 2014 r z n.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.c.tables import Tables, as_float
from unrolled.runtime.operations.base import Arrays
from unrolled.runtime.operations.recurrent import GATES

Array = NDArray
NRZ = (2, 0, 1)


@dataclass(frozen=True)
class CellFunction:
    """A cell's function: how it is called, its text, and the scratch it needs."""

    name: str
    lines: tuple[str, ...]
    parts: frozenset[str]
    floats: int
    bytes: int
    states: int


class CellWriter:
    """Writes one cell's function; the weights go to the tables."""

    def __init__(self, name: str, op: Any, weights: Arrays, tables: Tables) -> None:
        self.name, self.op, self.weights, self.tables = name, op, weights, tables
        self.gates, self.hidden = GATES[op.cell], weights[op.weight_hh].shape[1]
        self.inputs = weights[op.weight_ih].shape[1]
        self.int8 = weights[op.weight_hh].dtype == np.int8
        self.gained = op.gain_ih is not None or op.gain_hh is not None
        self.parts: set[str] = set()
        self.body: list[str] = []

    def write(self) -> CellFunction:
        """The finished function."""
        floats = self._sums()
        floats = self._with_zoneout(floats)
        states = 2 if self.op.cell == "lstm" else 1
        wide = max(self.inputs, self.hidden) if self.int8 else 0
        arguments = ["float *restrict h", *["float *restrict c"][: states - 1]]
        arguments += [
            "const float *restrict x",
            "float *restrict sums",
            *["int8_t *restrict q"][: bool(wide)],
        ]
        kind = "int8" if self.int8 else "float32"
        lines = (
            f"/* {self.op.cell.upper()}, {self.inputs} inputs, {self.hidden} units, {kind} weights. */",
            f"static void {self.name}({', '.join(arguments)})",
            "{",
            *(f"    {line}" for line in self.body),
            "}",
        )
        return CellFunction(self.name, lines, frozenset(self.parts), floats, wide, states)

    def _sums(self) -> int:
        """The sums of the gates and the step itself. Returns: the floats of scratch."""
        H, cell = self.hidden, self.op.cell
        if cell == "gru" and not self.op.reset_after:
            return self._gru_2014()
        if cell == "gru":
            return self._gru()
        size = self.gates * H
        if self.gained:
            self._product("sums", "ih", "x", "all")
            self._product(f"sums + {size}", "hh", "h", "all")
            self._call("add", "sums", f"sums + {size}", size)
        else:
            self._start("sums", self._bias("ih", "hh"), size)
            self._accumulate("sums", "ih", "x", "all")
            self._accumulate("sums", "hh", "h", "all")
        if cell == "lstm":
            self._call("lstm", "h", "c", "sums", H)
        else:
            self._call(f"elman_{self.op.activation}", "h", "sums", H)
        return size * (2 if self.gained else 1)

    def _gru(self) -> int:
        H = self.hidden
        if self.gained:
            self._product("sums", "ih", "x", "nrz")
            self._product(f"sums + {4 * H}", "hh", "h", "all")
            self._call("add", f"sums + {H}", f"sums + {4 * H}", 2 * H)
            self._call("copy", f"sums + {3 * H}", f"sums + {6 * H}", H)
        else:
            b_ih, b_hh = (self._gate_bias(which) for which in ("ih", "hh"))
            starts = np.concatenate([b_ih[2], b_ih[0] + b_hh[0], b_ih[1] + b_hh[1], b_hh[2]])
            self._start("sums", starts, 4 * H)
            self._accumulate("sums", "ih", "x", "nrz")
            self._accumulate(f"sums + {H}", "hh", "h", "all")
        self._call("gru", "h", "sums", H)
        return (7 if self.gained else 4) * H

    def _gru_2014(self) -> int:
        H = self.hidden
        if self.gained:
            self._product("sums", "ih", "x", "all")
            self._product(f"sums + {4 * H}", "hh", "h", "rz")
            self._call("add", "sums", f"sums + {4 * H}", 2 * H)
        else:
            self._start("sums", self._bias("ih", "hh"), 3 * H)
            self._accumulate("sums", "ih", "x", "all")
            self._accumulate("sums", "hh", "h", "rz")
        self._call("gru_reset", f"sums + {3 * H}", "h", "sums", H)
        if self.gained:
            self._product(f"sums + {4 * H}", "hh", f"sums + {3 * H}", "n")
            self._call("add", f"sums + {2 * H}", f"sums + {4 * H}", H)
        else:
            self._accumulate(f"sums + {2 * H}", "hh", f"sums + {3 * H}", "n")
        self._call("gru_2014", "h", "sums", H)
        return (6 if self.gained else 4) * H

    def _with_zoneout(self, floats: int) -> int:
        """Keep a copy of the old state before the step, and mix it in after."""
        H = self.hidden
        for state, share in (("h", self.op.keep_h), ("c", self.op.keep_c)):
            if share == 0 or (state == "c" and self.op.cell != "lstm"):
                continue
            self.body.insert(0, f"copy(sums + {floats}, {state}, {H});")
            self.parts.add("copy")
            self._call("keep", state, f"sums + {floats}", as_float(share), H)
            floats += H
        return floats

    def _call(self, part: str, *arguments: object) -> None:
        self.parts.add(part)
        self.body.append(f"{part}({', '.join(map(str, arguments))});")

    def _gate_bias(self, which: str) -> Array:
        """A bias by gates, (G, H); zeros where there is none."""
        name = getattr(self.op, f"bias_{which}")
        zeros = np.zeros((self.gates, self.hidden), np.float32)
        return zeros if name is None else self.weights[name].reshape(self.gates, self.hidden)

    def _bias(self, *which: str) -> Array | None:
        names = [getattr(self.op, f"bias_{one}") for one in which]
        found = [self.weights[name] for name in names if name is not None]
        return sum(found[1:], found[0]) if found else None

    def _start(self, sums: str, bias: Array | None, size: int) -> None:
        if bias is None:
            self._call("zeros", sums, size)
        else:
            self._call("copy", sums, self._table("bias", bias), size)

    def _product(self, sums: str, which: str, vector: str, gates: str) -> None:
        """A product of its own: normalised where it has a gain, and then with its bias."""
        count = len(self._chosen(gates))
        size = count * self.hidden
        self._call("zeros", sums, size)
        self._accumulate(sums, which, vector, gates)
        chosen = [*self._chosen(gates)]
        bias = self._gate_bias(which)[chosen].reshape(-1)
        name = getattr(self.op, f"gain_{which}")
        if name is None:
            self._call("add", sums, self._table(f"bias_{which}_{gates}", bias), size)
            return
        gains = self.weights[name].reshape(self.gates, -1)[chosen].reshape(-1)
        tables = self._table(f"gain_{which}_{gates}", gains), self._table(f"bias_{which}_{gates}", bias)
        self._call("gain", sums, *tables, count, self.hidden)

    def _accumulate(self, sums: str, which: str, vector: str, gates: str) -> None:
        """Add a product with some gates of a matrix to the sums."""
        chosen, H = [*self._chosen(gates)], self.hidden
        matrix = self.weights[getattr(self.op, f"weight_{which}")]
        width = matrix.shape[1]
        own = matrix.reshape(self.gates, H, width)[chosen].reshape(-1, width)
        suffix = f"{which}" if gates in ("all", "nrz") else f"{which}_{gates}"
        if not self.int8:
            table = self._table(f"weight_{suffix}", own.T, f"({width}, {len(own)})")
            self._call("accumulate", sums, table, vector, width, len(own))
            return
        scale = self.weights[getattr(self.op, f"scale_{which}")].reshape(self.gates, H)[chosen].reshape(-1)
        largest = self.op.x_range if which == "ih" else self.op.h_range
        table = self._table(f"weight_{suffix}", own)
        if largest is None:
            self._call(
                "accumulate_mixed",
                sums,
                table,
                self._table(f"scale_{suffix}", scale),
                vector,
                width,
                len(own),
            )
            return
        factor = np.float32(127) / np.float32(largest)
        step = self._table(f"scale_{suffix}", scale * (np.float32(largest) / np.float32(127)))
        self._call("quantise", "q", vector, as_float(float(factor)), width)
        self._call("accumulate_int8", sums, table, step, "q", width, len(own))

    def _chosen(self, gates: str) -> tuple[int, ...]:
        return {"nrz": NRZ, "rz": (0, 1), "n": (2,)}.get(gates, tuple(range(self.gates)))

    def _table(self, name: str, array: Array, layout: str = "") -> str:
        return self.tables.add(f"{self.name}_{name}", array, layout)


def same_cell(op: Any) -> tuple[Any, ...]:
    """What two operations have in common that can call one function."""
    skipped = ("direction", "emit")
    return tuple((field.name, getattr(op, field.name)) for field in fields(op) if field.name not in skipped)
