"""From arrays or a long table to sequences: the columns, the labels, the three parts."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unrolled.arguments import names
from unrolled.data import Frame, SequenceSet, read_frame, read_sequences, shuffled
from unrolled.data.columns import mostly_numbers
from unrolled.errors import ArgumentError, DataError, ShapeError, explain
from unrolled.format import entries, field
from unrolled.tasks.sequence.answers import Answers

PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class SequenceColumns:
    """The features a model reads, and in a table the columns that tell sequences apart, order and label them.

    `series` and `target` are None where the model was trained on arrays; `left_out` are other
    columns of the training table.
    """

    features: tuple[str, ...]
    series: str | None = None
    time: tuple[str, ...] = ()
    target: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What messages call the labels."""
        return self.target or "y"

    def open(self, source: Any) -> Frame | None:
        """The table, or None if the source is arrays. Raises: ArgumentError if only arrays will do."""
        if is_arrays(source):
            return None
        if self.series is None:
            cure = "Pass arrays here too, or train on a table."
            expected = "arrays (batch, time, features), as in fit"
            raise ArgumentError(explain("X", expected, "a table", cure))
        return open_table(source, self.series)

    def read(self, source: Any, lengths: Any = None, y: Any = None, labelled: bool = False) -> SequenceSet:
        """The sequences of arrays or of an opened table, with their labels where they are asked for.

        Raises: ShapeError, ArgumentError or DataError that says what does not fit.
        """
        if isinstance(source, Frame):
            refuse_given("a table has them in its columns", y=y, lengths=lengths)
            label = self.target if labelled else None
            self._require(source, label)
            return read_sequences(
                source, columns=self.features, series=self.series, time=self.time, label=label
            )
        if labelled and y is None:
            raise ArgumentError(explain("y", "a label for each sequence", None, "Pass the true labels."))
        data = read_sequences(source, plain(y), lengths)
        if len(data.columns) != len(self.features):
            expected = f"{len(self.features)} features ({', '.join(self.features[:12])})"
            cure = "Pass the features it was trained on, in this order."
            raise ShapeError(explain("X", expected, len(data.columns), cure))
        return replace(data, columns=self.features)

    def _require(self, frame: Frame, label: str | None) -> None:
        """Refuse a table without a column that is read. Raises: ArgumentError that names the nearest."""
        wanted = [("series", self.series), ("target", label)]
        wanted += [("time", name) for name in self.time] + [("past", name) for name in self.features]
        for argument, name in wanted:
            if name is not None:
                frame.column(name, argument)

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns that a row of a stream may hold and the model makes nothing of."""
        return (*self.time, *((self.target,) if self.target else ()), *self.left_out)

    def card(self) -> dict[str, Any]:
        """As JSON."""
        card = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in card.items()}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "SequenceColumns":
        """From JSON. Raises: ModelFileError."""
        where = "card.columns"
        series, target = (
            None if card.get(name) is None else field(card, name, str, where) for name in ("series", "target")
        )
        features, time, left_out = (
            tuple(entries(card, name, str, where)) for name in ("features", "time", "left_out")
        )
        return cls(features, series, time, target, left_out)


def is_arrays(source: Any) -> bool:
    """Whether the source is arrays rather than a table.

    Raises: ShapeError for an array that is not (batch, time, features).
    """
    if isinstance(source, list | tuple):
        return True
    if not isinstance(source, np.ndarray) and not (
        hasattr(source, "ndim") and not hasattr(source, "columns")
    ):
        return False
    if source.ndim != 3:
        cure = "One sequence? Pass X[None]. One feature? Pass X[..., None]."
        raise ShapeError(explain("X", "(batch, time, features)", tuple(source.shape), cure))
    return True


def open_table(source: Any, series: str | None) -> Frame:
    """A table whose series column is read as it is written."""
    if series is None:
        cure = "Name the column that tells the sequences apart, or pass arrays (batch, time, features)."
        raise ArgumentError(explain("series", "the name of a column", None, cure))
    return read_frame(source, text={series})


def read_training(
    source: Any, y: Any, lengths: Any, *, series: Any, time: Any, target: Any, past: Any
) -> tuple[SequenceColumns, SequenceSet]:
    """What `fit` was given: the columns and the labelled sequences."""
    if is_arrays(source):
        refuse_given("arrays have no columns", series=series, time=time, target=target)
        if y is None:
            raise ArgumentError(explain("y", "a label for each sequence", None, "Pass the labels to learn."))
        data = read_sequences(source, plain(y), lengths, columns=names("past", past) or None)
        return SequenceColumns(data.columns), data
    frame = open_table(source, series)
    columns = choose_columns(frame, str(series), time, target, past)
    return columns, columns.read(frame, lengths, y, labelled=True)


def choose_columns(frame: Frame, series: str, time: Any, target: Any, past: Any) -> SequenceColumns:
    """The columns of a table by role; without `past` every other number column is a feature.

    Raises: ArgumentError for a label column that is not named, or no feature.
    """
    labels, order = names("target", target), names("time", time)
    if len(labels) != 1:
        cure = f"Name one of: {', '.join(frame.columns[:12])}."
        got = "several" if labels else None
        raise ArgumentError(explain("target", "the label's column", got, cure))
    taken = {series, *order, *labels}
    if len(taken) < 2 + len(order):
        cure = "Name a column once."
        raise ArgumentError(explain("target", "another column than series and time", repr(labels[0]), cure))
    features = names("past", past)
    for name in features:
        if name in taken:
            raise ArgumentError(explain("past", "columns without another role", repr(name), "Leave it out."))
    others = tuple(name for name in frame.columns if name not in taken)
    if not features:
        features = tuple(name for name in others if holds_numbers(frame, name))
    if not features:
        cure = f"Name the columns to learn from; there are {', '.join(frame.columns[:12])}."
        raise ArgumentError(explain("past", "a column of numbers", "none without another role", cure))
    left_out = tuple(name for name in others if name not in features)
    return SequenceColumns(features, series, order, labels[0], left_out)


def holds_numbers(frame: Frame, name: str) -> bool:
    """Whether a column is one of numbers, or of numbers and a few words, which reading it refuses."""
    column = frame.column(name)
    kind = str(column.dtype)
    return (
        column.dtype.is_numeric()
        or kind == "Boolean"
        or (kind == "String" and mostly_numbers(column) is not None)
    )


def refuse_given(why: str, **arguments: Any) -> None:
    """Refuse arguments that have no meaning here."""
    for name, value in arguments.items():
        if value is not None and not (isinstance(value, list | tuple) and not value):
            raise ArgumentError(explain(name, f"None: {why}", type(value).__name__, "Leave it out."))


def plain(y: Any) -> Any:
    """Labels out of a pandas or polars column."""
    return y.to_numpy() if hasattr(y, "to_numpy") else y


def encode_labels(data: SequenceSet, answers: Answers, every: bool, name: str) -> SequenceSet:
    """The sequences with their labels as the answers count them: one a sequence, or one a step if `every`.

    One label a sequence is the label of each of its steps.
    Raises: DataError for labels that change within a sequence where one is wanted.
    """
    assert data.labels is not None
    codes = answers.encode(data.labels, name)
    if data.every_step and not every:
        cure = "Use head='every' for a label at each step."
        expected = "one label a sequence"
        raise DataError(explain(name, expected, "labels that change within a sequence", cure))
    if every and not data.every_step:
        codes = np.repeat(codes, data.lengths)
    return replace(data, labels=codes, every_step=every)


@dataclass(frozen=True)
class SequenceSplit:
    """Which sequences are in which part: indices, each rising, int64."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def left(self) -> np.ndarray:
        """All that the model has seen, be it only to stop."""
        return np.concatenate([self.train, self.validation])


def split_sequences(
    count: int, split: Any = (0.7, 0.1, 0.2), seed: int = 0, classes: np.ndarray | None = None
) -> SequenceSplit:
    """Deal whole sequences to three parts in an order drawn by the seed, each class in proportion.

    `split` is three fractions or three counts; sequences beyond them are in no part. `classes` (count,) are
    codes. Raises: ArgumentError, DataError.

    Example:
        >>> parts = split_sequences(10, (0.6, 0.2, 0.2), classes=np.array([0, 1] * 5))
        >>> parts.train % 2
        array([0, 1, 0, 1, 0, 1])
    """
    sizes = part_sizes(count, split)
    order = shuffled(count, seed, epoch=0)
    codes = np.zeros(count, np.int64) if classes is None else classes[order]
    # The k-th of a class's n stands at (k + 1/2) / n, so that a cut takes the same share of every class.
    place = np.empty(count)
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    dealt = order[np.argsort(place, kind="stable")]
    cuts = np.cumsum([0, *sizes])
    return SequenceSplit(*(np.sort(dealt[cuts[part] : cuts[part + 1]]) for part in range(3)))


def part_sizes(count: int, split: Any) -> list[int]:
    """How many sequences each part gets: at least one.

    Example:
        >>> part_sizes(5, (0.7, 0.1, 0.2)), part_sizes(100, (50, 10, 20))
        ([3, 1, 1], [50, 10, 20])
    """
    expected, cure = (
        "three fractions above 0 with a sum of at most 1, or three counts",
        "Try (0.7, 0.1, 0.2).",
    )
    try:
        numbers = [float(number) for number in split]
    except (TypeError, ValueError):
        raise ArgumentError(explain("split", expected, repr(split), cure)) from None
    whole = all(number >= 1 and number % 1 == 0 for number in numbers)
    shares = all(0 < number < 1 for number in numbers) and sum(numbers) <= 1 + 1e-9
    if len(numbers) != 3 or not (whole or shares):
        raise ArgumentError(explain("split", expected, repr(split), cure))
    if count < 3:
        cure = "Collect more: one part is to learn from, one to stop by, one to judge by."
        raise DataError(explain("X", "at least 3 sequences", count, cure))
    if whole:
        if sum(numbers) > count:
            got = f"{sum(numbers):g} in all"
            raise DataError(
                explain("split", f"counts of at most {count} sequences", got, "Lower the counts.")
            )
        return [int(number) for number in numbers]
    sizes = np.diff(np.rint(np.cumsum([0.0, *numbers]) * count)).astype(int)
    for part in np.flatnonzero(sizes == 0):
        sizes[sizes.argmax()] -= 1
        sizes[part] += 1
    return sizes.tolist()


def digests(data: SequenceSet, indices: Sequence[int] | np.ndarray, named: bool) -> np.ndarray:
    """64 bits of BLAKE2b of each sequence's values, with its name where `named`: uint64 (indices,)."""
    found = np.empty(len(indices), np.uint64)
    for place, index in enumerate(indices):
        values = data.values[data.offsets[index] : data.offsets[index + 1]]
        digest = hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8)
        digest.update(data.names[index].encode() if named else b"")
        found[place] = int.from_bytes(digest.digest(), "little")
    return found
