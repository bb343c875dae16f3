"""An ONNX file with LSTM, GRU or RNN nodes as a Program, which a stream runs row by row.

Which axes of an input are time and batch is not written in the file. They are found by trying: the recurrent
operators say where they want them, and only the right reading gets through the whole graph.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.deploy.onnx_import_check import check_import
from unrolled.deploy.onnx_import_constants import fold
from unrolled.deploy.onnx_import_file import OnnxFile, OnnxInput, Reading, read_onnx
from unrolled.deploy.onnx_import_graph import (
    STAND_IN,
    Array,
    OnnxCall,
    ProgramBuilder,
    Tensor,
    told,
)
from unrolled.deploy.onnx_import_operators import OPERATORS
from unrolled.deploy.parity import BOUND, Parity
from unrolled.errors import ArgumentError, ExportError, ModelFileError, explain, nearest
from unrolled.format import new_card, write_model
from unrolled.runtime import Column, Columns, Program
from unrolled.runtime import operations as ops
from unrolled.runtime.operations.base import Spec

CURE = "docs/onnx.md lists those that have. Is it needed for this output?"
MOST_READINGS = 512  # ways to read the inputs that are tried
MOST_COLUMNS = 1 << 20  # of a row


@dataclass(frozen=True)
class Imported:
    """An imported model: its Program, the output of the file that it answers, how near it comes to the file.

    `dims` are that output's sizes at a batch of 1, `STAND_IN` for the time axis. Without one the file answers
    after the last row alone, and a stream does so at each row for the rows so far. `readings` and `zeros` are
    the file's inputs: those that became columns, and those that were states, which start as zeros.
    """

    program: Program
    output: str
    dims: tuple[int, ...]
    readings: tuple[Reading, ...]
    zeros: tuple[str, ...]
    parity: Parity

    @property
    def at_each_row(self) -> bool:
        """Whether the file answers at each row, not after the last alone."""
        return STAND_IN in self.dims

    def save(self, path: str | PathLike[str]) -> None:
        """Write a model file of the kind "program". Raises: OutputError."""
        card = new_card("program", "", {"program": self.program.to_card()})
        write_model(Path(path), card, dict(self.program.weights))


def import_onnx(
    path: str | PathLike[str],
    answer: str | None = None,
    columns: Sequence[str] | None = None,
    constants: Mapping[str, Array] | None = None,
    bound: float = BOUND,
) -> Imported:
    """Read an ONNX model as a Program that answers as the model does.

    `answer` is the file's output to answer, by default its first; `columns` name the columns of a row, in the
    order of the file's inputs; `constants` are values for inputs that belong to the model, such as weights.
    Drawn rows go through both, and what differs by more than the bound is refused.
    Raises: ModelFileError that names the file and the node it cannot read; ArgumentError for an output or
    columns that do not fit; ExportError where the answers differ; MissingPartError.
    """
    file = read_onnx(Path(path), {} if constants is None else constants)
    answered = _output(file, answer)
    imported = _first_that_fits(file, answered, columns)
    parity = check_import(file, imported.program, imported.readings, (imported.output, imported.dims), bound)
    if not parity.holds:
        got = f"{parity.share:.3g} ({parity.largest:.6g} in the units of the answer)"
        raise ExportError(
            explain(
                f"{path}: difference from the file", f"at most {bound:g}", got, "Report it with the file."
            )
        )
    return replace(imported, parity=parity)


def _output(file: OnnxFile, wanted: str | None) -> str:
    if wanted is None:
        return file.outputs[0]
    if wanted not in file.outputs:
        cure = nearest(wanted, file.outputs) or "Choose one of these."
        raise ArgumentError(explain("answer", f"one of {', '.join(file.outputs)}", repr(wanted), cure))
    return wanted


def _first_that_fits(file: OnnxFile, output: str, columns: Sequence[str] | None) -> Imported:
    """The first reading of the inputs that gets through; of none, the error of the one that came furthest."""
    furthest: tuple[int, Exception] | None = None
    for readings in islice(file_readings(file), MOST_READINGS):
        attempt = _Attempt(file, readings)
        try:
            return attempt.imported(output, columns)
        except ModelFileError as error:
            if furthest is None or attempt.done > furthest[0]:
                furthest = attempt.done, error
    if furthest is None:
        expected = "inputs with a time axis, all other sizes but the batch fixed"
        got = ", ".join(f"{entry.name} {list(entry.dims)}" for entry in file.inputs) or "none"
        raise ModelFileError(explain(f"{file.path}: inputs", expected, got, "Fix them when you export it."))
    # a name in a damaged file may hold a line feed
    raise ModelFileError(f"{file.path}: {' '.join(str(furthest[1]).split())}") from None


def file_readings(file: OnnxFile) -> Iterator[tuple[Reading, ...]]:
    """Every way to read the inputs, the likeliest first; sequences one at a time before a fixed batch."""
    seen = set()
    for whole_batch in (False, True):
        for chosen in product(*(list(_readings(entry, whole_batch)) for entry in file.rows)):
            sizes = tuple(one.dims for one in chosen)
            if any(one.time is not None for one in chosen) and sizes not in seen:
                seen.add(sizes)
                yield chosen


def _readings(source: OnnxInput, whole_batch: bool) -> Iterator[Reading]:
    for time, batch in ((1, 0), (0, 1), (0, None), (None, 0)):
        used = [axis for axis in (time, batch) if axis is not None]
        if max(used) >= len(source.dims):
            continue
        dims = []
        for axis, size in enumerate(source.dims):
            if axis == time:
                dims.append(STAND_IN)
            elif axis == batch:
                dims.append(size if whole_batch and isinstance(size, int) else 1)
            else:
                dims.append(size if isinstance(size, int) else 0)
        if 0 not in dims and prod(size for size in dims if size != STAND_IN) <= MOST_COLUMNS:
            yield Reading(source, time, batch, tuple(dims))


class _Attempt:
    """One reading of the inputs, carried through the graph. `done` counts the nodes that it got through."""

    def __init__(self, file: OnnxFile, readings: tuple[Reading, ...]) -> None:
        lengths = [one.length for one in readings if one.length is not None]
        self.file, self.readings, self.done = file, readings, 0
        self.builder = ProgramBuilder(lengths[0] if lengths else None)
        self.values: dict[str, Tensor | Array] = dict(file.constants)
        for entry in file.inputs:
            if entry.name in file.zeros:
                self.values[entry.name] = np.zeros(entry.least, np.float32)
            elif entry.name in file.lengths:
                self.values[entry.name] = np.full(entry.least, STAND_IN, np.int64)
        self.columns = self._inputs()
        self.readers: Counter[str] = Counter()  # how many of the needed nodes read each value

    def imported(self, output: str, columns: Sequence[str] | None) -> Imported:
        """The Program of an output. Raises: ModelFileError that names a node."""
        nodes = self.file.needed(output)
        self.readers = Counter(name for node in nodes for name in node.input) + Counter([output])
        for node in nodes:
            for name, value in zip(node.output, self._made(node), strict=False):
                if name and value is not None:
                    self.values[name] = value
            self.done += 1
        answer = self._value(output, "graph")
        if not isinstance(answer, Tensor) or self.builder.specs[answer.name].dtype != "float32":
            raise ModelFileError(explain(f"output '{output}'", "numbers that come of the rows", "others", ""))
        cells = ops.Recurrent
        if not any(isinstance(node.operation, cells) for node in self.builder.nodes):
            raise ModelFileError(explain("graph", "an LSTM, GRU or RNN over the rows", "none", ""))
        flat = self.builder.reshaped(answer.name, (int(np.prod(answer.row)),))
        graph = self.builder.graph(flat)
        used = {entry.name for entry in graph.inputs}
        named = self._named([c for c in self.columns if c.key in used], columns)
        try:
            program = Program(graph, self.builder.weights, columns=Columns(named))
        except ArgumentError as error:
            raise ModelFileError(str(error)) from None
        nothing = Parity(0.0, 0.0, 0, 0.0)
        return Imported(program, output, answer.dims, self.readings, self.file.zeros, nothing)

    def _named(self, own: list[Column], names: Sequence[str] | None) -> tuple[Column, ...]:
        if names is None:
            return tuple(own)
        if len(names) != len(own):
            listed = ", ".join(column.name for column in own)
            raise ArgumentError(explain("columns", f"{len(own)} names ({listed})", len(names), ""))
        return tuple(
            Column(name, column.role, column.missing, column.words)
            for name, column in zip(names, own, strict=True)
        )

    def _inputs(self) -> list[Column]:
        """The Program's inputs, each of all of the file's inputs of one kind side by side; their columns."""
        b, columns = self.builder, []
        for key in ("x", "x_codes", "static", "static_codes"):
            own = [one for one in self.readings if one.key == key]
            if not own:
                continue
            dtype = "int64" if key.endswith("_codes") else "float32"
            whole = b.input(key, Spec((sum(one.width for one in own),), dtype))
            start = 0
            for one in own:
                name = whole
                if len(own) > 1:
                    name = b.add(one.source.name, ops.Slice(start, start + one.width), whole)
                start += one.width
                self.values[one.source.name] = Tensor(name, one.dims, one.time)
                columns += _columns_of(one)
        return columns

    def _value(self, name: str, where: str) -> Tensor | Array:
        if name not in self.values:
            raise ModelFileError(explain(where, "values made before", repr(name), "Is the file damaged?"))
        return self.values[name]

    def _made(self, node: Any) -> Sequence[Tensor | Array | None]:
        """What a node makes: a constant of constants, else an operation of the Program."""
        named = node.name or next((name for name in node.output if name), "")
        where = f"node '{named}' ({node.op_type})"
        operands = tuple(self._value(name, where) if name else None for name in node.input)
        call = OnnxCall(
            node.op_type,
            where,
            operands,
            self.file.attributes(node),
            tuple(name if name in self.readers else "" for name in node.output),
            self.file.opset,
            all(self.readers[name] == 1 for name in node.input),
        )
        if node.domain not in ("", "ai.onnx"):
            raise call.refused("an operator of ONNX itself", f"one of '{node.domain}'")
        if not any(isinstance(operand, Tensor) for operand in operands):
            return fold(node, call)
        if node.op_type not in OPERATORS:
            raise call.refused("an operator that a Program has an equal of", node.op_type, CURE)
        try:
            return OPERATORS[node.op_type](self.builder, call)
        except ModelFileError:
            raise
        except ArgumentError as error:
            raise told(call, error) from None
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
            got = " ".join(str(error).split())[:80] or type(error).__name__
            raise call.refused("a node that fits its operator", got) from None


def _columns_of(one: Reading) -> list[Column]:
    """A column for each number of a row; codes of words that the file does not know."""
    role = one.key.removesuffix("_codes")
    words = () if one.source.is_code else None
    numbered = [f"{one.source.name}[{place}]" for place in range(one.width)]
    names = [one.source.name] if one.width == 1 else numbered
    return [Column(name, role, words=words) for name in names]
