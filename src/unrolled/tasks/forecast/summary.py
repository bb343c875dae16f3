"""What was learned from what, in a few lines: the data, the split, the model, its size, the training."""

from typing import Any

from unrolled.data import SeriesSet, Split
from unrolled.nn import parameter_count
from unrolled.tasks.forecast.checks import too_short
from unrolled.tasks.forecast.periods import shown
from unrolled.tasks.forecast.scoring import listed


def summarise(forecaster: Any, data: SeriesSet, split: Split) -> dict[str, str]:
    """A line for each thing that a user wants to see after training, by its name."""
    network, shape = forecaster.network_, forecaster.network_.shape
    train, validation, test = split.rows
    lines = {
        "data": f"{data.rows:,} rows, {counted(len(data.names), 'series', 'series')},"
        f" {counted(shape.targets, 'target')}, {span(forecaster, data)}",
        "split": f"{train:,} training, {validation:,} validation (half to stop, half to calibrate),"
        f" {test:,} test",
        "model": f"{forecaster.cell.upper()} {forecaster.hidden_size} x {forecaster.layers},"
        f" {forecaster.decoder} decoder, history {shape.history}, horizon {shape.horizon}",
        "size": f"{parameter_count(network):,} parameters,"
        f" {network.cost():,} multiply-adds per streamed step",
        "training": training(forecaster),
    }
    left = data.rows - train - validation - test
    if left:
        lines["left out"] = f"{left:,} rows beyond the split"
    needed, short = too_short(forecaster.settings_, data, split)
    if short:
        lines["too short"] = (
            f"{len(short)} of {len(data.names)} series have fewer than {needed} training rows, nothing is"
            f" learned from them: {listed(short)}"
        )
    return lines


def training(forecaster: Any) -> str:
    """How long, which epoch was best, how often the gradient was clipped; whether it was of any use."""
    history = forecaster.history_
    text = f"{counted(len(history.epochs), 'epoch')}, best {history.best_epoch}"
    if not forecaster.kept_ or not history.best_epoch:
        return f"{text}: nothing learned beats the last value on fresh rows, so that is what is forecast"
    return f"{text}, {history.epochs[history.best_epoch - 1].clip_rate:.0%} of its steps clipped"


def span(forecaster: Any, data: SeriesSet) -> str:
    """From when to when, and the step."""
    if data.stamps is None:
        return "no stamps"
    return f"{shown(data.stamps.min())} to {shown(data.stamps.max())}, step {forecaster.step_}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "target"), counted(2_000, "row")
        ('1 target', '2,000 rows')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
