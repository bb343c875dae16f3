"""The page of a comparison on classic problems."""

from collections.abc import Mapping, Sequence

import numpy as np

from unrolled.insight.compare_synthetic import (
    SyntheticComparison,
    Variant,
    foretold,
    omen_of,
    told_clipping,
    told_problem,
    told_settings,
)
from unrolled.insight.page import Figure, Page, Section, Table, render
from unrolled.insight.probe_runs import ProbeRun
from unrolled.insight.synthetic import PROBES, Probe
from unrolled.plots import compare as plots
from unrolled.plots.svg import to_svg

Curve = tuple[np.ndarray, np.ndarray]


HOW = (
    "Every cell starts as in torch.nn, unless its name says otherwise; sequences are drawn anew for"
    " each step; AdamW, a cosine schedule, gradients clipped at 1.",
    "A gradient's reach is the lag at which the gradient of the answer's loss in what is read falls"
    " below 1 % of that at lag 0; it is taken about thirty times as a run goes on.",
)


def synthetic_page(found: SyntheticComparison) -> str:
    """The page of a comparison on classic problems, as HTML."""
    columns, rows = found.table()
    sections = [problem_section(found, probe) for probe in found.probes]
    if found.clipping:
        sections.append(clipping_section(found.clipping))
    marks = tuple("good" if row[-3].startswith("to ") else "bad" for row in rows)
    settings = found.settings
    table = Table(("problem", *columns[1:]), tuple(map(tuple, rows)), marks)
    return render(
        Page(
            title="Memory, measured on classic problems",
            lead="Each problem's answer lies a known number of steps back: the lag.",
            verdict=found.verdict(),
            facts=(
                ("steps each", f"{settings.steps:,}"),
                ("parameters each", f"about {settings.parameters:,}"),
                ("sequences a step", f"{settings.batch_size}"),
                ("seeds", f"{found.seeds}"),
            ),
            sections=(Section("The table", "Green is solved.", table=table), *sections),
            notes=(
                told_settings(found),
                *HOW,
                *(f"{PROBES[name].title}: {PROBES[name].source}." for name in found.probes),
            ),
        )
    )


def problem_section(found: SyntheticComparison, name: str) -> Section:
    """Score against lag, and how the longest lag was learned."""
    probe = PROBES[name]
    variants = [v for v in found.variants if any(found.of(name, lag, v) for lag in found.lags)]
    figures = []
    if len(found.lags) > 1:
        figures.append(lag_figure(found, probe, variants))
    longest = max(run.lag for run in found.runs if run.probe == name)
    runs = {v.title: found.of(name, longest, v)[0] for v in variants}
    told = foretold(found, name)
    caption = (
        "first the gradient arrives, then the score follows" if told else "the gradient's reach, the score"
    )
    figures.append(watch_figure(probe, longest, runs, f"At lag {longest}: {caption}."))
    sentence = f"Task: {probe.task}. {told_problem(found, name)} {told}".strip()
    solved = any(found.longest(name, v) == max(found.lags) for v in variants)
    return Section(
        probe.title,
        sentence,
        tuple(figures),
        advice=advice_for(found, probe, longest),
        mark="good" if solved else "note",
    )


def lag_figure(found: SyntheticComparison, probe: Probe, variants: Sequence[Variant]) -> Figure:
    """The score at each lag."""
    lags = np.array(found.lags)
    scale = 1 if probe.shape.targets else 100
    curves = {
        v.title: (lags, scale * np.array([found.score(probe.name, lag, v) for lag in found.lags]))
        for v in variants
    }
    ylabel = "MSE (sums of 0 to 2)" if probe.shape.targets else "accuracy (%)"
    figure = plots.plot_curves(
        curves, "lag (steps)", ylabel, line=(scale * probe.chance, "chance"), marks=True, ticks=found.lags
    )
    return Figure(
        to_svg(figure, f"{probe.name}-lag", f"{ylabel} over the lag"),
        "Score on fresh sequences after the same number of steps.",
    )


def watch_figure(probe: Probe, lag: int, runs: Mapping[str, ProbeRun], caption: str) -> Figure:
    """Reach and score as the longest lag is learned: the first foretells the second."""
    reach = {name: (np.array(run.steps), np.array(run.reach, float)) for name, run in runs.items()}
    scale = 1 if probe.shape.targets else 100
    scores = {name: (np.array(run.steps), scale * np.array(run.scores)) for name, run in runs.items()}
    ylabel = "MSE (sums of 0 to 2)" if probe.shape.targets else "accuracy (%)"
    panels = [
        ("gradient reach (steps)", reach, (lag / 2, "half the lag")),
        (ylabel, clipped_above(scores, probe), (scale * probe.chance, "chance")),
    ]
    figure = plots.plot_watch(panels, f"training (steps), at lag {lag}")
    alt = f"Gradient reach and {ylabel} over training steps at lag {lag}"
    return Figure(to_svg(figure, f"{probe.name}-watch", alt), caption)


def clipped_above(curves: Mapping[str, Curve], probe: Probe) -> Mapping[str, Curve]:
    """Squared errors of at most 1.5 times chance: an untrained network's would hide all others."""
    if not probe.shape.targets:
        return curves
    return {name: (x, np.minimum(y, 1.5 * probe.chance)) for name, (x, y) in curves.items()}


def advice_for(found: SyntheticComparison, probe: Probe, lag: int) -> str:
    """What to do where a cell's gradient never reached the lag."""
    short = [
        run for run in found.runs
        if (run.probe, run.lag) == (probe.name, lag) and omen_of(run).reached is None
    ]  # fmt: skip
    cells = {run.variant.cell for run in short if not run.variant.start}
    told = []
    if "elman" in cells:
        told.append("cell='gru' or 'lstm' instead of Elman, or orthogonal=True")
    if "lstm" in cells:
        told.append(f"memory={lag} for the LSTM, which spreads its forget gates")
    if "gru" in cells:
        told.append("more steps or a shorter lag for the GRU")
    return "; ".join(told) + "." if told else ""


CLIPPING_CAPTION = (
    "Plain gradient descent; the recurrent matrix starts orthogonal times 1.2. Norms are means over the steps"
    " between two looks."
)


def clipping_section(pair: Sequence[ProbeRun]) -> Section:
    """A run whose gradient explodes, with and without clipping."""
    probe = PROBES[pair[0].probe]
    scale = 1 if probe.shape.targets else 100
    norms, scores = {}, {}
    for run in pair:
        steps = np.array(run.steps)
        norms[run.variant.title] = (steps[1 : len(run.gradient_norms) + 1], np.array(run.gradient_norms))
        scores[run.variant.title] = (steps, scale * np.array(run.scores))
    ylabel = "MSE (sums of 0 to 2)" if scale == 1 else "accuracy (%)"
    chance = (scale * probe.chance, "chance")
    panels = [("norm (loss per weight)", norms, None), (ylabel, scores, chance)]
    figure = plots.plot_watch(panels, f"training (steps), at lag {pair[0].lag}")
    svg = to_svg(figure, "clipping", "Gradient norm and score with and without clipping")
    return Section(
        "An exploding gradient",
        told_clipping(pair),
        (Figure(svg, CLIPPING_CAPTION),),
        advice="clip=1.0, which is every task's default here.",
        mark="good" if probe.is_solved(pair[1].score) else "note",
    )
