"""`unrolled compare --synthetic`: classic problems at growing lags, cell beside cell; what foretold it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.format import write_atomically
from unrolled.insight.comparison import shown
from unrolled.insight.probe_runs import ProbeRun, ProbeSettings, Variant, run_probe, whole_steps
from unrolled.insight.synthetic import DEFAULT, PROBES
from unrolled.models import ARCHITECTURES, FEED_FORWARD
from unrolled.tasks.evaluation import aligned

Tell = Callable[[str], None]
LAGS = (10, 50, 200)
CELLS = ("elman", "lstm", "gru")
SHORTEST = 4  # steps that a problem needs
# What this library advises for a long memory, by cell.
ADVICE = {"elman": "orthogonal", "lstm": "memory"}
# A gradient that grows by a fifth a step, in plain gradient descent: clipping alone makes the difference.
EXPLODING = ("recall", 50, 600, 0.1)  # problem, lag, steps, learning rate


@dataclass(frozen=True)
class SyntheticComparison:
    """Runs of variants on problems at lags, with an equal budget of steps and of parameters."""

    runs: tuple[ProbeRun, ...]
    clipping: tuple[ProbeRun, ...]
    settings: ProbeSettings
    seeds: int

    @property
    def probes(self) -> tuple[str, ...]:
        """The problems, in the order they were run."""
        return tuple(dict.fromkeys(run.probe for run in self.runs))

    @property
    def lags(self) -> tuple[int, ...]:
        """The lags, rising."""
        return tuple(sorted({run.lag for run in self.runs}))

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The variants, in the order they were run."""
        return tuple(dict.fromkeys(run.variant for run in self.runs))

    def of(self, probe: str, lag: int, variant: Variant) -> tuple[ProbeRun, ...]:
        """The runs of a variant on a problem at a lag, one a seed."""
        return tuple(r for r in self.runs if (r.probe, r.lag, r.variant) == (probe, lag, variant))

    def score(self, probe: str, lag: int, variant: Variant) -> float:
        """The mean over the seeds; NaN where there is no run, or training could not go on."""
        found = [run.score for run in self.of(probe, lag, variant)]
        return sum(found) / len(found) if found else math.nan

    def longest(self, probe: str, variant: Variant) -> int:
        """The longest lag up to which a variant has solved a problem, 0 where it solved none."""
        solved = 0
        for lag in self.lags:
            if not PROBES[probe].is_solved(self.score(probe, lag, variant)):
                break
            solved = lag
        return solved

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The scores as text: a row a problem and variant, a column a lag."""
        columns = ["", "", *(f"lag {lag}" for lag in self.lags), "solves", "hidden", "parameters"]
        rows = []
        for probe in self.probes:
            for variant in self.variants:
                if not any(self.of(probe, lag, variant) for lag in self.lags):
                    continue
                runs = [run for lag in self.lags for run in self.of(probe, lag, variant)]
                scores = [shown(PROBES[probe].metric, self.score(probe, lag, variant)) for lag in self.lags]
                solved = self.longest(probe, variant)
                told = [
                    f"to {solved}" if solved else "none",
                    f"{runs[0].hidden:,}",
                    f"{runs[0].parameters:,}",
                ]
                title = f"{PROBES[probe].title} ({PROBES[probe].metric})"
                rows.append([title, variant.title, *scores, *told])
        return columns, rows

    def verdict(self) -> str:
        """What solved what, in a sentence a problem."""
        return " ".join(told_problem(self, probe) for probe in self.probes)

    def html(self) -> str:
        """One self-contained page."""
        from unrolled.insight.synthetic_page import (
            synthetic_page,
        )  # it draws: not loaded for the figures alone

        return synthetic_page(self)

    def save(self, path: str | Path) -> None:
        """Write the page, whole or not at all. Raises: OutputError."""
        write_atomically(path, [self.html().encode()])

    def __str__(self) -> str:
        columns, rows = self.table()
        lines = [told_settings(self), *aligned(columns, rows), f"Verdict: {self.verdict()}"]
        lines += [text for probe in self.probes if (text := foretold(self, probe))]
        return "\n".join([*lines, *([told_clipping(self.clipping)] if self.clipping else [])])

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "settings": asdict(self.settings) | {"seeds": self.seeds},
            "problems": [
                {"name": name, "metric": PROBES[name].metric, "chance": PROBES[name].chance,
                 "solved": PROBES[name].solved, "source": PROBES[name].source}
                for name in self.probes
            ],
            "runs": [run.to_dict() for run in self.runs],
            "clipping": [run.to_dict() for run in self.clipping],
            "verdict": self.verdict(),
        }  # fmt: skip


def compare_synthetic(
    probes: Sequence[str] = DEFAULT,
    lags: int | Sequence[int] = LAGS,
    architectures: Sequence[str] = CELLS,
    *,
    seeds: int = 1,
    steps: int = 4000,
    parameters: int = 16_000,
    advice: bool = False,
    clipping: bool = False,
    tell: Tell | None = None,
) -> SyntheticComparison:
    """Train cells on classic problems at growing lags, each with as many steps and parameters; watch them.

    Every cell starts as in torch.nn; with `advice` an LSTM also starts with `memory` and an Elman network
    orthogonal. With `clipping` a network whose gradient explodes is trained with and without it.

    Raises: ArgumentError naming what is not there, before anything is trained.

    Example:
        >>> found = compare_synthetic(["recall"], [4], ["elman", "gru"], steps=30, parameters=200)
        >>> [(run.variant.title, run.lag) for run in found.runs]
        [('Elman', 4), ('GRU', 4)]
    """
    wanted = checked_names("probes", probes, PROBES)
    cells = checked_names("architectures", architectures, ARCHITECTURES)
    given = [lags] if isinstance(lags, int) else lags
    spans = sorted({integer("lags", lag, SHORTEST, "Such as 10,50,200.") for lag in given})
    if not spans:
        raise ArgumentError(explain("lags", "at least one", "none", "Such as 10,50,200."))
    integer("seeds", seeds, 1, "1 shows the shape, 3 the spread.")
    settings = ProbeSettings(
        steps=whole_steps(integer("steps", steps, 1, "4000 are enough for lags of some hundred.")),
        parameters=integer("parameters", parameters, 1, "16000 is a good start."),
    )
    told = tell or (lambda text: None)
    variants = variants_of(cells, advice)
    check_answers(variants, wanted)
    runs = [
        told_run(run_probe(PROBES[probe], lag, variant, seed, settings), told)
        for probe in wanted
        for lag in spans
        for variant in variants
        if can_answer(variant, probe)
        for seed in range(seeds)
    ]
    pair = exploding_pair(settings, told) if clipping else ()
    return SyntheticComparison(tuple(runs), pair, settings, seeds)


def checked_names(what: str, names: Sequence[str], known: Any) -> tuple[str, ...]:
    """The names, if each is one and none comes twice. Raises: ArgumentError."""
    listed = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in listed:
        one_of(what, name, known)
    if not listed:
        raise ArgumentError(explain(what, "at least one", "none", f"Such as {next(iter(known))}."))
    return listed


def variants_of(cells: Sequence[str], advice: bool) -> tuple[Variant, ...]:
    """Each cell as torch.nn starts it, and behind it with the advice where there is one."""
    found = []
    for cell in cells:
        found.append(Variant(cell))
        if advice and cell in ADVICE:
            found.append(Variant(cell, ADVICE[cell]))
    return tuple(found)


def can_answer(variant: Variant, probe: str) -> bool:
    """Whether a variant can answer a problem: a feed-forward network answers once."""
    return variant.cell != FEED_FORWARD or PROBES[probe].head == "last"


def check_answers(variants: Sequence[Variant], probes: Sequence[str]) -> None:
    """Raise ArgumentError for a problem that none of the architectures can answer."""
    for probe in probes:
        if not any(can_answer(variant, probe) for variant in variants):
            cure = "A feed-forward network answers once a sequence: add elman, lstm, gru or transformer."
            expected = f"one that answers at each step, for {probe}"
            raise ArgumentError(explain("architectures", expected, FEED_FORWARD, cure))


def exploding_pair(settings: ProbeSettings, tell: Tell) -> tuple[ProbeRun, ...]:
    """An Elman network whose gradient explodes, trained with and without clipping."""
    problem, lag, steps, rate = EXPLODING
    spent = ProbeSettings(min(steps, settings.steps), settings.parameters, settings.batch_size)
    variants = [Variant("elman", "stretched", clip, "nt-asgd", rate) for clip in (0.0, 1.0)]
    return tuple(told_run(run_probe(PROBES[problem], lag, one, 0, spent), tell) for one in variants)


def told_run(run: ProbeRun, tell: Tell) -> ProbeRun:
    """The run, after it was told."""
    metric = PROBES[run.probe].metric
    score = f"{metric} {shown(metric, run.score)}" if not run.failed else "not finite"
    tell(f"{run.probe}, lag {run.lag}, {run.variant.title}: {score}, {run.seconds:.0f} s")
    return run


# In words


def told_settings(found: SyntheticComparison) -> str:
    """The budget in a line."""
    settings, seeds = found.settings, found.seeds
    return (
        f"Budget: {settings.steps:,} steps of {settings.batch_size} sequences and about"
        f" {settings.parameters:,} parameters each, {seeds} seed{'' if seeds == 1 else 's'}."
    )


def told_problem(found: SyntheticComparison, probe: str) -> str:
    """What solved a problem, and up to which lag."""
    by_lag: dict[int, list[str]] = {}
    for variant in found.variants:
        if any(found.of(probe, lag, variant) for lag in found.lags):
            by_lag.setdefault(found.longest(probe, variant), []).append(variant.title)
    parts = [f"{', '.join(by_lag[lag])} to lag {lag}" for lag in sorted(by_lag, reverse=True) if lag]
    if not parts:
        return f"{PROBES[probe].title}: solved by none of them at any of these lags."
    never = f"; never by {', '.join(by_lag[0])}" if 0 in by_lag else ""
    return f"{PROBES[probe].title}: solved by {'; '.join(parts)}{never}."


@dataclass(frozen=True)
class Omen:
    """When the gradient reached over half the lag, and when the score was half way from chance: steps.

    None where it never was.
    """

    reached: int | None
    learned: int | None


def omen_of(run: ProbeRun) -> Omen:
    """When a run's gradient reached back, and when its score followed."""
    probe = PROBES[run.probe]
    looks = list(zip(run.steps, run.reach, run.scores, strict=True))[1:]  # the first is untrained
    reached = next((step for step, reach, _ in looks if reach >= run.lag / 2), None)
    learned = next((step for step, _, score in looks if probe.skill(score) >= 0.5), None)
    return Omen(reached, learned)


def foretold(found: SyntheticComparison, probe: str) -> str:
    """How the gradient told at the longest lag what the score told later; '' where nothing was learned."""
    lag = max(run.lag for run in found.runs if run.probe == probe)
    omens = {run.variant.title: (run, omen_of(run)) for run in found.runs
             if (run.probe, run.lag) == (probe, lag)}  # fmt: skip
    learned = {
        name: omen
        for name, (_, omen) in omens.items()
        if omen.learned is not None and omen.reached is not None and omen.reached < omen.learned
    }
    if not learned:
        return ""
    parts = [f"{name} at step {omen.reached:,}, and its score followed at {omen.learned:,}"
             for name, omen in learned.items()]  # fmt: skip
    never = [f"{name} never got beyond {max(run.reach[1:])} steps" for name, (run, omen) in omens.items()
             if omen.reached is None]  # fmt: skip
    text = (
        f"{PROBES[probe].title} at lag {lag}: the gradient reached over half the lag in {'; in '.join(parts)}"
    )
    return f"{text}; {'; '.join(never)}." if never else f"{text}."


def told_clipping(pair: Sequence[ProbeRun]) -> str:
    """What clipping made of an exploding run."""
    without, with_it = pair
    metric = PROBES[without.probe].metric
    ends = [
        "training could not go on" if run.failed else f"{metric} {shown(metric, run.score)}" for run in pair
    ]
    largest = max(without.gradient_norms, default=math.inf)
    return (
        f"Clipping: an Elman network whose gradients grow by a fifth a step, on"
        f" {PROBES[without.probe].title.lower()} at lag {without.lag}: without clipping {ends[0]} (mean"
        f" gradient norm up to {largest:.3g}), clipped at {with_it.variant.clip:g} {ends[1]}."
    )
