"""The rows of a table as series: numbers in one float32 matrix, text as codes, stamps checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from unrolled import arguments
from unrolled.data.columns import (
    Codes,
    is_text,
    mostly_numbers,
    read_codes,
    read_numbers,
    read_words,
    wrong_value,
)
from unrolled.data.read import Frame, read_frame
from unrolled.data.stamps import read_stamps
from unrolled.errors import ArgumentError, DataError, explain

KINDS = ("number", "category")
VALUE_ROLES = ("target", "past", "known", "static")


@dataclass(frozen=True)
class Roles:
    """What each column is for: what to forecast, when, of which series, and what else is known.

    A role takes a name, a comma-separated text or a list; each is kept as a tuple.

    Example:
        >>> Roles("OT", time="date", past="HUFL,HULL").past
        ('HUFL', 'HULL')
    """

    target: Any = ()
    time: Any = ()
    series: str | None = None
    known: Any = ()
    past: Any = ()
    static: Any = ()

    def __post_init__(self) -> None:
        for role in ("target", "time", "known", "past", "static"):
            object.__setattr__(self, role, arguments.names(role, getattr(self, role)))
        if self.series is not None:
            named = arguments.names("series", self.series)
            if len(named) != 1:
                cure = "Join several columns into one first."
                raise ArgumentError(explain("series", "one column", repr(self.series), cure))
            object.__setattr__(self, "series", named[0])
        taken = dict.fromkeys(self.time, "time")
        if self.series is not None:
            taken[self.series] = "series"
        for role in VALUE_ROLES:
            for name in getattr(self, role):
                if name in taken:
                    both = f"{name!r} in {taken[name]} and {role}"
                    raise ArgumentError(explain(role, "a column in one role", both, "Name it once."))
                taken[name] = role


@dataclass(frozen=True)
class SeriesSet:
    """The rows of one or more series, each series in one piece and in time order.

    Shapes: offsets int64 (series + 1,): series i is rows offsets[i] to offsets[i + 1];
    stamps datetime64[us] (rows,) or None; values float32 (rows, columns), NaN where missing;
    order int64 (rows,), the row of the source that each row was, or None where they are the same.
    """

    roles: Roles
    names: tuple[str, ...]
    offsets: np.ndarray
    stamps: np.ndarray | None
    columns: tuple[str, ...]
    values: np.ndarray
    categories: dict[str, Codes]
    order: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """How many rows there are in all series."""
        return len(self.values)

    @property
    def kinds(self) -> dict[str, str]:
        """'number' or 'category' of each column: what `read_series(..., kinds=...)` demands again."""
        named = [name for role in VALUE_ROLES for name in getattr(self.roles, role)]
        return {name: "category" if name in self.categories else "number" for name in named}

    def numeric(self, role: str) -> slice:
        """Where the numeric columns of a role stand in `values`."""
        first = sum(self._count(earlier) for earlier in VALUE_ROLES[: VALUE_ROLES.index(role)])
        return slice(first, first + self._count(role))

    def _count(self, role: str) -> int:
        return sum(name not in self.categories for name in getattr(self.roles, role))


def read_series(source: Any, roles: Roles, kinds: Mapping[str, str] | None = None) -> SeriesSet:
    """Read the columns that have a role. Nothing is repaired: what is wrong raises.

    The rows of one series may lie apart; they are put together in their order. Text in past, known and static
    columns becomes categories. `kinds` ('number' or 'category' by column) is what a trained model demands:
    numbers are then read as text or text as numbers, or refused.

    Raises: ArgumentError for a column that does not exist; DataError for stamps that are missing, repeated or
    not in order, text among numbers, infinity, a missing value in `known`, a `static` column that changes.

    Example:
        >>> data = read_series({"y": [1.0, 2.0, None], "sky": ["sun", "rain", "sun"]}, Roles("y", past="sky"))
        >>> data.values.tolist(), data.categories["sky"].codes.tolist(), data.categories["sky"].words
        ([[1.0], [2.0], [nan]], [1, 0, 1], ('rain', 'sun'))
    """
    kinds = dict(kinds or {})
    for name, kind in kinds.items():
        arguments.one_of(f"kinds[{name!r}]", kind, KINDS)
    as_text = {name for name, kind in kinds.items() if kind == "category"} | {roles.series}
    frame = read_frame(source, text={name for name in as_text if name is not None})
    names, offsets, order = grouped(frame, roles.series)
    stamps = _ordered_stamps(frame, roles, names, offsets, order)
    categories: dict[str, Codes] = {}
    plan = [(role, name) for role in VALUE_ROLES for name in getattr(roles, role)]
    numeric = [(role, name) for role, name in plan if _kind(frame, role, name, kinds) == "number"]
    values = np.empty((frame.rows, len(numeric)), np.float32)
    for place, (role, name) in enumerate(numeric):
        column = read_numbers(frame.column(name, role))
        if role == "known":
            _refuse_missing(name, np.isnan(column))
        values[:, place] = column if order is None else column[order]
        if role == "static":
            _refuse_change(name, values[:, place], names, offsets, order)
    for role, name in plan:
        if (role, name) not in numeric:
            categories[name] = _category(frame, role, name, names, offsets, order)
    columns = tuple(name for _, name in numeric)
    return SeriesSet(roles, names, offsets, stamps, columns, values, categories, order)


def _kind(frame: Frame, role: str, name: str, kinds: Mapping[str, str]) -> str:
    column = frame.column(name, role)
    if role == "target" or name in kinds or not is_text(column):
        return "number" if role == "target" else kinds.get(name, "number")
    row = mostly_numbers(column)
    if row is not None:
        cure = "Correct the value, leave it empty, or write all values as words if they are categories."
        raise wrong_value(name, row, "a number, as in most rows", column[row], cure)
    return "category"


def _category(
    frame: Frame, role: str, name: str, names: tuple[str, ...], offsets: np.ndarray, order: np.ndarray | None
) -> Codes:
    codes = read_codes(frame.column(name, role))
    if role == "known":
        _refuse_missing(name, codes.codes < 0)
    if order is not None:
        codes = Codes(codes.codes[order], codes.words)
    if role == "static":
        _refuse_change(name, codes.codes, names, offsets, order)
    return codes


def grouped(frame: Frame, series: str | None) -> tuple[tuple[str, ...], np.ndarray, np.ndarray | None]:
    """Names, offsets and the order that brings each series together; series in order of appearance."""
    if series is None:
        return ("",), np.array([0, frame.rows]), None
    column = frame.column(series, "series")
    column = column.fill_nan(None) if column.dtype.is_float() else column
    if column.null_count():
        row = int(column.is_null().to_numpy().argmax())
        raise wrong_value(series, row, "the name of a series", None, "Fill it in, or drop the row.")
    starts = _changes(column)
    heads, order = column.gather(starts), None
    if heads.n_unique() < len(heads):  # some series lies in several pieces
        codes = column.rank("dense").to_numpy().astype(np.int32)
        first = np.full(codes.max() + 1, len(codes))
        np.minimum.at(first, codes[starts], starts)
        order = np.argsort(first[codes], kind="stable")
        starts = np.append(0, np.flatnonzero(np.diff(codes[order])) + 1)
        heads = column.gather(order[starts])
    return tuple(read_words(heads).to_list()), np.append(starts, frame.rows), order


def _changes(column: pl.Series) -> np.ndarray:
    """The rows at which a new value starts."""
    changed = (column.slice(1) != column.slice(0, len(column) - 1)).to_numpy()
    return np.append(0, np.flatnonzero(changed) + 1)


def _ordered_stamps(
    frame: Frame, roles: Roles, names: tuple[str, ...], offsets: np.ndarray, order: np.ndarray | None
) -> np.ndarray | None:
    if not roles.time:
        return None
    stamps = read_stamps(frame, roles.time)
    if order is not None:
        stamps = stamps[order]
    steps = np.diff(stamps)
    zero = steps.dtype.type(0)
    inner = np.ones(len(steps), bool)
    inner[offsets[1:-1] - 1] = False
    for wrong, expected, cure in (
        (steps < zero, "stamps that rise", _sort_cure(roles)),
        (
            steps == zero,
            "each stamp once",
            "Drop one of the rows, or name the column that tells series apart.",
        ),
    ):
        bad = np.flatnonzero(wrong & inner)
        if len(bad):
            place = int(bad[0])
            row, before = (place + 1, place) if order is None else (int(order[place + 1]), int(order[place]))
            name = names[int(np.searchsorted(offsets, place, "right")) - 1]
            where = f" in series {name!r}" if roles.series is not None else ""
            got = f"{shown(stamps[place + 1])} after {shown(stamps[place])} (row {before + 1}){where}"
            raise DataError(explain(f"{','.join(roles.time)}, row {row + 1}", expected, got, cure))
    return stamps if stamps.dtype.kind == "M" else None


def _sort_cure(roles: Roles) -> str:
    by = list(roles.time) if roles.series is None else [roles.series, *roles.time]
    return f"Sort the rows first: frame.sort({by}) in polars, frame.sort_values({by}) in pandas."


def shown(stamp: Any) -> str:
    """A stamp, or a step of a plain counter, as a person writes it."""
    return (
        str(stamp).replace("T", " ").removesuffix(".000000")
        if isinstance(stamp, np.datetime64)
        else f"{stamp:g}"
    )


def _refuse_missing(name: str, missing: np.ndarray) -> None:
    if missing.any():
        row = int(missing.argmax())
        cure = "A known column must be known at every row: fill it in, or make it a past column."
        raise wrong_value(name, row, "a value", None, cure)


def _refuse_change(
    name: str, values: np.ndarray, names: tuple[str, ...], offsets: np.ndarray, order: np.ndarray | None
) -> None:
    """A static column has one value in a series, or is missing in all of it."""
    first = np.repeat(values[offsets[:-1]], np.diff(offsets))
    with np.errstate(invalid="ignore"):
        changed = (values != first) & ~((values != values) & (first != first))
    if changed.any():
        place = int(changed.argmax())
        series = names[int(np.searchsorted(offsets, place, "right")) - 1]
        row = place if order is None else int(order[place])
        where = f"another one in series {series!r}" if series else "another one"
        cure = "Make it the same in all its rows, or make it a past column."
        raise DataError(
            explain(f"{name}, row {row + 1}", "one value in a series, as it is static", where, cure)
        )
