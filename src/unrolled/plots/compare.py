"""Pictures of a comparison: scores beside one another, curves over a lag or over training.

Every curve of an architecture has the same colour and dash in every picture.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 9.0, 5.4  # inches; a narrow one stands beside another
HIGH = 3.1
COLOURS = (*style.SHADES[:6], style.GREY)
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)), "-")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
Curve = tuple[np.ndarray, np.ndarray]  # x, y


def looks_of(names: Sequence[str]) -> dict[str, dict[str, object]]:
    """Colour, dash and mark of each curve, by its place."""
    return {
        name: {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place % len(DASHES)],
            "marker": MARKS[place % len(MARKS)],
        }
        for place, name in enumerate(names)
    }


def plot_scores(
    values: Mapping[str, Sequence[float]], baselines: Mapping[str, float], xlabel: str, percent: bool = False
) -> "Figure":
    """A row each: a dot a seed and a bar at their mean; the plain baselines below, a hollow diamond each."""
    rows = len(values) + len(baselines)
    figure = style.new_figure(WIDE, 0.62 + 0.31 * rows)
    axes = figure.add_axes((0.27, 0.52 / (0.62 + 0.31 * rows), 0.7, 0.31 * rows / (0.62 + 0.31 * rows)))
    dress(axes, xlabel, "")
    axes.grid(True, axis="x", color=style.FAINT, linewidth=0.9)
    axes.grid(False, axis="y")
    scale = 100 if percent else 1
    for row, seeds in enumerate(values.values()):
        numbers = scale * np.asarray(seeds, float)
        colour = COLOURS[row % len(COLOURS)]
        axes.plot(numbers, np.full(len(numbers), row), "o", color=colour, markersize=6, alpha=0.55)
        axes.plot([numbers.mean()] * 2, [row - 0.32, row + 0.32], "-", color=colour, linewidth=2.6)
    for row, value in enumerate(baselines.values(), start=len(values)):
        axes.plot([scale * value], [row], "D", color=style.GREY, markersize=6, markerfacecolor="none")
    axes.set_yticks(range(rows), [*values, *baselines])
    axes.set_ylim(rows - 0.4, -0.6)
    return figure


def plot_curves(
    curves: Mapping[str, Curve],
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    line: tuple[float, str] | None = None,
    marks: bool = False,
    lowest: float | None = None,
    wide: bool = False,
) -> "Figure":
    """Curves with a legend above them; `line` is a level and what it is called."""
    figure = style.new_figure(WIDE if wide else NARROW, HIGH)
    axes = figure.add_axes((0.125 if not wide else 0.08, 0.16, 0.85 if not wide else 0.9, 0.62))
    draw_curves(axes, curves, marks)
    finish(axes, xlabel, ylabel, log, line, lowest)
    style.legend(figure, axes, (0.02, 0.98))
    return figure


def plot_watch(
    panels: Sequence[tuple[str, Mapping[str, Curve], tuple[float, str] | None]], xlabel: str
) -> "Figure":
    """Panels on top of one another with one x axis: (ylabel, curves, line) each."""
    height = 0.85 + 1.75 * len(panels)
    figure = style.new_figure(WIDE, height)
    each = 1.45 / height
    shared: Axes | None = None
    for place, (ylabel, curves, line) in enumerate(panels):
        bottom = (0.52 + 1.75 * (len(panels) - 1 - place)) / height
        axes = figure.add_axes((0.08, bottom, 0.9, each), sharex=shared)
        shared = shared or axes
        draw_curves(axes, curves, marks=False)
        last = place == len(panels) - 1
        finish(axes, xlabel if last else "", ylabel, False, line, None)
        axes.tick_params(labelbottom=last)
    assert shared is not None
    style.legend(figure, shared, (0.02, 1 - 0.08 / height))
    return figure


def draw_curves(axes: "Axes", curves: Mapping[str, Curve], marks: bool) -> None:
    """Each curve in its own look."""
    for name, look in looks_of(list(curves)).items():
        x, y = curves[name]
        chosen = look if marks else {key: value for key, value in look.items() if key != "marker"}
        axes.plot(x, y, label=name, linewidth=style.LINE + 0.2, markersize=5, **chosen)  # type: ignore[arg-type]


def finish(
    axes: "Axes",
    xlabel: str,
    ylabel: str,
    log: bool,
    line: tuple[float, str] | None,
    lowest: float | None,
) -> None:
    """Labels, scale and the level that matters."""
    dress(axes, xlabel, ylabel)
    if log:
        axes.set_yscale("log")
        low = axes.get_ylim()[0] if lowest is None else lowest
        axes.set_ylim(bottom=low)
    if line is not None:
        axes.axhline(line[0], color=style.GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            line[1], (1, line[0]), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", va="bottom", size=style.FONT_SIZE - 0.5, color=style.GREY,
        )  # fmt: skip


def dress(axes: "Axes", xlabel: str, ylabel: str) -> None:
    """The house's look, with labels."""
    style.dress(axes)
    axes.set_xlabel(xlabel, size=style.FONT_SIZE, color=style.GREY)
    if ylabel:
        axes.set_ylabel(ylabel, size=style.FONT_SIZE, color=style.GREY)
