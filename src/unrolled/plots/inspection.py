"""The pictures of a look inside a network. Each is small enough for a phone and names its units."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled import arguments
from unrolled.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.0, 2.9  # inches
CURVES = (style.MODEL, style.SHADES[1], style.SECOND, style.SHADES[3], style.BASELINE, style.SHADES[4])
NARROW = 5  # letters of a tick that stand beside one another; more are set in two lines
LOW = 1e-6  # shares below it are not drawn


def plot_reach(
    lags: Mapping[str, np.ndarray], shares: Mapping[str, np.ndarray], unit: str, small: float = 0.01
) -> "Figure":
    """The gradient's norm over the lag, as a share of that at lag 0, for each layer."""
    figure, axes = panel()
    for (name, x), colour in zip(lags.items(), CURVES * 9, strict=False):
        y = np.where(shares[name] > LOW, shares[name], np.nan)
        axes.plot(x, y, color=colour, linewidth=style.LINE, label=name)
    axes.axhline(
        small, color=style.BASELINE, linewidth=1, linestyle=(0, (4, 3)), label=f"{small:.0%} of lag 0"
    )
    axes.set_yscale("log")
    low = min(
        (np.nanmin(np.where(s > LOW, s, np.nan)) for s in shares.values() if (s > LOW).any()), default=LOW
    )
    axes.set_ylim(max(min(low, small / 3) / 1.5, LOW), None)
    labels(axes, f"lag k ({unit})", "|dLoss/dh| (share of lag 0)")
    return finished(figure, axes, legend=True)


def plot_memory(
    lags: np.ndarray, losses: np.ndarray, errors: np.ndarray, whole: float, unit: str, loss: str
) -> "Figure":
    """The loss over the newest lag that is left as it is, with two standard errors."""
    figure, axes = panel()
    axes.fill_between(lags, losses - 2 * errors, losses + 2 * errors, color=style.TINTS[0], linewidth=0)
    axes.plot(
        lags,
        losses,
        "o-",
        color=style.MODEL,
        markersize=3,
        linewidth=style.LINE,
        label="older inputs replaced",
    )
    axes.axhline(whole, color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="all inputs")
    if lags[-1] > 30:
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(-0.1, lags[-1] * 1.1)
        plain_numbers(axes.xaxis)
    labels(axes, f"inputs kept up to lag ({unit})", f"loss ({loss})")
    return finished(figure, axes, legend=True)


def plot_exponents(exponents: Mapping[str, np.ndarray]) -> "Figure":
    """The Lyapunov exponents, largest first: above 0 a direction explodes."""
    figure, axes = panel()
    for (name, values), colour in zip(exponents.items(), CURVES * 9, strict=False):
        axes.plot(
            np.arange(1, len(values) + 1), values, "o-", color=colour, markersize=3.5, linewidth=1, label=name
        )
    axes.axhline(
        0, color=style.BASELINE, linewidth=1, linestyle=(0, (4, 3)), label="neither grows nor shrinks"
    )
    whole_ticks(axes)
    labels(axes, "direction (number)", "growth (ln per step)")
    return finished(figure, axes, legend=True)


def plot_singular(singular: Mapping[str, np.ndarray], radii: Mapping[str, np.ndarray]) -> "Figure":
    """The mean singular values of the Jacobian, largest first, and its spectral radius."""
    figure, axes = panel()
    for (name, values), colour in zip(singular.items(), CURVES * 9, strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, linewidth=style.LINE, label=name)
        axes.axhline(float(radii[name].mean()), color=colour, linewidth=1, linestyle=(0, (1, 2)))
    axes.set_ylim(0, None)
    whole_ticks(axes)
    labels(axes, "singular value (number)", "stretch (factor per step)")
    return finished(figure, axes, legend=True)


def plot_gates(histograms: Mapping[str, np.ndarray], signed: Mapping[str, bool]) -> "Figure":
    """How the values of each gate are spread: a panel for those of [0, 1], a second for those of [-1, 1]."""
    kinds = [kind for kind in (False, True) if kind in signed.values()]
    figure, all_axes = panels(len(kinds))
    colours = dict(zip(histograms, CURVES, strict=False))
    for axes, kind in zip(all_axes, kinds, strict=True):
        edges = np.linspace(-1.0 if kind else 0.0, 1.0, 21)
        for name, shares in histograms.items():
            if signed[name] == kind:
                axes.stairs(100 * shares, edges, color=colours[name], linewidth=style.LINE, label=name)
        axes.set_ylim(0, None)
        labels(
            axes,
            "value (-1 to 1)" if kind else "value (0 shut, 1 open)",
            "share (%)",
        )
        few_numbers(axes.yaxis)
        axes.legend(frameon=False, fontsize=8, labelcolor=style.INK, loc="best")
    return finished(figure, *all_axes)


def plot_time_constants(constants: Mapping[str, np.ndarray], unit: str, window: int) -> "Figure":
    """How long each unit remembers, the longest first."""
    figure, axes = panel()
    for (name, values), colour in zip(constants.items(), CURVES * 9, strict=False):
        axes.plot(
            np.arange(1, len(values) + 1),
            np.sort(values)[::-1],
            color=colour,
            linewidth=style.LINE,
            label=name,
        )
    axes.axhline(window, color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="the sequences' length")
    axes.set_yscale("log")
    plain_numbers(axes.yaxis)
    whole_ticks(axes)
    labels(axes, "unit (number, longest first)", f"time constant ({unit})")
    return finished(figure, axes, legend=True)


def plot_columns(names: Sequence[str], excess: np.ndarray, errors: np.ndarray, loss: str) -> "Figure":
    """What each column saves: the loss without it less the loss with it."""
    order = np.argsort(excess)
    figure, axes = panel(height=max(1.7, 0.9 + 0.26 * len(names)))
    axes.barh(
        np.arange(len(names)), excess[order], xerr=2 * errors[order], color=style.MODEL, height=0.6,
        error_kw={"ecolor": style.GREY, "elinewidth": 1},
    )  # fmt: skip
    axes.set_yticks(np.arange(len(names)), [shortened(names[place]) for place in order])
    axes.grid(True, axis="x", color=style.FAINT, linewidth=0.9)
    axes.grid(False, axis="y")
    labels(axes, f"loss saved ({loss})", "")
    return finished(figure, axes)


def plot_columns_by_lag(
    names: Sequence[str], bands: Sequence[tuple[int, int]], excess: np.ndarray, unit: str, loss: str
) -> "Figure":
    """What each column saves at each band of lags, darker for more."""
    figure, axes = panel(height=max(1.9, 1.2 + 0.26 * len(names)))
    top = max(float(excess.max()), 1e-12)
    order = np.argsort(-excess.sum(1), kind="stable")
    for row, place in enumerate(order):
        for column, value in enumerate(excess[place]):
            share = float(np.clip(value / top, 0, 1))
            axes.barh(
                row,
                0.94,
                left=column - 0.47,
                height=0.9,
                color=style.MODEL,
                alpha=0.04 + 0.96 * share,
                linewidth=0,
            )
    axes.set_xticks(range(len(bands)), [band_name(band) for band in bands])
    axes.set_yticks(range(len(names)), [shortened(names[place]) for place in order])
    axes.invert_yaxis()
    axes.grid(False)
    axes.set_xlim(-0.5, len(bands) - 0.5)
    labels(axes, f"lag ({unit}); full colour: {top:.3g} {loss}", "")
    return finished(figure, axes)


def plot_clipping(clipped: np.ndarray, norms: np.ndarray) -> "Figure":
    """The share of clipped steps and the gradient's norm by epoch."""
    figure, all_axes = panels(2)
    epochs = np.arange(1, len(clipped) + 1)
    all_axes[0].bar(epochs, 100 * clipped, color=style.SHADES[4], width=0.75)
    all_axes[0].set_ylim(0, 100)
    labels(all_axes[0], "epoch (number)", "clipped steps (%)")
    all_axes[1].plot(epochs, norms, color=style.MODEL, linewidth=style.LINE)
    all_axes[1].set_yscale("log")
    plain_numbers(all_axes[1].yaxis)
    labels(all_axes[1], "epoch (number)", "gradient norm (loss per weight)")
    for axes in all_axes:
        whole_ticks(axes)
    return finished(figure, *all_axes)


def panel(height: float = HEIGHT) -> "tuple[Figure, Axes]":
    """A figure with one pair of axes."""
    figure, (axes,) = panels(1, height)
    return figure, axes


def panels(count: int, height: float = HEIGHT) -> "tuple[Figure, list[Axes]]":
    """A figure with some axes side by side."""
    figure = style.new_figure(WIDTH, height)
    all_axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in all_axes:
        style.dress(axes)
    return figure, all_axes


def labels(axes: "Axes", x: str, y: str) -> None:
    """Names and units of both axes."""
    axes.set_xlabel(x, color=style.GREY, size=style.FONT_SIZE)
    axes.set_ylabel(y, color=style.GREY, size=style.FONT_SIZE)


def finished(figure: "Figure", *all_axes: "Axes", legend: bool = False) -> "Figure":
    """The figure with its legend above the axes and everything inside its edges."""
    if legend:
        handles, names = all_axes[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="upper left", bbox_to_anchor=(0.01, 0.995), ncols=3,
            frameon=False, fontsize=8, labelcolor=style.INK, handlelength=1.6, columnspacing=1.2, borderpad=0,
        )  # fmt: skip
    rows = -(-len(all_axes[0].get_legend_handles_labels()[1]) // 3) if legend else 0
    figure.tight_layout(pad=0.4, rect=(0.01, 0, 1, 1 - 0.065 * rows - 0.02 * legend))
    return figure


def whole_ticks(axes: "Axes") -> None:
    """Whole numbers along x."""
    ticker = arguments.part("matplotlib.ticker", "train")
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True))


def few_numbers(axis: Any) -> None:
    """At most five numbers, without zeros behind the point: narrow enough for two panels on a phone."""
    ticker = arguments.part("matplotlib.ticker", "train")
    axis.set_major_locator(ticker.MaxNLocator(5))
    axis.set_major_formatter(ticker.FormatStrFormatter("%g"))


def plain_numbers(axis: Any) -> None:
    """Plain numbers at 1, 2 and 5 along a logarithmic axis."""
    ticker = arguments.part("matplotlib.ticker", "train")
    if axis.get_scale() == "log":
        axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(ticker.FormatStrFormatter("%g"))


def band_name(band: tuple[int, int]) -> str:
    r"""A band of lags as its tick says it.

    Example:
        >>> band_name((0, 0)), band_name((4, 7)), band_name((-1, -1))
        ('0', '4-7', 'ahead')
        >>> band_name((128, 255))
        '128-\n255'
    """
    low, high = band
    told = "ahead" if low < 0 else f"{low}" if low == high else f"{low}-{high}"
    return told if len(told) <= NARROW else told.replace("-", "-\n")


def shortened(name: str, longest: int = 18) -> str:
    """At most so many letters."""
    return name if len(name) <= longest else name[: longest - 1] + "…"
