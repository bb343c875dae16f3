"""The page of a comparison on a task."""

from collections.abc import Sequence

import numpy as np

from unrolled.insight.comparison import PERCENT, Comparison, Entry, microseconds, shown, speed
from unrolled.insight.page import Figure, Page, Section, Table, render
from unrolled.plots import compare as plots
from unrolled.plots.svg import to_svg

UNITS = {"MSE": "scaled", "log loss": "nats", "accuracy": "%"}
LEAST = 1e-4  # share of a gradient that is still drawn


def comparison_page(found: Comparison) -> str:
    """The page of a comparison on a task, as HTML."""
    columns, rows = found.table()
    marks = [mark_of(found, entry.name) for entry in found.entries]
    marks += [mark_of(found, name) for name in found.baselines]
    table = Table(tuple(columns), tuple(tuple(row) for row in rows), tuple(marks))
    legend = "Green is best, orange as good by this data."
    return render(
        Page(
            title="Architectures compared",
            lead=found.title,
            verdict=found.conclusion.text,
            facts=(
                ("parameters each", f"about {found.budget['parameters']:,}"),
                ("training a run", f"at most about {found.budget['seconds']:g} s"),
                ("seeds", f"{found.budget['seeds']:g}"),
            ),
            sections=(
                Section("The table", legend, table=table),
                scores_section(found),
                past_section(found),
                costs_section(found),
            ),
            notes=(*found.notes, *HOW),
        )
    )


HOW = (
    "Every architecture is trained by the same loop on the same inputs, with the same loss; its hidden"
    " size is chosen so that the numbers of parameters match.",
    "Training ends by the budget of time, by the validation score (patience), or at four times the"
    " task's own epochs; the weights of the best validation score are judged on the test part. Seconds"
    " of training are those the processor spent (on a GPU, the clock's).",
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
    """The metric of every seed, and how soon each got there."""
    metric = found.metrics[0]
    values = {entry.title: entry.metrics[metric] for entry in found.trained}
    plain = {name: one[metric] for name, one in found.baselines.items()}
    percent = metric in PERCENT
    unit = UNITS.get(metric, "units of the answers")
    scores = plots.plot_scores(values, plain, f"{metric} ({unit}), test part", percent)
    curves = {
        entry.title: tuple(np.array(entry.curves[0]).T)
        for entry in found.trained
        if entry.curves and entry.curves[0]
    }
    ylabel = f"validation loss ({found.loss_unit})"
    learning = plots.plot_curves(curves, "training (s)", ylabel, marks=True)
    epochs = [
        f"{entry.title} {np.mean(entry.epochs):.0f} epochs in {np.mean(entry.seconds):.0f} s"
        for entry in found.trained
    ]
    spread = shown(metric, max((entry.spread(metric) for entry in found.trained), default=0.0))
    return Section(
        "Which is best, and how soon",
        f"{metric} on rows that nothing was chosen by. From seed to seed it varies by up to {spread}."
        f" Means over the seeds: {'; '.join(epochs)}.",
        (
            Figure(
                to_svg(scores, "scores", f"{metric} of each architecture and baseline"),
                "A dot a seed, a bar at their mean; a diamond a plain baseline.",
            ),
            Figure(
                to_svg(learning, "learning", "Best validation loss over seconds of training"),
                "The best so far, of the first seed of each.",
            ),
        ),
    )


def past_section(found: Comparison) -> Section:
    """The gradient by lag; the loss when what is older than a lag is another row's."""
    reached = {entry.title: entry.reach for entry in found.trained if entry.reach is not None}
    used = {entry.title: entry.memory for entry in found.trained if entry.memory is not None}
    figures = []
    if reached:
        shares = {name: (one.lags, np.maximum(one.shares, LEAST / 10)) for name, one in reached.items()}
        level, ylabel = (0.01, "1 %"), "gradient (share of lag 0)"
        figure = plots.plot_curves(shares, "lag (steps)", ylabel, log=True, line=level, lowest=LEAST)
        svg = to_svg(figure, "reach", "Share of the gradient over the lag, for each architecture")
        figures.append(Figure(svg, "The gradient of an answer's loss in what is read so many steps before."))
    if used:
        added = {name: (one.lags, one.losses - one.whole) for name, one in used.items()}
        figure = plots.plot_curves(
            added,
            "inputs replaced beyond lag (steps)",
            f"loss added ({found.loss_unit})",
            line=(0.0, ""),
            marks=True,
        )
        svg = to_svg(figure, "memory", "Loss added by replacing inputs older than a lag")
        figures.append(Figure(svg, "The loss added when all older inputs are another row's."))
    told = [f"{n} {f'over {m.lags[-1]}' if m.lag is None else m.lag}" for n, m in used.items()]
    text = told_reach(found.trained) + (f" Inputs stop to matter beyond: {', '.join(told)}." if told else "")
    return Section("How far back it learns and looks", text, tuple(figures))


def told_reach(entries: Sequence[Entry]) -> str:
    """The lags at which gradients fall below 1 %."""
    reached = [(entry.title, entry.reach) for entry in entries if entry.reach]
    short = [f"{n} {r.lag_below}" for n, r in reached if not r.direct and r.lag_below is not None]
    far = [name for name, reach in reached if not reach.direct and reach.lag_below is None]
    pooled = [name for name, reach in reached if reach.direct]
    parts = []
    if short:
        parts.append(f"The gradient in the inputs falls below 1 % at lag: {', '.join(short)}.")
    if far:
        parts.append(f"It reaches the whole sequence in: {', '.join(far)}.")
    if pooled:
        parts.append(f"A pool reads every step itself, so it has no way to go in: {', '.join(pooled)}.")
    return " ".join(parts)


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
