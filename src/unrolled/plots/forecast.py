"""A forecast beside what came before it, what came true, and what the plain method said."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled import arguments
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.floating]

PANEL_HEIGHT = 2.15  # inches
SINGLE_HEIGHT = 3.1


class Panel(NamedTuple):
    """One target of one forecast.

    Shapes: history (past,); quantiles (horizon, levels) for rising `levels`; truth and baseline (horizon,).
    Units: `unit` is written at the axis.
    """

    name: str
    history: Array
    quantiles: Array
    levels: Sequence[float]
    truth: Array | None = None
    baseline: Array | None = None
    unit: str = ""


def plot_forecast(
    panels: Sequence[Panel],
    stamps: NDArray[Any] | None = None,
    title: str = "Forecast",
    note: str = "",
    baseline_name: str = "baseline",
    path: str | Path | None = None,
) -> "Figure":
    """Draw each target in a panel of its own over one time axis, and save it where `path` is named.

    Shapes: stamps (past + horizon,), datetime64 or numbers; without them steps are counted from the origin.
    Returns: the figure.
    Raises: ShapeError, OutputError.
    """
    if not panels:
        raise ArgumentError(explain("panels", "at least one", "none", "Pass a Panel for each target."))
    times = [axis_of(panel, stamps) for panel in panels]
    height = float(SINGLE_HEIGHT if len(panels) == 1 else PANEL_HEIGHT * len(panels))
    figure = style.new_figure(style.WIDTH, height + 1.1)
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel, steps in zip(all_axes, panels, times, strict=True):
        draw(axes, panel, steps, baseline_name)
        label = panel.name + (f" ({panel.unit})" if panel.unit else "")
        axes.set_title(label, loc="left", size=style.FONT_SIZE + 0.5, color=style.INK, pad=7)
    label_time(all_axes[-1], stamps)
    top = style.head(figure, title, note, all_axes[0])
    inches = figure.get_size_inches()
    figure.subplots_adjust(
        left=0.72 / inches[0], right=1 - 0.3 / inches[0], bottom=0.58 / inches[1], top=top - 0.2 / inches[1],
        hspace=0.34,
    )  # fmt: skip
    figure.align_ylabels(list(all_axes))
    return style.finished(figure, path)


def axis_of(panel: Panel, stamps: NDArray[Any] | None) -> NDArray[Any]:
    """The time of each row of history and forecast, checked against the panel."""
    past, (horizon, levels) = len(panel.history), np.asarray(panel.quantiles).shape
    if levels != len(panel.levels):
        cure = "Name the level of each quantile."
        raise ShapeError(explain("levels", f"{levels} levels", len(panel.levels), cure))
    for name in ("truth", "baseline"):
        values = getattr(panel, name)
        if values is not None and np.shape(values) != (horizon,):
            raise ShapeError(explain(name, f"({horizon},)", np.shape(values), "Give one for each step."))
    if stamps is None:
        return np.arange(-past, horizon) + 1  # step 1 is the first forecast
    if len(stamps) != past + horizon:
        cure = "Give the stamps of the history and the horizon."
        raise ShapeError(explain("stamps", f"({past + horizon},)", np.shape(stamps), cure))
    return np.asarray(stamps)


def draw(axes: "Axes", panel: Panel, time: NDArray[Any], baseline_name: str) -> None:
    """The forecast and its bands in the model's colour, truth in ink, baseline dashed, history in grey.

    They are drawn in the order of the legend; `zorder` says what lies on top.
    """
    history, quantiles = np.asarray(panel.history, float), np.asarray(panel.quantiles, float)
    past, future = time[: len(history)], time[max(len(history) - 1, 0) :]
    style.dress(axes)
    axes.axvspan(future[0], future[-1], color="#f6f8fa", linewidth=0, zorder=0)

    def line(values: Array, name: str, colour: str, width: float, zorder: float, dash: str = "-") -> None:
        y = grown(history, np.asarray(values, float), len(future))
        axes.plot(future, y, dash, color=colour, linewidth=width * style.LINE, label=name, zorder=zorder)

    middle = int(np.argmin(np.abs(np.asarray(panel.levels) - 0.5)))
    line(quantiles[:, middle], "forecast", style.MODEL, 1.25, 5)
    intervals = bands(panel.levels)[:3]
    for (low, high), tint in zip(intervals, style.TINTS[-len(intervals) :], strict=False):
        share = f"{100 * (panel.levels[high] - panel.levels[low]):.3g} % interval"
        lower, upper = (grown(history, quantiles[:, place], len(future)) for place in (low, high))
        axes.fill_between(future, lower, upper, color=tint, linewidth=0, label=share, zorder=1)
    if panel.truth is not None:
        line(panel.truth, "truth", style.INK, 0.9, 4)
    if panel.baseline is not None:
        line(panel.baseline, baseline_name, style.BASELINE, 0.85, 3, "--")
    axes.plot(past, history, color=style.GREY, linewidth=style.LINE * 0.75, label="history", zorder=3)
    axes.margins(x=0, y=0.08)


def bands(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Places of the levels that form an interval (q, 1 - q), the widest first."""
    found = []
    for low, q in enumerate(levels):
        for high, other in enumerate(levels):
            if q < 0.5 and abs(q + other - 1) < 1e-6:
                found.append((low, high))
    return found


def grown(history: Array, values: Array, length: int) -> Array:
    """The values, behind the last known value of the history where the time axis has room for it."""
    return values if len(values) == length else style.joined(history, values)


def label_time(axes: "Axes", stamps: NDArray[Any] | None) -> None:
    """Dates where there are stamps, steps from the origin where there are none."""
    if stamps is not None and np.asarray(stamps).dtype.kind == "M":
        dates = arguments.part("matplotlib.dates", "train")
        locator = dates.AutoDateLocator(minticks=4, maxticks=9)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        axes.set_xlabel("time", color=style.GREY, size=style.FONT_SIZE)
        return
    label = "steps from the origin" if stamps is None else "time"
    axes.set_xlabel(label, color=style.GREY, size=style.FONT_SIZE)
