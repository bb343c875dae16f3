"""The pictures of `--plot`: what a model says beside what came before, or which class it takes for which."""

from typing import Any

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


def draw_judged(model: Any, source: Any, path: str) -> None:
    """The last window of the first series that a forecaster was judged on, with what came true."""
    from unrolled.data import Origins

    data, horizon = read_for(model, source), model.network_.shape.horizon
    row = int(model.periods_.split(data).test[0, 1]) - horizon
    quantiles = model.runner().at(data, Origins(np.array([row]), np.array([0])))[0]
    start = first_shown(data, row, horizon)
    stamps = None if data.stamps is None else data.stamps[start : row + horizon]
    truth = data.values[row : row + horizon, data.numeric("target")]
    draw(model, data, quantiles, (start, row), stamps, truth, path)


def draw_ahead(model: Any, source: Any, found: Any, path: str, title: str = "") -> None:
    """The forecast of the first series behind its last row; `found` is what `predict` answered."""
    from unrolled.data import read_frame

    data, horizon = read_for(model, source), model.network_.shape.horizon
    row, table = int(data.offsets[1]), read_frame(found)
    quantiles = np.empty((horizon, len(data.roles.target), len(model.network_.shape.quantiles)))
    for place, target in enumerate(data.roles.target):
        for number, level in enumerate(model.network_.shape.quantiles):
            named = f"{target}_q{level:g}"
            column = table.column(named if named in table.columns else target)
            quantiles[:, place, number] = column.to_numpy()[:horizon]
    start, stamps = first_shown(data, row, horizon), None
    if data.stamps is not None:
        name = "time" if len(data.roles.time) > 1 else data.roles.time[0]
        ahead = table.column(name).to_numpy()[:horizon]
        stamps = np.concatenate([data.stamps[start:row], ahead.astype(data.stamps.dtype)])
    draw(model, data, quantiles, (start, row), stamps, None, path, title)


def draw(
    model: Any,
    data: Any,
    quantiles: np.ndarray,
    rows: tuple[int, int],
    stamps: np.ndarray | None,
    truth: np.ndarray | None,
    path: str,
    title: str = "",
) -> None:
    """A panel for each target of the first series.

    Shapes: quantiles (horizon, targets, levels); truth (horizon, targets); `rows` are the first row of the
    history that is shown, and the first one forecast.
    """
    from unrolled.plots import Panel, plot_forecast

    shape, targets = model.network_.shape, data.roles.target
    history = data.values[rows[0] : rows[1], data.numeric("target")]
    panels = [
        Panel(name, history[:, k], quantiles[:, k], shape.quantiles, None if truth is None else truth[:, k])
        for k, name in enumerate(targets[:MOST_PANELS])
    ]
    left = []
    if len(data.names) > 1:
        left.append(f"Series {data.names[0]!r}, the first of {len(data.names)}.")
    if len(targets) > MOST_PANELS:
        left.append(f"{MOST_PANELS} of {len(targets)} targets.")
    ahead = f"the next {shape.horizon} rows" if truth is None else f"{shape.horizon} rows of the test part"
    title = title or f"{', '.join(targets[:MOST_PANELS])}: {ahead}"
    plot_forecast(panels, stamps, title, " ".join(left), path=path)


def read_for(model: Any, source: Any) -> Any:
    """The rows of a table as the model reads them."""
    from unrolled.data import read_series

    return read_series(source, model.inputs_.roles, kinds=model.inputs_.kinds)


def first_shown(data: Any, row: int, horizon: int) -> int:
    """The first row of the history that is drawn before a row of the first series."""
    return max(int(data.offsets[0]), row - max(SHOWN * horizon, 48))
