"""The pictures of `--plot`: what a model says beside what came before, or which class it takes for which."""

from typing import Any, NamedTuple

import numpy as np

from unrolled.errors import ArgumentError, explain

MOST_PANELS = 6
SHOWN = 4  # horizons of history before the forecast


def check_drawable(model: Any, path: str | None) -> None:
    """Refuse a picture of predictions that nobody could draw. Raises: ArgumentError."""
    import unrolled

    if path is not None and not isinstance(model, unrolled.Forecaster):
        got = f"a {type(model).__name__}"
        raise ArgumentError(explain("--plot", "the model of a forecast", got, "Leave it out."))


def draw_trained(model: Any, source: Any, path: str) -> None:
    """What a model that was just trained does in its test part."""
    import unrolled
    from unrolled.plots import plot_confusion

    if isinstance(model, unrolled.Forecaster):
        draw_judged(model, source, path)
        return
    found = model.evaluation_
    names = [str(name) for name in found.classes]
    plot_confusion(
        found.confusion, names, title=f"{found.model.name}: test part", note=found.title, path=path
    )


class Window(NamedTuple):
    """One forecast of one series, with the rows that are shown before it.

    Shapes: quantiles (horizon, targets, levels); stamps (shown + horizon,); truth (horizon, targets).
    """

    series: int
    shown: slice
    quantiles: np.ndarray
    stamps: np.ndarray | None
    truth: np.ndarray | None = None


def draw_judged(model: Any, source: Any, path: str) -> None:
    """The last window of a series that a forecaster was judged on, with what came true."""
    from unrolled.data import Origins

    data, horizon, losses = read_for(model, source), model.network_.shape.horizon, model.evaluation_.losses
    series = int(losses.series[0])
    row = int(losses.rows[losses.series == series].max())
    shown = shown_before(data, series, row, horizon)
    quantiles = model.runner().at(data, Origins(np.array([row]), np.array([series])))[0]
    stamps = None if data.stamps is None else data.stamps[shown.start : row + horizon]
    truth = data.values[row : row + horizon, data.numeric("target")]
    draw(model, data, Window(series, shown, quantiles, stamps, truth), path)


def draw_ahead(model: Any, source: Any, found: Any, path: str, title: str = "") -> None:
    """The forecast of the first series behind its last row; `found` is what `predict` answered."""
    from unrolled.data import read_frame

    data, horizon = read_for(model, source), model.network_.shape.horizon
    table, shown = read_frame(found), shown_before(data, 0, int(data.offsets[1]), horizon)
    quantiles = np.empty((horizon, len(data.roles.target), len(model.network_.shape.quantiles)))
    for place, target in enumerate(data.roles.target):
        for number, level in enumerate(model.network_.shape.quantiles):
            named = f"{target}_q{level:g}"
            column = table.column(named if named in table.columns else target)
            quantiles[:, place, number] = column.to_numpy()[:horizon]
    stamps = None
    if data.stamps is not None:
        name = "time" if len(data.roles.time) > 1 else data.roles.time[0]
        ahead = table.column(name).to_numpy()[:horizon]
        stamps = np.concatenate([data.stamps[shown], ahead.astype(data.stamps.dtype)])
    draw(model, data, Window(0, shown, quantiles, stamps), path, title)


def draw(model: Any, data: Any, window: Window, path: str, title: str = "") -> None:
    """A panel for each target."""
    from unrolled.plots import Panel, plot_forecast

    shape, targets, truth = model.network_.shape, data.roles.target, window.truth
    history = data.values[window.shown, data.numeric("target")]
    panels = [
        Panel(
            name,
            history[:, k],
            window.quantiles[:, k],
            shape.quantiles,
            None if truth is None else truth[:, k],
        )
        for k, name in enumerate(targets[:MOST_PANELS])
    ]
    notes = []
    if len(data.names) > 1:
        notes.append(f"Series {data.names[window.series]!r}, one of {len(data.names)}.")
    if len(targets) > MOST_PANELS:
        notes.append(f"{MOST_PANELS} of {len(targets)} targets.")
    ahead = f"the next {shape.horizon} rows" if truth is None else f"{shape.horizon} rows of the test part"
    title = title or f"{', '.join(targets[:MOST_PANELS])}: {ahead}"
    plot_forecast(panels, window.stamps, title, " ".join(notes), path=path)


def read_for(model: Any, source: Any) -> Any:
    """The rows of a table as the model reads them."""
    from unrolled.data import read_series

    return read_series(source, model.inputs_.roles, kinds=model.inputs_.kinds)


def shown_before(data: Any, series: int, row: int, horizon: int) -> slice:
    """The rows of a series that are drawn before one of its rows."""
    return slice(max(int(data.offsets[series]), row - max(SHOWN * horizon, 48)), row)


def draw_attention(model: Any, text: str, written: str, path: str) -> None:
    """Where a translator looks as it writes one text. Raises: ArgumentError for one without attention."""
    from unrolled.plots import plot_attention

    source, target, weights = model.attention_of(text, written)
    kind = model.network_.decoder.attention
    plot_attention(source, target, weights, "Where it looks as it writes", f"Attention: {kind}.", path=path)
