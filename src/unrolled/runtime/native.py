"""How a stream is tied to the native core: which runtime, and where each column of a row goes."""

import os
from collections.abc import Mapping

import numpy as np

from unrolled._native import StreamBase
from unrolled.arguments import one_of
from unrolled.errors import ArgumentError, explain
from unrolled.runtime.columns import FUTURE
from unrolled.runtime.machine import machine_of, missing_operation
from unrolled.runtime.program import Program, column_key
from unrolled.runtime.rows import RowReader

VARIABLE = "UNROLLED_RUNTIME"  # what "auto" is, where it is set
RUNTIMES = ("auto", "native", "numpy")
FINITE, MAY_MISS, CODE, STAMP = range(4)  # what a number in a column may be, as the native side counts
ANY_CODE = 1 << 53
UNREAD = -1


def choose_runtime(program: Program, runtime: str) -> str:
    """The runtime for what was asked: native or numpy.

    Raises: ArgumentError where the native core was named and does not know an operation of the program.
    """
    one_of("runtime", runtime, RUNTIMES)
    if runtime == "auto":
        runtime = one_of(VARIABLE, os.environ.get(VARIABLE, "auto"), RUNTIMES)
    missing = missing_operation(program) if runtime != "numpy" else None
    if runtime == "native" and missing:
        raise ArgumentError(explain("runtime", f"one that knows '{missing}'", "'native'", "Use 'numpy'."))
    return "numpy" if missing or runtime == "numpy" else "native"


def bind_native(stream: StreamBase, reader: RowReader, sessions: int, block: int = 1) -> Mapping[str, int]:
    """Give a stream its machine and the memory of some sessions.

    Returns: the number of each input of the program.
    """
    program = reader.program
    machine = machine_of(program)
    places = tuple(_column_places(reader, machine.inputs))
    answer = np.empty(program.output_shape, np.float32)
    is_plain = not reader.needs_future
    stream._bind(machine.native, places, program.history, sessions, block, is_plain, answer)
    return machine.inputs


def _column_places(reader: RowReader, inputs: Mapping[str, int]) -> list[tuple[int, int, int, int]]:
    """For each column of a row: the input's number, its place in it, what it may be, its largest code."""
    program = reader.program
    of_key = {column_key(name): number for name, number in inputs.items() if not name.startswith(FUTURE)}
    places = []
    for column in reader.columns:
        kind = CODE if column.is_text else MAY_MISS if column.missing else FINITE
        place = program.columns.of(column.key).index(column)
        most = len(column.words) if column.words else ANY_CODE
        places.append((of_key.get(column.key, UNREAD), place, kind, most))
    if reader.stamp:
        places.append((inputs.get("stamp", UNREAD), 0, STAMP, 0))
    return places
