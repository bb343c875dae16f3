"""Look inside a network while it trains: gradient reach, clip rate, gate saturation, every so many steps.

What is seen goes to a CSV file and, where the library is there, to TensorBoard. Looking draws no random
number and changes no weight: a run ends in the same bytes with it and without.
"""

import copy
import csv
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from unrolled import arguments
from unrolled.arguments import integer
from unrolled.errors import ArgumentError, OutputError, explain
from unrolled.probe import GradientReach, few_rows
from unrolled.probe.gates import saturation_and_time_constants
from unrolled.probe.reach import Loss, reach_and_calls
from unrolled.training.history import EpochSums, History
from unrolled.training.progress import Reporter, default_reporter
from unrolled.training.run import Run

ROWS = 8  # of a batch, at most
FOLDER, FILE = "watch", "watch.csv"
COLUMNS = (
    "step", "epoch", "layer", "loss", "gradient_norm", "clip_rate", "lag_below", "decay", "largest",
    "saturation", "time_constant",
)  # fmt: skip


@dataclass(frozen=True)
class Watch:
    """Every how many steps to look, and the folder for watch.csv and TensorBoard's event file.

    `tensorboard`: None writes events where the library tensorboardX is installed.
    Raises: ArgumentError for less than one step.
    """

    every: int = 100
    folder: str | Path = FOLDER
    tensorboard: bool | None = None

    def __post_init__(self) -> None:
        integer("watch", self.every, 1, "100 costs next to nothing.")


class Watching:
    """A reporter that tells another one everything, and looks into the network now and then.

    A row of the file is a layer at a step: `loss`, `gradient_norm` and `clip_rate` are those of the epoch so
    far; `lag_below`, `decay` and `largest` are those of `probe.GradientReach` in steps of the recurrence
    (`lag_below` empty: the gradient reaches the whole batch); `saturation` and the median `time_constant`
    those of `probe.GateStatistics`.
    """

    def __init__(self, watch: Watch, inner: Reporter) -> None:
        self.watch, self.inner = watch, inner
        self._path = Path(watch.folder) / FILE
        self._events: Any = None

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Open the files; a run that goes on keeps the rows of what was done before."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            kept = rows_until(self._path, done) if done else []
            with self._path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([COLUMNS, *kept])
        except OSError as error:
            cure = "Name a folder that can be written to."
            raise OutputError(
                explain("watch", "a folder", f"'{self.watch.folder}': {error.strerror}", cure)
            ) from None
        self._events = event_writer(self.watch)
        self.inner.start(epochs, steps, done)

    def step(self, sums: EpochSums) -> None:
        """Tell the other one."""
        self.inner.step(sums)

    def look(self, run: Run, batch: Any, loss: Loss) -> None:
        """Measure and write, if it is time; a batch whose rows are too short for it is passed over."""
        if run.step % self.watch.every:
            return
        try:
            rows = [told(run, *layer) for layer in seen(run, batch, loss)]
        except ArgumentError as error:
            self.inner.note(f"watch, step {run.step}: {error}")
            return
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writerows(rows)
        if self._events is not None:
            for row in rows:
                write_events(self._events, row)

    def epoch(self, number: int, history: History) -> None:
        """Tell the other one, and write the validation score."""
        if self._events is not None:
            self._events.add_scalar("validation", history.scores[-1], number)
        self.inner.epoch(number, history)

    def note(self, text: str) -> None:
        """Tell the other one."""
        self.inner.note(text)

    def close(self) -> None:
        """Close the files."""
        if self._events is not None:
            self._events.close()
            self._events = None
        self.inner.close()


def watching(watch: Watch | int | None, reporter: Reporter | None) -> Reporter | None:
    """The reporter, watching where that is asked for; a number is that of steps, with the usual folder."""
    if watch is None:
        return reporter
    return Watching(watch if isinstance(watch, Watch) else Watch(watch), reporter or default_reporter())


def seen(run: Run, batch: Any, loss: Loss) -> list[tuple[GradientReach, float, float | None]]:
    """What a few rows of the batch show of each layer: reach, saturation, median time constant."""
    network, some = run.network, few_rows(batch, slice(ROWS))
    if run.device.type != "cpu":  # cuDNN gives no gradient outside of training
        network = copy.deepcopy(network).cpu()
    found: list[tuple[GradientReach, float, float | None]] = []
    for reach, call in reach_and_calls(network, some, loss=loss):
        stuck, constants = saturation_and_time_constants(call)
        found.append((reach, stuck, None if constants is None else float(np.median(constants))))
    return found


def told(run: Run, reach: GradientReach, saturation: float, constant: float | None) -> dict[str, Any]:
    """A row of the file; what is not known is empty."""
    sums = run.sums
    row = {
        "step": run.step,
        "epoch": run.epoch + 1,
        "layer": reach.name,
        "loss": sums.loss / sums.steps,
        "gradient_norm": sums.norm / sums.steps,
        "clip_rate": sums.clipped / sums.steps,
        "lag_below": reach.lag_below,
        "decay": None if math.isnan(reach.decay) else reach.decay,
        "largest": reach.largest,
        "saturation": saturation,
        "time_constant": constant,
    }
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in row.items()}


def write_events(events: Any, row: dict[str, Any]) -> None:
    """A row as TensorBoard's scalars: those of the run once, those of a layer under its name."""
    for name in COLUMNS[3:6]:
        events.add_scalar(name, row[name], row["step"])
    for name in COLUMNS[6:]:
        if row[name] is not None:
            events.add_scalar(f"{row['layer']}/{name}".replace(" ", "_"), row[name], row["step"])


def event_writer(watch: Watch) -> Any:
    """What writes TensorBoard's events, or None. Raises: MissingPartError where they are asked for."""
    if watch.tensorboard is False or (watch.tensorboard is None and find_spec("tensorboardX") is None):
        return None
    return arguments.part("tensorboardX", "watch").SummaryWriter(str(watch.folder))


def rows_until(path: Path, step: int) -> list[list[str]]:
    """The rows of an earlier part of the run, without what came after its last checkpoint."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
