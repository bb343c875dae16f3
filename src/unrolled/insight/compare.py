"""`unrolled.compare`: the architectures, measured on one's own task and data, with equal budgets."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from unrolled.arguments import integer, number, one_of
from unrolled.deploy import draw_rows
from unrolled.errors import ArgumentError, DataError, UnrolledError, explain
from unrolled.insight.architectures import (
    CONTENDERS,
    TITLES,
    bytes_per_stream,
    median_seconds,
    torch_step,
)
from unrolled.insight.comparison import Comparison, Costs, Entry, conclude
from unrolled.insight.subjects import Judged, Network, Subject, Trained, subject_of
from unrolled.models import ARCHITECTURES, TextClassifierNetwork
from unrolled.nn import parameter_count
from unrolled.probe import MemoryUsed, final_losses, input_reach, memory_used
from unrolled.runtime import Program, Stream
from unrolled.training import History, SilentReporter, choose_device

Names = str | Sequence[str] | None
Tell = Callable[[str], None]
Timer = Callable[[], float]
LONGER = 4  # times the task's own epochs, at most: more would only wait for the patience
PILOT = 40  # steps whose median is the duration of one
ENDLESS = 10**6  # epochs of a pilot, which is stopped from outside


def compare(
    task: Any,
    data: Any,
    y: Any = None,
    *,
    target: Names = None,
    time: Names = None,
    series: str | None = None,
    known: Names = None,
    past: Names = None,
    static: Names = None,
    lengths: Any = None,
    text: str | None = None,
    validation: Any = None,
    test: Any = None,
    encoding: str | None = None,
    split: Sequence[float] | None = None,
    architectures: Sequence[str] = CONTENDERS,
    seeds: int = 3,
    parameters: int | None = None,
    seconds: float = 45.0,
    tell: Tell | None = None,
) -> Comparison:
    """Train every architecture on one task, with as many parameters and as long, and measure all of them.

    `task` is a Forecaster, SequenceClassifier, SequenceRegressor or TextClassifier that is not fitted: its
    settings hold for all, but for cell, size and epochs; texts are read one way by all. `data` and the
    columns are as in its `fit`. `parameters` is the size
    of each network (None: that of the task's own), `seconds` (of the processor) the longest a run may train.
    `tell` is told a line after each run.

    Returns: a Comparison; print it, or write its page.
    Raises: ArgumentError, DataError, before anything is trained.

    Example:
        >>> import unrolled as ur
        >>> wave = np.sin(np.arange(300) / 5)[:, None]
        >>> found = ur.compare(ur.Forecaster(horizon=2, history=12, hidden_size=4), wave,
        ...     architectures=["gru", "feed-forward"], seeds=1, seconds=0.5)
        >>> [entry.title for entry in found.entries]
        ['GRU', 'Feed-forward']
    """
    columns = {"y": y, "target": target, "time": time, "series": series, "known": known, "past": past}
    columns |= {"static": static, "lengths": lengths, "split": split}
    columns |= {"text": text, "validation": validation, "test": test, "encoding": encoding}
    chosen = check_architectures(architectures)
    integer("seeds", seeds, 1, "3 show how much chance there is in it.")
    if number("seconds", seconds, 0.0, cure="45 is a good start.") == 0:
        raise ArgumentError(explain("seconds", "a number > 0", 0, "45 is a good start."))
    subject = subject_of(task, data, columns)
    if subject.steps < 2:
        cure = "Give longer sequences: what is one step long has no past."
        raise ArgumentError(explain("data", "sequences of at least two steps", "one step", cure))
    budget = subject.own_parameters() if parameters is None else parameters
    integer("parameters", budget, 1, "Leave it out to take as many as the task's own network has.")
    told = tell or (lambda text: None)
    runs = [run_architecture(subject, name, budget, seconds, seeds, told) for name in chosen]
    return concluded(subject, runs, {"parameters": budget, "seconds": seconds, "seeds": seeds})


def check_architectures(names: Sequence[str]) -> tuple[str, ...]:
    """The architectures, if each is one and none is named twice. Raises: ArgumentError."""
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        one_of("architectures", name, ARCHITECTURES)
    if not listed or len(set(listed)) < len(listed):
        cure = "Name each once, such as elman,lstm,gru."
        raise ArgumentError(explain("architectures", "different ones", ", ".join(listed) or "none", cure))
    return tuple(listed)


@dataclass(frozen=True)
class Run:
    """What one architecture came to: its entry, its losses over all seeds, the baselines judged beside it."""

    entry: Entry
    losses: np.ndarray | None = None
    baselines: Mapping[str, Judged] = field(default_factory=dict)


def run_architecture(subject: Subject, name: str, budget: int, seconds: float, seeds: int, tell: Tell) -> Run:
    """All seeds of one architecture. What it cannot take it refuses, and the entry says so."""
    try:
        hidden = subject.hidden_for(name, budget)
        epochs = epochs_within(subject, name, hidden, seconds)
    except (ArgumentError, DataError) as error:
        tell(f"{TITLES[name]}: refuses: {error}")
        return Run(Entry(name, TITLES[name], {}, refused=str(error)))
    trained, clocks = [], []
    for place in range(seeds):
        clock = Clock(timer_of(subject.task.device))
        trained.append(subject.train(name, hidden, subject.task.seed + place, epochs, clock))
        clocks.append(clock)
        metric = subject.metrics[0]
        value = trained[-1].judged.metrics[metric]
        tell(f"{TITLES[name]}, seed {place + 1} of {seeds}: {metric} {value:.4g}, {clock.total:.0f} s")
    losses = np.mean([one.judged.losses for one in trained], axis=0)
    return Run(entry_of(subject, name, hidden, trained, clocks), losses, trained[0].baselines)


def entry_of(
    subject: Subject, name: str, hidden: int, trained: list[Trained], clocks: list["Clock"]
) -> Entry:
    """The measurements of one architecture; what is looked into is the first network that learned."""
    first = next((one for one in trained if one.kept), trained[0])
    return Entry(
        name=name,
        title=TITLES[name],
        metrics={m: tuple(one.judged.metrics[m] for one in trained) for m in subject.metrics},
        hidden=hidden,
        parameters=parameter_count(first.network),
        seconds=tuple(clock.total for clock in clocks),
        epochs=tuple(one.epochs for one in trained),
        costs=costs_of(first, subject.steps),
        any_length=takes_any_length(first.network, first.one),
        reach=input_reach(first.network, first.looks, step=getattr(first.network, "segment", 1)),
        memory=memory_of(first),
        curves=tuple(tuple(clock.curve) for clock in clocks),
        kept=sum(one.kept for one in trained),
    )


def concluded(subject: Subject, runs: list[Run], budget: dict[str, float]) -> Comparison:
    """The comparison with its verdict. Raises: the first refusal, where every architecture refused."""
    entries = tuple(run.entry for run in runs)
    taken = [run for run in runs if run.losses is not None]
    if not taken:
        raise ArgumentError(entries[0].refused)
    judged = taken[0].baselines
    baselines = {name: {m: one.metrics[m] for m in subject.metrics} for name, one in judged.items()}
    losses = {run.entry.name: run.losses for run in taken if run.losses is not None}
    losses |= {name: one.losses for name, one in judged.items()}
    verdict = conclude(entries, losses, subject.metrics[0], baselines, subject.block, subject.groups)
    return Comparison(
        subject.title,
        subject.metrics,
        entries,
        baselines,
        budget,
        verdict,
        notes_of(subject, entries),
        subject.loss_unit,
    )


def notes_of(subject: Subject, entries: tuple[Entry, ...]) -> tuple[str, ...]:
    """What a reader must know of the table."""
    notes = []
    if any(entry.costs and entry.costs.stream_seconds is None for entry in entries):
        notes.append("* It has no stream here: a row through PyTorch.")
    if any(entry.costs and entry.costs.grows for entry in entries):
        notes.append(f"+ It grows with every row; told is the size after {subject.steps:,}.")
    if any(entry.reach and entry.reach.direct for entry in entries):
        notes.append("pool: it reads every step itself, so that no gradient has a way back to vanish on.")
    if "" in subject.notes:
        notes.append(subject.notes[""])
    notes += [
        f"{entry.title}: {subject.notes[entry.name]}"
        for entry in entries
        if entry.name in subject.notes and not entry.refused
    ]
    notes += [f"{entry.title}: {entry.refused}" for entry in entries if entry.refused]
    for entry in entries:
        if not entry.refused and entry.kept < len(entry.seconds):
            count = f"{len(entry.seconds) - entry.kept} of {len(entry.seconds)} runs"
            notes.append(f"{entry.title}: in {count} nothing learned beat the last value, which is judged.")
    return tuple(notes)


# Budgets


def timer_of(device: str) -> Timer:
    """What counts the seconds of training: on a CPU those the processor spent on this process.

    So budgets stay equal on a machine that does other work too, where a clock on the wall would give less to
    who came at a busy moment.
    """
    return time.process_time if choose_device(device).type == "cpu" else time.perf_counter


class Clock(SilentReporter):
    """How long a run trains, and how good it is when."""

    def __init__(self, timer: Timer = time.process_time) -> None:
        self.timer = timer
        self.begun = 0.0
        self.total = 0.0
        self.curve: list[tuple[float, float]] = []

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Begin to count."""
        self.begun = self.timer()

    def epoch(self, number: int, history: History) -> None:
        """Note when the epoch ended, and the best score by then; the untrained network's first."""
        self.curve = self.curve or [(0.0, history.untrained)]
        self.curve.append((self.timer() - self.begun, history.best))

    def close(self) -> None:
        """Stop counting."""
        self.total = self.timer() - self.begun


class Enough(UnrolledError):
    """A pilot has seen what it wanted to."""


class Pilot(SilentReporter):
    """Trains a few steps, and where epochs are short to the end of one, to learn how long an epoch takes."""

    def __init__(self, timer: Timer = time.process_time) -> None:
        self.timer = timer
        self.steps = 1
        self.validation = 0.0
        self.durations: list[float] = []
        self._last = 0.0

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Take the length of an epoch."""
        self.steps, self._last = steps, self.timer()

    def step(self, sums: Any) -> None:
        """Take a step's duration."""
        now = self.timer()
        self.durations.append(now - self._last)
        self._last = now
        if len(self.durations) >= PILOT and self.steps > 2 * PILOT:
            raise Enough  # beside so long an epoch its validation is short

    def epoch(self, number: int, history: History) -> None:
        """Take the duration of the validation, which is no step."""
        now = self.timer()
        self.validation, self._last = now - self._last, now
        if len(self.durations) >= PILOT:
            raise Enough

    @property
    def epoch_seconds(self) -> float:
        """An epoch's steps and its validation."""
        return self.steps * float(np.median(self.durations[3:] or self.durations)) + self.validation


def epochs_within(subject: Subject, name: str, hidden: int, seconds: float) -> int:
    """How many epochs fit into a budget of time: at least one, at most four times the task's own."""
    pilot = Pilot(timer_of(subject.task.device))
    with suppress(Enough):
        subject.train(name, hidden, subject.task.seed, ENDLESS, pilot)
    return max(1, min(LONGER * subject.epochs, int(seconds / pilot.epoch_seconds)))


# Measurements


def costs_of(one: Trained, steps: int) -> Costs:
    """What a trained network costs at run time."""
    stream = None if one.program is None else stream_seconds(one.program)
    single = {key: value[:1] for key, value in one.one.items()}
    grows = one.network.cell == "transformer" and not hasattr(one.network, "segment")
    return Costs(
        multiply_adds=one.network.cost(),
        stream_seconds=stream,
        torch_seconds=median_seconds(torch_step(one.network, single)),
        stream_bytes=bytes_per_stream(one.network, steps),
        grows=grows,
    )


def stream_seconds(program: Program) -> float:
    """The median duration of a row through a native stream, its window full."""
    stream = Stream(program)
    rows, future = draw_rows(program, program.history + 8)
    for row in rows[: program.history]:
        stream.step(row, future)
    return median_seconds(lambda: stream.step(rows[-1], future), count=300)


@torch.no_grad()
def takes_any_length(network: Network, batch: dict[str, torch.Tensor]) -> bool:
    """Whether what reads the sequence reads all of one that is a step shorter, or of a long text: tried."""
    width = getattr(network, "input_size", network.hidden)
    if isinstance(network, TextClassifierNetwork):
        x = torch.zeros(2, network.steps + 2, width)
        x[1, 0] = 1.0  # two texts that differ in their first word alone
        y, _ = network.recurrent(x)
        return bool((y[0] != y[1]).any())
    steps = getattr(network, "read_segments", None) or batch["x"].shape[1]
    try:
        network.recurrent(torch.zeros(1, max(steps - 1, 1), width))
    except ArgumentError:
        return False
    return True


def memory_of(one: Trained) -> MemoryUsed | None:
    """The memory that is used; None where there is no past to replace."""
    try:
        return memory_used(final_losses(one.network), one.looks)
    except ArgumentError:
        return None
