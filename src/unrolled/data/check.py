"""What is wrong with the data, before anything is learned from it."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.check_columns import check_copies, check_numbers, check_text
from unrolled.data.check_leaks import check_leaks
from unrolled.data.check_stamps import check_lengths, check_stamps
from unrolled.data.columns import is_text
from unrolled.data.finding import SEVERITIES, Finding
from unrolled.data.read import Frame, read_frame
from unrolled.data.series import VALUE_ROLES, Roles, grouped
from unrolled.errors import DataError

TIME_NAMES = ("date", "time", "datetime", "timestamp", "stamp", "ds", "date_time")
PARTS = ("year", "month", "day", "hour", "minute", "second")


def check(
    source: Any, roles: Roles | None = None, history: int | None = None, horizon: int | None = None
) -> list[Finding]:
    """Look for everything that is wrong in the data, the gravest first. Nothing is changed.

    Without a time column one is guessed, and the guess is among the findings. Where no past, known or static
    columns are named, every column without a role is looked at as a past one.
    With a target, columns that give it away are looked for; with history or horizon, series too short.

    Raises: ArgumentError for a column that does not exist; DataError if the source cannot be read at all.

    Example:
        >>> for finding in check({"t": [1, 2, 2], "y": [0.5, None, 0.5]}, Roles("y", time="t")):
        ...     print(finding)
        error: t, row 3: 1 stamp occurs more than once, first 2. Drop the repeated rows, or name the column...
        warning: y, row 2: 1 missing value among 3 (33.3 %). What is missing stays missing, and is...
        warning: y: all values are 0.5. A constant column teaches nothing: leave it out.
    """
    roles = roles or Roles()
    frame = read_frame(source, text={roles.series} if roles.series else ())
    for role in VALUE_ROLES:
        for name in getattr(roles, role):
            frame.column(name, role)
    findings, time = _time(frame, roles)
    roles = _with_past(frame, replace(roles, time=time))
    try:
        names, offsets, order = grouped(frame, roles.series)
    except DataError as error:
        findings.append(Finding("series", "error", str(error)))
        names, offsets, order = ("",), np.array([0, frame.rows]), None
    if time:
        findings += check_stamps(frame, time, names, offsets, order)
    findings += check_lengths(names, offsets, history, horizon)
    findings += _columns(frame, roles)
    if roles.target:
        findings += check_leaks(frame, roles, offsets, order, horizon)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _time(frame: Frame, roles: Roles) -> tuple[list[Finding], tuple[str, ...]]:
    """The time columns: those named, or a guess that is reported."""
    if roles.time:
        for name in roles.time:
            frame.column(name, "time")
        return [], roles.time
    guess = _guess_time(frame)
    if not guess:
        detail = "No time column was named, and none was found: rows are taken to be in order."
        return [Finding("time", "note", detail, "Name it if there is one.")], ()
    detail = f"No time column was named: {', '.join(guess)} is taken for it."
    return [Finding("time", "note", detail, "Name another if that is wrong.", guess[0])], guess


def _guess_time(frame: Frame) -> tuple[str, ...]:
    folded = {name.lower(): name for name in reversed(frame.columns)}
    parts = tuple(folded[part] for part in PARTS if part in folded)
    for name in frame.columns:
        dtype = frame.column(name).dtype
        if dtype == pl.Date or isinstance(dtype, pl.Datetime):
            return (name,)
    for name in TIME_NAMES:
        if name in folded:
            return (folded[name],)
    return parts if {"year", "month"} <= {part.lower() for part in parts} else ()


def _with_past(frame: Frame, roles: Roles) -> Roles:
    """Where only the target is named, or nothing, all numbers and text of the table are past columns."""
    if roles.past or roles.known or roles.static:
        return roles
    taken = {*roles.target, *roles.time, roles.series}
    return replace(roles, past=[name for name in frame.columns if name not in taken and _usable(frame, name)])


def _usable(frame: Frame, name: str) -> bool:
    column = frame.column(name)
    return is_text(column) or column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null, pl.String)


def _columns(frame: Frame, roles: Roles) -> list[Finding]:
    findings: list[Finding] = []
    numeric: list[str] = []
    for name in [name for role in VALUE_ROLES for name in getattr(roles, role)]:
        column = frame.column(name)
        if not _usable(frame, name):
            detail = f"A column of type {column.dtype} is neither numbers nor text."
            findings.append(Finding("type", "error", detail, "Leave it out, or name it as time.", name))
        elif is_text(column):
            findings += check_text(column, name in roles.target, name in roles.known)
        else:
            findings += check_numbers(column, name in roles.known, name in roles.static)
            numeric.append(name)
    return findings + check_copies(frame, numeric)
