"""One column of a frame as numbers or as categories."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from unrolled.data.text_file import MISSING
from unrolled.errors import DataError, explain
from unrolled.preprocess import Vocabulary

MOSTLY = 0.5  # a text column with this share of numbers is a number column with text in it


@dataclass(frozen=True)
class Codes:
    """A text column: codes int32 (rows,) into `words`, which are sorted; -1 is a missing word.

    Example:
        >>> Codes(np.array([1, -1, 0], np.int32), ("rain", "sun")).encode(Vocabulary(["sun"])).tolist()
        [1, 0, 0]
    """

    codes: np.ndarray
    words: tuple[str, ...]

    def encode(self, vocabulary: Vocabulary) -> np.ndarray:
        """The vocabulary's number of every row, int64 (rows,); 0 for unknown and missing words."""
        table = np.append(vocabulary.encode(self.words), 0)  # the code -1 picks the last, 0
        return table[self.codes]


def wrong_value(name: str, row: int, expected: str, value: Any, cure: str) -> DataError:
    """The error of one value; `row` counts from 0, the message from 1 (the header is not a row)."""
    return DataError(explain(f"{name}, row {row + 1}", expected, repr(value), cure))


def is_text(column: pl.Series) -> bool:
    """Whether a column holds text. A column without a single value does not."""
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        return column.null_count() < len(column)
    return column.dtype == pl.String and column.null_count() < len(column)


def parsed_numbers(column: pl.Series) -> tuple[pl.Series, np.ndarray]:
    """A text column read as numbers, and the rows (from 0) that hold text which is not a number."""
    words = column.cast(pl.String).str.strip_chars()
    words = words.set(words.is_in(MISSING).fill_null(False), None)
    numbers = words.cast(pl.Float64, strict=False)
    return numbers, np.flatnonzero((numbers.is_null() & words.is_not_null()).to_numpy())


def mostly_numbers(column: pl.Series) -> int | None:
    """The first row (from 0) with text in a column that is otherwise mostly numbers, or None."""
    numbers, text = parsed_numbers(column)
    filled = len(numbers) - numbers.null_count()
    return int(text[0]) if len(text) and filled >= MOSTLY * (filled + len(text)) else None


def read_numbers(column: pl.Series) -> np.ndarray:
    """A column as float32 (rows,); a missing value is NaN.

    Raises: DataError that names the first row with text or infinity.
    """
    name = column.name
    if is_text(column):
        numbers, text = parsed_numbers(column)
        if len(text):
            row = int(text[0])
            cure = "Correct the value; leave it empty where it is missing."
            raise wrong_value(name, row, "a number", column[row], cure)
    elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null, pl.String):
        numbers = column
    else:
        cure = "Is it a time? Name it in `time`, or leave it out."
        raise DataError(explain(name, "a column of numbers or text", f"one of type {column.dtype}", cure))
    values = numbers.cast(pl.Float32, strict=False).to_numpy()
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        cure = "Correct the value; leave it empty where it is missing."
        raise wrong_value(name, row, "a finite number that fits float32", column[row], cure)
    return values


def read_words(column: pl.Series) -> pl.Series:
    """A column as text, whatever its type: 7 and 7.0 are '7', True is 'true'."""
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
        cure = "Convert the column."
        raise DataError(explain(column.name, "a column of words or numbers", f"type {column.dtype}", cure))
    if column.dtype.is_float() and (column.drop_nulls().drop_nans() % 1 == 0).all():
        column = column.fill_nan(None).cast(pl.Int64)
    return column.cast(pl.String)


def read_codes(column: pl.Series) -> Codes:
    """A column as categories."""
    words = read_words(column)
    ranks = words.rank("dense").fill_null(0).to_numpy()  # 1 for the first word in sorted order
    known = words.drop_nulls().unique().sort().to_list()
    return Codes(ranks.astype(np.int32) - np.int32(1), tuple(known))
