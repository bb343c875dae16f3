"""Parity: an exported model must answer as the Program's own stream does, on rows it was not trained on.

Two runtimes agree where `|a - b| <= bound * max(|b|, spread)`: b is the stream's answer, spread the standard
deviation of the target in training (1 for the scores of classes). The bound of a float32 export is 1e-5.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ExportError, explain
from unrolled.runtime import Program, Stream
from unrolled.runtime.rows import RowReader, Table
from unrolled.runtime.stream import draw_noise, run_sequence

Array = NDArray
BOUND = 1e-5


@dataclass(frozen=True)
class Replay:
    """Rows of one series or sequence, and what the Program's own stream answers to them.

    Shapes: rows float64 (rows, columns), numbers in the order of `Stream.columns` (words as codes, the stamp
    last); future float64 (horizon, columns), the known columns after the last row, or None; inputs, each
    input of the graph at every row, (rows, ...); answers float32 (rows, ...), NaN where there is none.
    """

    program: Program
    rows: Array
    future: Array | None
    series: int
    inputs: Mapping[str, Array]
    answers: Array


@dataclass(frozen=True)
class Parity:
    """How far an export is from the stream.

    `largest` is in units of the answer; `share` is the largest `|a - b| / max(|b|, spread)`, which the bound
    is for; `answers` counts the numbers compared.
    """

    largest: float
    share: float
    answers: int
    bound: float

    @property
    def holds(self) -> bool:
        """Whether every answer is within the bound."""
        return self.share <= self.bound


Runner = Callable[[Replay], Array]  # a replay's rows through the export -> answers, shaped as Replay.answers


def replay(program: Program, rows: Any, future: Any = None, series: str | int | None = None) -> Replay:
    """Run rows through the Program's own stream.

    A Program that needs the whole sequence is given it as one; where it pools, only the last row counts.
    Shapes: rows and future as in `Stream.run`; `future` follows the last row.
    Raises: DataError, ShapeError for rows that the model cannot read.
    """
    reader = RowReader(program)
    table = reader.table(rows, reader.columns, "rows")
    count = len(next(iter(table.values())))
    if not count:
        raise ArgumentError(
            explain("rows", "at least one row", 0, "Pass rows that the model can be tried on.")
        )
    code = program.columns.series_code(series, program.series_count) if "series" in program.inputs else 0
    after = reader.future(future, table) if reader.needs_future else {}
    inputs = reader.inputs(table)
    if after:
        inputs |= reader.future_inputs(_futures(table, after, program.horizon))
    if "series" in program.inputs:
        inputs["series"] = np.full(count, code, np.int64)
    if "noise" in program.inputs:
        inputs["noise"] = np.stack([draw_noise(program, row + 1) for row in range(count)])
    numbers = _numbers(table)
    ahead = _numbers(after) if after else None
    return Replay(program, numbers, ahead, code, inputs, _answers(program, numbers, ahead, series))


def compare(replays: Sequence[Replay], runner: Runner, bound: float = BOUND) -> Parity:
    """Run each replay through an export and find the largest difference from the stream.

    An answer that is not a number where the stream has one counts as infinitely far.
    Raises: ExportError where the export answers in another shape.
    """
    largest = share = 0.0
    answers = 0
    for one in replays:
        got = np.asarray(runner(one))
        if got.shape != one.answers.shape:
            cure = "The export is at fault: report it with the model."
            raise ExportError(explain("export", f"answers {one.answers.shape}", got.shape, cure))
        counted = ~np.isnan(one.answers)
        distance = np.abs(got.astype(np.float64) - one.answers)
        distance = np.where(np.isnan(distance), np.inf, distance)
        allowed = np.maximum(np.abs(one.answers), training_spread(one))
        largest = max(largest, float(distance.max(initial=0.0, where=counted)))
        share = max(share, float((distance / allowed).max(initial=0.0, where=counted)))
        answers += int(counted.sum())
    if not answers:
        got_rows = max(len(one.rows) for one in replays) if replays else 0
        cure = "Pass more rows: there is no answer before the first window is full."
        raise ArgumentError(explain("rows", "enough for an answer", got_rows, cure))
    return Parity(largest, share, answers, bound)


def demand(parity: Parity, what: str) -> None:
    """Raise ExportError unless an export is within its bound."""
    if not parity.holds:
        got = f"{parity.share:.3g} ({parity.largest:.6g} in the units of the answer)"
        cure = "Nothing was written. Report it with the model."
        raise ExportError(
            explain(f"{what}: difference from the stream", f"at most {parity.bound:g}", got, cure)
        )


def training_spread(one: Replay) -> Array:
    """The standard deviation of each target in training, as it broadcasts to the answers; 1 without one."""
    program = one.program
    for name, array in program.weights.items():
        if name.split(".")[-1] == "target_scale":
            table = np.abs(array.reshape(-1, array.shape[-1]))
            own = table[one.series if len(table) > 1 else 0]
            return own[:, None] if program.output == "quantiles" else own
    return np.ones(1, np.float32)


def draw_rows(program: Program, count: int, seed: int = 0) -> tuple[Array, Array | None]:
    """Rows drawn by the model's own scalers, for where no real ones are at hand; and the future after them.

    Numbers wander around the training mean by its standard deviation; one in ten is missing where the model
    has a mask; words are drawn evenly, unknown ones too; static columns stay as they are drawn first; stamps
    go on by the model's interval.
    Shapes: as in `Replay`.
    """
    reader, rng = RowReader(program), np.random.default_rng(seed)
    total = count + (program.horizon if reader.needs_future else 0)
    table: Table = {}
    for column in reader.columns:
        size = 1 if column.role == "static" else total
        if column.is_text:
            codes = rng.integers(0, len(column.words or ()) + 1, size)
            table[column.name] = np.resize(codes, total)
            continue
        mean, spread = _scaling(program, column.role, column.name)
        values = mean + spread * _wander(rng, size)
        missing = column.missing & (rng.random(size) < 0.1)
        table[column.name] = np.resize(np.where(missing, np.nan, values).astype(np.float32), total)
    if reader.stamp:
        start = np.int64(np.datetime64("2024-01-30T22:00", "us").astype(np.int64))
        interval = program.columns.interval
        hours = start + 3_600_000_000 * np.arange(1, total + 1)
        table[reader.stamp] = hours if interval is None else interval.after(start, total)
    rows = _numbers({name: values[:count] for name, values in table.items()})
    if not reader.needs_future:
        return rows, None
    names = [column.name for column in reader.future_columns] + ([reader.stamp] if reader.stamp else [])
    return rows, _numbers({name: table[name][count:] for name in names})


def _wander(rng: np.random.Generator, count: int) -> Array:
    """Standard normal numbers of which each remembers the one before."""
    steps, values, now = rng.normal(size=count), np.empty(count), 0.0
    for place, step in enumerate(steps):
        now = 0.9 * now + 0.435 * step
        values[place] = now
    return values


def _scaling(program: Program, role: str, name: str) -> tuple[float, float]:
    """The training mean and scale of a column, of the first series; 0 and 1 where the model has none."""
    prefix = "" if role == "x" else f"{role}_"
    place = [column.name for column in program.columns.of(role)].index(name)
    found = []
    for statistic, otherwise in (("mean", 0.0), ("scale", 1.0)):
        own = (w for n, w in program.weights.items() if n.removeprefix("inputs.") == prefix + statistic)
        array = next(own, None)
        if array is None or not array.ndim or place >= array.shape[-1]:
            found.append(otherwise)
        else:
            found.append(float(array.reshape(-1, array.shape[-1])[0, place]))
    return found[0], found[1]


def _futures(table: Table, after: Table, horizon: int) -> list[Table]:
    """For each row the known columns of the rows after it."""
    joined = {name: np.concatenate([table[name], after[name]]) for name in after}
    count = len(next(iter(table.values())))
    return [{name: values[t + 1 : t + 1 + horizon] for name, values in joined.items()} for t in range(count)]


def _numbers(table: Table) -> Array:
    return np.stack([values.astype(np.float64) for values in table.values()], axis=-1)


def _answers(program: Program, rows: Array, future: Array | None, series: str | int | None) -> Array:
    if program.streamable:
        return Stream(program, series).run(rows, future)
    answers = np.array(run_sequence(program, rows, series))
    if any(node.operation.pools for node in program.graph.nodes):
        answers[:-1] = np.nan
    return answers
