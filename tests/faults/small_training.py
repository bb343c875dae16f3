"""A small real training, for the tests and for kill_training.py: a GRU learns to add up noise.

It has all that makes resuming hard: dropout, a state carried from batch to batch, averaged weights, moments.

    python tests/faults/small_training.py --checkpoint run.checkpoint --output model.unrolled
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.format import new_card, write_model
from unrolled.training import Checkpoint, History, TrainingOptions, fit
from unrolled.types import GRUState

OPTIONS = TrainingOptions(epochs=4, learning_rate=0.01, warmup=3, patience=0, device="cpu", average=0.9)


class SmallNetwork(nn.Module):
    """A GRU, dropout, a norm and a dense layer; with `carries` it hands its state on."""

    def __init__(self, carries: bool = False, dropout: float = 0.2, hidden: int = 4) -> None:
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, 1)
        self.carries = carries

    def loss(self, batch: dict[str, Tensor], state: GRUState | None) -> tuple[Tensor, GRUState | None]:
        start = None if state is None else torch.where(batch["fresh"][:, None], 0.0, state.h)[None]
        y, last = self.rnn(batch["target"], start)
        answer = self.head(self.norm(self.dropout(y)))
        return (answer - batch["future"]).square().mean(), GRUState(last[0]) if self.carries else None


class SmallSource:
    """Batches drawn from (seed, epoch, index); the first row starts anew at every third batch."""

    def __init__(self, steps: int = 5, time: int = 6, seed: int = 0) -> None:
        self.steps, self.time, self.seed = steps, time, seed

    def batch(self, epoch: int, index: int) -> dict[str, Tensor]:
        noise = np.random.default_rng((self.seed, epoch, index)).normal(size=(4, self.time, 1))
        target = torch.tensor(noise, dtype=torch.float32)
        fresh = torch.tensor([index % 3 == 0, False, False, False])
        return {"target": target, "future": target.cumsum(1) / 3, "fresh": fresh}


def network(carries: bool = False, dropout: float = 0.2, hidden: int = 4) -> SmallNetwork:
    """A network that starts from the same weights each time."""
    torch.manual_seed(1)
    return SmallNetwork(carries, dropout, hidden)


@torch.no_grad()
def validate(trained: nn.Module) -> float:
    return float(trained.loss(SmallSource(time=20).batch(99, 0), None)[0])  # type: ignore[operator]


def save(path: Path, trained: nn.Module, history: History) -> None:
    tensors = {name: tensor.numpy() for name, tensor in trained.state_dict().items()}
    write_model(path, new_card("model", "sum", {"history": history.card()}), tensors)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=40)
    told = parser.parse_args()
    options = TrainingOptions(epochs=told.epochs, patience=0, device="cpu", average=0.99, warmup=0.1)
    keep = Checkpoint(told.checkpoint, every_steps=7, every_seconds=0.05, fingerprint={"data": "noise"})
    trained = network(carries=True)
    history = fit(trained, SmallSource(told.steps), validate, options, checkpoint=keep, resume=told.resume)
    save(told.output, trained, history)


if __name__ == "__main__":
    main()
