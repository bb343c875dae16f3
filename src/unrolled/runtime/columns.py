"""The columns of a row: names, roles, words; from a person's row to the inputs of a Program, checked.

A row is a mapping of column names, or numbers in this order: the numeric columns (target, past, known,
static), the codes of the text columns (past, known, static), the stamp in microseconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, explain, nearest
from unrolled.preprocess import Vocabulary
from unrolled.runtime.card import Card, typed, wrong

ROLES = ("x", "target", "past", "known", "static")
FUTURE = "future_"
UNITS = ("microsecond", "business day", "month")


@dataclass(frozen=True)
class Column:
    """A column of a row: its role, whether it may be missing (NaN), and the words it may hold if it is text.

    Raises: ArgumentError for a role that is none.

    Example:
        >>> Column("load", "target").is_text, Column("weather", "known", words=("rain", "sun")).is_text
        (False, True)
    """

    name: str
    role: str
    missing: bool = False
    words: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        one_of(f"column '{self.name}': role", self.role, ROLES)
        if self.words is not None:
            Vocabulary(self.words)

    @property
    def is_text(self) -> bool:
        """Whether the column holds words."""
        return self.words is not None

    @property
    def key(self) -> str:
        """The input of a Program that the column is part of."""
        return f"{self.role}_codes" if self.is_text else self.role


@dataclass(frozen=True)
class Interval:
    """The time from one row to the next: `size` microseconds, business days or months.

    `day` is the day of the month that stamps fall on where the unit is "month"; 31 is its last day.

    Example:
        >>> last = np.int64(np.datetime64("2024-01-31", "us").astype(np.int64))
        >>> Interval("month", 1, day=31).after(last, 2).astype("datetime64[us]").astype("datetime64[D]")
        array(['2024-02-29', '2024-03-31'], dtype='datetime64[D]')
    """

    unit: str
    size: int
    day: int = 1

    def __post_init__(self) -> None:
        one_of("interval: unit", self.unit, UNITS)
        integer("interval: size", self.size, 1)
        integer("interval: day", self.day, 1)

    def after(self, stamp: Any, count: int) -> NDArray:
        """The next `count` stamps after one; all in microseconds since 1970, int64."""
        last = np.asarray(stamp).astype("datetime64[us]")
        ahead = np.arange(1, count + 1) * self.size
        if self.unit == "microsecond":
            return np.int64(stamp) + ahead
        clock = last - last.astype("datetime64[D]")
        if self.unit == "business day":
            days = np.busday_offset(last.astype("datetime64[D]"), ahead, roll="backward")
        else:
            months = last.astype("datetime64[M]") + ahead
            lengths = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
            days = months.astype("datetime64[D]") + np.minimum(self.day, lengths.astype(np.int64)) - 1
        return (days.astype("datetime64[us]") + clock).astype(np.int64)


@dataclass(frozen=True)
class Columns:
    """All columns of a row in their order, the column of stamps, and the names of the series.

    `interval` lets the stream go on with the stamps by itself; without it, `future` must hold them. `series`
    names the rows of the target scaler; empty where one scale serves all. A row may hold `unread` columns,
    such as a time that the model makes nothing of; any other name is refused.
    """

    columns: tuple[Column, ...]
    stamp: str | None = None
    interval: Interval | None = None
    series: tuple[str, ...] = ()
    series_column: str | None = None
    unread: tuple[str, ...] = ()
    ordered: tuple[Column, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns] + ([self.stamp] if self.stamp else [])
        for name in names:
            if not name or names.count(name) > 1:
                raise ArgumentError(
                    explain("columns", "different names", repr(name), "Name each column once.")
                )
        by_role = sorted(self.columns, key=lambda column: (column.is_text, ROLES.index(column.role)))
        object.__setattr__(self, "ordered", tuple(by_role))

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of a row of numbers."""
        return tuple(column.name for column in self.ordered) + ((self.stamp,) if self.stamp else ())

    @property
    def allowed(self) -> tuple[str, ...]:
        """Every name that a row may hold."""
        series = (self.series_column,) if self.series_column else ()
        return self.names + series + self.unread

    def of(self, key: str) -> tuple[Column, ...]:
        """The columns of one input, such as "past" or "past_codes"."""
        return tuple(column for column in self.ordered if column.key == key)

    def series_code(self, series: str | int | None, count: int) -> int:
        """The row of the target scaler, one of `count`, for a series by its name or number.

        Raises: ArgumentError that names the nearest.
        """
        listed = ", ".join(self.series[:5]) + (", ..." if len(self.series) > 5 else "")
        listed = f"one of {listed}" if listed else f"a whole number in 0..{count - 1}"
        if series is None and count == 1:
            return 0
        if series is None:
            cure = "Each series has its own scale: say whose rows these are."
            raise ArgumentError(explain("series", listed, "None", cure))
        if isinstance(series, str):
            if series not in self.series:
                cure = nearest(series, self.series) or "Each series has its own scale: train with this one."
                raise ArgumentError(explain("series", listed, repr(series), cure))
            return self.series.index(series)
        code = integer("series", series, 0)
        if code >= count:
            raise ArgumentError(explain("series", f"a whole number in 0..{count - 1}", code, "Or its name."))
        return code

    def card(self) -> Card:
        """As JSON."""
        return {
            "columns": [
                {
                    "name": c.name,
                    "role": c.role,
                    "missing": c.missing,
                    "words": None if c.words is None else list(c.words),
                }
                for c in self.columns
            ],
            "stamp": self.stamp,
            "interval": None if self.interval is None else asdict(self.interval),
            "series": list(self.series),
            "series_column": self.series_column,
            "unread": list(self.unread),
        }

    @classmethod
    def from_card(cls, card: Any, where: str = "program.columns") -> "Columns":
        """From JSON. Raises: ArgumentError that names the place in the card."""
        listed = typed(card, "columns", list, where)
        interval = optional(card, "interval", dict, where)
        return cls(
            columns=tuple(_column(item, f"{where}.columns[{i}]") for i, item in enumerate(listed)),
            stamp=optional(card, "stamp", str, where),
            interval=None if interval is None else _interval(interval, f"{where}.interval"),
            series=_texts(typed(card, "series", list, where), f"{where}.series"),
            series_column=optional(card, "series_column", str, where),
            unread=_texts(typed(card, "unread", list, where), f"{where}.unread"),
        )


def optional(card: Any, name: str, kind: type, where: str) -> Any:
    """A field of a card that may be null."""
    if isinstance(card, dict) and name in card and card[name] is None:
        return None
    return typed(card, name, kind, where)


def _texts(listed: Sequence[Any], where: str) -> tuple[str, ...]:
    for item in listed:
        if not isinstance(item, str):
            raise wrong(where, "texts", item)
    return tuple(listed)


def _column(card: Any, where: str) -> Column:
    words = optional(card, "words", list, where)
    return Column(
        typed(card, "name", str, where),
        typed(card, "role", str, where),
        typed(card, "missing", bool, where),
        None if words is None else _texts(words, f"{where}.words"),
    )


def _interval(card: Any, where: str) -> Interval:
    return Interval(
        *(typed(card, name, kind, where) for name, kind in (("unit", str), ("size", int), ("day", int)))
    )
