"""Parallel texts: two files whose lines belong together, or two columns of a table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.data.labelled_text import TABLES, read_text_table
from unrolled.data.read import read_frame
from unrolled.data.text import plain_texts, read_lines
from unrolled.errors import ArgumentError, DataError, explain


@dataclass(frozen=True)
class ParallelSet:
    """Pairs of texts; `names` says where each pair stands ("train.de, line 7")."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source)


def read_parallel(source: Any, target: Any, encoding: str = "utf-8") -> ParallelSet:
    """Pairs from two files of equally many lines, or from two lists of texts.

    Raises: DataError naming both counts, and the first line that is empty on one side only. Pairs of two
    empty lines are left out.

    Example:
        >>> read_parallel(["ein Hund"], ["a dog"]).names
        ('source[0]',)
    """
    left, right = _texts(source, "source", encoding), _texts(target, "target", encoding)
    first, second = _name(source, "source"), _name(target, "target")
    if len(left) != len(right):
        shorter, longer = (first, second) if len(left) < len(right) else (second, first)
        got = f"{len(left):,} in {first} and {len(right):,} in {second}"
        missing = min(len(left), len(right)) + 1
        cure = f"Line {missing:,} of {longer} has no partner in {shorter}; look for the line that is lacking."
        raise DataError(explain("parallel texts", "equally many lines", got, cure))
    return _paired(left, right, first, second, isinstance(source, str | Path))


def read_pairs(table: Any, source: str, target: str, encoding: str = "utf-8") -> ParallelSet:
    """Pairs from two columns of a table. Raises: ArgumentError, DataError naming the row."""
    path = Path(table) if isinstance(table, str | Path) else None
    is_text = path is not None and path.suffix.lower() in TABLES[:2]
    frame = read_frame(read_text_table(path, encoding)[0] if is_text and path is not None else table)
    columns = []
    for argument, name in (("source", source), ("target", target)):
        columns.append([value or "" for value in frame.column(name, argument).to_list()])
    return _paired(columns[0], columns[1], f"{source}", f"{target}", True, "row")


def _paired(
    left: list[str], right: list[str], first: str, second: str, numbered: bool, word: str = "line"
) -> ParallelSet:
    kept, names = [], []
    for place, (one, other) in enumerate(zip(left, right, strict=True)):
        where = f", {word} {place + 1}" if numbered else f"[{place}]"
        if bool(one.strip()) != bool(other.strip()):
            empty, full = (first, second) if not one.strip() else (second, first)
            cure = "Fill it in, or drop the pair."
            raise DataError(explain(f"{empty}{where}", f"a text, as in {full}", "an empty one", cure))
        if one.strip():
            kept.append(place)
            names.append(f"{first}{where}")
    if not kept:
        raise DataError(explain(first, "at least one pair of texts", "none", "Is it the right source?"))
    return ParallelSet(
        tuple(left[place] for place in kept), tuple(right[place] for place in kept), tuple(names)
    )


def _texts(source: Any, name: str, encoding: str) -> list[str]:
    if isinstance(source, Path) or (isinstance(source, str) and "\n" not in source):
        return read_lines(source, encoding)
    if isinstance(source, str):
        raise ArgumentError(explain(name, "a path or a list of texts", "one text", "Pass a list of lines."))
    return plain_texts(source, name)


def _name(source: Any, name: str) -> str:
    return str(source) if isinstance(source, str | Path) else name
