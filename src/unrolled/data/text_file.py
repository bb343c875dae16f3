"""Reading .csv and .tsv files, with errors that say where the file is wrong."""

import csv
from collections.abc import Collection
from pathlib import Path

import polars as pl

from unrolled.errors import DataError, explain

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "-nan"]
SEPARATORS = ",;\t|"
BLOCK = 1 << 20
FIRST_LOOK = 10_000  # rows that tell the types; looking at all of them takes five times as long


def read_text_file(path: Path, text: Collection[str] = ()) -> pl.DataFrame:
    """A table of a .csv or .tsv file; the columns in `text` stay as they are written.

    The separator is the one that the first line holds most of: comma, semicolon, tab or bar.

    Raises: DataError that names the line.
    """
    separator, header = _header(path)
    _check_header(path, header)
    _check_lines(path, separator, len(header))

    def read(rows: int | None) -> pl.DataFrame:
        return pl.read_csv(
            path,
            separator=separator,
            null_values=MISSING,
            infer_schema_length=rows,
            schema_overrides={name: pl.String for name in header if name.strip() in text},
            new_columns=[name.strip() for name in header],
        )

    try:
        table = read(FIRST_LOOK)
    except pl.exceptions.PolarsError:  # a later row does not fit the types of the first ones
        try:
            table = read(None)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(path, str(error).splitlines()[0]) from None
    table = table.head(max(0, table.height - _blank_end(path)))
    spaced = [_trimmed(column) for column in table if column.dtype == pl.String and column.name not in text]
    return table.with_columns(spaced)


def _trimmed(column: pl.Series) -> pl.Series:
    """Numbers written with spaces around them, as in `1, 2`, are numbers."""
    numbers = column.str.strip_chars().replace(MISSING, None).cast(pl.Float64, strict=False)
    missing = column.str.strip_chars().is_in(MISSING).fill_null(True)
    return numbers if (numbers.is_not_null() | missing).all() else column


def _header(path: Path) -> tuple[str, list[str]]:
    with path.open("rb") as file:
        lines = file.read(BLOCK).split(b"\n", 1)
    try:
        first = lines[0].decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError:
        raise _unreadable(path, "the first line is not UTF-8") from None
    if not first.strip():
        cure = "The first line names the columns."
        raise DataError(explain(str(path), "a table with column names", "an empty file or line", cure))
    separator = "\t" if path.suffix.lower() == ".tsv" else max(SEPARATORS, key=first.count)
    try:
        return separator, next(csv.reader([first], delimiter=separator))
    except csv.Error as error:
        raise _unreadable(path, str(error).split(" - ")[0]) from None


def _check_header(path: Path, header: list[str]) -> None:
    header = [name.strip() for name in header]
    repeated = [name for place, name in enumerate(header) if name in header[:place]]
    if repeated:
        raise DataError(
            explain(f"{path}: line 1", "different column names", f"{repeated[0]!r} twice", "Rename one.")
        )
    if all(_is_number(name) for name in header):
        got = "numbers: " + ", ".join(header[:5])
        cure = "Add a first line that names the columns."
        raise DataError(explain(f"{path}: line 1", "column names", got, cure))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_lines(path: Path, separator: str, width: int) -> None:
    """Refuse a line with too few or too many fields, which would else be filled with missing values.

    From the first quote on, fields are counted the slow way: they may hold separators and line ends.
    """
    mark, number, blank = separator.encode(), 0, 0
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK):
            for line in lines:
                number += 1
                if not line.strip():
                    blank = blank or number
                elif b'"' in line:
                    _check_quoted(path, separator, width)
                    return
                elif blank and width > 1:
                    raise _wrong_line(path, blank, "an empty line", width)
                elif line.count(mark) != width - 1:
                    raise _wrong_line(path, number, str(line.count(mark) + 1), width)


def _check_quoted(path: Path, separator: str, width: int) -> None:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows, blank = csv.reader(file, delimiter=separator), 0
        try:
            for row in rows:
                if not row:
                    blank = blank or rows.line_num
                elif blank and width > 1:
                    raise _wrong_line(path, blank, "an empty line", width)
                elif len(row) != width:
                    raise _wrong_line(path, rows.line_num, str(len(row)), width)
        except csv.Error as error:
            raise _unreadable(path, f"{error} in line {rows.line_num}") from None


def _wrong_line(path: Path, number: int, got: str, width: int) -> DataError:
    cure = "Correct the line; is the file cut off?"
    return DataError(explain(f"{path}: line {number}", f"{width} fields, as in line 1", got, cure))


def _blank_end(path: Path) -> int:
    """How many empty lines stand at the end: the reader makes rows of them."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - BLOCK))
        tail = file.read().replace(b"\r", b"")
    return max(0, len(tail) - len(tail.rstrip(b"\n")) - 1)


def _unreadable(path: Path, reason: str) -> DataError:
    """What is wrong with a file that could not be read: not UTF-8 in some line, or what the reader says."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                got = f"byte 0x{line[error.start]:02x} in line {number}"
                return DataError(explain(str(path), "text in UTF-8", got, "Save the file as UTF-8."))
    return DataError(explain(str(path), "a table of text", reason.rstrip("."), "Correct the file."))
