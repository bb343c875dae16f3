"""One look for every picture: sizes, colours that colour-blind eyes tell apart, and how it is saved.

The colours are Okabe and Ito's (2008, "Color universal design"). They also differ in lightness, for prints.
Nothing touches pyplot's global state: a picture is a Figure and belongs to its caller.
"""

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unrolled import arguments
from unrolled.format import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#22262b"  # text and truth
GREY = "#6f7780"  # axes, second things
FAINT = "#e4e7ea"  # grid
MODEL = "#0072b2"  # blue: what the model says
TINTS = ("#dfebf5", "#c3dbed", "#9fc7e3")  # its intervals, the widest first
BASELINE = "#d55e00"  # vermilion: the plain method
SECOND = "#009e73"  # green: a second curve of the model's
SHADES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", INK)

WIDTH = 9.0  # inches
DOTS = 160  # per inch
LINE = 1.6  # points
MARGIN = 0.16  # inches around everything

FONT_SIZE = 9
TITLE_SIZE = 13


def new_figure(width: float, height: float) -> "Figure":
    """An empty light figure, in inches. It draws without a screen."""
    figure = arguments.part("matplotlib.figure", "train").Figure(
        figsize=(width, height), dpi=DOTS, facecolor="white", layout=None
    )
    arguments.part("matplotlib.backends.backend_agg", "train").FigureCanvasAgg(figure)
    return figure


def dress(axes: "Axes") -> None:
    """Give axes the house's look: no box, a faint grid behind the data, small grey ticks."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.spines["bottom"].set_linewidth(0.8)
    axes.set_axisbelow(True)
    axes.grid(True, axis="y", color=FAINT, linewidth=0.9)
    axes.tick_params(colors=GREY, labelcolor=INK, labelsize=FONT_SIZE, length=0, pad=5)
    axes.tick_params(axis="x", length=3)


def head(figure: "Figure", title: str, note: str = "", legend_of: "Axes | None" = None) -> float:
    """Write title, note and legend, left-aligned above the axes.

    Returns: where the axes may begin, as a share of the height.
    """
    width, height = figure.get_size_inches()
    left, top = MARGIN / width, 1 - MARGIN / height
    letters = int(width * 10.5)  # that fit into a line of the title
    for line in textwrap.wrap(title, letters)[:3]:
        figure.text(left, top, line, ha="left", va="top", size=TITLE_SIZE, weight="bold", color=INK)
        top -= 0.24 / height
    for line in textwrap.wrap(note, int(letters * 1.45)):
        figure.text(left, top - 0.05 / height, line, ha="left", va="top", size=FONT_SIZE, color=GREY)
        top -= 0.18 / height
    if legend_of is not None:
        top -= 0.12 / height + legend(figure, legend_of, (left, top - 0.12 / height))
    return top - 0.14 / height


def legend(figure: "Figure", axes: "Axes", corner: tuple[float, float]) -> float:
    """The legend in as few rows as the width allows, its upper left corner at `corner`.

    Returns: its height, as a share of the figure's.
    """
    handles, labels = axes.get_legend_handles_labels()
    for rows in range(1, len(labels) + 1):
        drawn = figure.legend(
            handles, labels, loc="upper left", bbox_to_anchor=corner, ncols=-(-len(labels) // rows),
            frameon=False, fontsize=FONT_SIZE, labelcolor=INK, handlelength=1.8, columnspacing=1.6,
            borderpad=0, borderaxespad=0,
        )  # fmt: skip
        extent = drawn.get_window_extent().transformed(figure.transFigure.inverted())
        if extent.x1 <= 1 - corner[0] or rows == len(labels):
            break
        drawn.remove()
    return float(extent.height)


def save(figure: "Figure", path: str | Path) -> None:
    """Write the figure as PNG: a whole file or none.

    Raises: OutputError.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # the same picture, the same bytes
    write_atomically(path, [buffer.getvalue()])


def finished(figure: "Figure", path: str | Path | None) -> "Figure":
    """The figure, saved if a path is named."""
    if path is not None:
        save(figure, path)
    return figure


def joined(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """`second` behind the last known value of `first`, so that a forecast grows out of its history."""
    known = first[np.isfinite(first)]
    return np.concatenate([known[-1:] if known.size else second[:1], second])
