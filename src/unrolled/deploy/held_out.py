"""Rows of a user's table to try an export on: the last ones, which no model was trained on."""

from typing import Any

from unrolled.arguments import part
from unrolled.deploy.parity import Replay, replay
from unrolled.errors import DataError, explain
from unrolled.runtime import Program
from unrolled.runtime.rows import RowReader

ROWS = 256  # of each series or sequence, beyond the first window
GROUPS = 4  # series or sequences


def replays_of(program: Program, source: Any) -> list[Replay]:
    """The last rows of a table as replays: of one series, or of the last few series or sequences.

    `source` is a path or a frame with the columns the model was trained with. Where the model reads known
    columns, those of the last rows are the future of the rows before.
    Raises: DataError that names the column; MissingPartError without the part that reads tables.
    """
    part("polars", "train")
    from unrolled.data import read_frame

    columns = program.columns
    words = {column.name for column in columns.columns if column.is_text}
    grouped = columns.series_column
    frame = read_frame(source, text=words | ({grouped} if grouped else set()))
    reader = RowReader(program)
    names = list(reader.names)
    for name in names:
        if name not in frame.columns:
            cure = "Give a table with the columns of the training data."
            raise DataError(explain(f"column '{name}'", "in the rows to try", "none of this name", cure))
    table = {name: frame.column(name).to_list() for name in names}
    groups = _groups(frame.column(grouped).to_list() if grouped in frame.columns else None, frame.rows)
    named = columns.series if program.series_count > 1 else ()
    chosen = [(name, places) for name, places in groups.items() if not named or str(name) in named]
    found = [
        one
        for name, places in chosen[-GROUPS:]
        if (one := _last(program, reader, table, places, str(name) if named else None)) is not None
    ]
    if not found:
        least = program.history + (program.horizon if reader.needs_future else 0)
        got = f"{max((len(places) for _, places in chosen), default=0)} of one series"
        raise DataError(explain("rows to try", f"at least {least} rows", got, "Give more of them."))
    return found


def _groups(listed: list[Any] | None, count: int) -> dict[Any, list[int]]:
    """The places of each series' rows, in the order in which the series begin."""
    if listed is None:
        return {None: list(range(count))}
    groups: dict[Any, list[int]] = {}
    for place, name in enumerate(listed):
        groups.setdefault(name, []).append(place)
    return groups


def _last(
    program: Program, reader: RowReader, table: dict[str, list], places: list[int], series: str | None
) -> Replay | None:
    """The last rows of one series; None where they are too few for an answer."""
    ahead = program.horizon if reader.needs_future else 0
    if len(places) < program.history + ahead:
        return None
    kept = places[-(program.history + ROWS + ahead) :]
    rows = {name: [values[place] for place in kept[: len(kept) - ahead]] for name, values in table.items()}
    if not ahead:
        return replay(program, rows, None, series)
    names = [column.name for column in reader.future_columns] + ([reader.stamp] if reader.stamp else [])
    future = {name: [table[name][place] for place in kept[-ahead:]] for name in names}
    return replay(program, rows, future, series)
