"""The learning rate: a pure function of the step, so that a resumed run needs no state for it."""

import math

from unrolled.training.options import TrainingOptions


def learning_rate(step: int, steps: int, options: TrainingOptions) -> float:
    """The learning rate of step `step` (from 0) of `steps` in the whole run.

    The warmup climbs in a straight line and reaches the full rate at its last step; after it
    "cosine" follows half a cosine towards 0, "decay" a straight line towards 0. The last step's
    rate is above 0 in each.

    Example:
        >>> options = TrainingOptions(learning_rate=1.0, warmup=2, schedule="decay")
        >>> [learning_rate(step, 6, options) for step in range(6)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    warmup = warmup_steps(steps, options)
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)  # 0 at the first step after the warmup, < 1 at the last
    if options.schedule == "cosine":
        return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))
    if options.schedule == "decay":
        return options.learning_rate * (1.0 - done)
    return options.learning_rate


def warmup_steps(steps: int, options: TrainingOptions) -> int:
    """How many steps the learning rate climbs: a fraction of all, or the number given.

    Example:
        >>> warmup_steps(200, TrainingOptions(warmup=0.1)), warmup_steps(200, TrainingOptions(warmup=30))
        (20, 30)
    """
    return round(options.warmup * steps) if options.warmup < 1 else int(options.warmup)
