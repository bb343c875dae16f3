"""Which class is taken for which: the confusion matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from unrolled import arguments
from unrolled.errors import ShapeError, explain
from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NUMBERED = 25  # with more classes than this the cells hold no numbers


def plot_confusion(
    matrix: ArrayLike,
    names: Sequence[str],
    title: str = "Confusion matrix",
    note: str = "",
    path: str | Path | None = None,
) -> "Figure":
    """Draw how often each class (row) was taken for each (column), in counts, shaded by the share of the row.

    Shapes: matrix (classes, classes), counts; names (classes,).
    Returns: the figure, saved where `path` is named.
    Raises: ShapeError, OutputError.
    """
    counts = np.asarray(matrix, float)
    if counts.ndim != 2 or counts.shape != (len(names), len(names)):
        expected = f"({len(names)}, {len(names)})"
        raise ShapeError(explain("matrix", expected, counts.shape, "Name each class once."))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    longest = max(len(short(name)) for name in names)
    side = float(np.clip(0.48 * len(names), 2.4, 9.0))
    turned = 0.085 * longest > side / len(names)
    left, bottom = 0.5 + 0.085 * longest, 0.5 + (0.085 * longest if turned else 0.1)
    width, height = max(left + side + 0.3, 4.0), bottom + side + 0.62 + 0.2 * bool(note)
    figure = style.new_figure(width, height)
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    ramp = arguments.part("matplotlib.colors", "train").LinearSegmentedColormap.from_list(
        "confusion", ["#f7f9fb", "#9cc8e3", style.MODEL, "#0b3c5d"]
    )
    axes.imshow(shares, cmap=ramp, vmin=0, vmax=1, aspect="equal")
    label_classes(axes, [short(name) for name in names], turned)
    if len(names) <= MOST_NUMBERED:
        write_counts(axes, counts, shares)
    style.head(figure, title, note)
    return style.finished(figure, path)


def short(name: str) -> str:
    """At most 18 letters of a class's name."""
    return name if len(name) <= 18 else name[:17] + "…"


def label_classes(axes: "Axes", names: list[str], turned: bool) -> None:
    """Names on both axes, `turned` where they are long; white lines between the cells."""
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90 if turned else 0, size=style.FONT_SIZE, color=style.INK)
    axes.set_yticks(places, names, size=style.FONT_SIZE, color=style.INK)
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.grid(True, which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, pad=5)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("answered", color=style.GREY, size=style.FONT_SIZE, labelpad=7)
    axes.set_ylabel("true", color=style.GREY, size=style.FONT_SIZE, labelpad=7)


def write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray) -> None:
    """The count in each cell that is not empty, light on dark."""
    size = float(np.clip(11 - 0.2 * len(counts), 6, 10))
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.42 else style.INK
        text = f"{counts[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", size=size, color=colour)
