"""The table as a picture: a panel a cell, a line a case, a dot for each number of threads."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kernels.cases import Case

Measured = list[tuple[int, Case, np.ndarray]]  # threads, case, quartiles of the ratio
COLOURS = ("#4878a8", "#e07b39", "#6a9f58")
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)


def draw(measured: Measured, path: Path) -> None:
    """Ratios with their quartiles, left of 1 where torch is faster."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    cells = list(dict.fromkeys(case.cell for _, case, _ in measured))
    names = list(dict.fromkeys(named(case) for _, case, _ in measured))
    size = (2.2 + 2.6 * len(cells), 1.4 + 0.3 * len(names))
    figure, panels = plt.subplots(1, len(cells), figsize=size, sharex=True, sharey=True, squeeze=False)
    for cell, axes in zip(cells, panels[0], strict=True):
        fill(axes, names, [row for row in measured if row[1].cell == cell])
        axes.set_title(cell)
    panels[0][0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0][0].invert_yaxis()
    ratios = np.array([quartiles for *_, quartiles in measured])
    ticks = [tick for tick in TICKS if ratios.min() / 2 < tick < ratios.max() * 2]
    panels[0][0].set_xscale("log")
    panels[0][0].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panels[0][0].minorticks_off()
    panels[0][0].set_xlim(min(0.9, ratios.min() * 0.9), ratios.max() * 1.2)
    handles = panels[0][0].get_legend_handles_labels()
    figure.legend(*handles, title="threads", fontsize=8, title_fontsize=8, loc="lower left", ncols=3)
    figure.supxlabel("times faster than torch.nn: median and quartiles of pairs", fontsize=9)
    figure.supylabel("B T I H", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def named(case: Case) -> str:
    """A case without its cell."""
    return f"{case.kind}  {' '.join(map(str, case.shape))}"


def fill(axes: Any, names: list[str], measured: Measured) -> None:
    """One cell's panel."""
    counts = sorted({threads for threads, *_ in measured})
    axes.axvspan(1e-3, 1.0, color="0.93", lw=0)
    axes.axvline(1.0, color="black", lw=1)
    axes.grid(axis="x", color="0.85", lw=0.5)
    for place, threads in enumerate(counts):
        rows = [(names.index(named(case)), quartiles) for n, case, quartiles in measured if n == threads]
        low, middle, high = np.array([quartiles for _, quartiles in rows]).T
        shift = 0.24 * (place - (len(counts) - 1) / 2)
        at = np.array([row for row, _ in rows]) + shift
        spread, colour = (middle - low, high - middle), COLOURS[place % len(COLOURS)]
        axes.errorbar(middle, at, xerr=spread, fmt="o", ms=4, lw=1, color=colour, label=str(threads))
