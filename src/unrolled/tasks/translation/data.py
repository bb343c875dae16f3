"""Pairs of texts as codes: what a translator is trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from unrolled.data import ParallelSet, TokenBatches
from unrolled.preprocess import Sides, Tokenizer
from unrolled.preprocess.sides import BEGIN, END, SPECIALS, encoded
from unrolled.tasks.translation.settings import TranslationSettings

Codes = Sequence[np.ndarray]
Batch = dict[str, torch.Tensor]


def fit_sides(settings: TranslationSettings, pairs: ParallelSet) -> Sides:
    """Learn the tokens of both sides from training pairs."""
    kinds = ((pairs.source, settings.source_tokens), (pairs.target, settings.target_tokens))
    return Sides(
        *(
            Tokenizer.fit(
                [f" {text.strip()}" for text in texts] if kind == "bpe" else texts,
                kind,
                lowercase=settings.lowercase,
                min_count=settings.min_count,
                size=settings.vocabulary,
                specials=SPECIALS,
            )
            for texts, kind in kinds
        )
    )


def code_pairs(sides: Sides, pairs: ParallelSet) -> "Pairs":
    """Both sides as codes. Raises: DataError naming one that is empty or endless."""
    return Pairs(sides.read(pairs.source, pairs.names), encoded(sides.target, pairs.target, pairs.names))


@dataclass(frozen=True)
class Pairs:
    """Source and target codes, line by line; begin and end are not in them."""

    source: Codes
    target: Codes

    def __len__(self) -> int:
        return len(self.source)

    def batch(self, picks: np.ndarray) -> Batch:
        """Some pairs as a network reads them."""
        target = [np.concatenate([[BEGIN], self.target[pick], [END]]) for pick in picks]
        return source_batch([self.source[pick] for pick in picks]) | padded("target", target)


class PairSource:
    """Batches of pairs of like length: a pure function of (seed, epoch, index).

    `sampling` rises in even steps from 0 in the first epoch to its full share in the last.
    """

    def __init__(self, pairs: Pairs, tokens: int, seed: int, sampling: float, epochs: int) -> None:
        self.pairs, self.sampling, self.last = pairs, sampling, max(epochs - 1, 1)
        self.batches = TokenBatches(lengths_of(pairs), tokens, seed, spread=2)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.batches.steps

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch."""
        batch = self.pairs.batch(self.batches.indices(epoch, index))
        share = self.sampling * epoch / self.last
        return batch | {"sampling": torch.tensor(share)} if share else batch


def picked(pairs: ParallelSet, places: np.ndarray) -> ParallelSet:
    """Some of the pairs."""
    parts = (pairs.source, pairs.target, pairs.names)
    return ParallelSet(*(tuple(part[place] for place in places) for part in parts))


def lengths_of(pairs: Pairs) -> np.ndarray:
    """The longer side of each pair, the end counted."""
    both = zip(pairs.source, pairs.target, strict=True)
    return np.array([max(len(source), len(target) + 1) for source, target in both], np.int64)


def source_batch(source: Codes) -> Batch:
    """Source codes as a network reads them."""
    return padded("source", source)


def padded(name: str, rows: Codes) -> Batch:
    """Rows of codes under a name, and their lengths."""
    lengths = np.array([len(row) for row in rows], np.int64)
    codes = np.zeros((len(rows), int(lengths.max())), np.int64)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return {name: torch.from_numpy(codes), f"{name}_lengths": torch.from_numpy(lengths)}


def readable(tokenizer: Tokenizer, tokens: Sequence[str]) -> list[str]:
    """Tokens for people: of pieces of words the letters, with a point for a space."""
    if tokenizer.kind != "bpe":
        return list(tokens)
    return [tokenizer.splitter.join([token]).replace(" ", "\N{MIDDLE DOT}") for token in tokens]
