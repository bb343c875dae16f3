"""Who is told how training goes, on standard error: a bar on a terminal, plain lines in a log, or nobody."""

import sys
from contextlib import suppress
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

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


class RichReporter:
    """A bar with loss, clip rate, validation score and time left; better epochs leave a line above it."""

    def __init__(self, console: Console | None = None) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console or Console(stderr=True), transient=True)
        self._task: TaskID | None = None
        self._epochs = 0
        self._validation = ""

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Show the bar."""
        self._epochs = epochs
        words = f"epoch {done // max(1, steps) + 1}/{epochs}"
        self._task = self._progress.add_task(words, total=epochs * steps, completed=done, numbers="")
        self._progress.start()

    def step(self, sums: EpochSums) -> None:
        """Move the bar by one step."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, numbers=step_words(sums) + self._validation)

    def epoch(self, number: int, history: History) -> None:
        """Show the new score, and keep a line above the bar if it is the best so far."""
        self._validation = f" · validation {history.epochs[-1].validation:.4g}, best {history.best:.4g}"
        if history.best_epoch == number:
            self.note(f"epoch {number}/{self._epochs} {epoch_line(number, history)}")
        if self._task is not None:
            self._progress.update(
                self._task, description=f"epoch {min(number + 1, self._epochs)}/{self._epochs}"
            )

    def note(self, text: str) -> None:
        """Write a line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def default_reporter() -> Reporter:
    """A bar where standard error is a terminal, plain lines elsewhere."""
    return RichReporter() if sys.stderr.isatty() else PlainReporter()


def step_words(sums: EpochSums) -> str:
    """The epoch so far, in short.

    Example:
        >>> step_words(EpochSums(steps=4, loss=2.0, norm=1.0, clipped=1))
        'loss 0.5 · clipped 25%'
    """
    return f"loss {sums.loss / sums.steps:.4g} · clipped {sums.clipped / sums.steps:.0%}"


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
