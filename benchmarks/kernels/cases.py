"""What is measured: a peer of torch.nn, our layer with the same weights, and how both are run."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled import nn

PEERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
GATES = {"lstm": 4, "gru": 3, "elman": 1}
# (batch, time, input, hidden)
DENSE = [
    (32, 50, 8, 32),
    (32, 100, 16, 64),
    (64, 100, 32, 128),
    (64, 100, 64, 256),
    (32, 200, 512, 512),
]
RAGGED = [(64, 200, 16, 64), (64, 200, 16, 128)]
LONG = [(1, 1000, 16, 64)]


class Case(NamedTuple):
    """One line of the table."""

    cell: str
    kind: str
    shape: tuple[int, int, int, int]
    operations: float
    peer: Callable[[], object]
    ours: Callable[[], object]


def operations(cell: str, steps: int, inputs: int, hidden: int, is_training: bool) -> float:
    """Floating-point operations of the matrix products; the gradient of x is not wanted."""
    width = 2 * inputs + 3 * hidden if is_training else inputs + hidden
    return 2.0 * GATES[cell] * hidden * steps * width


def cases(cell: str) -> list[Case]:
    """Every case of a cell."""
    listed = [dense(cell, shape, "train") for shape in DENSE]
    listed += [dense(cell, shape, "infer") for shape in DENSE]
    listed += [ragged(cell, shape) for shape in RAGGED]
    return listed + [dense(cell, shape, "train") for shape in LONG]


def dense(cell: str, shape: tuple[int, int, int, int], kind: str) -> Case:
    """Every row of the same length; `kind` is train (forward + backward) or infer."""
    batch, time, inputs, hidden = shape
    peer, ours, x = layers(cell, shape)
    run = train if kind == "train" else infer
    count = operations(cell, batch * time, inputs, hidden, kind == "train")
    return Case(cell, kind, shape, count, lambda: run(peer, x), lambda: run(ours, x))


def ragged(cell: str, shape: tuple[int, int, int, int]) -> Case:
    """Training on lengths uniform in 10..time; the peer packs and unpacks."""
    batch, time, inputs, hidden = shape
    peer, ours, x = layers(cell, shape)
    lengths = torch.randint(10, time + 1, (batch,))

    def packed() -> None:
        given = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(peer(given)[0], batch_first=True, total_length=time)
        learn(peer, y)

    count = operations(cell, int(lengths.sum()), inputs, hidden, True)
    return Case(cell, "ragged", shape, count, packed, lambda: learn(ours, ours(x, lengths=lengths)[0]))


def layers(cell: str, shape: tuple[int, int, int, int]) -> tuple[torch.nn.Module, torch.nn.Module, Tensor]:
    """A peer, ours with its weights, and an input."""
    batch, time, inputs, hidden = shape
    peer = PEERS[cell](inputs, hidden, batch_first=True)
    return peer, nn.from_torch(peer), torch.randn(batch, time, inputs)


def train(layer: torch.nn.Module, x: Tensor) -> None:
    """Forward and backward."""
    learn(layer, layer(x)[0])


def learn(layer: torch.nn.Module, y: Tensor) -> None:
    """Backward from a gradient of ones."""
    y.backward(torch.ones_like(y))
    layer.zero_grad(set_to_none=True)


def infer(layer: torch.nn.Module, x: Tensor) -> None:
    """Forward alone."""
    with torch.no_grad():
        layer(x)
