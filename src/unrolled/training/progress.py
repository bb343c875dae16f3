"""Who is told how training goes, on standard error: a bar on a terminal, plain lines in a log, or nobody."""

import sys
from contextlib import suppress
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from unrolled.training.history import EpochSums, History


class Reporter(Protocol):
    """What the loop tells while it runs. `start` comes first, `close` last, even after an error."""

    def start(self, epochs: int, steps: int, done: int) -> None:
        """A run of `epochs` times `steps` begins; `done` steps were done before."""

    def step(self, sums: EpochSums) -> None:
        """A step is done; the sums are those of its epoch so far."""

    def epoch(self, number: int, history: History) -> None:
        """Epoch `number`, from 1 on, is done and validated."""

    def note(self, text: str) -> None:
        """Something the user should know."""

    def close(self) -> None:
        """Nothing more comes."""


class SilentReporter:
    """Tells nobody."""

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Nothing."""

    def step(self, sums: EpochSums) -> None:
        """Nothing."""

    def epoch(self, number: int, history: History) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainReporter:
    """One line per epoch: for logs and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._epochs = 0

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Remember how many epochs there are."""
        self._epochs = epochs

    def step(self, sums: EpochSums) -> None:
        """Nothing: a log wants no line per step."""

    def epoch(self, number: int, history: History) -> None:
        """Write the epoch's line."""
        self.note(f"epoch {number}/{self._epochs} {epoch_line(number, history)}")

    def note(self, text: str) -> None:
        """Write the line; a log that cannot be written to is no reason to end a training."""
        with suppress(OSError):
            print(text, file=self._stream or sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing: every line is written already."""


class BarReporter:
    """A bar that fits 80 columns, with loss, clip rate, best score and time left; it goes when training ends.

    Several trainings may follow one another.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._epochs = 0
        self._best = ""

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Show a new bar."""
        self.close()
        self._epochs, self._best = epochs, ""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=epochs * steps, completed=done, numbers="")
        self._name(done // max(1, steps) + 1)
        self._progress.start()

    def step(self, sums: EpochSums) -> None:
        """Move the bar by one step."""
        if self._progress is not None:
            loss, clipped = sums.loss / sums.steps, sums.clipped / sums.steps
            numbers = f"loss {loss:<7.4g} clipped {clipped:<4.0%}{self._best}"
            self._progress.update(self._task, advance=1, numbers=numbers)

    def epoch(self, number: int, history: History) -> None:
        """Show the best score so far, and what epoch comes next."""
        self._best = f" best {history.best:<7.4g}"
        self._name(min(number + 1, self._epochs))

    def note(self, text: str) -> None:
        """Write a line above the bar."""
        self._console.print(text, markup=False, style="dim")

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _name(self, epoch: int) -> None:
        if self._progress is not None:
            self._progress.update(self._task, description=f"epoch {epoch}/{self._epochs}")


def default_reporter() -> Reporter:
    """A bar where standard error is a terminal, plain lines elsewhere."""
    return BarReporter() if sys.stderr.isatty() else PlainReporter()


def epoch_line(number: int, history: History) -> str:
    """An epoch's record as a line.

    Example:
        >>> from unrolled.training.history import EpochRecord
        >>> history = History(2.0, [EpochRecord(0.5, 0.75, 0.25, 1.0, 0.001)])
        >>> epoch_line(1, history)
        'loss 0.5 · validation 0.75 (best) · clipped 25% · gradient 1 · rate 0.001'
    """
    record = history.epochs[number - 1]
    best = " (best)" if history.best_epoch == number else ""
    return (
        f"loss {record.train_loss:.4g} · validation {record.validation:.4g}{best}"
        f" · clipped {record.clip_rate:.0%} · gradient {record.gradient_norm:.3g}"
        f" · rate {record.learning_rate:.3g}"
    )
