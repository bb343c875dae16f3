"""Run a sequence network over many sequences, and find what belongs to which answer."""

from collections.abc import Iterator

import numpy as np
import torch

from unrolled.data import SequenceSet, even_batches, pad
from unrolled.models import SequenceNetwork
from unrolled.training import to_device

STEPS = 65_536  # padded steps in one call
SEQUENCES = 256  # sequences in one call


@torch.no_grad()
def scores_of(network: SequenceNetwork, data: SequenceSet, indices: np.ndarray) -> np.ndarray:
    """The network's scores for some sequences, float32 (answers, scores): one a sequence, or one a step."""
    network.eval()
    every, device = network.pool == "every", next(network.parameters()).device
    lengths = data.lengths[indices]
    ends = np.append(0, np.cumsum(lengths if every else np.ones_like(lengths)))
    out = np.empty((int(ends[-1]), network.head.out_features), np.float32)
    for places in batches(lengths):
        x, count = pad(data, indices[places])
        batch = {"x": torch.from_numpy(x), "lengths": torch.from_numpy(count)}
        found = network.scores(to_device(batch, device)).float().cpu().numpy()
        for place, row, length in zip(places, found, count, strict=True):
            out[ends[place] : ends[place + 1]] = row[:length] if every else row
    return out


def batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Places of sequences of like length, as many as one call may hold.

    Example:
        >>> [places.tolist() for places in batches(np.array([40_000, 3, 40_000]))]
        [[1], [0], [2]]
    """
    return even_batches(lengths, STEPS, SEQUENCES)


def answers_of(data: SequenceSet, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the labels of some sequences stand in `data.labels`, and whose each is: (answers,) both.

    Example:
        >>> from unrolled.data import read_sequences
        >>> data = read_sequences([np.zeros((2, 1)), np.zeros((3, 1))], y=[[0, 1], [1, 0, 1]])
        >>> [found.tolist() for found in answers_of(data, np.array([1]))]
        [[2, 3, 4], [0, 0, 0]]
    """
    if not data.every_step:
        return indices, np.arange(len(indices))
    lengths = data.lengths[indices]
    owner = np.repeat(np.arange(len(indices)), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return data.offsets[indices][owner] + within, owner
