"""Progress on standard error: one bar that goes away when a training ends, or a line an epoch in a log."""

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


def reporter(as_json: bool) -> Any:
    """How training shows its progress: beside JSON only where a person looks on."""
    from unrolled.training import PlainReporter, SilentReporter

    if sys.stderr.isatty():
        return Bar()
    return SilentReporter() if as_json else PlainReporter()


class Bar:
    """A `training.Reporter` that fits 80 columns; several trainings may follow one another."""

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

    def step(self, sums: Any) -> None:
        """Move the bar by one step."""
        if self._progress is not None:
            loss, clipped = sums.loss / sums.steps, sums.clipped / sums.steps
            numbers = f"loss {loss:<7.4g} clipped {clipped:<4.0%}{self._best}"
            self._progress.update(self._task, advance=1, numbers=numbers)

    def epoch(self, number: int, history: Any) -> None:
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
