"""Many independent sessions of one model, stepped in one call."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled._native import StreamBase
from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.runtime.native import bind_native, choose_runtime
from unrolled.runtime.program import Program
from unrolled.runtime.rows import RowReader
from unrolled.runtime.state import (
    StreamState,
    arrays_of,
    dump_state,
    fresh_state,
    load_state,
    raw_state,
)
from unrolled.runtime.stream import check_out, check_streamable, load_program, series_code

Array = NDArray
BLOCK = 48  # sessions that go through the program together: their values stay in the cache


class StreamPool(StreamBase):
    """As many streams as `sessions` says, each with a state of its own, that take their rows in one call.

    The weights are read once for many sessions, so a call costs a fraction of as many steps; the answers are
    those of `Stream`, to the bit. `series` names the series of all sessions, or of each.

    Raises: ArgumentError for a model that needs the whole sequence, known columns of rows to come, or an
    operation that the native core does not know.

    Example:
        >>> import unrolled.runtime as rt
        >>> pool = rt.StreamPool(rt.load_program("m.unrolled"), 1000)  # doctest: +SKIP
        >>> answers = pool.step(rows)  # (1000, columns) -> (1000, ...)  # doctest: +SKIP
    """

    def __init__(
        self,
        program: Program | str | PathLike[str],
        sessions: int,
        series: str | int | Sequence[str | int] | None = None,
    ) -> None:
        self.program = program if isinstance(program, Program) else load_program(program)
        self.sessions = integer("sessions", sessions, 1)
        check_streamable(self.program)
        choose_runtime(self.program, "native")
        self._reader = RowReader(self.program)
        if self._reader.needs_future:
            cure = "Open a Stream for each session and pass future=."
            raise ArgumentError(explain("program", "one that needs no known columns", "a forecaster", cure))
        bind_native(self, self._reader, self.sessions, min(BLOCK, self.sessions))
        each: list[Any] = [series] * self.sessions
        if isinstance(series, Sequence) and not isinstance(series, str):
            each = list(series)
        if len(each) != self.sessions:
            raise ArgumentError(
                explain("series", f"{self.sessions} names", len(each), "One for each session.")
            )
        for session, own in enumerate(each):
            self._set(session, fresh_state(self.program, series_code(self.program, own)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row, in their order."""
        return self._reader.names

    def step(self, rows: Any, sessions: Any = None, out: Array | None = None) -> Array:
        """Take one row of each session, or of those that `sessions` numbers, each at most once.

        Shapes: rows (sessions, columns) -> (sessions, ...), NaN where the first window is not full.
        Raises: DataError that names the column and the row; no session has changed then.
        """
        numbers = self._numbers(sessions)
        count = self.sessions if sessions is None else len(numbers)
        array = rows if isinstance(rows, np.ndarray) and rows.dtype in (np.float32, np.float64) else None
        array = np.asarray(rows, np.float64) if array is None else array
        if array.ndim != 2 or len(array) != count:
            got = f"{array.shape}"
            raise ShapeError(explain("rows", f"({count}, columns)", got, "One row for each session."))
        shape = (count, *self.program.output_shape)
        check_out(out, shape)
        answers = np.empty(shape, np.float32) if out is None or not out.flags.c_contiguous else out
        if not self._sweep(array, answers, numbers):
            self._reader.table(array, self._reader.columns, "rows")  # says what is wrong
            self._sweep(np.ascontiguousarray(array, np.float64), answers, numbers)
        if out is not None and out is not answers:
            out[...] = answers
        return answers if out is None else out

    def _numbers(self, sessions: Any) -> NDArray[np.int64]:
        """The sessions as int64, empty for all; each in range, and none twice."""
        if sessions is None:
            return np.empty(0, np.int64)
        numbers = np.ascontiguousarray(sessions)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not len(numbers):
            got = f"{numbers.dtype} {numbers.shape}"
            raise ArgumentError(explain("sessions", "whole numbers (rows,)", got, "Leave it out for all."))
        numbers = numbers.astype(np.int64)
        outside = (numbers < 0) | (numbers >= self.sessions)
        if outside.any():
            got = f"{numbers[outside][0]}"
            raise ArgumentError(
                explain("sessions", f"numbers in 0..{self.sessions - 1}", got, "Count from 0.")
            )
        if len(np.unique(numbers)) < len(numbers):
            raise ArgumentError(explain("sessions", "each at most once", "one twice", "Step it again after."))
        return numbers

    def _one(self, session: int) -> int:
        return int(self._numbers([session])[0])

    def rows(self, session: int) -> int:
        """How many rows of a session have come."""
        return self._rows_seen(self._one(session))

    def state(self, session: int) -> bytes:
        """A session's state as bytes; a `Stream` of the same model can go on from it."""
        rows, series, raw = self._save(self._one(session))
        return dump_state(self.program, StreamState(rows, series, arrays_of(self.program, raw)))

    def restore(self, session: int, blob: bytes) -> None:
        """Let a session go on from a saved state, of this pool or of a `Stream`.

        Raises: ArgumentError if it is cut short, altered or of another model; the session is then as it was.
        """
        self._set(self._one(session), load_state(self.program, blob))

    def reset(self, session: int) -> None:
        """Let a session forget every row."""
        _, series, _ = self._save(self._one(session))
        self._set(session, fresh_state(self.program, series))

    def _set(self, session: int, state: StreamState) -> None:
        self._load(session, state.rows, state.series, raw_state(self.program, state))
