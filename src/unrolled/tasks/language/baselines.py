"""The plain baselines of a language model: shares of tokens, and n-grams; from both sides for blanks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.baselines import NGrams, choose_order
from unrolled.baselines.ngrams import BLOCK, windows
from unrolled.errors import ModelFileError, explain
from unrolled.format import array

COUNTED = 5_000_000  # tokens of the training part at most: counting more takes minutes and gigabytes
Codes = Sequence[np.ndarray]
Rows = tuple[slice, np.ndarray]  # which tokens, and the share of every token there


@dataclass(frozen=True)
class PlainScores:
    """What a baseline says of each token. Shapes: nats, guesses (tokens,)."""

    nats: np.ndarray
    guesses: np.ndarray


@dataclass(frozen=True)
class PlainTexts:
    """n-grams from the left and, for blanks, from the right; and the unigram, the shares of all tokens.

    From both sides the shares are `left * right / unigram`, scaled to a sum of 1: the two contexts taken as
    independent, given the word. `end` is what stands before and behind a text.
    """

    left: NGrams
    right: NGrams | None
    end: int

    @classmethod
    def fit(cls, train: Codes, validation: Codes, tokens: int, end: int, masked: bool) -> "PlainTexts":
        """Count the newest training texts; the orders are chosen on the validation texts."""
        train, validation = newest(train, COUNTED), newest(validation, COUNTED // 20)
        left = choose_order(train, validation, tokens, end)
        right = choose_order(mirrored(train), mirrored(validation), tokens, end) if masked else None
        return cls(left, right, end)

    @property
    def name(self) -> str:
        """What a table calls the n-grams."""
        return self.left.name if self.right is None else f"{self.left.name} from both sides"

    def scores(self, codes: Codes) -> dict[str, PlainScores]:
        """Every token of some texts, by the name of the baseline; of blanks without the texts' ends."""
        grams, back = windows(codes, self.left.order, self.end), None
        if self.right is not None:
            back = windows(mirrored(codes), self.right.order, self.end)[turned(codes)]
            grams = grams[np.concatenate([np.arange(len(text)) < len(text) - 1 for text in codes])]
        words = grams[:, -1]
        found = {"unigram": scored(self._unigram_blocks(len(words)), words)}
        if self.left.order > 1 or back is not None:
            found[self.name] = scored(self._blocks(grams, back), words)
        return found

    @property
    def unigram(self) -> np.ndarray:
        """How often each token comes among all, (tokens,); one that never came counts as half."""
        counts = np.bincount(self.left.grams[:, -1], self.left.counts, self.left.tokens)
        counts = np.maximum(counts, 0.5)
        return counts / counts.sum()

    def _unigram_blocks(self, count: int) -> Iterable[Rows]:
        shares = self.unigram
        for part in blocks(count, self.left.tokens):
            yield part, np.broadcast_to(shares, (part.stop - part.start, len(shares)))

    def _blocks(self, grams: np.ndarray, back: np.ndarray | None) -> Iterable[Rows]:
        for part in blocks(len(grams), self.left.tokens):
            shares = self.left.probabilities(grams[part, :-1])
            if self.right is not None and back is not None:
                shares = shares * self.right.probabilities(back[part, :-1]) / self.unigram
                shares /= shares.sum(axis=1, keepdims=True)
            yield part, shares

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays of a model file."""
        found = {}
        for side, model in (("left", self.left), ("right", self.right)):
            if model is not None:
                found[f"grams.{side}"] = model.grams.astype(kind_for(model.tokens))
                found[f"counts.{side}"] = model.counts.astype(np.uint32)
        return found

    @classmethod
    def from_arrays(
        cls, tensors: Mapping[str, np.ndarray], tokens: int, end: int, masked: bool
    ) -> "PlainTexts":
        """From a model file. Raises: ModelFileError naming the array."""
        left = grams_from(tensors, "left", tokens)
        return cls(left, grams_from(tensors, "right", tokens) if masked else None, end)


def grams_from(tensors: Mapping[str, np.ndarray], side: str, tokens: int) -> NGrams:
    """The n-grams of one side. Raises: ModelFileError for codes or counts that cannot be."""
    grams = array(tensors, f"grams.{side}", kind_for(tokens), (None, None))
    counts = array(tensors, f"counts.{side}", "uint32", (len(grams),))
    fits = grams.size and 1 <= grams.shape[1] <= 16 and grams.max() < tokens and counts.min() >= 1
    if not fits:
        cure = "Take another copy of the file."
        got = f"shape {grams.shape}, codes or counts outside it"
        raise ModelFileError(explain(f"array 'grams.{side}'", f"n-grams of {tokens} tokens", got, cure))
    return NGrams(grams, counts, tokens)


def kind_for(tokens: int) -> str:
    """The smallest type that holds a code.

    Example:
        >>> kind_for(65), kind_for(8000), kind_for(100_000)
        ('uint8', 'uint16', 'int32')
    """
    return "uint8" if tokens <= 1 << 8 else "uint16" if tokens <= 1 << 16 else "int32"


def newest(codes: Codes, most: int) -> Codes:
    """The last texts, or the last tokens of a running text, where there are more than that.

    Example:
        >>> [text.tolist() for text in newest([np.arange(5)], 3)], len(newest([np.arange(2)] * 9, 6))
        ([[2, 3, 4]], 3)
    """
    if len(codes) == 1:
        return [codes[0][-most:]]
    kept = int((np.cumsum([len(text) for text in reversed(codes)]) <= most).sum())
    return codes[-max(1, kept) :]


def mirrored(codes: Codes) -> list[np.ndarray]:
    """Texts read from their end: the words turned round, END behind them again."""
    return [np.append(text[:-1][::-1], text[-1:]) for text in codes]


def turned(codes: Codes) -> np.ndarray:
    """Where each word of some texts stands in the mirrored ones, one text after another."""
    starts = np.cumsum([0, *(len(text) for text in codes)])[:-1]
    return np.concatenate(
        [start + np.arange(len(text) - 1)[::-1] for start, text in zip(starts, codes, strict=True)]
    )


def blocks(count: int, tokens: int) -> Iterable[slice]:
    """Some tokens at a time, as many as their shares fit in memory."""
    size = max(1, BLOCK // tokens)
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def scored(found: Iterable[Rows], words: np.ndarray) -> PlainScores:
    """The nats of the words that came, and the likeliest ones."""
    nats, guesses = np.empty(len(words)), np.empty(len(words), np.int64)
    for part, shares in found:
        rows = np.arange(len(shares))
        nats[part] = -np.log(np.maximum(shares[rows, words[part]], 1e-300))
        guesses[part] = shares.argmax(axis=1)
    return PlainScores(nats, guesses)
