"""Where batches of codes come from: a running text in lanes, or whole texts of like length."""

from collections.abc import Sequence

import numpy as np
import torch

from unrolled.data import TokenBatches
from unrolled.models import NO_TOKEN

Batch = dict[str, torch.Tensor]
STEPS = 100  # batches in an epoch at least, where the text is long enough for smaller ones
LEAST = 64  # tokens in a batch of whole texts at least


class LaneSource:
    """A running text in lanes, `bptt` tokens of each at a time; the state is carried from batch to batch.

    Every epoch begins at another place, so that its cuts fall elsewhere. A short text has fewer lanes.
    """

    def __init__(self, codes: np.ndarray, end: int, lanes: int, bptt: int, seed: int) -> None:
        self._stream = np.append(end, codes)
        self._bptt = min(bptt, max(1, len(codes) // 2))
        self._lanes = int(np.clip(len(codes) // (self._bptt * STEPS), 1, lanes))
        self._width = (len(codes) - self._bptt) // self._lanes
        self._seed = seed

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return max(1, self._width // self._bptt)

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch: tokens and next, (lanes, bptt)."""
        start = int(np.random.default_rng((self._seed, epoch)).integers(self._bptt))
        lanes = start + index * self._bptt + np.arange(self._lanes)[:, None] * self._width
        places = lanes + np.arange(self._bptt + 1)
        rows = torch.from_numpy(self._stream[places])
        return {"tokens": rows[:, :-1].contiguous(), "next": rows[:, 1:].contiguous()}


class TextSource:
    """Whole texts of like length, each from a fresh state; a batch holds at most so many tokens with padding.

    Where there are few texts, batches are smaller.
    """

    def __init__(
        self, codes: Sequence[np.ndarray], end: int, tokens: int, seed: int, masked: bool = False
    ) -> None:
        self._codes, self._end, self._masked = codes, end, masked
        lengths = [len(text) for text in codes]
        self._batches = TokenBatches(lengths, min(tokens, max(LEAST, sum(lengths) // STEPS)), seed)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self._batches.steps

    @property
    def waste(self) -> float:
        """The share of padding."""
        return self._batches.waste

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch: tokens, next and lengths."""
        chosen = [self._codes[place] for place in self._batches.indices(epoch, index)]
        return masked_batch(chosen, self._end) if self._masked else text_batch(chosen, self._end)


def text_batch(codes: Sequence[np.ndarray], end: int) -> Batch:
    """Texts from left to right: END, then all tokens but the last; each is asked for the token that comes."""
    answers = padded(codes, NO_TOKEN)
    first = torch.full((len(codes), 1), end)
    tokens = torch.cat([first, answers[:, :-1]], dim=1)
    return {"tokens": tokens.clamp(min=0), "next": answers, "lengths": lengths_of(codes)}


def masked_batch(codes: Sequence[np.ndarray], end: int) -> Batch:
    """Texts between two ENDs; each inner token is asked for."""
    inner = [text[:-1] for text in codes]
    tokens = padded([np.append(end, text) for text in codes], end)
    return {"tokens": tokens, "next": padded(inner, NO_TOKEN), "lengths": lengths_of(codes) + 1}


def padded(rows: Sequence[np.ndarray], value: int) -> torch.Tensor:
    """Rows of different lengths side by side, int64 (rows, longest)."""
    out = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return torch.from_numpy(out)


def lengths_of(codes: Sequence[np.ndarray]) -> torch.Tensor:
    """How many tokens each text has, int64 (texts,)."""
    return torch.tensor([len(text) for text in codes])
