"""Sequences with labels: values end to end, without padding, and padded batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data.columns import is_text
from unrolled.data.read import Frame, read_frame
from unrolled.data.series import Roles, read_series
from unrolled.errors import ArgumentError, DataError, ShapeError, explain


@dataclass(frozen=True)
class SequenceSet:
    """Sequences end to end: sequence i is rows offsets[i] to offsets[i + 1] of `values`.

    Shapes: values float32 (rows, features), NaN where missing; offsets int64 (sequences + 1,);
    labels (sequences,), or (rows,) where `every_step`, of text, integers or floats, or None.
    """

    values: np.ndarray
    offsets: np.ndarray
    columns: tuple[str, ...]
    names: tuple[str, ...]
    labels: np.ndarray | None = None
    every_step: bool = False

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """How many steps each sequence has, int64 (sequences,)."""
        return np.diff(self.offsets)


def read_sequences(
    source: Any,
    y: Any = None,
    lengths: Any = None,
    columns: Any = None,
    series: str | None = None,
    time: Any = (),
    label: str | None = None,
) -> SequenceSet:
    """Sequences from arrays, or from a long table.

    Arrays: `source` is (batch, time, features) with `lengths`, or a list of arrays (time, features); `y` has
    a label for each sequence, or one for each step. A table: `series` names the column that tells sequences
    apart, `time` the order in them, `label` the label; `columns` the features, all other columns without it.
    A label that is the same in all rows of each sequence is one label a sequence, else one a step.

    Raises: ShapeError, ArgumentError or DataError that says what does not fit.

    Example:
        >>> data = read_sequences([np.ones((2, 1)), np.zeros((3, 1))], y=["up", "down"])
        >>> data.offsets.tolist(), data.labels.tolist()
        ([0, 2, 5], ['up', 'down'])
    """
    arrays = isinstance(source, list | tuple) or (hasattr(source, "ndim") and source.ndim == 3)
    if not arrays:
        if series is None:
            cure = "Name the column that tells the sequences apart, or pass arrays (batch, time, features)."
            raise ArgumentError(explain("series", "the name of a column", None, cure))
        return _from_table(read_frame(source, text={series}), series, time, label, columns)
    pieces = _pieces(source, lengths)
    bounds = np.append(0, np.cumsum([len(piece) for piece in pieces])).astype(np.int64)
    values = np.concatenate(pieces).astype(np.float32, copy=False)
    _refuse_infinity(values, bounds)
    names = tuple(columns) if columns is not None else tuple(f"x{i}" for i in range(values.shape[1]))
    if len(names) != values.shape[1]:
        raise ShapeError(explain("columns", f"{values.shape[1]} names", len(names), "Name every feature."))
    labels, every_step = _labels(y, np.diff(bounds))
    numbered = tuple(str(i) for i in range(len(pieces)))
    return SequenceSet(values, bounds, names, numbered, labels, every_step)


def _pieces(source: Any, lengths: Any) -> list[np.ndarray]:
    """The sequences as arrays (time, features) without padding."""
    if isinstance(source, list | tuple):
        if lengths is not None:
            cure = "A list of arrays has its own lengths."
            raise ArgumentError(explain("lengths", "None for a list of arrays", "lengths", cure))
        pieces = [np.asarray(piece) for piece in source]
    else:
        source = np.asarray(source)
        pieces = [row[:length] for row, length in zip(source, _lengths(lengths, source.shape), strict=True)]
    if not pieces:
        raise DataError(explain("X", "at least one sequence", "none", "Is it the right source?"))
    width = pieces[0].shape[1] if pieces[0].ndim == 2 else None
    for place, piece in enumerate(pieces):
        if piece.ndim != 2 or piece.shape[1] != width or piece.dtype.kind not in "fiub":
            expected = f"numbers (time, {width if width is not None else 'features'})"
            got = f"{piece.dtype} {piece.shape}"
            cure = "One feature? Pass x[:, None]."
            raise ShapeError(explain(f"X[{place}]", expected, got, cure))
        if len(piece) == 0:
            cure = "Drop the empty sequence."
            raise DataError(explain(f"X[{place}]", "at least one step", "none", cure))
    return pieces


def _lengths(lengths: Any, shape: tuple[int, ...]) -> np.ndarray:
    if lengths is None:
        return np.full(shape[0], shape[1])
    given = np.asarray(lengths)
    if given.shape != shape[:1] or given.dtype.kind not in "iu":
        got = f"{given.dtype} {given.shape}"
        raise ShapeError(explain("lengths", f"whole numbers ({shape[0]},)", got, "One length a sequence."))
    wrong = np.flatnonzero((given < 1) | (given > shape[1]))
    if len(wrong):
        place = int(wrong[0])
        cure = "Give the true lengths."
        raise ArgumentError(explain(f"lengths[{place}]", f"1 to {shape[1]}", int(given[place]), cure))
    return given


def _refuse_infinity(values: np.ndarray, bounds: np.ndarray) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        row, feature = np.argwhere(infinite)[0]
        place = int(np.searchsorted(bounds, row, "right")) - 1
        where = f"X[{place}][{row - bounds[place]}, {feature}]"
        cure = "Correct the value; make it NaN where it is missing."
        raise DataError(explain(where, "a finite number that fits float32", values[row, feature], cure))


def _labels(y: Any, lengths: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """One label a sequence, or one a step put end to end as the values are."""
    if y is None:
        return None, False
    if len(y) != len(lengths):
        cure = "Pass one label a sequence."
        raise ShapeError(explain("y", f"{len(lengths)} labels", len(y), cure))
    if np.ndim(y[0]) == 0:
        return _label_array(list(y), "y"), False
    steps: list[Any] = []
    for place, (row, length) in enumerate(zip(y, lengths, strict=True)):
        padded = isinstance(y, np.ndarray) and len(row) >= length
        if len(row) != length and not padded:
            cure = "Pass one label a step."
            raise ShapeError(explain(f"y[{place}]", f"{length} labels", len(row), cure))
        steps.extend(row[:length])
    return _label_array(steps, "y"), True


def _label_array(labels: Sequence[Any], name: str) -> np.ndarray:
    """Labels as text (object), integers or floats; booleans are integers."""
    for place, label in enumerate(labels):
        if label is None or (not isinstance(label, str) and label != label):
            cure = "Fill it in, or drop the sequence."
            raise DataError(explain(f"{name}[{place}]", "a label", repr(label), cure))
    words = [isinstance(label, str) for label in labels]
    if all(words):
        return np.array([str(label) for label in labels], object)
    if any(words):
        place = words.index(not words[0])
        cure = "Make all labels text, or all numbers."
        raise DataError(explain(f"{name}[{place}]", "labels of one kind", repr(labels[place]), cure))
    made = np.array(labels)
    if made.dtype.kind in "bui":
        return made.astype(np.int64)
    if made.dtype.kind != "f" or not np.isfinite(made).all():
        cure = "Labels are text or finite numbers."
        raise DataError(explain(name, "text or finite numbers", f"{made.dtype}", cure))
    return made.astype(np.float64)


def _from_table(frame: Frame, series: str, time: Any, label: str | None, columns: Any) -> SequenceSet:
    roles = Roles(time=time, series=series)
    taken = {series, *roles.time, label}
    features = tuple(columns) if columns is not None else tuple(c for c in frame.columns if c not in taken)
    data = read_series(frame, Roles(target=features, time=time, series=series))
    if not data.columns:
        raise DataError(explain("columns", "at least one feature", "none", "Name the columns to learn from."))
    labels, every_step = None, False
    if label is not None:
        column = frame.column(label, "label")
        if column.null_count():
            row = int(column.is_null().to_numpy().argmax()) + 1
            cure = "Fill it in, or drop the row."
            raise DataError(explain(f"{label}, row {row}", "a label", None, cure))
        kept = column.cast(str) if is_text(column) else column
        rows = _label_array(kept.to_list(), label)
        rows = rows if data.order is None else rows[data.order]
        first = np.repeat(rows[data.offsets[:-1]], np.diff(data.offsets))
        every_step = bool((rows != first).any())
        labels = rows if every_step else rows[data.offsets[:-1]]
    return SequenceSet(data.values, data.offsets, data.columns, data.names, labels, every_step)


def pad(sequences: SequenceSet, indices: Any) -> tuple[np.ndarray, np.ndarray]:
    """A right-padded batch of some sequences.

    Shapes: indices int (batch,); returns x float32 (batch, time, features), 0 past the length, and
    lengths int64 (batch,).
    """
    indices = np.asarray(indices, np.int64)
    lengths = sequences.lengths[indices]
    x = np.zeros((len(indices), int(lengths.max(initial=0)), sequences.values.shape[1]), np.float32)
    for row, (index, length) in enumerate(zip(indices, lengths, strict=True)):
        start = sequences.offsets[index]
        x[row, :length] = sequences.values[start : start + length]
    return x, lengths


def pad_labels(sequences: SequenceSet, indices: Any, missing: Any) -> np.ndarray:
    """The labels of every step of some sequences, (batch, time); `missing` past the length."""
    if sequences.labels is None or not sequences.every_step:
        got = "no labels" if sequences.labels is None else "one a sequence"
        raise ArgumentError(
            explain("sequences", "a label for every step", got, "Read them with such labels.")
        )
    indices = np.asarray(indices, np.int64)
    lengths = sequences.lengths[indices]
    padded = np.full((len(indices), int(lengths.max(initial=0))), missing, sequences.labels.dtype)
    for row, (index, length) in enumerate(zip(indices, lengths, strict=True)):
        start = sequences.offsets[index]
        padded[row, :length] = sequences.labels[start : start + length]
    return padded
