"""One door for every kind of table: a file, a pandas, polars or Arrow frame, arrays."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from unrolled.data.text_file import read_text_file
from unrolled.errors import ArgumentError, DataError, ShapeError, explain, nearest

SOURCES = "a .csv, .tsv or .parquet file, a pandas, polars or Arrow frame, a dict of columns, or an array"


@dataclass(frozen=True)
class Frame:
    """A table that hands out one column at a time, so that no copy of the whole is made.

    `native` is the frame as it was given, None for files, dicts and arrays.
    """

    columns: tuple[str, ...]
    rows: int
    native: Any
    _get: Callable[[str], pl.Series]

    def column(self, name: str, argument: str = "column") -> pl.Series:
        """A column as a polars Series.

        Raises: ArgumentError that names the nearest column if there is none of this name.
        """
        if name not in self.columns:
            listed = ", ".join(self.columns[:12]) + (", ..." if len(self.columns) > 12 else "")
            cure = nearest(name, self.columns) or f"The columns are: {listed}."
            raise ArgumentError(explain(argument, "a column of the data", repr(name), cure))
        return self._get(name)

    def same_kind(self, columns: dict[str, Any]) -> Any:
        """A frame of the kind that was given, made of these columns; polars for files and arrays."""
        if self.native is None:
            return pl.DataFrame(columns)
        backend = nw.from_native(self.native, eager_only=True).implementation
        return nw.from_dict(columns, backend=backend).to_native()


def read_frame(source: Any, columns: Iterable[str] | None = None, text: Collection[str] = ()) -> Frame:
    """Open a table. In a file, NA, NaN, null, None and an empty field are missing values.

    `columns` names the columns of an array (x0, x1, ... without it). `text` names columns of a file to be
    read as they are written, even if they look like numbers.

    Raises: ArgumentError if the source is of no known kind, DataError if it cannot be read.

    Example:
        >>> frame = read_frame(np.array([[1.0, 2.0], [3.0, 4.0]]))
        >>> frame.columns, frame.rows, frame.column("x1").to_list()
        (('x0', 'x1'), 2, [2.0, 4.0])
    """
    if isinstance(source, Frame):
        return source
    if isinstance(source, str | Path):
        frame = _of_polars(_read_path(Path(source), text), None)
    elif isinstance(source, dict):
        frame = _of_dict(source)
    elif isinstance(source, np.ndarray):
        frame = _of_array(source, columns)
    else:
        frame = _of_native(source)
    if frame.rows == 0:
        name = str(source) if isinstance(source, str | Path) else "data"
        raise DataError(explain(name, "at least one row of data", "none", "Is it the right source?"))
    return frame


def _read_path(path: Path, text: Collection[str]) -> pl.DataFrame:
    suffix = path.suffix.lower()
    if path.is_dir():
        raise ArgumentError(explain(str(path), "a file", "a folder", "Name one file in it."))
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        cure = nearest(path.name, siblings) or "Check the path."
        raise ArgumentError(explain(str(path), "a file", "no such file", cure))
    if suffix in (".csv", ".tsv"):
        return read_text_file(path, text)
    if suffix not in (".parquet", ".pq"):
        got = f"'{suffix}'" if suffix else "no ending"
        cure = "Save it as one of these."
        raise ArgumentError(explain(str(path), "a file ending in .csv, .tsv or .parquet", got, cure))
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        got = str(error).splitlines()[0]
        raise DataError(explain(str(path), "a Parquet file", got, "Is it whole? Write it anew.")) from None


def _of_polars(table: pl.DataFrame, native: Any) -> Frame:
    return Frame(tuple(table.columns), table.height, native, table.get_column)


def _of_dict(source: dict) -> Frame:
    arrays = {str(name): values for name, values in source.items()}
    for name, values in arrays.items():
        if np.ndim(values) != 1:
            raise ShapeError(
                explain(f"column {name!r}", "(rows,)", np.shape(values), "Pass one array a column.")
            )
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        got = f"{lengths[short]} in {short!r} and {lengths[long]} in {long!r}"
        raise ShapeError(explain("data", "columns of equal length", got, "Make them equally long."))
    rows = next(iter(lengths.values()), 0)
    return Frame(tuple(arrays), rows, None, lambda name: _series(name, arrays[name]))


def _of_array(source: np.ndarray, columns: Iterable[str] | None) -> Frame:
    if source.dtype.names:
        return _of_dict({name: source[name] for name in source.dtype.names})
    if source.ndim not in (1, 2):
        cure = "Several series? Put them below one another, with a column that names the series."
        raise ShapeError(explain("data", "an array (rows, columns)", source.shape, cure))
    table = source[:, None] if source.ndim == 1 else source
    names = tuple(columns) if columns is not None else tuple(f"x{i}" for i in range(table.shape[1]))
    if len(names) != table.shape[1]:
        raise ShapeError(explain("columns", f"{table.shape[1]} names", len(names), "Name every column."))
    places = {name: place for place, name in enumerate(names)}
    return Frame(names, len(table), None, lambda name: _series(name, table[:, places[name]]))


def _of_native(source: Any) -> Frame:
    if isinstance(source, pl.LazyFrame):
        raise ArgumentError(explain("data", SOURCES, "a LazyFrame", "Call .collect() on it first."))
    try:
        table = nw.from_native(source, eager_only=True, allow_series=True)
    except TypeError:
        cure = "Convert it to one of these."
        raise ArgumentError(explain("data", SOURCES, type(source).__name__, cure)) from None
    if isinstance(table, nw.Series):
        return _of_dict({table.name or "x0": table.to_native()})
    if isinstance(source, pl.DataFrame):
        return _of_polars(source, source)
    names = tuple(str(name) for name in table.columns)
    if len(set(names)) != len(names):
        raise DataError(
            explain("data", "different column names", ", ".join(names[:12]), "Rename the columns.")
        )
    index = _pandas_index(source, names)
    places = dict(zip(names, table.columns, strict=True))

    def get(name: str) -> pl.Series:
        return _series(name, index[name] if name in index else table.get_column(places[name]).to_native())

    return Frame((*index, *names), len(table), source, get)


def _pandas_index(source: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """A pandas index holds data where it has a name or holds times; it is then a column like any other."""
    if not hasattr(source, "index") or not hasattr(source.index, "names"):
        return {}
    levels = [source.index.get_level_values(i) for i in range(source.index.nlevels)]
    named = {
        str(level.name if level.name is not None else "index"): level
        for level in levels
        if level.name is not None or str(level.dtype).startswith(("datetime64", "period"))
    }
    return {name: level for name, level in named.items() if name not in names}


def _series(name: str, values: Any) -> pl.Series:
    """Any one-dimensional column as a polars Series; missing values in text are null."""
    if hasattr(values, "dtype") and str(values.dtype).startswith("period"):
        values = values.dt.to_timestamp() if hasattr(values, "dt") else values.to_timestamp()
    if str(getattr(values, "dtype", "")) == "object" or isinstance(values, list | tuple):
        return _of_objects(name, list(values))
    if isinstance(values, np.ndarray):
        return pl.Series(name, values.astype("datetime64[us]") if values.dtype.kind == "M" else values)
    try:
        return pl.Series(name, values)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return _of_objects(name, list(values))


def _of_objects(name: str, values: list) -> pl.Series:
    values = [None if _missing(value) else value for value in values]
    if any(isinstance(value, str) for value in values):
        return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)
    try:
        return pl.Series(name, values, strict=False)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        kind = next(type(value).__name__ for value in values if value is not None)
        cure = "Convert the column."
        raise DataError(explain(f"column {name!r}", "numbers, text or times", kind, cure)) from None


def _missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and value != value
