"""Everything that changes while a network is trained, and nothing else: what a checkpoint must hold."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import Module

from unrolled.training.averaged_sgd import SGD, stands_still, update_mean
from unrolled.training.history import EpochSums, History
from unrolled.training.optimizer import AdamW
from unrolled.training.options import TrainingOptions
from unrolled.training.schedule import learning_rate
from unrolled.training.weights import Weights, start_average, update_average


@dataclass
class Run:
    """A training run at a moment between two steps.

    The next batch is `source.batch(epoch, index)`; an epoch has `steps` of them. `state` is what the network
    carries from batch to batch, `average` the average of its weights that is validated, `best` those of the
    best score. `averaged_from` is the step at which NT-ASGD has begun to average; -1 = not yet.
    """

    network: Module
    optimizer: AdamW | SGD
    options: TrainingOptions
    device: torch.device
    steps: int
    history: History
    best: Weights
    average: Weights | None
    epoch: int = 0
    index: int = 0
    state: Any = None
    sums: EpochSums = field(default_factory=EpochSums)
    averaged_from: int = -1

    @property
    def step(self) -> int:
        """Steps done since the start of the run."""
        return self.epoch * self.steps + self.index

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.rate_of(self.step)

    def rate_of(self, step: int) -> float:
        """The learning rate of a step of the whole run."""
        return learning_rate(step, self.options.epochs * self.steps, self.options)

    def follow(self) -> None:
        """Take the weights as this step has left them into the average, where there is one."""
        if self.average is None:
            return
        if self.averaged_from >= 0:
            update_mean(self.average, self.network, self.step + 1 - self.averaged_from)
        else:
            update_average(self.average, self.network, self.options.average, self.step)

    def average_when_still(self) -> None:
        """Begin to average, if this is NT-ASGD and the validation score of the epoch asks for it."""
        if self.options.optimizer != "nt-asgd" or self.averaged_from >= 0:
            return
        if stands_still(self.history.scores, self.options.non_monotone):
            self.average, self.averaged_from = start_average(self.network), self.step

    @property
    def done(self) -> bool:
        """Whether all epochs are through, or the patience is."""
        tired = 0 < self.options.patience <= self.history.stale_epochs
        return self.epoch >= self.options.epochs or tired

    @property
    def next_batch(self) -> str:
        """Which batch comes next, for people: counted from 1."""
        return f"epoch {self.epoch + 1} of {self.options.epochs}, batch {self.index + 1} of {self.steps}"

    @property
    def place(self) -> str:
        """How far the run has come, for people."""
        if self.index == 0:
            return f"after {self.epoch} of {self.options.epochs} epochs"
        return f"in epoch {self.epoch + 1} of {self.options.epochs}, after batch {self.index} of {self.steps}"

    @property
    def standing(self) -> str:
        """How good the best weights so far are, for people."""
        epoch = self.history.best_epoch
        when = f"after epoch {epoch}" if epoch else "untrained"
        return f"validation {self.history.best:.6g}, {when}"


def new_optimizer(network: Module, options: TrainingOptions) -> AdamW | SGD:
    """The optimiser that the options name, before its first step."""
    kind: Any = AdamW if options.optimizer == "adamw" else SGD
    return kind(network, options.weight_decay)
