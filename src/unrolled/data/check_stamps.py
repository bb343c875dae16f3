"""Checks of the time: order, repeats, gaps, uneven steps, and series too short."""

from dataclasses import dataclass

import numpy as np

from unrolled.data.calendar import DAY, Step, step_of
from unrolled.data.finding import Finding
from unrolled.data.read import Frame
from unrolled.data.series import shown
from unrolled.data.stamps import read_stamps
from unrolled.errors import ArgumentError, DataError

UNEVEN = 0.1  # a tenth of the steps that are no multiple of the usual one make a series uneven


@dataclass(frozen=True)
class _Part:
    """The stamps of one series, sorted and each once, with the row each had in the source."""

    name: str
    stamps: np.ndarray
    rows: np.ndarray


def check_stamps(
    frame: Frame, time: tuple[str, ...], names: tuple[str, ...], offsets: np.ndarray, order: np.ndarray | None
) -> list[Finding]:
    """Stamps that cannot be read, are out of order or repeated; gaps and uneven steps."""
    label = ",".join(time)
    try:
        stamps = read_stamps(frame, time)
    except (DataError, ArgumentError) as error:
        return [Finding("stamp", "error", str(error))]
    rows = np.arange(len(stamps)) if order is None else order
    stamps = stamps[rows]
    which = np.repeat(np.arange(len(names)), np.diff(offsets))
    findings = _unordered(stamps, rows, which, names, label)
    by_time = np.lexsort((stamps, which)) if findings else np.arange(len(stamps))
    stamps, rows, which = stamps[by_time], rows[by_time], which[by_time]
    repeated = np.append(False, (stamps[1:] == stamps[:-1]) & (which[1:] == which[:-1]))
    if repeated.any():
        findings.append(_repeated(repeated, stamps, rows, which, names, label))
    if stamps.dtype.kind != "M":
        return findings
    kept = ~repeated
    stamps, rows, which = stamps[kept], rows[kept], which[kept]
    bounds = np.searchsorted(which, np.arange(len(names) + 1))
    parts = [
        _Part(name, stamps[a:b], rows[a:b])
        for name, a, b in zip(names, bounds[:-1], bounds[1:], strict=True)
        if b - a > 2
    ]
    return findings + _spacing(parts, label)


def _unordered(
    stamps: np.ndarray, rows: np.ndarray, which: np.ndarray, names: tuple[str, ...], label: str
) -> list[Finding]:
    back = np.flatnonzero((stamps[1:] < stamps[:-1]) & (which[1:] == which[:-1])) + 1
    if not len(back):
        return []
    place = int(back[0])
    detail = f"{len(back)} stamps lie before the one above, first {shown(stamps[place])}."
    if len(back) == 1:
        detail = f"1 stamp lies before the one above: {shown(stamps[place])}."
    series = names[which[place]] or None
    cure = "Sort the rows by time."
    return [Finding("unordered", "error", detail, cure, label, series, int(rows[place]) + 1)]


def _repeated(
    repeated: np.ndarray,
    stamps: np.ndarray,
    rows: np.ndarray,
    which: np.ndarray,
    names: tuple[str, ...],
    label: str,
) -> Finding:
    place = int(repeated.argmax())
    count = int(repeated.sum())
    verb = "stamp occurs" if count == 1 else "stamps occur"
    detail = f"{count} {verb} more than once, first {shown(stamps[place])}."
    cure = "Drop the repeated rows, or name the column that tells series apart."
    return Finding(
        "duplicate", "error", detail, cure, label, names[which[place]] or None, int(rows[place]) + 1
    )


def _spacing(parts: list[_Part], label: str) -> list[Finding]:
    """Gaps and uneven steps over all series, and series of different steps."""
    findings: list[Finding] = []
    steps = [step_of(part.stamps) for part in parts]
    gaps: list[tuple[_Part, np.ndarray, Step]] = []
    for part, step in zip(parts, steps, strict=True):
        units = _units(part.stamps, step)
        off = np.flatnonzero(np.abs(units - np.rint(units)) > 0.01)
        if len(off) > UNEVEN * len(units):
            findings.append(_uneven(part, step, off, label))
        elif (units > 1.5).any():
            gaps.append((part, units, step))
    if gaps:
        findings.append(_gap(gaps, label))
    kinds = sorted({str(step) for step in steps})
    if len(kinds) > 1:
        detail = f"series have different steps: {', '.join(kinds[:4])}."
        cure = "One model takes one step: bring the series to the same."
        findings.append(Finding("frequency", "warning", detail, cure, label))
    return _first_of_kind(findings, len(parts))


def _units(stamps: np.ndarray, step: Step) -> np.ndarray:
    """The steps between stamps, in usual steps."""
    if step.unit == "month":
        return np.diff(stamps.astype("datetime64[M]")).astype(np.int64) / step.size
    if step.unit == "business day":
        days = stamps.astype("datetime64[D]")
        between = np.busday_count(days[:-1], days[1:])
        return np.where(between <= 3, 1, between)  # a holiday or two is no gap
    return np.diff(stamps).astype(np.int64) / step.size


def _uneven(part: _Part, step: Step, off: np.ndarray, label: str) -> Finding:
    ticks = np.diff(part.stamps).astype(np.int64)
    share = 100 * len(off) / len(ticks)
    shortest, longest = (_length(int(tick)) for tick in (ticks.min(), ticks.max()))
    detail = f"steps are uneven: {share:.3g} % are no multiple of the usual {step} ({shortest} to {longest})."
    cure = "Rows are steps: bring them to an even grid if the time between them matters."
    row = int(part.rows[off[0] + 1]) + 1
    return Finding("frequency", "warning", detail, cure, label, part.name or None, row)


def _gap(gaps: list[tuple[_Part, np.ndarray, Step]], label: str) -> Finding:
    part, units, step = gaps[0]
    first = int((units > 1.5).argmax())
    count = sum(int((units > 1.5).sum()) for _, units, _ in gaps)
    lacking = sum(int(np.rint(units[units > 1.5] - 1).sum()) for _, units, _ in gaps)
    where = f" in {len(gaps)} series" if len(gaps) > 1 else ""
    many = "1 gap" if count == 1 else f"{count} gaps"
    after = shown(part.stamps[first])
    detail = f"{many}{where} longer than the usual {step}, about {lacking} rows; first after {after}."
    cure = "Rows are steps and nothing is filled in: add rows with empty values if the gaps matter."
    row = int(part.rows[first + 1]) + 1
    return Finding("gap", "warning", detail, cure, label, part.name or None, row)


def _length(ticks: int) -> str:
    return f"{ticks / DAY:.3g} days" if ticks >= DAY else str(Step("microsecond", max(ticks, 1)))


def _first_of_kind(findings: list[Finding], series: int) -> list[Finding]:
    """A thousand uneven series are one finding, not a thousand."""
    uneven = [finding for finding in findings if finding.kind == "frequency" and finding.row is not None]
    if len(uneven) < 2:
        return findings
    first = uneven[0]
    detail = f"{len(uneven)} of {series} series: {first.detail}"
    merged = Finding(first.kind, first.severity, detail, first.cure, first.column, first.series, first.row)
    return [merged, *(finding for finding in findings if finding not in uneven)]


def check_lengths(
    names: tuple[str, ...], offsets: np.ndarray, history: int | None, horizon: int | None
) -> list[Finding]:
    """Series without room for one window of history and horizon."""
    wanted = (history or 0) + (horizon or 0)
    lengths = np.diff(offsets)
    short = np.flatnonzero(lengths < wanted)
    if not len(short):
        return []
    first = int(short[0])
    detail = f"{lengths[first]} rows, fewer than history and horizon need ({wanted})."
    if len(names) > 1:
        detail = f"{len(short)} of {len(names)} series are shorter than history and horizon need ({wanted})."
    severity = "error" if len(short) == len(names) else "warning"
    cure = "Lower history or horizon, or take more rows."
    return [Finding("short", severity, detail, cure, series=names[first] or None)]
