"""Rows of a user's table to try an export on: the last ones, which no model was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.arguments import part
from unrolled.deploy.parity import Replay, replay, training_spread
from unrolled.errors import DataError, explain
from unrolled.runtime import Program
from unrolled.runtime.rows import RowReader

ROWS = 256  # of each series or sequence, beyond the first window
GROUPS = 4  # series or sequences


@dataclass(frozen=True)
class HeldOut:
    """The last rows of one series or sequence, by column; those of the future included."""

    series: str | None
    columns: Mapping[str, list[Any]]


def held_out(program: Program, source: Any) -> list[HeldOut]:
    """The last rows of a table: of one series, or of the last few series or sequences.

    `source` is a path or a frame with the columns the model was trained with.
    Raises: DataError that names the column; MissingPartError without the part that reads tables.
    """
    part("polars", "train")
    from unrolled.data import read_frame

    columns = program.columns
    words = {column.name for column in columns.columns if column.is_text}
    grouped = columns.series_column
    frame = read_frame(source, text=words | ({grouped} if grouped else set()))
    table = _columns_of(program, frame)
    groups = _groups(frame.column(grouped).to_list() if grouped in frame.columns else None, frame.rows)
    named = columns.series if program.series_count > 1 else ()
    least = program.history + _ahead(program)
    chosen = [(name, places) for name, places in groups.items() if not named or str(name) in named]
    enough = [(name, places[-(least + ROWS) :]) for name, places in chosen if len(places) >= least]
    if not enough:
        got = f"{max((len(places) for _, places in chosen), default=0)} of one series"
        raise DataError(explain("rows to try", f"at least {least} rows", got, "Give more of them."))
    return [
        HeldOut(
            str(name) if named else None,
            {title: [values[place] for place in places] for title, values in table.items()},
        )
        for name, places in enough[-GROUPS:]
    ]


def _columns_of(program: Program, frame: Any) -> dict[str, list[Any]]:
    """The columns that a program reads. Raises: DataError naming one that is not there."""
    names = RowReader(program).names
    for name in names:
        if name not in frame.columns:
            cure = "Give a table with the columns of the training data."
            raise DataError(explain(f"column '{name}'", "in the rows to try", "none of this name", cure))
    return {name: frame.column(name).to_list() for name in names}


def replays_of(program: Program, source: Any) -> list[Replay]:
    """The last rows of a table as replays. Where the model reads known columns, the very last are the future.

    Raises: as `held_out`.
    """
    return [replay_held_out(program, one) for one in held_out(program, source)]


def replay_held_out(program: Program, one: HeldOut) -> Replay:
    """Held-out rows through a program's own stream."""
    ahead = _ahead(program)
    if not ahead:
        return replay(program, one.columns, None, one.series)
    reader = RowReader(program)
    names = [column.name for column in reader.future_columns] + ([reader.stamp] if reader.stamp else [])
    rows = {name: values[:-ahead] for name, values in one.columns.items()}
    return replay(program, rows, {name: one.columns[name][-ahead:] for name in names}, one.series)


def forecast_loss(program: Program, replays: Sequence[Replay]) -> float | None:
    """The mean pinball loss of the forecasts within the rows, in the target's deviations in training.

    Returns: None for a program that does not forecast, or where no forecast lies within the rows.
    """
    if program.output != "quantiles":
        return None
    titles = [column.name for column in RowReader(program).columns]
    places = [titles.index(column.name) for column in program.columns.of("target")]
    levels, losses = np.array(program.levels), []
    for one in replays:
        truth = one.rows[:, places]
        for row in range(len(truth) - program.horizon):
            after = truth[row + 1 : row + 1 + program.horizon, :, None]  # (horizon, targets, 1)
            error = (after - one.answers[row]) / training_spread(one)
            losses.append(np.maximum(levels * error, (levels - 1) * error).ravel())
    valid = np.concatenate(losses) if losses else np.empty(0)
    valid = valid[~np.isnan(valid)]
    return float(valid.mean()) if len(valid) else None


def _ahead(program: Program) -> int:
    """How many of the last rows are only the future of the others."""
    return program.horizon if RowReader(program).needs_future else 0


def _groups(listed: list[Any] | None, count: int) -> dict[Any, list[int]]:
    """The places of each series' rows, in the order in which the series begin."""
    if listed is None:
        return {None: list(range(count))}
    groups: dict[Any, list[int]] = {}
    for place, name in enumerate(listed):
        groups.setdefault(name, []).append(place)
    return groups
