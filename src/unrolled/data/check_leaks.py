"""Columns that give the target away: known in advance yet equal to it, or telling what it will be."""

import numpy as np
import polars as pl

from unrolled.data.columns import is_text
from unrolled.data.finding import Finding
from unrolled.data.read import Frame
from unrolled.data.series import Roles

ALIKE = 0.99  # correlation, of the values and of their changes
LAGS = 24
ENOUGH = 20  # pairs below which a correlation says nothing
MOST = 100_000  # rows looked at: a column that tells the target does so everywhere


def check_leaks(
    frame: Frame, roles: Roles, offsets: np.ndarray, order: np.ndarray | None, horizon: int | None
) -> list[Finding]:
    """Known columns alike to the target in the same row; past and known ones alike to the target to come.

    Two trends or two smooth curves correlate without one telling the other. So the changes from row to row
    must correlate too, and much better than the target's own changes foretell themselves.
    """
    inner = np.ones(frame.rows, bool)
    inner[offsets[:-1]] = False  # the first row of a series has no change
    inner = inner[:MOST]
    findings: list[Finding] = []
    for target in roles.target:
        y = _numbers(frame, target, order)
        if y is None:
            continue
        dy = _changes(y, inner)
        lags = range(1, min(horizon or LAGS, LAGS) + 1)
        own = {lag: _correlation(dy[:-lag], dy[lag:]) for lag in lags if lag < len(dy)}
        for name in (*roles.known, *roles.past):
            x = _numbers(frame, name, order)
            if x is not None:
                findings += _compare(name, target, x, y, _changes(x, inner), dy, own, name in roles.known)
    return findings


def _compare(
    name: str,
    target: str,
    x: np.ndarray,
    y: np.ndarray,
    dx: np.ndarray,
    dy: np.ndarray,
    own: dict[int, float],
    known: bool,
) -> list[Finding]:
    same = _likeness(x, y, dx, dy) if known else 0.0
    if same >= ALIKE:
        detail = (
            f"gives the target {target!r} away: correlation {same:.4f} in the same row, known in advance."
        )
        cure = "Make it a past column, or leave it out."
        return [Finding("leak", "error", detail, cure, name)]
    for lag, itself in own.items():
        ahead = _likeness(x[:-lag], y[lag:], dx[:-lag], dy[lag:])
        if ahead >= ALIKE and 1 - ahead < 0.1 * (1 - abs(itself)):
            rows = "row" if lag == 1 else "rows"
            detail = f"tells the target {target!r} {lag} {rows} ahead: correlation {ahead:.4f}."
            cure = "Is it really known then? If not, leave it out."
            return [Finding("leak", "warning", detail, cure, name)]
    return []


def _likeness(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> float:
    """The smaller of the correlations of values and of changes, without regard to the sign."""
    changes = abs(_correlation(dx, dy))
    return min(changes, abs(_correlation(x, y))) if changes >= ALIKE else changes


def _numbers(frame: Frame, name: str, order: np.ndarray | None) -> np.ndarray | None:
    """A column as float64 with NaN for whatever is not finite; None for text."""
    column = frame.column(name)
    if is_text(column) or not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return None
    values = column.cast(pl.Float64, strict=False).to_numpy()
    values = np.where(np.abs(values) < 1e30, values, np.nan)
    return values[:MOST] if order is None else values[order[:MOST]]


def _changes(values: np.ndarray, inner: np.ndarray) -> np.ndarray:
    changes = np.diff(values, prepend=np.nan)
    changes[~inner] = np.nan
    return changes


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation over the pairs without a missing value; 0 where they are few or do not spread."""
    here = ~(np.isnan(a) | np.isnan(b))
    if here.sum() < ENOUGH:
        return 0.0
    a, b = a[here], b[here]
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / spread) if spread > 0 else 0.0
