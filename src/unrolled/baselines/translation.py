"""The plain ways to turn one string into another: leave it as it is, or go word by word."""

from collections.abc import Sequence

import numpy as np

Codes = Sequence[np.ndarray]  # each int64 (tokens,)


class WordByWord:
    """Each token of the source becomes the one it most often stands for, in the same order.

    The table comes from IBM model 1 (Brown et al. 1993): `rounds` of expectation and maximisation from equal
    probabilities. A token that training has not seen writes nothing.

    Shapes: fit on pairs of code sequences; `table` int64 (source_words,), 0 = writes nothing.
    """

    name = "word by word"

    def __init__(self, rounds: int = 5) -> None:
        self.rounds = rounds
        self.table = np.zeros(0, np.int64)

    def fit(self, source: Codes, target: Codes, source_words: int) -> "WordByWord":
        """Learn the table."""
        pairs, owner = _pairs(source, target)
        words, place = np.unique(pairs, axis=0, return_inverse=True)
        place = place.reshape(-1)
        chance = np.ones(len(words))
        for _ in range(self.rounds):
            share = chance[place]
            share /= np.bincount(owner, share)[owner]  # each target token's shares sum to 1
            counts = np.bincount(place, share, len(words))
            chance = counts / np.bincount(words[:, 0], counts)[words[:, 0]]
        order = np.lexsort((chance, words[:, 0]))  # of each source word the likeliest comes last
        self.table = np.zeros(source_words, np.int64)
        self.table[words[order, 0]] = words[order, 1]
        return self

    def write(self, source: Codes) -> list[list[int]]:
        """The target codes of each source."""
        written = [self.table[np.asarray(codes, np.int64)] for codes in source]
        return [line[line > 0].tolist() for line in written]


def _pairs(source: Codes, target: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Every (source word, target word) of every pair of lines, and which target token each belongs to."""
    pairs, owner, token = [], [], 0
    for read, wrote in zip(source, target, strict=True):
        if not len(read) or not len(wrote):
            continue
        grid = np.stack(np.meshgrid(read, wrote), axis=-1).reshape(-1, 2)  # target-major
        pairs.append(grid)
        owner.append(token + np.repeat(np.arange(len(wrote)), len(read)))
        token += len(wrote)
    return np.concatenate(pairs), np.concatenate(owner)
