"""Texts as codes end to end, and padded batches of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from unrolled.data import TokenBatches

Batch = dict[str, torch.Tensor]
TOKENS = 16_384  # padded tokens in one call that answers
TEXTS = 256  # texts in one call


@dataclass(frozen=True)
class CodedTexts:
    """Texts as codes end to end: text i is rows offsets[i] to offsets[i + 1] of every array of `codes`.

    Shapes: codes, by the batch's key int64 (tokens,); offsets int64 (texts + 1,). `spelled` (words,
    characters) and `spelled_lengths` (words,) are the characters of all different words, whose places are
    codes["spelling"].
    """

    codes: dict[str, np.ndarray]
    offsets: np.ndarray
    spelled: np.ndarray | None = None
    spelled_lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """How many tokens each text has, int64 (texts,)."""
        return np.diff(self.offsets)

    def batch(self, picks: np.ndarray) -> Batch:
        """A right-padded batch of some texts, as `models.text` lists it."""
        lengths = self.lengths[picks]
        steps = np.arange(int(lengths.max(initial=1)))
        places = self.offsets[picks][:, None] + np.minimum(steps, lengths[:, None] - 1)
        valid = steps < lengths[:, None]
        batch = {key: np.where(valid, values[places], 0) for key, values in self.codes.items()}
        if self.spelled is not None and self.spelled_lengths is not None:
            different, numbers = np.unique(self.codes["spelling"][places], return_inverse=True)
            lengths_of_words = self.spelled_lengths[different]
            batch["spelling"] = numbers.reshape(places.shape)
            batch["spelled"] = self.spelled[different, : lengths_of_words.max()]
            batch["spelled_lengths"] = lengths_of_words
        return {key: torch.from_numpy(values) for key, values in (batch | {"lengths": lengths}).items()}


class TextSource:
    """Batches of some texts with their answers: a pure function of (seed, epoch, index).

    `answers` is the key of the answers and their array: (texts,), or end to end where each token has one.
    """

    def __init__(
        self, data: CodedTexts, indices: np.ndarray, answers: tuple[str, Any], tokens: int, seed: int
    ) -> None:
        self._data, self._indices, (self._key, self._answers) = data, indices, answers
        self.batches = TokenBatches(data.lengths[indices], tokens, seed)
        self._each_token = len(self._answers) != len(data)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.batches.steps

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch."""
        picks = self._indices[self.batches.indices(epoch, index)]
        if not self._each_token:
            return self._data.batch(picks) | {self._key: torch.from_numpy(self._answers[picks])}
        with_answers = CodedTexts(
            self._data.codes | {self._key: self._answers},
            self._data.offsets,
            self._data.spelled,
            self._data.spelled_lengths,
        )
        return with_answers.batch(picks)
