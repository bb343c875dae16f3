"""Stamps from a column of times, text or numbers, or from several columns."""

import numpy as np
import polars as pl

from unrolled.data.columns import is_text, wrong_value
from unrolled.data.read import Frame
from unrolled.errors import ArgumentError, DataError, explain

_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_CLOCKS = ("", " %H:%M:%S%.f", " %H:%M", "T%H:%M:%S%.f", "T%H:%M", " %I:%M:%S %p", " %I:%M %p")
_ZONED = tuple(f"%Y-%m-%d{mark}{clock}%#z" for mark in "T " for clock in ("%H:%M:%S%.f", "%H:%M"))
FORMATS = tuple(date + clock for date in _DATES for clock in _CLOCKS) + _ZONED

# Whole numbers that are seconds, milli-, micro- or nanoseconds since 1970: all between 2001 and 2096.
_EPOCHS = {10**9 * scale: 10**6 / scale for scale in (1, 10**3, 10**6, 10**9)}
_UNITS = ("year", "month", "day", "hour", "minute", "second")
_SHORT = {"yr": "year", "mon": "month", "hr": "hour", "min": "minute", "sec": "second"}
_LIMITS = {"year": (1000, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}

CURE = "Write stamps like 2024-05-31 14:00:00."


def read_stamps(frame: Frame, names: tuple[str, ...]) -> np.ndarray:
    """The stamp of every row in file order: datetime64[us], or float64 where the column only counts steps.

    Understands times and dates, ISO 8601 and common written forms, seconds (milli-, micro-, nano-) since
    1970, 20240531, a column called year, and plain counters. Several columns are year, month, day, hour,
    minute, second, by name or else in this order; or a date and a time in text. A zone is turned into UTC.

    Raises: DataError that names column, row and value.
    """
    columns = [frame.column(name, "time") for name in names]
    for column in columns:
        if column.null_count():
            row = int(column.is_null().to_numpy().argmax())
            raise wrong_value(column.name, row, "a stamp", None, "Fill it in, or drop the row.")
    if len(columns) == 1:
        return _from_column(columns[0])
    if any(is_text(column) for column in columns):
        joined = pl.select(pl.concat_str([column.cast(pl.String) for column in columns], separator=" "))
        return _from_text(joined.to_series().alias(" ".join(names)))
    return _from_parts(columns)


def _from_column(column: pl.Series) -> np.ndarray:
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us")).to_numpy()
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us")).to_numpy()
    if is_text(column):
        return _from_text(column.cast(pl.String))
    if dtype.is_numeric():
        return _from_numbers(column)
    raise DataError(explain(column.name, "stamps", f"a column of type {dtype}", CURE))


def _parse(words: pl.Series, form: str) -> pl.Series:
    parsed = words.str.to_datetime(form, strict=False, time_unit="us")
    if isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone is not None:
        parsed = parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return parsed.set(parsed.dt.year().fill_null(0) < 1000, None)  # '24' is read as the year 24


def _from_text(column: pl.Series) -> np.ndarray:
    words = column.str.strip_chars()
    if words.str.contains(r"^\d{4}-\d{2}$").all():
        words = words + "-01"
    numbers = words.cast(pl.Int64, strict=False)
    if numbers.null_count() == 0:
        return _from_numbers(numbers.alias(column.name))
    forms = [form for form in FORMATS if _parse(words.head(1), form).null_count() == 0]
    if not forms:
        raise wrong_value(column.name, 0, "a stamp", column[0], CURE)
    readings = [_parse(words, form) for form in forms]
    whole = [reading for reading in readings if reading.null_count() == 0]
    if not whole:
        best = min(readings, key=lambda reading: reading.null_count())
        row = int(best.is_null().to_numpy().argmax())
        raise wrong_value(column.name, row, f"a stamp like {column[0]!r}", column[row], CURE)
    for other in whole[1:]:
        differs = (other != whole[0]).to_numpy()
        if differs.any():
            row = int(differs.argmax())
            cure = "Day or month first? " + CURE
            raise wrong_value(column.name, row, "a date that reads one way", column[row], cure)
    return whole[0].to_numpy()


def _from_numbers(column: pl.Series) -> np.ndarray:
    values = column.cast(pl.Float64).to_numpy()
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        raise wrong_value(column.name, row, "a stamp", column[row], "Fill it in, or drop the row.")
    if (values % 1).any():
        return values
    low, high = values.min(), values.max()
    if column.name.lower() in ("year", "yr") and low >= 1000 and high <= 9999:
        return (values.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[us]")
    if low >= 1e7 and high < 1e8:
        dates = _parse(column.cast(pl.Int64).cast(pl.String), "%Y%m%d")
        if dates.null_count() == 0:
            return dates.to_numpy()
    for start, scale in _EPOCHS.items():
        if low >= start and high < 4 * start:
            whole = column.cast(pl.Int64).to_numpy()
            ticks = whole * int(scale) if scale >= 1 else whole // round(1 / scale)
            return ticks.astype("datetime64[us]")
    return values


def _from_parts(columns: list[pl.Series]) -> np.ndarray:
    units = [_SHORT.get(column.name.lower(), column.name.lower()) for column in columns]
    if not set(units) <= set(_UNITS) or len(set(units)) < len(units):
        units = list(_UNITS[: len(columns)])
    if len(columns) > len(_UNITS) or "year" not in units or ("day" in units and "month" not in units):
        got = ", ".join(column.name for column in columns)
        raise ArgumentError(
            explain("time", f"columns in the order {', '.join(_UNITS)}", got, "Name them all.")
        )
    parts = {unit: _part(unit, column) for unit, column in zip(units, columns, strict=True)}
    zero = np.zeros(len(columns[0]), np.int64)
    months = ((parts["year"] - 1970) * 12 + parts.get("month", zero + 1) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (parts.get("day", zero + 1) - 1)
    spilled = days.astype("datetime64[M]") != months
    if spilled.any():
        row = int(spilled.argmax())
        name = columns[units.index("day")].name
        raise wrong_value(name, row, f"a day of {months[row]}", int(parts["day"][row]), "Correct the date.")
    seconds = parts.get("hour", zero) * 3600 + parts.get("minute", zero) * 60
    ticks = seconds * 10**6 + np.rint(parts.get("second", zero) * 10**6).astype(np.int64)
    return days.astype("datetime64[us]") + ticks.astype("timedelta64[us]")


def _part(unit: str, column: pl.Series) -> np.ndarray:
    if not column.dtype.is_numeric():
        raise DataError(explain(column.name, f"the {unit} as a number", f"type {column.dtype}", CURE))
    values = column.cast(pl.Float64).to_numpy()
    low, high = _LIMITS.get(unit, (0, 59.9999999))
    with np.errstate(invalid="ignore"):
        wrong = ~((values >= low) & (values <= high)) | ((values % 1 != 0) & (unit != "second"))
    if wrong.any():
        row = int(wrong.argmax())
        raise wrong_value(
            column.name, row, f"a {unit} in {low}..{high:.0f}", column[row], "Correct the date."
        )
    return values if unit == "second" else values.astype(np.int64)
