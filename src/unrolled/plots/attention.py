"""Where a decoder looks: its attention over a source, token by token."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from unrolled import arguments
from unrolled.errors import ShapeError, explain
from unrolled.plots import style
from unrolled.plots.classification import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = 0.3  # inches of a token
MOST = 40  # tokens of a side that are drawn


def plot_attention(
    source: Sequence[str],
    target: Sequence[str],
    weights: ArrayLike,
    title: str = "Attention",
    note: str = "",
    path: str | Path | None = None,
) -> "Figure":
    """Draw the weight of each source token (column) as each target token (row) is written.

    Shapes: weights (target, source), each row sums to 1. At most 40 tokens of a side are drawn.
    Returns: the figure, saved where `path` is named.
    Raises: ShapeError, OutputError.
    """
    shown = np.asarray(weights, float)
    if shown.shape != (len(target), len(source)):
        expected = f"({len(target)}, {len(source)})"
        raise ShapeError(
            explain("weights", expected, shown.shape, "A row a target token, a column a source one.")
        )
    if max(shown.shape) > MOST:
        note = f"{note} The first {MOST} tokens.".strip()
        source, target, shown = source[:MOST], target[:MOST], shown[:MOST, :MOST]
    figure, axes = _new_axes(source, target, 0.2 * bool(note))
    colours = arguments.part("matplotlib.colors", "train").LinearSegmentedColormap
    ramp = colours.from_list("attention", ["#f7f9fb", "#9cc8e3", style.MODEL, "#0b3c5d"])
    axes.imshow(shown, cmap=ramp, vmin=0, vmax=1, aspect="auto")
    _name_tokens(axes, source, target)
    style.head(figure, title, note)
    return style.finished(figure, path)


def _new_axes(source: Sequence[str], target: Sequence[str], more: float) -> tuple["Figure", "Axes"]:
    """A figure with room for every token's cell and name, and for `more` inches above."""
    left, top = (0.5 + 0.085 * max(len(short(name)) for name in names) for names in (target, source))
    across, down = CELL * len(source), CELL * len(target)
    width, height = max(left + across + 0.3, 4.0), 0.3 + down + top + 0.5 + more
    figure = style.new_figure(width, height)
    return figure, figure.add_axes((left / width, 0.3 / height, across / width, down / height))


def _name_tokens(axes: "Axes", source: Sequence[str], target: Sequence[str]) -> None:
    """The tokens that are read above the columns, those that are written beside the rows."""
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(source)), [short(name) for name in source], rotation=90, size=style.FONT_SIZE)
    axes.set_yticks(range(len(target)), [short(name) for name in target], size=style.FONT_SIZE)
    axes.tick_params(length=0, pad=5, colors=style.INK)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("read", color=style.GREY, size=style.FONT_SIZE, labelpad=7)
    axes.set_ylabel("written", color=style.GREY, size=style.FONT_SIZE, labelpad=7)
