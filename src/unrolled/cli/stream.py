"""`unrolled stream model.unrolled < rows`: one row in, one answer out, the state kept; without PyTorch."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TextIO

from unrolled.cli import options
from unrolled.errors import DataError, UnrolledError, explain

EXAMPLE = "tail -f rows.csv | unrolled stream m.unrolled --state m.state"

State = Annotated[
    str | None,
    options.option("Go on from this file, and keep the state in it after each row.", metavar="FILE"),
]
Series = Annotated[str | None, options.option("Whose rows these are, where each series has its scale.")]


def stream(model: options.ModelPath, state: State = None, series: Series = None) -> None:
    """Answer each row of standard input on a line of its own, at once, as JSON.

    Rows are JSON lines (`{"load": 3.2, "time": "2024-05-01T12:00"}`), or CSV with a line of names first. A
    JSON row may hold "future": the known columns of the rows to come. While the first window is not full, the
    answer is null.
    """
    from unrolled.runtime import Stream

    opened = Stream(model, series)
    if state is not None and Path(state).exists():
        opened.restore(Path(state).read_bytes())
    for number, row in _rows(sys.stdin):
        future = row.pop("future", None) if isinstance(row.get("future"), Mapping) else None
        try:
            answer = opened.step(_converted(opened.program, row), future)
        except UnrolledError as error:
            raise type(error)(f"line {number}: {error}") from None
        if state is not None:
            _keep(state, opened.state)
        print(json.dumps(None if answer is None else _told(opened.program, answer)), flush=True)


def _rows(source: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with the numbers of their lines; the first line says whether they are JSON or CSV."""
    names: list[str] | None = None
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        if line.lstrip().startswith("{"):
            yield number, _from_json(number, line)
        elif names is None:
            names = next(csv.reader([line]))
        else:
            yield number, _from_csv(number, line, names)


def _from_json(number: int, line: str) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError as error:
        cure = 'Write one object a line, like {"load": 3.2}.'
        raise DataError(explain(f"line {number}", "JSON", str(error), cure)) from None


def _from_csv(number: int, line: str, names: list[str]) -> dict[str, Any]:
    values = next(csv.reader([line]))
    if len(values) != len(names):
        cure = f"Write {', '.join(names)}."
        raise DataError(explain(f"line {number}", f"{len(names)} values", len(values), cure))
    return dict(zip(names, values, strict=True))


def _converted(program: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """The text of a CSV as numbers, in the columns that hold numbers; an empty one is missing."""
    numeric = {column.name for column in program.columns.columns if not column.is_text}
    return {name: _number(value) if name in numeric else (value or None) for name, value in row.items()}


def _number(value: Any) -> Any:
    """A number where the text is one; other text stays, for the row's reader to refuse by its column."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if value.strip() else None
    except ValueError:
        return value


def _keep(path: str, state: bytes) -> None:
    """Whole or not at all: after a cut of power the file holds the state of one row or of the next."""
    from unrolled.format import write_atomically

    write_atomically(path, [state])


def _told(program: Any, answer: Any) -> Any:
    """Scores as a list; quantiles by target and level, each with a number for each row ahead."""
    if program.output == "scores":
        return _plain(answer)
    targets = [column.name for column in program.columns.of("target")]
    return {
        name: {f"{level:g}": _plain(answer[:, place, q]) for q, level in enumerate(program.levels)}
        for place, name in enumerate(targets)
    }


def _plain(values: Any) -> list:
    """Float32 numbers with no more digits than they have; what is no number as null, which JSON has not."""
    return [float(str(value)) if value - value == 0 else None for value in values]
