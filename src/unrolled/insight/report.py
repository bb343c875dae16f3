"""An inspection as a page."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.insight.fix import Fixed
from unrolled.insight.inspection import Inspection
from unrolled.insight.page import Figure, Page, Section, Table
from unrolled.plots import inspection as plots
from unrolled.plots.svg import to_svg
from unrolled.probe.gates import is_signed

WORDS = {"good": "fine", "note": "worth a look", "bad": "to be changed", "": "not judged"}


def page_of(found: Inspection) -> Page:
    """The page of an inspection: the findings in a table, then each with its pictures."""
    sections = [
        Section("Step by step", live_sentence(found), embed=live_markup(found)),
        *finding_sections(found),
        cost_section(found),
    ]
    summary = Table(
        ("finding", "what was measured", "advice"),
        tuple((f.topic, f.sentence, f.advice) for f in found.findings),
        tuple(f.mark for f in found.findings),
    )
    return Page(
        title=found.title,
        lead="Gradients, memory and gates of this network, measured on its own data.",
        verdict=verdict_of(found),
        facts=found.facts,
        summary=summary,
        sections=tuple(sections),
        notes=found.notes,
    )


def finding_sections(found: Inspection) -> list[Section]:
    """Each finding with its pictures."""
    figures = {
        "gradient reach": reach_figures,
        "memory used": memory_figures,
        "Jacobian": jacobian_figures,
        "gates": gate_figures,
        "inputs": importance_figures,
        "clipping": clipping_figures,
    }
    return [
        Section(
            heading=finding.topic[0].upper() + finding.topic[1:],
            sentence=finding.sentence,
            figures=figures[finding.topic](found) if finding.topic in figures else (),
            advice=finding.advice,
            mark=finding.mark,
        )
        for finding in found.findings
    ]


def page_of_fix(fixed: Fixed) -> Page:
    """Before and after, then the page of the new model."""
    kind = "better" if fixed.better else "not better, and the model as it was is the one to keep"
    verdict = f"Trained again with {told(fixed.changes)}: {kind}. Test loss {fixed.losses[0]:.4g} before, "
    after = page_of(fixed.after)
    tried = "Validation data chose, the test part only judges."
    return Page(
        title=f"Before and after: {fixed.after.title.removeprefix('Inside ')}",
        lead="The model as it was, and trained again with the advice that was found inside it.",
        verdict=f"{verdict}{fixed.losses[1]:.4g} after.",
        facts=after.facts,
        summary=findings_of_both(fixed),
        sections=(
            Section("Scores on the test part", table=scores_of_both(fixed)),
            Section("Gradient reach, before and after", figures=reach_figures_of(fixed)),
            Section("What was tried", tried, table=trainings_of(fixed)),
            *after.sections,
        ),
        notes=after.notes,
    )


def findings_of_both(fixed: Fixed) -> Table:
    """What was found in the model as it was, and in the new one."""
    pairs = [
        (old, new) for old in fixed.before.findings for new in fixed.after.findings if old.topic == new.topic
    ]
    rows = tuple((old.topic, old.sentence, new.sentence) for old, new in pairs)
    return Table(("finding", "before", "after"), rows, tuple(new.mark for _, new in pairs))


def scores_of_both(fixed: Fixed) -> Table:
    """The test part's metrics, before and after."""
    before, after = fixed.metrics
    rows = tuple((name, f"{before[name]:.4g}", f"{after[name]:.4g}") for name in after if name in before)
    return Table(("metric", "before", "after"), rows)


def trainings_of(fixed: Fixed) -> Table:
    """Each training with what was changed and how it did on validation data."""
    rows = tuple(
        (f"round {place}" if place else "as it was", told(changed) or "-", f"{score:.5g}")
        for place, (changed, score) in enumerate(fixed.tried)
    )
    return Table(("training", "parameters changed", "validation score (lower is better)"), rows)


def reach_figures_of(fixed: Fixed) -> tuple[Figure, ...]:
    """The norm over the lag, of both models."""
    both = {
        f"{when}, {r.name}": r
        for when, one in (("before", fixed.before), ("after", fixed.after))
        for r in one.reach
    }
    lags, shares = ({name: getattr(r, what) for name, r in both.items()} for what in ("lags", "shares"))
    drawn = plots.plot_reach(lags, shares, fixed.after.unit)
    return (Figure(to_svg(drawn, "both", "The norm of the gradient over the lag, before and after"), ""),)


def told(changes: dict[str, Any]) -> str:
    """Parameters in words."""
    return ", ".join(f"{name}={value!r}" for name, value in changes.items())


def verdict_of(found: Inspection) -> str:
    """The one sentence for who reads nothing else."""
    bad = [finding.topic for finding in found.findings if finding.mark == "bad"]
    if not bad:
        return "Nothing found that has to be changed."
    changes = told(found.changes)
    return f"To be changed: {', '.join(bad)}." + (f" In one go: {changes}." if changes else "")


def reach_figures(found: Inspection) -> tuple[Figure, ...]:
    """The norm over the lag."""
    lags = {reach.name: reach.lags for reach in found.reach}
    shares = {reach.name: reach.shares for reach in found.reach}
    alt = "The norm of the gradient in the hidden state over the lag"
    drawn = to_svg(plots.plot_reach(lags, shares, found.unit), "reach", alt)
    return (Figure(drawn, "Norm of the gradient of the last answer's loss in the hidden state k earlier."),)


def memory_figures(found: Inspection) -> tuple[Figure, ...]:
    """The loss over the lag kept."""
    memory = found.memory
    if memory is None:
        return ()
    drawn = plots.plot_memory(
        memory.lags, memory.losses, memory.errors, memory.whole, found.unit, found.loss_unit
    )
    caption = "Loss when everything older is another sequence's; the band is two standard errors of the rise."
    return (Figure(to_svg(drawn, "memory", "The loss over the lag that is kept"), caption),)


def jacobian_figures(found: Inspection) -> tuple[Figure, ...]:
    """Exponents and singular values."""
    exponents = plots.plot_exponents({s.name: s.exponents for s in found.spectra})
    singular = plots.plot_singular(
        {s.name: s.singular.mean(0) for s in found.spectra}, {s.name: s.radii for s in found.spectra}
    )
    return (
        Figure(
            to_svg(exponents, "exponents", "Lyapunov exponents"),
            "Lyapunov exponents: the mean growth of each direction of the state.",
        ),
        Figure(
            to_svg(singular, "singular", "Singular values"),
            "Mean singular values of the Jacobian; dotted: its mean spectral radius.",
        ),
    )


def gate_figures(found: Inspection) -> tuple[Figure, ...]:
    """A histogram for each layer, and the time constants of all."""
    figures = [
        Figure(
            to_svg(
                plots.plot_gates(gates.histograms, {name: is_signed(name) for name in gates.histograms}),
                f"gates{place}",
                f"Histograms of the gates of {gates.name}",
            ),
            f"{gates.name}: how open the gates stood, over all steps and units."
            if gates.keeps
            else f"{gates.name}: the values of the hidden state.",
        )
        for place, gates in enumerate(found.gates)
    ]
    constants = {g.name: g.time_constants for g in found.gates if g.time_constants is not None}
    if constants:
        scale = found.window / max(len(found.reach[0].lags), 1)
        steps = {name: values * scale for name, values in constants.items()}
        drawn = plots.plot_time_constants(steps, found.unit, found.window)
        caption = "Time after which a unit has forgotten all but 1/e, -1 / ln of the gate that keeps."
        figures.append(Figure(to_svg(drawn, "constants", "Time constants of the units"), caption))
    return tuple(figures)


def importance_figures(found: Inspection) -> tuple[Figure, ...]:
    """By column, and by column and lag."""
    importance = found.importance
    if importance is None or not importance.columns:
        return ()
    by_lag = plots.plot_columns_by_lag(
        importance.columns, importance.bands, importance.by_lag, found.unit, found.loss_unit
    )
    figures = [
        Figure(to_svg(by_lag, "lags", "Importance by column and lag"), "The same, a band of lags at a time.")
    ]
    if len(importance.columns) > 1:
        columns = plots.plot_columns(
            importance.columns, importance.by_column, importance.errors, found.loss_unit
        )
        caption = "How much higher the loss is when a column is another sequence's; two standard errors."
        figures.insert(0, Figure(to_svg(columns, "columns", "Importance by column"), caption))
    return tuple(figures)


def clipping_figures(found: Inspection) -> tuple[Figure, ...]:
    """The share of clipped steps and the norm, by epoch."""
    if found.history is None or not found.history.epochs:
        return ()
    records = found.history.epochs
    drawn = plots.plot_clipping(
        np.array([r.clip_rate for r in records]), np.array([r.gradient_norm for r in records])
    )
    return (
        Figure(
            to_svg(drawn, "clipping", "Clipped steps and gradient norm by epoch"), "Training, epoch by epoch."
        ),
    )


def cost_section(found: Inspection) -> Section:
    """What it costs."""
    cost = found.cost
    rows = [("parameters", f"{cost.parameters:,}"), ("weights in float32", size_of(cost.weight_bytes))]
    if cost.multiply_adds is not None:
        rows.append(("multiply-adds of one step", f"{cost.multiply_adds:,}"))
    if cost.state_bytes is not None and cost.microseconds is not None:
        rows.append(("state of one stream", size_of(cost.state_bytes)))
        rows.append(("one streamed step on this machine", f"{cost.microseconds:,.3g} µs"))
    text = "What one answer costs. " + (f"It does not stream: {cost.why_not}." if cost.why_not else "")
    return Section("Cost", text.strip(), table=Table(("what", "how much"), tuple(rows)))


def size_of(count: int) -> str:
    """Bytes for people.

    Example:
        >>> size_of(900), size_of(2_600_000)
        ('900 bytes', '2.6 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:,.3g} kB" if count < 1_000_000 else f"{count / 1e6:,.3g} MB"


def live_sentence(found: Inspection) -> str:
    """What is seen there."""
    what = f"One sequence as it passes ({found.live.title})"
    return f"{what}: move along it to see what the network takes in, keeps and answers."


def live_markup(found: Inspection) -> str:
    """The element that the script draws into, its numbers, and the script."""
    page = _parts("live.html").replace("{script}", _parts("live.js"))
    return page.replace("{numbers}", found.live.to_json())  # last: what stands in the data is left alone


@cache
def _parts(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
