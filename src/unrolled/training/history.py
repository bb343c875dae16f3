"""What a run has been through: one record per epoch, and which epoch was best."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over its steps, the validation score after it, the rate of its last step."""

    train_loss: float
    validation: float
    clip_rate: float
    gradient_norm: float
    learning_rate: float


@dataclass
class History:
    """The course of a training run. It holds no durations: equal runs have equal histories.

    `untrained` is the validation score before the first step; `best_epoch` 0 means that nothing
    learned was better than it, n that the weights after n epochs were best.

    Example:
        >>> history = History(untrained=2.0)
        >>> history.add(EpochRecord(1.5, 1.8, 0.0, 0.3, 0.001))
        >>> history.add(EpochRecord(1.2, 1.9, 0.0, 0.2, 0.001))
        >>> history.best_epoch, history.best, history.stale_epochs
        (1, 1.8, 1)
    """

    untrained: float
    epochs: list[EpochRecord] = field(default_factory=list)

    def add(self, record: EpochRecord) -> None:
        """Append the record of the epoch that has just ended."""
        self.epochs.append(record)

    @property
    def scores(self) -> list[float]:
        """Validation scores: untrained first, then after each epoch."""
        return [self.untrained, *(record.validation for record in self.epochs)]

    @property
    def best(self) -> float:
        """The lowest validation score."""
        return min(self.scores)

    @property
    def best_epoch(self) -> int:
        """The epoch after which the score was lowest, from 1 on; the earliest of equals; 0 is untrained."""
        return self.scores.index(self.best)

    @property
    def stale_epochs(self) -> int:
        """Epochs since the best one."""
        return len(self.epochs) - self.best_epoch

    def card(self) -> dict[str, Any]:
        """The history as plain values, for a model file's card."""
        return {
            "untrained": self.untrained,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "epochs": [asdict(record) for record in self.epochs],
        }

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "History":
        """The history whose card this is."""
        return cls(card["untrained"], [EpochRecord(**record) for record in card["epochs"]])


@dataclass
class EpochSums:
    """Running sums over the steps of the epoch in progress; a checkpoint in mid-epoch carries them."""

    steps: int = 0
    loss: float = 0.0
    norm: float = 0.0
    clipped: int = 0

    def add(self, loss: float, norm: float, clipped: bool) -> None:
        """Count one step."""
        self.steps += 1
        self.loss += loss
        self.norm += norm
        self.clipped += clipped

    def record(self, validation: float, rate: float) -> EpochRecord:
        """The epoch's record."""
        count = self.steps
        return EpochRecord(self.loss / count, validation, self.clipped / count, self.norm / count, rate)
