"""Rows of a table as replays: the last ones, series by series, words as words, what follows as the future."""

import numpy as np
import polars as pl
import pytest
from drawn_programs import lowered, sequence, words

from unrolled.deploy import draw_rows, forecast_loss, held_out, replay_held_out, replays_of
from unrolled.errors import DataError
from unrolled.runtime import Columns


def table_of(program, count: int) -> pl.DataFrame:
    """Drawn rows as a user's table: words written out, stamps as times."""
    rows, _ = draw_rows(program, count)
    found: dict = {}
    for column, values in zip((*program.columns.ordered, None), rows.T, strict=True):
        if column is None:
            found["date"] = values.astype(np.int64).astype("datetime64[us]")
        elif column.is_text:
            found[column.name] = [None if v == 0 else column.words[int(v) - 1] for v in values]
        else:
            found[column.name] = values
    return pl.DataFrame(found, nan_to_null=True)


def test_the_last_rows_of_each_known_series():
    program = lowered("direct", cell="gru")
    columns = program.columns
    program = program.with_columns(
        Columns(columns.columns, columns.stamp, columns.interval, columns.series, series_column="id")
    )
    table = table_of(program, 40)
    both = pl.concat([table.with_columns(pl.lit(name).alias("id")) for name in ("north", "elsewhere", "2nd")])
    found = replays_of(program, both)
    assert [one.series for one in found] == [0, 2]
    assert all(len(one.rows) == 35 and one.future.shape == (5, 6) for one in found)
    assert set(held_out(program, both)[0].columns["known word 2"]) <= {None, *words(5)}
    np.testing.assert_array_equal(found[0].rows, found[1].rows)
    assert not np.array_equal(found[0].answers, found[1].answers)


def test_the_loss_of_forecasts_is_the_pinball_loss():
    program = lowered("recursive", {"targets": 1, "history": 12, "horizon": 5}, cell="gru")
    table = table_of_numbers(program, 30)
    one = replay_held_out(program, held_out(program, table)[0])
    total, count = 0.0, 0
    for row in range(25):
        for step in range(5):
            for level, quantile in zip((0.1, 0.5, 0.9), one.answers[row, step, 0], strict=True):
                error = one.rows[row + 1 + step, 0] - quantile
                total += max(level * error, (level - 1) * error)
                count += 1
    scale = float(program.weights["inputs.target_scale"].reshape(-1)[0])
    assert forecast_loss(program, [one]) == pytest.approx(total / count / scale, rel=1e-6)


def table_of_numbers(program, count: int) -> pl.DataFrame:
    rows, _ = draw_rows(program, count)
    return pl.DataFrame({c.name: v for c, v in zip(program.columns.ordered, rows.T, strict=True)})


def test_a_table_that_does_not_fit_is_told():
    program = sequence({"features": 2, "classes": 3}, hidden=4)
    with pytest.raises(
        DataError, match=r"column 'sensor 1': expected in the rows to try, got none of this name"
    ):
        replays_of(program, pl.DataFrame({"sensor 0": [1.0]}))
    windowed = lowered("segment", {"targets": 1, "history": 12, "horizon": 5}, cell="gru", segment=4)
    with pytest.raises(DataError, match=r"rows to try: expected at least 12 rows, got 3 of one series"):
        replays_of(windowed, pl.DataFrame({"target 1 (°C)": [1.0, 2.0, 3.0]}))
