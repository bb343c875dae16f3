"""Frames in, frames out: which columns play which role, the rows to forecast, the answer as a frame."""

from typing import Any

import numpy as np

from unrolled.data import Codes, Frame, Roles, SeriesSet, Step, future_stamps, read_series
from unrolled.errors import ArgumentError, DataError, explain
from unrolled.models import base_quantile
from unrolled.tasks.forecast.inputs import ForecastInputs


def roles_of(frame: Frame, target: Any, time: Any, series: str | None, **covariates: Any) -> Roles:
    """The roles of a frame's columns; without a target (or "all") every number column that has no other role.

    Raises: ArgumentError if no column is left to forecast.
    """
    if target is not None and target != "all":
        return Roles(target, time, series, **covariates)
    others = Roles((), time, series, **covariates)
    taken = {*others.time, others.series, *others.known, *others.past, *others.static}
    free = [name for name in frame.columns if name not in taken and frame.column(name).dtype.is_numeric()]
    if not free:
        cure = f"Name one of: {', '.join(frame.columns[:12])}."
        raise ArgumentError(explain("target", "a column of numbers", "none without another role", cure))
    return Roles(tuple(free), time, series, **covariates)


def extend(
    data: SeriesSet, future: Any, inputs: ForecastInputs, step: Step | None, horizon: int
) -> SeriesSet:
    """The data with the `horizon` rows to forecast behind each series: targets missing, known columns there.

    Raises: ArgumentError where known columns are needed and not given; DataError where they do not fit.
    """
    count, ahead = len(data.names), None
    if data.stamps is not None:
        ahead = [future_stamps(data.stamps[start:stop], horizon, step) for start, stop in bounds(data)]
    given = read_future(future, inputs, data, ahead, horizon)
    rows = np.full((count, horizon, data.values.shape[1]), np.nan, np.float32)
    rows[:, :, data.numeric("static")] = data.values[data.offsets[:-1], None, data.numeric("static")]
    if given is not None:
        rows[:, :, data.numeric("known")] = given.values.reshape(count, horizon, -1)
    values = behind_each([data.values[start:stop] for start, stop in bounds(data)], rows)
    categories = {name: extended_codes(data, name, given, horizon) for name in data.categories}
    stamps = None
    if data.stamps is not None and ahead is not None:
        stamps = behind_each([data.stamps[start:stop] for start, stop in bounds(data)], ahead)
    offsets = data.offsets + horizon * np.arange(count + 1)
    return SeriesSet(data.roles, data.names, offsets, stamps, data.columns, values, categories)


def bounds(data: SeriesSet) -> list[tuple[int, int]]:
    """First row and row after the last of each series."""
    return list(zip(data.offsets[:-1].tolist(), data.offsets[1:].tolist(), strict=True))


def behind_each(parts: list[np.ndarray], more: Any) -> np.ndarray:
    """Each part with its further rows behind it, all end to end."""
    return np.concatenate([piece for pair in zip(parts, more, strict=True) for piece in pair])


def extended_codes(data: SeriesSet, name: str, given: SeriesSet | None, horizon: int) -> Codes:
    """A text column with the rows to forecast: known ones as given, static ones as before, others missing."""
    column = data.categories[name]
    parts = [column.codes[start:stop] for start, stop in bounds(data)]
    if name in data.roles.known and given is not None:
        words = tuple(sorted({*column.words, *given.categories[name].words}))
        places = {word: place for place, word in enumerate(words)}
        old = np.array([*(places[word] for word in column.words), -1], np.int32)
        new = np.array([*(places[word] for word in given.categories[name].words), -1], np.int32)
        more = new[given.categories[name].codes].reshape(-1, horizon)
        return Codes(behind_each([old[part] for part in parts], more), words)
    fill = [part[0] if name in data.roles.static else -1 for part in parts]
    more = np.repeat(np.array(fill, np.int32)[:, None], horizon, axis=1)
    return Codes(behind_each(parts, more), column.words)


def read_future(
    future: Any, inputs: ForecastInputs, data: SeriesSet, ahead: list[np.ndarray] | None, horizon: int
) -> SeriesSet | None:
    """The known columns of the rows to forecast, `horizon` rows a series in the order of `data`.

    Rows of other stamps are passed over; without stamps there must be exactly `horizon` rows a series.
    Raises: ArgumentError if they are needed and not given; DataError naming the stamp or series that misses.
    """
    roles = inputs.roles
    if not roles.known:
        return None
    if future is None:
        cure = "Pass future= (--future on the command line) with them."
        raise ArgumentError(
            explain("future", f"the next {horizon} rows of {', '.join(roles.known)}", "none", cure)
        )
    kinds = {name: inputs.kinds[name] for name in roles.known}
    found = read_series(future, Roles((), roles.time, roles.series, known=roles.known), kinds=kinds)
    places = {name: place for place, name in enumerate(found.names)}
    picked = []
    for number, name in enumerate(data.names):
        if name not in places:
            raise DataError(explain("future", f"rows of series {name!r}", "none", "Add them."))
        start, stop = found.offsets[places[name]], found.offsets[places[name] + 1]
        picked.append(
            start + rows_ahead(found, start, stop, None if ahead is None else ahead[number], horizon)
        )
    return reordered(found, np.concatenate(picked))


def rows_ahead(
    found: SeriesSet, start: int, stop: int, wanted: np.ndarray | None, horizon: int
) -> np.ndarray:
    """Which rows of a series of `future` are the ones to forecast, counted from its first."""
    if wanted is None or found.stamps is None:
        if stop - start != horizon:
            cure = "Without a time column give exactly the rows to forecast."
            raise DataError(explain("future", f"{horizon} rows", f"{stop - start}", cure))
        return np.arange(horizon)
    own = found.stamps[start:stop]
    place = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
    missing = own[place] != wanted
    if missing.any():
        expected = f"a row for {wanted[missing][0].astype('datetime64[s]')}"
        raise DataError(explain("future", expected, "none", "Give every step of the horizon."))
    return place


def reordered(data: SeriesSet, rows: np.ndarray) -> SeriesSet:
    """Some rows, end to end, as one series."""
    codes = {name: Codes(column.codes[rows], column.words) for name, column in data.categories.items()}
    ends = np.array([0, len(rows)])
    return SeriesSet(data.roles, ("",), ends, None, data.columns, data.values[rows], codes)


def to_frame(frame: Frame, extended: SeriesSet, quantiles: np.ndarray, levels: tuple[float, ...]) -> Any:
    """The forecasts as a frame of the kind that came in.

    Shapes: quantiles (series, horizon, targets, quantiles).
    """
    horizon, roles = quantiles.shape[1], extended.roles
    columns: dict[str, Any] = {}
    if roles.series is not None:  # as they came: whole numbers stay numbers, words stay words
        names = frame.column(roles.series).unique(maintain_order=True).to_list()
        columns[roles.series] = [name for name in names for _ in range(horizon)]
    if extended.stamps is not None:
        ends = extended.offsets[1:, None] - horizon + np.arange(horizon)
        columns["time" if len(roles.time) > 1 else roles.time[0]] = extended.stamps[ends.ravel()]
    else:
        columns["step"] = np.tile(np.arange(1, horizon + 1), len(extended.names))
    base = base_quantile(levels)
    for place, target in enumerate(roles.target):
        columns[target] = quantiles[:, :, place, base].ravel()
        for number, level in enumerate(levels):
            if number != base or level != 0.5:
                columns[f"{target}_q{level:g}"] = quantiles[:, :, place, number].ravel()
    return frame.same_kind(columns)
