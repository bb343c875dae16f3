"""From a person's rows to the inputs of a Program: column by column, checked, refused by its name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, DataError, ShapeError, explain, nearest
from unrolled.preprocess import Vocabulary
from unrolled.runtime.columns import FUTURE, Column
from unrolled.runtime.program import Program, column_key

Array = NDArray
Table = dict[str, Array]  # column -> its values, (rows,)


@dataclass(frozen=True)
class RowReader:
    """Reads rows, and the future of known columns, for one program."""

    program: Program

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row, in the order of a row of numbers."""
        return self.program.columns.ordered

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns of a row of numbers."""
        names = tuple(column.name for column in self.columns)
        return (*names, self.stamp) if self.stamp else names

    @cached_property
    def future_columns(self) -> tuple[Column, ...]:
        """The columns whose next `horizon` rows must be given."""
        keys = {column_key(name) for name in self.program.inputs if name.startswith(FUTURE)}
        return tuple(column for column in self.columns if column.key in keys)

    @cached_property
    def stamp(self) -> str | None:
        """The column of stamps, where the program reads one."""
        reads = "stamp" in self.program.inputs or "future_stamp" in self.program.inputs
        return self.program.columns.stamp if reads else None

    @cached_property
    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {column.name: Vocabulary(column.words) for column in self.columns if column.words}

    def table(self, rows: Any, columns: Sequence[Column], what: str) -> Table:
        """The columns of some rows, checked.

        Shapes: rows, a mapping of columns (rows,) or an array (rows, columns).
        Raises: DataError that names the column and, where there are several, the row.
        """
        coded = not isinstance(rows, Mapping)
        given = self._from_array(rows, columns, what) if coded else self._from_mapping(rows, columns, what)
        table = {column.name: self._values(column, given[column.name], coded) for column in columns}
        if self.stamp in given:
            table[str(self.stamp)] = _stamps(str(self.stamp), given[str(self.stamp)])
        _check_lengths(table, what)
        return table

    def _from_array(self, rows: Any, columns: Sequence[Column], what: str) -> dict[str, Any]:
        """An array by columns. The stamp is the last one; a future may leave it out."""
        names, array = [column.name for column in columns], np.asarray(rows)
        if self.stamp and (what != "future" or array.shape[-1:] != (len(names),)):
            names.append(self.stamp)
        if array.dtype.kind not in "fiub":
            cure = "Pass text and stamps by name, in a mapping."
            raise DataError(explain(what, "numbers", f"{array.dtype}", cure))
        if array.ndim != 2 or array.shape[1] != len(names):
            got = f"{array.shape[-1]}" if array.ndim else "1"
            cure = "Keep this order."
            raise ShapeError(explain(what, f"{len(names)} columns ({', '.join(names)})", got, cure))
        if self.stamp in names and array.dtype.kind == "f" and array.dtype.itemsize < 8:
            where = f"{what}: column '{self.stamp}'"
            cure = "Use float64, or a mapping with a stamp."
            raise DataError(explain(where, "microseconds in float64", str(array.dtype), cure))
        return {name: array[:, place] for place, name in enumerate(names)}

    def _from_mapping(self, rows: Mapping[str, Any], columns: Sequence[Column], what: str) -> dict[str, Any]:
        names = [column.name for column in columns]
        known = self.program.columns.allowed
        for name in rows:
            if name not in known:
                cure = nearest(str(name), names) or "Leave out what the model was not trained on."
                raise DataError(explain(f"{what}: column '{name}'", "a column of the model", "another", cure))
        for name in [*names, *([self.stamp] if self.stamp and what != "future" else [])]:
            if name not in rows:
                cure = "Write None for a missing value."
                raise DataError(explain(f"{what}: column '{name}'", "a value", "none", cure))
        return dict(rows)

    def _values(self, column: Column, given: Any, coded: bool) -> Array:
        """A column's numbers, or the codes of its words; codes themselves come in a row of numbers.

        A number where a word belongs is refused: it might be meant as the word or as the code.
        """
        if not column.is_text:
            return _numbers(column, given)
        if coded or not column.words:
            return _codes(column, np.asarray(given))
        listed = list(given)
        for row, word in enumerate(listed):
            if not _is_missing(word) and not isinstance(word, str):
                cure = "Turn it into text with str()."
                raise _wrong(column.name, row, len(listed), "a word", repr(word), cure)
        return self._vocabularies[column.name].encode(listed)

    def inputs(self, table: Table) -> dict[str, Array]:
        """The inputs that come with each row, (rows, ...), all but the future ones and the noise."""
        made = {}
        for name in self.program.inputs:
            if name in ("series", "noise") or name.startswith(FUTURE):
                continue
            made[name] = table[str(self.stamp)] if name == "stamp" else self._stacked(name, table)
        return made

    def _stacked(self, name: str, table: Table) -> Array:
        columns = self.program.columns.of(column_key(name))
        return np.stack([table[column.name] for column in columns], axis=-1)

    def future_inputs(self, tables: Sequence[Table]) -> dict[str, Array]:
        """The future inputs of some rows, (rows, horizon, ...), from one table of the future for each."""
        made = {}
        for name in self.program.inputs:
            if not name.startswith(FUTURE):
                continue
            if name == "future_stamp":
                made[name] = np.stack([table[str(self.stamp)] for table in tables])
            else:
                made[name] = np.stack([self._stacked(name, table) for table in tables])
        return made

    @property
    def needs_future(self) -> bool:
        """Whether an answer needs something of the next rows, be it only their stamps."""
        return any(name.startswith(FUTURE) for name in self.program.inputs)

    def future(self, future: Any, last: Table) -> Table:
        """The next `horizon` rows of the known columns and their stamps.

        Shapes: future, a mapping of columns (horizon,) or an array (horizon, columns); None where stamps are
        all that is needed and the interval is known.
        Raises: DataError that names the column.
        """
        horizon, columns = self.program.horizon, self.future_columns
        if future is None and columns:
            names = ", ".join(column.name for column in columns)
            cure = f"Pass their next {horizon} rows as future=."
            raise DataError(explain("future", f"the columns {names}", "None", cure))
        table = self.table({} if future is None else future, columns, "future")
        if self.stamp and "future_stamp" in self.program.inputs and self.stamp not in table:
            table[self.stamp] = self._next_stamps(last)
        for name, values in table.items():
            if len(values) != horizon:
                cure = "Give one value for each row to forecast."
                raise DataError(explain(f"future: column '{name}'", f"{horizon} rows", len(values), cure))
        return table

    def _next_stamps(self, last: Table) -> Array:
        interval = self.program.columns.interval
        if interval is None:
            cure = f"Pass the next {self.program.horizon} stamps in future=."
            raise DataError(explain(f"future: column '{self.stamp}'", "stamps", "none", cure))
        return interval.after(last[str(self.stamp)][-1], self.program.horizon)


def _check_lengths(table: Table, what: str) -> None:
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        got = ", ".join(f"{name}: {len(values)}" for name, values in table.items())
        raise DataError(explain(what, "columns of one length", got, "Give each column every row."))


def _numbers(column: Column, given: Any) -> Array:
    """Float32 numbers; NaN only where the model has a mask for it."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        listed = list(given)
        for row, value in enumerate(listed):
            if not _is_missing(value) and not isinstance(value, Real):
                raise _wrong(
                    column.name, row, len(listed), "a number", repr(value), "Turn it into a number first."
                )
        array = np.array([np.nan if _is_missing(value) else float(value) for value in listed])
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    wrong = np.isinf(values) if column.missing else ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        missing = np.isnan(values[row])
        got = "a missing value" if missing else str(array[row])
        cure = (
            "The model was trained without missing values: fill it."
            if missing
            else "Correct it, or leave it out."
        )
        raise _wrong(column.name, row, len(values), "a finite number", got, cure)
    return values


def _codes(column: Column, array: Array) -> Array:
    """Codes of words as numbers; NaN is a missing word, 0."""
    if array.dtype.kind not in "fiu":
        cure = "This model was saved without its words: pass whole numbers."
        raise DataError(explain(f"column '{column.name}'", "codes", str(array.dtype), cure))
    filled = np.where(np.isnan(array), 0, array) if array.dtype.kind == "f" else array
    most = len(column.words or ())
    outside = (filled < 0) | (filled != np.floor(filled)) | ((filled > most) if most else False)
    if outside.any():
        row = int(np.argmax(outside))
        expected = f"a code in 0..{most}" if most else "a code >= 0"
        cure = "Pass the word itself by name, in a mapping."
        raise _wrong(column.name, row, len(array), expected, str(array[row]), cure)
    return filled.astype(np.int64)


def _stamps(name: str, given: Any) -> Array:
    """Microseconds since 1970 from datetimes, ISO text or whole numbers; a zone is turned into UTC."""
    array = np.asarray(given)
    if array.dtype.kind in "fiu":
        if not np.isfinite(array).all():
            raise DataError(
                explain(f"column '{name}'", "a stamp in every row", "a missing one", "Fill it in.")
            )
        return array.astype(np.int64)
    ticks = np.empty(len(given), np.int64)
    for row, value in enumerate(given):
        try:
            stamp = np.datetime64(_without_zone(value), "us")
        except (ValueError, TypeError):
            stamp = np.datetime64("NaT", "us")
        if np.isnat(stamp):
            cure = "Write it like 2024-05-01T06:00."
            raise _wrong(name, row, len(given), "a stamp", repr(value), cure)
        ticks[row] = stamp.astype(np.int64)
    return ticks


def _without_zone(value: Any) -> Any:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, Real) and value != value)


def _wrong(name: str, row: int, rows: int, expected: str, got: str, cure: str) -> DataError:
    where = f"column '{name}'" + (f", row {row + 1}" if rows > 1 else "")
    return DataError(explain(where, expected, got, cure))


def one_row(row: Any) -> Any:
    """A single row as rows: a mapping of values, or numbers (columns,)."""
    if isinstance(row, Mapping):
        return {name: [value] for name, value in row.items()}
    if isinstance(row, str) or not isinstance(row, Iterable):
        cure = "Pass numbers in the order of the columns, or a mapping of their names."
        raise ArgumentError(explain("row", "numbers or a mapping", repr(row), cure))
    array = np.asarray(row)
    if array.ndim != 1:
        raise ShapeError(explain("row", "(columns,)", array.shape, "Several rows? Use run(rows)."))
    return array[None]
