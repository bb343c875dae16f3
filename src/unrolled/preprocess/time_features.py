"""Where a stamp stands in the minute, hour, day, week and year: a sine and a cosine of each phase.

Every phase is a position over a period, both whole numbers, so that any runtime gets the same answer:

    feature = sin(2 pi position / period), cos(2 pi position / period)

With `t` the microseconds since 1970-01-01 00:00, `day = floor(t / 86400e6)`, and `mod` never negative:

    second of minute   t mod 60e6          over 60e6
    minute of hour     t mod 3600e6        over 3600e6
    hour of day        t mod 86400e6       over 86400e6         (10:30 is 10.5 hours into the day)
    day of week        (day + 3) mod 7     over 7               (Monday is 0: 1970-01-01 was a Thursday)
    day of year        day - January 1st   over 365, or 366     (January 1st is 0)
    month of year      month - 1           over 12

January 1st of a year y is day 365 (y - 1970) + L(y - 1) - L(1969), where
L(n) = n/4 - n/100 + n/400 in whole numbers.
The division and the sine are computed in float64 and rounded once to float32.
"""

from typing import Any

import numpy as np

from unrolled.errors import ArgumentError, ModelFileError, explain

SECOND = 1_000_000
DAY = 86_400 * SECOND
YEAR = 365 * DAY

PERIODS = {"second of minute": 60 * SECOND, "minute of hour": 3600 * SECOND, "hour of day": DAY}

# Phase: (smallest step, step below which it can be seen, length of a cycle), in microseconds.
_FITS = {
    "second of minute": (0, 60 * SECOND, 60 * SECOND),
    "minute of hour": (0, 3600 * SECOND, 3600 * SECOND),
    "hour of day": (0, DAY, DAY),
    "day of week": (0, 7 * DAY, 7 * DAY),
    "day of year": (0, 20 * DAY, YEAR),
    "month of year": (20 * DAY, YEAR, YEAR),
}
PHASES = tuple(_FITS)

# A phase seen only once is a count of time, not a season: what is learned from it does not come again.
CYCLES = 1.5


class TimeFeatures:
    """Sine and cosine of the calendar's phases, float32.

    Example:
        >>> features = TimeFeatures(["hour of day"])
        >>> features.encode(np.array(["2024-05-01T06:00"], "datetime64[us]")).round(3).tolist()
        [[1.0, 0.0]]
    """

    def __init__(self, phases: Any = ()):
        self.phases = tuple(phases)
        for phase in self.phases:
            if phase not in PHASES:
                raise ArgumentError(
                    explain("phases", f"of {', '.join(PHASES)}", repr(phase), "Choose these.")
                )

    @classmethod
    def choose(cls, stamps: np.ndarray, window: int = 0) -> "TimeFeatures":
        """The phases that these stamps can show: longer than the usual step, seen one and a half times.

        Hourly stamps of two years: hour of day, day of week, day of year. Daily: day of week, day of year.
        Monthly: month of year. Stamps of several series may follow one another. Fewer than three show none.

        Shapes: stamps (rows,), datetime64.
        """
        ticks = _ticks(stamps).ravel()
        steps = np.diff(ticks)
        steps = steps[steps > 0]
        if len(steps) < 2:
            return cls()
        step, span = int(np.median(steps)), int(ticks.max() - ticks.min())
        return cls(
            phase
            for phase, (smallest, below, cycle) in _FITS.items()
            if smallest <= step < below and span + step >= CYCLES * cycle and cycle > window * step
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature, in the order of `encode`."""
        return tuple(f"{wave} {phase}" for phase in self.phases for wave in ("sin", "cos"))

    def encode(self, stamps: np.ndarray) -> np.ndarray:
        """The features of each stamp.

        Shapes: stamps (...), datetime64; returns float32 (..., 2 * phases).
        Raises: ArgumentError if a stamp is missing (NaT) or is not a datetime64.
        """
        ticks = _ticks(stamps)
        features = np.empty((*ticks.shape, 2 * len(self.phases)), np.float32)
        for number, phase in enumerate(self.phases):
            position, period = _phase(phase, ticks)
            angle = 2 * np.pi * (position / period)
            features[..., 2 * number] = np.sin(angle)
            features[..., 2 * number + 1] = np.cos(angle)
        return features

    def card(self) -> dict:
        """What the model file keeps: JSON."""
        return {"kind": "time features", "phases": list(self.phases)}

    @classmethod
    def from_card(cls, card: dict) -> "TimeFeatures":
        """The features that `card()` described.

        Raises: ModelFileError if it is not the card of time features.
        """
        try:
            if card["kind"] != "time features" or not isinstance(card["phases"], list):
                raise ValueError(f"kind {card['kind']!r}, phases {type(card['phases']).__name__}")
            return cls(card["phases"])
        except (KeyError, TypeError, ValueError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(
                explain("time features", "a card of time features", got, "Save it anew.")
            ) from None


def _ticks(stamps: np.ndarray) -> np.ndarray:
    """Microseconds since 1970-01-01, int64."""
    stamps = np.asarray(stamps)
    if stamps.dtype.kind != "M":
        cure = "Convert them with astype('datetime64[us]')."
        raise ArgumentError(explain("stamps", "datetime64", stamps.dtype, cure))
    if np.isnat(stamps).any():
        raise ArgumentError(explain("stamps", "a time in every row", "NaT", "Fill in or drop those rows."))
    return stamps.astype("datetime64[us]").astype(np.int64)


def _phase(phase: str, ticks: np.ndarray) -> tuple[np.ndarray, Any]:
    """Position and period of each stamp, whole numbers."""
    if phase in PERIODS:
        return ticks % PERIODS[phase], PERIODS[phase]
    day = ticks // DAY
    if phase == "day of week":
        return (day + 3) % 7, 7
    dates = day.astype("datetime64[D]")
    if phase == "month of year":
        return dates.astype("datetime64[M]").astype(np.int64) % 12, 12
    years = dates.astype("datetime64[Y]")
    start = years.astype("datetime64[D]").astype(np.int64)
    end = (years + 1).astype("datetime64[D]").astype(np.int64)
    return day - start, end - start
