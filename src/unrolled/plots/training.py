"""How a training went: the losses, and how often the gradient was clipped."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unrolled import arguments
from unrolled.errors import ShapeError, explain
from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_training(
    train: Sequence[float],
    validation: Sequence[float],
    clipped: Sequence[float] | None = None,
    loss_name: str = "loss",
    title: str = "Training",
    path: str | Path | None = None,
) -> "Figure":
    """Draw training and validation loss by epoch, the best one marked, and the share of clipped steps below.

    Shapes: train (epochs,); validation (epochs,), or (epochs + 1,) with the loss before the first step;
        clipped (epochs,), from 0 to 1.
    Returns: the figure, saved where `path` is named.
    Raises: ShapeError, OutputError.
    """
    epochs = len(train)
    if len(validation) not in (epochs, epochs + 1) or not epochs:
        expected = f"{epochs} or {epochs + 1} losses, at least one"
        raise ShapeError(explain("validation", expected, len(validation), "Give one loss for each epoch."))
    if clipped is not None and len(clipped) != epochs:
        raise ShapeError(explain("clipped", f"{epochs} shares", len(clipped), "Give one for each epoch."))
    height = 3.3 if clipped is None else 4.4
    figure = style.new_figure(style.WIDTH * 0.8, height)
    ratios = [1] if clipped is None else [3.2, 1]
    all_axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    note = draw_losses(all_axes[0], np.asarray(train, float), np.asarray(validation, float), loss_name)
    if clipped is not None:
        draw_clipped(all_axes[1], np.asarray(clipped, float))
    all_axes[-1].set_xlabel("epoch", color=style.GREY, size=style.FONT_SIZE)
    all_axes[-1].xaxis.set_major_locator(
        arguments.part("matplotlib.ticker", "train").MaxNLocator(10, integer=True)
    )
    top = style.head(figure, title, note, all_axes[0])
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=0.85 / width, right=1 - 0.25 / width, bottom=0.55 / height, top=top - 0.12 / height, hspace=0.18
    )
    figure.align_ylabels(list(all_axes))
    return style.finished(figure, path)


def draw_losses(axes: "Axes", train: np.ndarray, validation: np.ndarray, name: str) -> str:
    """Both curves; the note tells the best epoch in words."""
    style.dress(axes)
    epochs = np.arange(1, len(train) + 1)
    checked = np.arange(
        len(train) + 1 - len(validation), len(train) + 1
    )  # from 0 where taken before training
    axes.plot(epochs, train, color=style.GREY, linewidth=style.LINE, label="training")
    axes.plot(checked, validation, color=style.MODEL, linewidth=style.LINE * 1.2, label="validation")
    axes.set_ylabel(name, color=style.GREY, size=style.FONT_SIZE)
    known = np.concatenate([train, validation])
    known = known[np.isfinite(known)]
    if known.size and known.min() > 0 and known.max() > 20 * known.min():
        axes.set_yscale("log")
    if not np.isfinite(validation).any():
        return ""
    best = int(np.nanargmin(validation))
    axes.plot(
        checked[best], validation[best], "o", color="white", markeredgecolor=style.MODEL, markeredgewidth=1.8,
        markersize=7, label="best, kept", zorder=5,
    )  # fmt: skip
    when = "before the first epoch" if checked[best] == 0 else f"after epoch {checked[best]}"
    return f"Lowest validation {name} {validation[best]:.4g}, {when} of {len(train)}."


def draw_clipped(axes: "Axes", clipped: np.ndarray) -> None:
    """The share of steps in each epoch whose gradient was clipped."""
    style.dress(axes)
    axes.bar(np.arange(1, len(clipped) + 1), 100 * clipped, width=0.75, color=style.SHADES[4], linewidth=0)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    axes.set_ylabel("clipped", color=style.GREY, size=style.FONT_SIZE)
