"""When a model's parts were: which rows it has seen, and how a stamp is shown."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.data import SeriesSet, Split, season_length
from unrolled.errors import DataError, ModelFileError, explain
from unrolled.format import field, whole
from unrolled.tasks.forecast.inputs import longest_stamps


@dataclass(frozen=True)
class Periods:
    """When a model's parts began, so that it is never judged on what it has seen; the season of its data.

    `train`, `validation` and `test` are the first stamps of the parts; None where the data had no stamps.
    """

    train: np.datetime64 | None
    validation: np.datetime64 | None
    test: np.datetime64 | None
    season: int | None = None

    @classmethod
    def of(cls, data: SeriesSet, split: Split) -> "Periods":
        """The first stamps of the parts, over all series."""
        if data.stamps is None:
            return cls(None, None, None)
        train, validation, test = (
            min(data.stamps[start] for start, stop in part if start < stop)
            for part in (split.train, split.validation, split.test)
        )
        return cls(train, validation, test, season_of(data))

    def split(self, data: SeriesSet) -> Split:
        """The rows of some data that were for training, for validation, and those that came later.

        Where the data does not reach back to the first training row, it has no training rows at all: a
        baseline that learned from the few at hand would be a weaker one. Without stamps every row counts as
        later.
        Raises: DataError if no row came later.
        """
        if data.stamps is None or self.test is None or self.validation is None or self.train is None:
            none = np.stack([data.offsets[:-1]] * 2, 1)
            return Split(none, none, np.stack([data.offsets[:-1], data.offsets[1:]], 1))
        cuts = np.stack([data.offsets[:-1], data.offsets[:-1], data.offsets[:-1], data.offsets[1:]], 1)
        for number, (start, stop) in enumerate(zip(data.offsets[:-1], data.offsets[1:], strict=True)):
            own = data.stamps[start:stop]
            cuts[number, 1:3] = start + np.searchsorted(own, [self.validation, self.test])
        if (cuts[:, 2] == cuts[:, 3]).all():
            expected = f"rows from {self.test.astype('datetime64[s]')} on, which the model has not seen"
            cure = "Append newer rows: scores on rows it was trained on would say nothing."
            raise DataError(explain("data", expected, "only earlier rows", cure))
        if data.stamps.min() > self.train:
            cuts[:, 0] = cuts[:, 1]
        return Split(*(cuts[:, part : part + 2] for part in range(3)))

    def card(self) -> dict[str, str | int | None]:
        """As JSON."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        stamps = {name: None if stamp is None else str(stamp) for name, stamp in parts.items()}
        return stamps | {"season": self.season}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "Periods":
        """From JSON. Raises: ModelFileError."""
        season = None if card.get("season") is None else whole(card, "season", 1, where="card.periods")
        train, validation, test = (read_stamp(card, name) for name in ("train", "validation", "test"))
        return cls(train, validation, test, season)


def read_stamp(card: dict[str, Any], name: str) -> np.datetime64 | None:
    """A stamp of a card, or None. Raises: ModelFileError if it is none."""
    if card.get(name) is None:
        return None
    text = field(card, name, str, "card.periods")
    try:
        datetime.datetime.fromisoformat(text)
        return np.datetime64(text, "us")
    except ValueError:
        raise ModelFileError(
            explain(f"card.periods.{name}", "a stamp", repr(text), "Take another copy of the file.")
        ) from None


def season_of(data: SeriesSet) -> int | None:
    """The season that the stamps of the longest series suggest."""
    stamps = longest_stamps(data)
    return None if stamps is None else season_length(stamps)


def shown(stamp: np.datetime64) -> str:
    """A stamp without what is 0 in it.

    Example:
        >>> [shown(np.datetime64(text, "us")) for text in ("2024-05-01", "2024-05-01T06:30")]
        ['2024-05-01', '2024-05-01 06:30']
    """
    text = str(stamp.astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00").removesuffix(":00")
