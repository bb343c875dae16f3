"""Texts and their labels: a column of a table, a file for each class, or plain lines."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.read import Frame, read_frame
from unrolled.data.text import plain_texts, read_lines, read_text, text_files
from unrolled.data.text_file import SEPARATORS
from unrolled.errors import ArgumentError, DataError, explain

TABLES = (".csv", ".tsv", ".parquet", ".pq")


@dataclass(frozen=True)
class TextSet:
    """Texts, where each stands in its source ("data.csv, line 7"), and their labels, or None.

    Shapes: labels (texts,), text or whole numbers. `frame` is the table that the texts came from, or None.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]
    labels: np.ndarray | None = None
    frame: Frame | None = None

    def __len__(self) -> int:
        return len(self.texts)


def read_texts(
    source: Any, y: Any = None, *, text: str | None = None, label: str | None = None, encoding: str = "utf-8"
) -> TextSet:
    """Texts from a list, a table, a file for each class, or a file with a text a line.

    A list: `y` has the labels, if any. A table (a frame, a dict, .csv, .tsv, .parquet): `text` and `label`
    name its columns; a column may lack a label where `label` is None. Files of classes: a mapping of class to
    path, a folder, or a pattern such as "polarity.*", each file a text a line; its class is the file's name
    without what the names share. Any other file: a text a line, no labels.

    Raises: ArgumentError, DataError naming the line or row that is wrong.

    Example:
        >>> read_texts(["good", "bad"], ["pos", "neg"]).labels.tolist()
        ['pos', 'neg']
    """
    if isinstance(source, Mapping) and source and all(_is_path(value) for value in source.values()):
        return _of_classes({str(name): Path(path) for name, path in source.items()}, encoding)
    if isinstance(source, str | Path):
        return _of_path(source, text, label, encoding)
    if _is_table(source):
        return _of_frame(read_frame(source), text, label, "row")
    texts = plain_texts(source, "texts")
    labels = None if y is None else list(y.to_list() if hasattr(y, "to_list") else y)
    if labels is not None and len(labels) != len(texts):
        cure = "Give one label a text."
        raise ArgumentError(explain("y", f"{len(texts)} labels", len(labels), cure))
    names = tuple(f"texts[{place}]" for place in range(len(texts)))
    return TextSet(_some(texts, "texts"), names, None if labels is None else label_array(labels, names))


def read_text_table(path: Path, encoding: str = "utf-8") -> tuple[dict[str, list[str]], list[int]]:
    """The columns of a .csv or .tsv file, every field as it is written, and the line at which each row ends.

    Raises: DataError naming the line.
    """
    text = read_text(path, encoding)
    first = text.split("\n", 1)[0]
    if not first.strip():
        cure = "The first line names the columns."
        raise DataError(explain(str(path), "a table with column names", "an empty file or line", cure))
    separator = "\t" if path.suffix.lower() == ".tsv" else max(SEPARATORS, key=first.count)
    limit = csv.field_size_limit(max(len(text), 1))
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        header = [name.strip() for name in next(rows)]
        columns: list[list[str]] = [[] for _ in header]
        lines = []
        for row in rows:
            if row:
                _check_width(path, rows.line_num, row, len(header))
                lines.append(rows.line_num)
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
    except csv.Error as error:
        raise DataError(explain(str(path), "a table of text", str(error), "Correct the file.")) from None
    finally:
        csv.field_size_limit(limit)
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise DataError(
            explain(f"{path}: line 1", "different column names", f"{twice!r} twice", "Rename one.")
        )
    return dict(zip(header, columns, strict=True)), lines


def label_array(labels: list[Any], names: tuple[str, ...]) -> np.ndarray:
    """Labels as an array of text (dtype object), or of int64. Raises: DataError naming a missing one."""
    for place, label in enumerate(labels):
        absent = label is None or label == "" or (isinstance(label, float) and label != label)
        if absent:
            raise DataError(explain(names[place], "a label", "none", "Fill it in, or drop the text."))
    if all(isinstance(label, int | np.integer) for label in labels):
        return np.array([int(label) for label in labels], np.int64)
    return np.array([str(label) for label in labels], object)


def _of_path(source: str | Path, text: str | None, label: str | None, encoding: str) -> TextSet:
    files = text_files(source)
    if len(files) > 1 or Path(source).is_dir():
        return _of_classes(_by_class(files), encoding)
    (path,) = files
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        return _of_frame(read_frame(path), text, label, "row")
    if suffix in TABLES:
        columns, lines = read_text_table(path, encoding)
        return _of_frame(read_frame(columns), text, label, str(path), lines)
    if label is not None:
        cure = "Labels come with a table, or with a file for each class."
        raise ArgumentError(explain(str(path), "a .csv, .tsv or .parquet file", repr(suffix), cure))
    found = read_lines(path, encoding)
    names = tuple(f"{path}, line {number}" for number in range(1, len(found) + 1))
    return TextSet(_some(found, str(path)), names)


def _of_frame(
    frame: Frame, text: str | None, label: str | None, where: str, lines: list[int] | None = None
) -> TextSet:
    if text is None:
        cure = f"Name one of: {', '.join(frame.columns[:12])}."
        raise ArgumentError(explain("text", "the text's column", None, cure))
    texts = frame.column(text, "text").to_list()
    numbers = lines if lines is not None else range(1, len(texts) + 1)
    names = tuple(f"{where}, line {n}" if lines is not None else f"{where} {n}" for n in numbers)
    for place, value in enumerate(texts):
        if not isinstance(value, str) or not value.strip():
            got = "an empty one" if value is None or isinstance(value, str) else repr(value)
            raise DataError(explain(f"{text}, {names[place]}", "a text", got, "Fill it in, or drop the row."))
    labels = None
    if label is not None:
        column = frame.column(label, "target").to_list()
        labels = label_array(column, tuple(f"{label}, {name}" for name in names))
    return TextSet(_some(texts, where), names, labels, frame)


def _of_classes(paths: Mapping[str, Path], encoding: str) -> TextSet:
    texts: list[str] = []
    names: list[str] = []
    labels: list[str] = []
    for name, path in paths.items():
        lines = read_lines(path, encoding)
        texts += lines
        names += [f"{path}, line {number}" for number in range(1, len(lines) + 1)]
        labels += [name] * len(lines)
    return TextSet(_some(texts, ", ".join(map(str, paths.values()))), tuple(names), np.array(labels, object))


def _by_class(files: list[Path]) -> dict[str, Path]:
    """The class of each file: its name without its ending, or its ending where only that differs."""
    by_stem = {path.stem: path for path in files}
    by_ending = {path.suffix.lstrip("."): path for path in files}
    classes = by_stem if len(by_stem) == len(files) else by_ending
    if len(classes) < len(files):
        twice = next(path.name for path in files if path not in classes.values())
        cure = "Name the files of the classes in a mapping of class to path."
        raise ArgumentError(explain("data", "a file for each class", f"{twice!r} beside its like", cure))
    return classes


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path)


def _is_table(source: Any) -> bool:
    return isinstance(source, Frame | dict) or hasattr(source, "columns")


def _some(texts: list[str], where: str) -> tuple[str, ...]:
    if not texts:
        raise DataError(explain(where, "at least one text", "none", "Is it the right source?"))
    return tuple(texts)


def _check_width(path: Path, line: int, row: list[str], width: int) -> None:
    if len(row) != width:
        cure = "Correct the line; does a text with separators lack its quotes?"
        raise DataError(explain(f"{path}: line {line}", f"{width} fields, as in line 1", len(row), cure))
