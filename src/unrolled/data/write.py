"""A table on its way out: to a CSV or Parquet file, to text, to records for JSON."""

import io
import math
from pathlib import Path
from typing import Any

import polars as pl

from unrolled.data.read import read_frame
from unrolled.errors import ArgumentError, explain, nearest
from unrolled.format import check_output, write_atomically

ENDINGS = (".csv", ".parquet")


def check_table_path(path: str | Path) -> Path:
    """The path, if a table can be written there: to be asked before long work.

    Raises: ArgumentError for an ending that is neither .csv nor .parquet; OutputError.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        cure = nearest(ending, ENDINGS) or "Name it so."
        got = repr(ending) if ending else "no ending"
        raise ArgumentError(explain(str(path), "a file ending in .csv or .parquet", got, cure))
    return check_output(path)


def write_frame(frame: Any, path: str | Path) -> None:
    """Write a frame of any kind to a .csv or .parquet file: a whole file or none.

    Raises: ArgumentError, OutputError; an old file is unharmed then.
    """
    check_table_path(path)
    table = to_polars(frame)
    if Path(path).suffix.lower() == ".csv":
        write_atomically(path, [to_csv(table).encode()])
        return
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    write_atomically(path, [buffer.getbuffer()])


def to_csv(frame: Any) -> str:
    r"""A frame as CSV. Stamps are written without the parts that are 0 in all of them.

    Example:
        >>> to_csv(pl.select(day=pl.datetime(2024, 5, 1), y=0.5))
        'day,y\n2024-05-01,0.5\n'
    """
    return to_polars(frame).with_columns(pl.col(pl.Datetime).map_batches(stamps_as_text)).write_csv()


def to_records(frame: Any) -> list[dict[str, Any]]:
    """A frame as a list of rows that JSON can hold; what is no finite number is None.

    Example:
        >>> to_records({"y": [0.5, float("nan")]})
        [{'y': 0.5}, {'y': None}]
    """
    table = to_polars(frame).with_columns(
        pl.col(pl.Datetime).map_batches(stamps_as_text),
        pl.col(pl.Date).dt.to_string("%Y-%m-%d"),
    )
    return [{name: _finite(value) for name, value in row.items()} for row in table.to_dicts()]


def to_polars(frame: Any) -> pl.DataFrame:
    """A frame of any kind as a polars one; it is not copied if it is one already."""
    if isinstance(frame, pl.DataFrame):
        return frame
    opened = read_frame(frame)
    return pl.DataFrame({name: opened.column(name) for name in opened.columns})


def stamps_as_text(stamps: pl.Series) -> pl.Series:
    """Stamps as a person writes them: the date alone where the clock is 0 in all of them."""
    if (stamps.dt.truncate("1d") == stamps).all():
        return stamps.dt.to_string("%Y-%m-%d")
    whole = (stamps.dt.truncate("1s") == stamps).all()
    return stamps.dt.to_string("%Y-%m-%d %H:%M:%S" if whole else "%Y-%m-%d %H:%M:%S%.6f")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
