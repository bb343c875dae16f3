"""What a comparison found: an entry for each architecture, the plain baselines, and a plain verdict."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.format import write_atomically
from unrolled.metrics import block_bootstrap
from unrolled.probe import GradientReach, MemoryUsed
from unrolled.tasks.evaluation import aligned

HIGH = ("accuracy",)  # metrics that are best where they are high
PERCENT = ("accuracy",)
BY_FAR = 2 / 3  # of the time of a row: less is a reason to prefer another that is as good


@dataclass(frozen=True)
class Costs:
    """What a trained network costs where it runs.

    `stream_seconds` is a row through the native stream, None where the architecture has none;
    `torch_seconds` a row through PyTorch. `stream_bytes` is kept between two rows.
    """

    multiply_adds: int
    stream_seconds: float | None
    torch_seconds: float
    stream_bytes: int
    grows: bool  # whether what is kept grows with the stream


@dataclass(frozen=True)
class Entry:
    """One architecture, or one that `refused` the data (then the rest is empty).

    Shapes: a value a seed in each metric, in `seconds` and `epochs`; curves: for each seed (seconds,
    validation score) after each epoch. `kept`: the runs that learned something worth keeping.
    """

    name: str
    title: str
    metrics: Mapping[str, tuple[float, ...]]
    hidden: int = 0
    parameters: int = 0
    seconds: tuple[float, ...] = ()
    epochs: tuple[int, ...] = ()
    costs: Costs | None = None
    any_length: bool = False
    reach: GradientReach | None = None
    memory: MemoryUsed | None = None
    curves: tuple[tuple[tuple[float, float], ...], ...] = ()
    kept: int = 0
    refused: str = ""

    def mean(self, metric: str) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.metrics[metric])) if metric in self.metrics else math.nan

    def spread(self, metric: str) -> float:
        """The standard deviation over the seeds; 0 of a single one."""
        values = self.metrics.get(metric, ())
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = {
            "name": self.name,
            "title": self.title,
            "metrics": {name: list(values) for name, values in self.metrics.items()},
        }
        if self.refused:
            return told | {"refused": self.refused}
        return told | {
            "hidden": self.hidden,
            "parameters": self.parameters,
            "seconds": list(self.seconds),
            "epochs": list(self.epochs),
            "kept": self.kept,
            "costs": None if self.costs is None else asdict(self.costs),
            "variable_length": self.any_length,
            "reach": None if self.reach is None else self.reach.to_dict(),
            "memory": None if self.memory is None else self.memory.to_dict(),
        }


@dataclass(frozen=True)
class Conclusion:
    """The best, what is as good by this data, and what to take: the plainest of them."""

    best: str
    as_good: tuple[str, ...]
    preferred: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """Architectures and plain baselines on one task, trained with equal budgets.

    `budget` says so in figures: parameters, seconds (of the processor) a run, seeds. `baselines`: metrics by
    name. `loss_unit`: of the loss that is trained by.
    """

    title: str
    metrics: tuple[str, ...]
    entries: tuple[Entry, ...]
    baselines: Mapping[str, Mapping[str, float]]
    budget: Mapping[str, float]
    conclusion: Conclusion
    notes: tuple[str, ...] = ()
    loss_unit: str = ""

    def entry(self, name: str) -> Entry:
        """An architecture's entry by its name."""
        return next(entry for entry in self.entries if entry.name == name)

    @property
    def trained(self) -> tuple[Entry, ...]:
        """The entries that did not refuse."""
        return tuple(entry for entry in self.entries if not entry.refused)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The table as text: column names and rows; the architectures, then the baselines."""
        columns = ["", *self.metrics, "parameters", "training", "µs a step", "stream", "any length"]
        columns += ["gradient", "memory"]
        rows = [self._row(entry) for entry in self.entries]
        blank = [""] * (len(columns) - 1 - len(self.metrics))
        rows += [
            [name, *(shown(metric, values[metric]) for metric in self.metrics), *blank]
            for name, values in self.baselines.items()
        ]
        return columns, rows

    def _row(self, entry: Entry) -> list[str]:
        if entry.refused or entry.costs is None:
            return [entry.title, *["refuses"] * len(self.metrics), *[""] * 7]
        costs = entry.costs
        step = costs.torch_seconds if costs.stream_seconds is None else costs.stream_seconds
        return [
            entry.title,
            *(self.told(entry, metric) for metric in self.metrics),
            f"{entry.parameters:,}",
            f"{np.mean(entry.seconds):.0f} s",
            microseconds(step) + ("*" if costs.stream_seconds is None else ""),
            size(costs.stream_bytes) + ("+" if costs.grows else ""),
            "yes" if entry.any_length else "no",
            reached(entry.reach),
            remembered(entry.memory),
        ]

    def told(self, entry: Entry, metric: str) -> str:
        """An architecture's metric, with its spread where there are several seeds."""
        if len(entry.seconds) < 2:
            return shown(metric, entry.mean(metric))
        return with_spread(metric, entry.mean(metric), entry.spread(metric))

    def html(self) -> str:
        """One self-contained page."""
        from unrolled.insight.compare_page import (
            comparison_page,
        )  # it draws: not loaded for the figures alone

        return comparison_page(self)

    def save(self, path: str | Path) -> None:
        """Write the page, whole or not at all. Raises: OutputError."""
        write_atomically(path, [self.html().encode()])

    def __str__(self) -> str:
        verdict = f"Verdict: {self.conclusion.text}"
        return "\n".join(
            [self.title, told_budget(self.budget), *aligned(*self.table()), *self.notes, verdict]
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "budget": dict(self.budget),
            "metrics": list(self.metrics),
            "entries": [entry.to_dict() for entry in self.entries],
            "baselines": {name: dict(values) for name, values in self.baselines.items()},
            "verdict": asdict(self.conclusion),
            "loss_unit": self.loss_unit,
            "notes": list(self.notes),
        }


def told_budget(budget: Mapping[str, float]) -> str:
    """The budget in a line.

    Example:
        >>> told_budget({"parameters": 12_000, "seconds": 60, "seeds": 3})
        'Budget: 12,000 parameters each, at most about 60 s of training a run, 3 seeds.'
    """
    seeds = f"{budget['seeds']:g} seed{'' if budget['seeds'] == 1 else 's'}"
    seconds = f"at most about {budget['seconds']:g} s of training a run"
    return f"Budget: {budget['parameters']:,} parameters each, {seconds}, {seeds}."


def shown(metric: str, value: float) -> str:
    """A metric's value.

    Example:
        >>> shown("accuracy", 0.954), shown("MSE", 0.06123), shown("MSE", float("nan"))
        ('95.4%', '0.0612', '-')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:.1%}" if metric in PERCENT else f"{value:.3g}" if value >= 1000 else f"{value:#.3g}"


def with_spread(metric: str, mean: float, spread: float) -> str:
    """A mean and what it varies by from seed to seed.

    Example:
        >>> with_spread("MSE", 0.0612, 0.0007), with_spread("accuracy", 0.95, 0.012)
        ('0.0612 ±0.0007', '95.0% ±1.2')
    """
    if metric in PERCENT:
        return f"{shown(metric, mean)} ±{100 * spread:.1f}"
    digits = max(0, len(shown(metric, mean).partition(".")[2]))
    return f"{shown(metric, mean)} ±{spread:.{digits}f}"


def microseconds(seconds: float) -> str:
    """A duration in microseconds.

    Example:
        >>> microseconds(1.2345e-6), microseconds(2.5e-4)
        ('1.2', '250')
    """
    value = seconds * 1e6
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def size(count: int) -> str:
    """Bytes for people.

    Example:
        >>> size(512), size(20_480)
        ('512 B', '20 kB')
    """
    return f"{count:,} B" if count < 1024 else f"{count / 1024:,.0f} kB"


def reached(reach: GradientReach | None) -> str:
    """How far the gradient reaches, where it has a way to go.

    Example:
        >>> reached(GradientReach.of("inputs", 0.5 ** np.arange(20)))
        '7'
    """
    if reach is None:
        return "-"
    if reach.direct:
        return "pool"
    return f"all {reach.lags[-1]}" if reach.lag_below is None else str(reach.lag_below)


def remembered(memory: MemoryUsed | None) -> str:
    """How far the memory that is used reaches."""
    if memory is None:
        return "-"
    return f"over {memory.lags[-1]}" if memory.lag is None else str(memory.lag)


def conclude(
    entries: tuple[Entry, ...],
    losses: Mapping[str, np.ndarray],
    metric: str,
    baselines: Mapping[str, Mapping[str, float]],
    block: int,
    groups: np.ndarray | None = None,
) -> Conclusion:
    """Which is best, and which are as good: by the paired losses, and by what the seeds vary.

    Shapes: losses, by name (n,), the mean over the seeds.
    Another is as good where the 95 % block-bootstrap interval of the paired difference touches 0, or where
    the difference is within two standard errors of the seeds. Of several that are as good a plain baseline is
    to be preferred, then what streams in less than two thirds of the best's time.
    """
    names = {entry.name: entry for entry in entries if not entry.refused}
    titles = {name: entry.title for name, entry in names.items()} | {name: name for name in baselines}
    means = {name: float(np.nanmean(values)) for name, values in losses.items()}
    best = min(means, key=lambda name: means[name])
    good = [name for name in sorted(means, key=lambda name: means[name]) if name != best]
    good = [name for name in good if as_good(names, losses, metric, best, name, block, groups)]
    plain = [name for name in (best, *good) if name in baselines]
    preferred = plain[0] if plain else quickest(names, best, good)
    values = {name: entry.mean(metric) for name, entry in names.items()}
    values |= {name: found[metric] for name, found in baselines.items()}
    text = f"{titles[best]} is best: {metric} {shown(metric, values[best])}."
    if good:
        listed = ", ".join(f"{titles[name]} ({shown(metric, values[name])})" for name in good)
        text += f" As good by this data: {listed}."
    if preferred != best:
        why = "it is the plain one" if preferred in baselines else "it answers fastest"
        text += f" Prefer {titles[preferred]}: {why}."
    return Conclusion(best, tuple(good), preferred, text)


def as_good(
    entries: Mapping[str, Entry],
    losses: Mapping[str, np.ndarray],
    metric: str,
    best: str,
    other: str,
    block: int,
    groups: np.ndarray | None,
) -> bool:
    """Whether the data cannot tell two apart."""
    differences = losses[other] - losses[best]
    known = np.isfinite(differences)
    picked = None if groups is None else groups[known]
    low, _ = block_bootstrap(differences[known], block, groups=picked)
    if low <= 0:
        return True
    if best not in entries or other not in entries:
        return False
    first, second = entries[best], entries[other]
    seeds = len(first.metrics[metric])
    error = math.hypot(first.spread(metric), second.spread(metric)) / math.sqrt(seeds)
    return seeds > 1 and abs(first.mean(metric) - second.mean(metric)) < 2 * error


def quickest(entries: Mapping[str, Entry], best: str, good: list[str]) -> str:
    """What streams fastest of equals, if it does so by far; else the best."""
    fastest = min((best, *good), key=lambda name: speed(entries[name]))
    return fastest if speed(entries[fastest]) < BY_FAR * speed(entries[best]) else best


def speed(entry: Entry) -> float:
    """A row's time where it streams; last what does not stream."""
    if entry.costs is None or entry.costs.stream_seconds is None:
        return math.inf
    return entry.costs.stream_seconds
