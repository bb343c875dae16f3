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

WIDTH, HEIGHT = 5.4, 3.3  # inches: two stand beside one another on a page, one fills a phone
LEFT, SHARE = 0.14, 0.815
COLOURS = (*style.SHADES[:4], style.BASELINE, style.SHADES[4], style.GREY)
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
    longest = max(map(len, [*values, *baselines]))
    height, left = max(HEIGHT, 0.72 + 0.31 * rows), 0.05 + 0.0135 * longest
    figure = style.new_figure(WIDTH, height)
    axes = figure.add_axes((left, 0.55 / height, 0.97 - left, (height - 0.65) / height))
    dress(axes, xlabel, "")
    axes.grid(True, axis="x", color=style.FAINT, linewidth=0.9)
    axes.grid(False, axis="y")
    scale = 100 if percent else 1
    for row, seeds in enumerate(values.values()):
        numbers = scale * np.asarray(seeds, float)
        colour = COLOURS[row % len(COLOURS)]
        axes.plot(numbers, np.full(len(numbers), row), "o", color=colour, markersize=5.5, alpha=0.5)
        axes.plot([numbers.mean()] * 2, [row - 0.32, row + 0.32], "-", color=colour, linewidth=2.6)
    for row, value in enumerate(baselines.values(), start=len(values)):
        axes.plot([scale * value], [row], "D", color=style.GREY, markersize=5.5, markerfacecolor="none")
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
    ticks: Sequence[float] | None = None,
) -> "Figure":
    """Curves with a legend above them; `line` is a level and what it is called, `ticks` are those of x."""
    figure = style.new_figure(WIDTH, HEIGHT)
    axes = figure.add_axes((LEFT, 0.15, SHARE, 0.64))
    draw_curves(axes, curves, marks)
    finish(axes, xlabel, ylabel, log, line, lowest)
    if ticks is not None:
        axes.set_xscale("log")
        axes.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    style.legend(figure, axes, (0.02, 0.985))
    return figure


def plot_watch(
    panels: Sequence[tuple[str, Mapping[str, Curve], tuple[float, str] | None]], xlabel: str
) -> "Figure":
    """Panels on top of one another with one x axis: (ylabel, curves, line) each."""
    height = 1.05 + 1.5 * len(panels)
    figure = style.new_figure(WIDTH, height)
    shared: Axes | None = None
    for place, (ylabel, curves, line) in enumerate(panels):
        last = place == len(panels) - 1
        bottom = (0.5 + 1.5 * (len(panels) - 1 - place)) / height
        axes = figure.add_axes((LEFT, bottom, SHARE, 1.25 / height), sharex=shared)
        shared = shared or axes
        draw_curves(axes, curves, marks=False)
        finish(axes, xlabel if last else "", ylabel, False, line, None)
        axes.tick_params(labelbottom=last)
    assert shared is not None
    style.legend(figure, shared, (0.02, 1 - 0.06 / height))
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
    axes.locator_params(axis="x", nbins=7, steps=[1, 2, 5, 10])  # no 0.025: the last label fits the edge
    if log:
        axes.set_yscale("log")
        low = axes.get_ylim()[0] if lowest is None else lowest
        axes.set_ylim(bottom=low)
    else:
        axes.ticklabel_format(axis="y", scilimits=(-2, 4))  # short numbers: the label stands before them
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
