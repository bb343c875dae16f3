"""Training: the loop, clipping, schedule, checkpoints and resuming, the device, what is told on the way."""

from unrolled.training.carried import detach
from unrolled.training.checkpoint import Checkpoint
from unrolled.training.clipping import clip_gradients
from unrolled.training.device import autocast, choose_device, reproducible, seed_everything, to_device
from unrolled.training.history import EpochRecord, History
from unrolled.training.loop import Loss, Source, Validate, fit, network_loss, run_epoch, train_step
from unrolled.training.options import TrainingOptions
from unrolled.training.progress import (
    BarReporter,
    PlainReporter,
    Reporter,
    SilentReporter,
    default_reporter,
)
from unrolled.training.run import Run
from unrolled.training.schedule import learning_rate
from unrolled.training.watch import Watch, Watching, watching

__all__ = [
    "Checkpoint",
    "EpochRecord",
    "History",
    "Loss",
    "PlainReporter",
    "Reporter",
    "BarReporter",
    "Run",
    "SilentReporter",
    "Source",
    "TrainingOptions",
    "Validate",
    "Watch",
    "Watching",
    "autocast",
    "choose_device",
    "clip_gradients",
    "default_reporter",
    "detach",
    "fit",
    "learning_rate",
    "network_loss",
    "reproducible",
    "run_epoch",
    "seed_everything",
    "to_device",
    "train_step",
    "watching",
]
