"""The page of a comparison on a task."""

from collections.abc import Sequence

import numpy as np

from unrolled.insight.comparison import PERCENT, Comparison, Entry, microseconds, shown, speed
from unrolled.insight.page import Figure, Page, Section, Table, render
from unrolled.plots import compare as plots
from unrolled.plots.svg import to_svg

LEAST = 1e-4  # share of a gradient that is still drawn


def comparison_page(found: Comparison) -> str:
    """The page of a comparison on a task, as HTML."""
    sections = [scores_section(found), learning_section(found), reach_section(found), memory_section(found)]
    sections += [costs_section(found)]
    columns, rows = found.table()
    marks = [mark_of(found, entry.name) for entry in found.entries]
    marks += [mark_of(found, name) for name in found.baselines]
    return render(
        Page(
            title="Architectures compared",
            lead=found.title,
            verdict=found.conclusion.text,
            facts=(
                ("parameters each", f"about {found.budget['parameters']:,}"),
                ("training a run", f"at most {found.budget['seconds']:g} s"),
                ("seeds", f"{found.budget['seeds']:g}"),
            ),
            summary=Table(tuple(columns), tuple(tuple(row) for row in rows), tuple(marks)),
            sections=tuple(section for section in sections if section is not None),
            notes=(*found.notes, *HOW),
        )
    )


HOW = (
    "Every architecture is trained by the same loop on the same inputs, with the same loss; its hidden"
    " size is chosen so that the numbers of parameters match.",
    "Training ends by the budget of time, by the validation score (patience), or at four times the"
    " task's own epochs; the weights of the best validation score are judged on the test part. Seconds"
    " are of the wall clock.",
    "± is the standard deviation over the seeds. The verdict goes by the paired losses of the test"
    " part: others are as good where the 95 % block-bootstrap interval of the difference touches 0, or"
    " where the difference is within two standard errors of the seeds.",
    "A gradient's reach is the lag at which the gradient of the loss in what is read falls below 1 % of"
    " that at lag 0; memory is the lag from which on the loss does not change when all older inputs are"
    " another row's.",
    "µs a step: the median of a row through the native stream, of one thread.",
)


def mark_of(found: Comparison, name: str) -> str:
    """How a row of the table stands: best, as good, or neither."""
    if name == found.conclusion.best:
        return "good"
    return "note" if name in found.conclusion.as_good else ""


def scores_section(found: Comparison) -> Section:
    """The metric of every seed."""
    metric = found.metrics[0]
    values = {entry.title: entry.metrics[metric] for entry in found.trained}
    plain = {name: one[metric] for name, one in found.baselines.items()}
    percent = metric in PERCENT
    figure = plots.plot_scores(values, plain, f"{metric}{' (%)' if percent else ''}, test part", percent)
    svg = to_svg(figure, "scores", f"{metric} of each architecture and baseline")
    spread = shown(metric, max((entry.spread(metric) for entry in found.trained), default=0.0))
    text = f"{metric} on rows that nothing was chosen by. From seed to seed it varies by up to {spread}."
    caption = "A dot a seed, a bar at their mean; a diamond a plain baseline."
    return Section("Which is best", text, (Figure(svg, caption, wide=True),))


def learning_section(found: Comparison) -> Section | None:
    """How soon each gets there."""
    curves = {
        entry.title: tuple(np.array(entry.curves[0]).T)
        for entry in found.trained
        if entry.curves and entry.curves[0]
    }
    if not curves:
        return None
    figure = plots.plot_curves(curves, "seconds of training", "best validation loss so far", wide=True)
    svg = to_svg(figure, "learning", "Best validation loss over seconds of training")
    epochs = [
        f"{entry.title} {np.mean(entry.epochs):.0f} epochs in {np.mean(entry.seconds):.0f} s"
        for entry in found.trained
    ]
    text = f"{'; '.join(epochs)} (means over the seeds)."
    return Section("How soon", text, (Figure(svg, "The first seed.", wide=True),))


def reach_section(found: Comparison) -> Section | None:
    """The gradient by lag."""
    reached = {entry.title: entry.reach for entry in found.trained if entry.reach is not None}
    if not reached:
        return None
    curves = {name: (reach.lags, np.maximum(reach.shares, LEAST / 10)) for name, reach in reached.items()}
    level, ylabel = (0.01, "1 %"), "gradient, share of lag 0"
    figure = plots.plot_curves(curves, "lag (steps)", ylabel, log=True, line=level, lowest=LEAST, wide=True)
    svg = to_svg(figure, "reach", "Share of the gradient over the lag, for each architecture")
    return Section("How far the gradient reaches", told_reach(found.trained), (Figure(svg, wide=True),))


def told_reach(entries: Sequence[Entry]) -> str:
    """The lags at which gradients fall below 1 %."""
    short = [f"{e.title} {e.reach.lag_below}" for e in entries if e.reach and e.reach.lag_below is not None]
    far = [e.title for e in entries if e.reach and e.reach.lag_below is None]
    parts = []
    if short:
        parts.append(f"The gradient in the inputs falls below 1 % at lag: {', '.join(short)}.")
    if far:
        parts.append(f"It reaches the whole sequence in: {', '.join(far)}.")
    return " ".join(parts)


def memory_section(found: Comparison) -> Section | None:
    """The loss when what is older than a lag is another row's."""
    entries = [entry for entry in found.trained if entry.memory is not None]
    if not entries:
        return None
    curves = {e.title: (e.memory.lags, e.memory.losses - e.memory.whole) for e in entries if e.memory}
    figure = plots.plot_curves(
        curves, "inputs older than (steps) replaced", "loss added", line=(0.0, ""), marks=True, wide=True
    )
    svg = to_svg(figure, "memory", "Loss added by replacing inputs older than a lag")
    told = [
        f"{e.title} {'over ' + str(e.memory.lags[-1]) if e.memory.lag is None else e.memory.lag}"
        for e in entries
        if e.memory
    ]
    text = f"Older inputs stop to matter at lag: {', '.join(told)}."
    return Section("How much memory is used", text, (Figure(svg, "The first seed.", wide=True),))


def costs_section(found: Comparison) -> Section:
    """What each costs where it runs."""
    rows = []
    for entry in found.trained:
        if (costs := entry.costs) is None:
            continue
        stream = "none" if costs.stream_seconds is None else f"{microseconds(costs.stream_seconds)} µs"
        kept = f"{costs.stream_bytes:,} B" + (" and growing" if costs.grows else "")
        row = (
            f"{entry.hidden:,}",
            f"{costs.multiply_adds:,}",
            stream,
            f"{microseconds(costs.torch_seconds)} µs",
        )
        rows.append((entry.title, *row, kept))
    columns = ("", "hidden units", "multiply-adds a row", "native stream", "PyTorch", "kept between rows")
    quick = min(found.trained, key=speed)
    text = f"{quick.title} streams fastest." if np.isfinite(speed(quick)) else "None of them streams."
    return Section("What a row costs", text, table=Table(columns, tuple(rows)))
