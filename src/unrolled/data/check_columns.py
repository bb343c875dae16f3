"""Checks of one column's values: missing, infinite, text among numbers, stand-ins, constant, copies."""

import hashlib

import numpy as np
import polars as pl

from unrolled.data.columns import mostly_numbers, parsed_numbers
from unrolled.data.finding import Finding
from unrolled.data.read import Frame

# Written for "no value" by loggers and archives.
STAND_INS = {-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0, -32768.0, 32767.0, 65535.0}
FAR = 2.0  # a stand-in lies this many spreads of the other values away from them
HUGE = 1e19  # 1e20 and 1e30 stand for "no value" in climate archives


def check_text(column: pl.Series, target: bool, known: bool) -> list[Finding]:
    """Text where numbers are wanted, and missing words."""
    name, findings = column.name, []
    text = parsed_numbers(column)[1]
    if len(text) and (target or mostly_numbers(column) is not None):
        detail = f"{_count(len(text), 'value is', 'values are')} text, first {column[int(text[0])]!r}."
        cure = "Correct them; leave the field empty where a value is missing."
        findings.append(Finding("text", "error", detail, cure, name, row=int(text[0]) + 1))
    elif not len(text) and not target:
        detail = "The column holds numbers written as text, and is taken for categories."
        findings.append(Finding("text", "note", detail, "Convert it if they are numbers.", name))
    return findings + _missing(column.is_null().to_numpy(), name, known)


def check_numbers(column: pl.Series, known: bool, static: bool) -> list[Finding]:
    """Missing values, infinity, stand-ins for missing values, a constant column."""
    name = column.name
    values = column.cast(pl.Float64, strict=False).to_numpy()
    findings = _missing(np.isnan(values), name, known)
    infinite = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
    if len(infinite):
        detail = f"{_count(len(infinite), 'value is', 'values are')} infinite or too large for float32."
        cure = "Correct them, or leave them empty."
        findings.append(Finding("infinity", "error", detail, cure, name, row=int(infinite[0]) + 1))
    finite = values[np.isfinite(values)]
    if len(finite) > 1 and finite.min() == finite.max() and not static:
        detail = f"all values are {finite[0]:g}."
        cure = "A constant column teaches nothing: leave it out."
        findings.append(Finding("constant", "warning", detail, cure, name))
    for value in stand_ins(finite):
        rows = np.flatnonzero(values == value)
        detail = f"{value:g} occurs {_count(len(rows), 'time', 'times')}, far from all other values."
        cure = "If it stands for a missing value, leave those fields empty."
        findings.append(Finding("sentinel", "warning", detail, cure, name, row=int(rows[0]) + 1))
    return findings


def stand_ins(values: np.ndarray) -> list[float]:
    """Values that look like codes for "missing": the smallest or largest value, far from all others.

    A value known as such a code has to occur once, or be absurdly large; any other three times.
    """
    found: list[float] = []
    distinct, counts = np.unique(values, return_counts=True)
    while len(distinct) > 3:
        for place, rest in ((0, distinct[1:]), (-1, distinct[:-1])):
            value = float(distinct[place])
            spread = rest[-1] - rest[0]
            far = min(abs(value - rest[0]), abs(value - rest[-1])) > FAR * spread
            suspect = value in STAND_INS or abs(value) > HUGE or counts[place] >= 3
            if far and suspect:
                found.append(value)
                keep = slice(1, None) if place == 0 else slice(None, -1)
                distinct, counts = distinct[keep], counts[keep]
                break
        else:
            break
    return found


def check_copies(frame: Frame, names: list[str]) -> list[Finding]:
    """Columns that hold exactly the values of an earlier one."""
    seen: dict[bytes, str] = {}
    findings = []
    for name in names:
        values = frame.column(name).cast(pl.Float64, strict=False).to_numpy()
        digest = hashlib.sha256(np.where(np.isnan(values), np.nan, values + 0.0).tobytes()).digest()
        if digest in seen and not np.isnan(values).all() and np.nanmin(values) < np.nanmax(values):
            detail = f"the same values as {seen[digest]!r} in every row."
            findings.append(Finding("copy", "note", detail, "Leave one of them out.", name))
        seen.setdefault(digest, name)
    return findings


def _missing(missing: np.ndarray, name: str, known: bool) -> list[Finding]:
    count = int(missing.sum())
    if count == 0:
        return []
    severity = "error" if known else "warning"
    if count == len(missing):
        return [Finding("missing", severity, "all values are missing.", "Leave it out.", name)]
    few = _count(count, "missing value", "missing values")
    detail = f"{few} among {len(missing)} ({100 * count / len(missing):.3g} %)."
    cure = "What is missing stays missing, and is masked in training."
    if known:
        cure = "A known column must be known at every row: fill it in, or make it a past column."
    return [Finding("missing", severity, detail, cure, name, row=int(missing.argmax()) + 1)]


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
