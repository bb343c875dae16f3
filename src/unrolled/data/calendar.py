"""The step between stamps: how to say it, how to go on with it, and the season it suggests."""

from dataclasses import dataclass

import numpy as np

from unrolled import arguments
from unrolled.errors import DataError, explain

SECOND = 10**6
DAY = 86_400 * SECOND
_NAMES = (
    ("week", 7 * DAY),
    ("day", DAY),
    ("hour", 3600 * SECOND),
    ("minute", 60 * SECOND),
    ("second", SECOND),
)
_MONTHS = {1: "1 month", 3: "1 quarter", 6: "half a year", 12: "1 year"}


@dataclass(frozen=True)
class Step:
    """The usual step: `size` microseconds, or business days, or months.

    `day` is the day of the month the stamps fall on where the unit is "month"; 31 is its last day.

    Example:
        >>> str(Step("microsecond", 3_600_000_000)), str(Step("month", 3, day=1))
        ('1 hour', '1 quarter')
    """

    unit: str
    size: int
    day: int = 1

    def __str__(self) -> str:
        if self.unit == "business day":
            return "business day"
        if self.unit == "month":
            return _MONTHS.get(self.size, f"{self.size} months")
        for name, length in _NAMES:
            if self.size % length == 0:
                count = self.size // length
                return f"{count} {name}" + ("s" if count > 1 else "")
        return f"{self.size / SECOND:g} seconds"


def step_of(stamps: np.ndarray) -> Step:
    """The usual step of a series' stamps, which rise.

    Business days: stamps of one time of day, mostly a day apart, that pass over weekends and never fall on
    one. Months: stamps on the same day of the month, or all on its last. Otherwise the most common step.

    Shapes: stamps datetime64 (rows,), of one series.
    Raises: DataError if there are fewer than two.
    """
    stamps = np.asarray(stamps).astype("datetime64[us]")
    if len(stamps) < 2:
        raise DataError(explain("stamps", "at least two, to know their step", len(stamps), "Take more rows."))
    ticks = np.diff(stamps).astype(np.int64)
    sizes, counts = np.unique(ticks, return_counts=True)
    usual = int(sizes[counts.argmax()])
    if usual == DAY and _weekdays_only(stamps, ticks):
        return Step("business day", 1)
    if int(np.median(ticks)) >= 28 * DAY:
        return _months(stamps) or Step("microsecond", usual)
    return Step("microsecond", usual)


def _weekdays_only(stamps: np.ndarray, ticks: np.ndarray) -> bool:
    days = stamps.astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7
    same_clock = (ticks % DAY == 0).all()
    return bool(
        same_clock and (weekday < 5).all() and days[-1] - days[0] > np.busday_count(days[0], days[-1])
    )


def _months(stamps: np.ndarray) -> Step | None:
    months = stamps.astype("datetime64[M]")
    days = (stamps.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    sizes, counts = np.unique(np.diff(months).astype(np.int64), return_counts=True)
    size = int(sizes[counts.argmax()])
    if size == 0:
        return None
    day = int(days.max())
    # A stamp on the 30th goes to the 28th of February and back to the 30th.
    if (days == np.minimum(day, lengths)).all():
        return Step("month", size, 31 if (days == lengths).all() else day)
    return None


def future_stamps(stamps: np.ndarray, count: int, step: Step | None = None) -> np.ndarray:
    """The next `count` stamps after a series' last, datetime64[us] (count,).

    `step` is taken from the stamps where it is not given.

    Example:
        >>> future_stamps(np.array(["2024-01-31", "2024-02-29"], "datetime64[us]"), 2).astype("datetime64[D]")
        array(['2024-03-31', '2024-04-30'], dtype='datetime64[D]')
    """
    count = arguments.integer("count", count, 0)
    stamps = np.asarray(stamps).astype("datetime64[us]")
    if len(stamps) == 0:
        raise DataError(explain("stamps", "at least one", 0, "Take more rows."))
    step = step or step_of(stamps)
    last, ahead = stamps[-1], np.arange(1, count + 1)
    if step.unit == "microsecond":
        return last + (ahead * step.size).astype("timedelta64[us]")
    clock = last - last.astype("datetime64[D]")
    if step.unit == "business day":
        days = np.busday_offset(last.astype("datetime64[D]"), ahead, roll="backward")
        return days.astype("datetime64[us]") + clock
    months = last.astype("datetime64[M]") + ahead * step.size
    lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    days = months.astype("datetime64[D]") + np.minimum(step.day, lengths) - 1
    return days.astype("datetime64[us]") + clock


def season_length(stamps: np.ndarray) -> int | None:
    """How many steps a season takes, for a seasonal naive forecast; None where no season suggests itself.

    Hourly 24, daily 7, business days 5, weekly 52, monthly 12, quarterly 4. Below an hour the day, or the
    hour or the minute where the stamps do not hold two days.
    """
    if len(stamps) < 3:
        return None
    step = step_of(stamps)
    if step.unit == "business day":
        return 5
    if step.unit == "month":
        return 12 // step.size if 12 % step.size == 0 and step.size < 12 else None
    if step.size == 7 * DAY:
        return 52
    if step.size == DAY:
        return 7
    for cycle in (DAY, 3600 * SECOND, 60 * SECOND):
        season, rest = divmod(cycle, step.size)
        if rest == 0 and season >= 2 and 2 * season <= len(stamps):
            return season
    return None
