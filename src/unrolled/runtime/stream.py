"""A stream: a model that takes one row at a time, keeps its state, and answers."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled._native import StreamBase, philox_normal
from unrolled.errors import ArgumentError, DataError, ModelFileError, ShapeError, explain
from unrolled.format import read_model
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.native import bind_native, choose_runtime
from unrolled.runtime.program import Program
from unrolled.runtime.rows import RowReader, Table, one_row
from unrolled.runtime.state import StreamState, arrays_of, dump_state, fresh_state, load_state, raw_state

Array = NDArray


class Stream(StreamBase):
    """One row in, one answer out, in raw units; the one object here that holds a state.

    `program` is a Program or the path of a model file. `series` says whose rows these are, where each series
    has its own scale. A row is a mapping of column names, with text columns by word, or numbers in the order
    of `columns`. `runtime` is "native", "numpy" (the reference, some hundred times slower), or "auto": native
    where it knows every operation of the program.

    Returns: of `step` and `run`, float32: quantiles (horizon, targets, levels), or scores.
    Raises: ArgumentError for a model that needs the whole sequence at once; DataError that names the column
    of a row that cannot be read, with the state as it was before.
    """

    def __init__(
        self,
        program: Program | str | PathLike[str],
        series: str | int | None = None,
        runtime: str = "auto",
    ) -> None:
        self.program = program if isinstance(program, Program) else load_program(program)
        check_streamable(self.program)
        self._reader = RowReader(self.program)
        self.runtime = choose_runtime(self.program, runtime)
        self._state = fresh_state(self.program, series_code(self.program, series))
        if self.runtime == "native":
            self._inputs = bind_native(self, self._reader, sessions=1)
            self._set_state(self._state)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row, in the order of a row of numbers."""
        return self._reader.names

    @property
    def rows(self) -> int:
        """How many rows have come."""
        return self._rows_seen(0) if self.runtime == "native" else self._state.rows

    @property
    def ready(self) -> bool:
        """Whether the rows so far are enough for an answer."""
        return self.rows >= self.program.history

    @property
    def state(self) -> bytes:
        """The state as bytes, for `restore` on a stream of the same model, in either runtime."""
        return dump_state(self.program, self._get_state())

    def restore(self, blob: bytes) -> None:
        """Go on from a saved state.

        Raises: ArgumentError if it is cut short, altered or of another model; the state is then as it was.
        """
        self._set_state(load_state(self.program, blob))

    def reset(self) -> None:
        """Forget every row."""
        self._set_state(fresh_state(self.program, self._state.series))

    def _get_state(self) -> StreamState:
        if self.runtime == "native":
            rows, series, raw = self._save(0)
            return StreamState(rows, series, arrays_of(self.program, raw))
        return self._state

    def _set_state(self, state: StreamState) -> None:
        """Both runtimes keep the series here; the native one keeps all else itself."""
        self._state = state
        if self.runtime == "native":
            self._load(0, state.rows, state.series, raw_state(self.program, state))

    def _step(self, row: Any, future: Any = None, out: Array | None = None) -> Array | None:
        """What `step` does for every row but a plain native one, whose way is shorter."""
        table = self._read(one_row(row), 1)
        check_out(out, self.program.output_shape)
        answer = self._last(table, future)
        if answer is None or out is None:
            return answer
        out[...] = answer
        return out

    def run(self, rows: Any, future: Any = None) -> Array:
        """Take many rows and answer at each, NaN while the first window is not full.

        `future` holds what follows the last row; the known columns that follow the other rows are in `rows`.
        Shapes: rows, a mapping of columns (rows,) or an array (rows, columns) -> (rows, ...).
        """
        if self.runtime == "native" and future is None and isinstance(rows, np.ndarray) and rows.ndim == 2:
            answers = np.empty((len(rows), *self.program.output_shape), np.float32)
            if self._sweep(rows, answers, None):
                return answers
        table = self._read(rows)
        count = len(next(iter(table.values())))
        futures = self._futures(table, future, count) if self._reader.needs_future and count else None
        early = max(0, min(count, self.program.history - 1 - self.rows))
        answers = self._run(table, futures, every=True)
        answers[:early] = np.nan
        return answers

    def inputs(self, rows: Any, future: Any = None) -> dict[str, Array]:
        """The inputs of the program at each row, (rows, ...), but for the noise; nothing is run."""
        table = self._read(rows)
        count = len(next(iter(table.values())))
        futures = self._futures(table, future, count) if self._reader.needs_future and count else None
        made = self._reader.inputs(table) | (self._reader.future_inputs(futures) if futures else {})
        if "series" in self.program.inputs:
            made["series"] = np.full(count, self._state.series, np.int64)
        return made

    def last(self, rows: Any, future: Any = None) -> Array | None:
        """Take many rows and answer at the last one: the same answer as the last of `run`, with less work."""
        table = self._read(rows)
        if not len(next(iter(table.values()))):
            raise ArgumentError(explain("rows", "at least one row", 0, "Pass the rows of the series."))
        return self._last(table, future)

    def _read(self, rows: Any, count: int | None = None) -> Table:
        if isinstance(rows, Mapping):
            self._check_series(rows)
        return self._reader.table(rows, self._reader.columns, "row" if count == 1 else "rows")

    def _check_series(self, rows: Mapping[str, Any]) -> None:
        """Refuse rows of another series: a stream is the memory of one."""
        columns = self.program.columns
        column = columns.series_column
        if column is None or column not in rows or not columns.series or "series" not in self.program.inputs:
            return
        own = columns.series[self._state.series]
        for name in rows[column]:
            if str(name) != own:
                cure = "Open a stream for each series."
                raise DataError(explain(f"column '{column}'", repr(own), repr(name), cure))

    def _last(self, table: Table, future: Any) -> Array | None:
        """The answer at the last row of a table; None while the first window is not full."""
        wanted = self.rows + len(next(iter(table.values()))) >= self.program.history
        futures = None
        if self._reader.needs_future:
            given = wanted or future is not None
            futures = [self._reader.future(future, table)] if given else [_no_future(self._reader)]
        answers = self._run(table, futures, every=False)
        return np.array(answers[-1]) if wanted else None

    def _futures(self, table: Table, future: Any, count: int) -> list[Table]:
        """For each row the known columns of the rows after it, out of `rows` and `future`."""
        last = self._reader.future(future, table)
        joined = {name: np.concatenate([table[name], last[name]]) for name in last}
        horizon = self.program.horizon
        return [
            {name: values[t + 1 : t + 1 + horizon] for name, values in joined.items()} for t in range(count)
        ]

    def _run(self, table: Table, futures: list[Table] | None, every: bool) -> Array:
        """Answers (rows, ...), or only the last, (1, ...); the state is then that after the last row."""
        if self.runtime == "native":
            return self._run_native(table, futures, every)
        answers, self._state = _run(self._reader, self._state, table, futures, every)
        return np.array(answers)

    def _run_native(self, table: Table, futures: list[Table] | None, every: bool) -> Array:
        count = len(next(iter(table.values())))
        inputs = self._reader.inputs(table)
        if futures is not None:
            inputs |= self._reader.future_inputs(futures)
        arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        # a future that is given once is that of the last row, the only one that reads it
        places = tuple(
            (self._inputs[name], a.ctypes.data, a[:1].nbytes, a[:1].nbytes if len(a) == count else 0)
            for name, a in arrays.items()
        )
        answers = np.empty((count if every else 1, *self.program.output_shape), np.float32)
        self._advance_rows(places, count, every, answers)
        return answers


def load_program(path: str | PathLike[str]) -> Program:
    """The program in a model file.

    Raises: ModelFileError if there is none, or it is damaged; ArgumentError for a model that cannot stream.
    """
    card, tensors = read_model(path)  # type: ignore[arg-type]
    if isinstance(reason := card.get("no_program"), str):
        cure = "Train with a recurrent cell, such as gru, to stream."
        raise ArgumentError(explain(str(path), "a model that streams", reason[:100], cure))
    if "programs" in card:
        got, cure = "an encoder-decoder", "`unrolled predict` and runtime.TextTranslator write with it."
        raise ArgumentError(explain("model", "one that answers row by row", got, cure))
    if "program" not in card:
        cure = "Save the model again with this version of unrolled."
        raise ModelFileError(explain("card.program", "a program to run", "none", cure))
    return Program.from_card(card["program"], tensors)


def run_sequence(program: Program, rows: Any, series: str | int | None = None) -> Array:
    """Run a program over one whole sequence, also one that is not streamable.

    Shapes: rows, a mapping of columns (rows,) or an array (rows, columns).
    Returns: the answer at each row, (rows, ...); of a pooled or bidirectional model the last one counts.
    """
    reader = RowReader(program)
    table = reader.table(rows, reader.columns, "rows")
    if reader.needs_future:
        raise ArgumentError(
            explain("program", "one without known columns", "a forecaster", "Use Stream(program).run.")
        )
    return _run(reader, fresh_state(program, series_code(program, series)), table, None, every=True)[0]


def _run(
    reader: RowReader, before: StreamState, table: Table, futures: list[Table] | None, every: bool
) -> tuple[Array, StreamState]:
    """Answers (rows, ...), or only the last, (1, ...), and the state after the last row."""
    program = reader.program
    count = len(next(iter(table.values())))
    inputs = reader.inputs(table)
    if futures is not None:
        inputs |= reader.future_inputs(futures)
    if "series" in program.inputs:
        inputs["series"] = np.full(count, before.series, np.int64)
    if "noise" in program.inputs:
        rows = range(before.rows + 1, before.rows + count + 1) if every else [before.rows + count]
        inputs["noise"] = np.stack([draw_noise(program, row) for row in rows])
    states: dict[str, dict[str, Array]] = {}
    for name in program.states:
        node, own = name.rsplit(".", 1)
        states.setdefault(node, {})[own] = before.arrays[name]
    outputs, after = evaluate(
        program.graph, inputs, states, program.weights, None if every else program.every_row
    )
    arrays = {f"{node}.{own}": array for node, owns in after.items() for own, array in owns.items()}
    return outputs[program.output], StreamState(before.rows + count, before.series, arrays)


def draw_noise(program: Program, seen: int) -> Array:
    """The standard normal numbers of the answer after `seen` rows: Philox(seed, seen)."""
    noise = np.empty(program.inputs["noise"].spec.shape, np.float32)
    philox_normal(program.seed, seen, noise.reshape(-1))
    return noise


def check_streamable(program: Program) -> None:
    """Refuse a program that needs the whole sequence."""
    if program.not_streamable:
        cure = "Pass the whole sequence to run_sequence, or train a model that is not bidirectional."
        raise ArgumentError(explain("program", "one that runs row by row", program.not_streamable, cure))


def check_out(out: Array | None, shape: tuple[int, ...]) -> None:
    """Refuse an array that cannot take an answer."""
    if out is None:
        return
    if not isinstance(out, np.ndarray) or out.dtype != np.float32 or out.shape != shape:
        got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ShapeError(explain("out", f"float32 {shape}", got, "Or leave it out."))


def _no_future(reader: RowReader) -> Table:
    """A future of zeros, for a row that is not answered."""
    horizon = reader.program.horizon
    table: Table = {
        column.name: np.zeros(horizon, np.int64 if column.is_text else np.float32)
        for column in reader.future_columns
    }
    if reader.stamp:
        table[reader.stamp] = np.zeros(horizon, np.int64)
    return table


def series_code(program: Program, series: str | int | None) -> int:
    """The row of the target scaler for a series; 0 where one scale serves all."""
    if "series" not in program.inputs:
        return 0
    return program.columns.series_code(series, program.series_count)
