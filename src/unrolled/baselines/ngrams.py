"""n-grams: the plain way to predict a token, from the few before it, by counting.

Interpolated Kneser-Ney smoothing with three discounts an order. Source: Chen and Goodman 1999,
doi:10.1006/csla.1999.0128.

Key: n order · V tokens · U different n-grams · m positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, explain

MOST_GRAMS = 300_000  # that a model keeps: a longer order is not tried
HIGHEST = {False: 8, True: 4}  # orders that are tried: characters, and words (many tokens)
MANY_TOKENS = 1000
BLOCK = 1 << 22  # probabilities that are computed at once


@dataclass(frozen=True)
class Level:
    """The counts of one order, its n-grams in the order of their contexts.

    Shapes: keys int64 (contexts,), the parent context times V plus the oldest token, rising; starts
        (contexts + 1,), where each context's n-grams begin; words, discounted (grams,); kept (contexts,), the
        share that goes to the order below.
    """

    keys: np.ndarray
    starts: np.ndarray
    words: np.ndarray
    discounted: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True, eq=False)
class NGrams:
    """Kneser-Ney n-grams, told by their n-grams of the highest order and how often each came.

    All else is counted from these at the first question.
    Shapes: grams int (U, n), the oldest token first; counts int (U,).

    Example:
        >>> text = np.array([1, 2, 1, 2, 1, 2, 1, 3])
        >>> model = NGrams.fit([text], order=2, tokens=4)
        >>> model.probabilities(np.array([[1], [2]])).argmax(axis=1).tolist()
        [2, 1]
    """

    grams: np.ndarray
    counts: np.ndarray
    tokens: int

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The counts of each order, the lowest first."""
        return tuple(_levels(self.grams.astype(np.int32), self.counts.astype(np.int64), self.tokens))

    @property
    def order(self) -> int:
        """How long the n-grams are."""
        return self.grams.shape[1]

    @property
    def name(self) -> str:
        """What a table calls it."""
        return "unigram" if self.order == 1 else f"{self.order}-gram"

    @classmethod
    def fit(cls, texts: Sequence[np.ndarray], order: int, tokens: int, end: int = 0) -> "NGrams":
        """Count the n-grams of some texts. Before its start a text has the token `end`."""
        integer("order", order, 1)
        return cls(*different(windows(texts, order, end), np.ones(sum(map(len, texts)), np.int64)), tokens)

    def probabilities(self, contexts: np.ndarray) -> np.ndarray:
        """The probability of every token behind some contexts.

        Shapes: contexts int (m, n - 1 or more), the oldest token first -> float64 (m, V).
        """
        rows = len(contexts)
        found = np.full((rows, self.tokens), 1.0 / self.tokens)
        place = np.zeros(rows, np.int64)  # each row's context, of the order reached so far
        known = np.arange(rows)
        for length, level in enumerate(self.levels):
            if length:
                key = place * self.tokens + contexts[known, contexts.shape[1] - length]
                at = np.searchsorted(level.keys, key)
                at[at == len(level.keys)] = 0
                seen = level.keys[at] == key
                known, place = known[seen], at[seen]
            found[known] *= level.kept[place][:, None]
            begins, sizes = level.starts[place], np.diff(level.starts)[place]
            each = np.repeat(np.arange(len(known)), sizes)
            within = np.arange(len(each)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            gram = begins[each] + within
            found[known[each], level.words[gram]] += level.discounted[gram]
        return found

    def blocks(self, contexts: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """`probabilities` of many contexts, some at a time: which, and theirs."""
        size = max(1, BLOCK // self.tokens)
        for start in range(0, len(contexts), size):
            part = slice(start, min(start + size, len(contexts)))
            yield part, self.probabilities(contexts[part])

    def losses(self, texts: Sequence[np.ndarray], end: int = 0) -> np.ndarray:
        """The nats of every token of some texts, one text after another, (sum of lengths,)."""
        grams = windows(texts, self.order, end)
        out = np.empty(len(grams))
        for part, shares in self.blocks(grams[:, :-1]):
            out[part] = -np.log(shares[np.arange(len(shares)), grams[part, -1]])
        return out


def choose_order(
    train: Sequence[np.ndarray], validation: Sequence[np.ndarray], tokens: int, end: int = 0
) -> NGrams:
    """The n-grams whose order predicts the validation texts best; an order more is tried while it helps.

    Raises: ArgumentError where there is nothing to count or to compare on.
    """
    if not sum(map(len, train)) or not sum(map(len, validation)):
        raise ArgumentError(explain("texts", "at least one token in each part", "none", "Add texts."))
    best = NGrams.fit(train, 1, tokens, end)
    score = float(best.losses(validation, end).mean())
    for order in range(2, HIGHEST[tokens > MANY_TOKENS] + 1):
        model = NGrams.fit(train, order, tokens, end)
        loss = float(model.losses(validation, end).mean())
        if loss >= score or len(model.counts) > MOST_GRAMS:
            break
        best, score = model, loss
    return best


def windows(texts: Sequence[np.ndarray], order: int, end: int) -> np.ndarray:
    """Every token with the n - 1 before it, `end` before the start of a text: int32 (m, n)."""
    before = np.full(order - 1, end)
    parts = [
        np.lib.stride_tricks.sliding_window_view(np.concatenate([before, text]), order)
        for text in texts
        if len(text)
    ]
    return np.concatenate(parts).astype(np.int32) if parts else np.zeros((0, order), np.int32)


def different(grams: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different n-grams in rising order of their last token, then of the one before, and their counts."""
    order = np.lexsort(grams.T)
    grams, counts = grams[order], counts[order]
    first = np.append(True, (grams[1:] != grams[:-1]).any(axis=1)) if len(grams) else np.zeros(0, bool)
    return grams[first], np.add.reduceat(counts, np.flatnonzero(first)) if len(grams) else counts


def _levels(grams: np.ndarray, counts: np.ndarray, tokens: int) -> Iterator[Level]:
    """The levels from the shortest context on; below the highest an n-gram counts by what it came behind."""
    order = grams.shape[1]
    counted = {order: (grams, counts)}
    for size in range(order - 1, 0, -1):
        longer, _ = counted[size + 1]
        counted[size] = different(longer[:, 1:], np.ones(len(longer), np.int64))
    tables: list[np.ndarray] = []
    for size in range(1, order + 1):
        grams, counts = counted[size]
        context = np.zeros(len(grams), np.int64)
        for length in range(1, size):
            key = context * tokens + grams[:, size - 1 - length]
            if length == len(tables) + 1:
                tables.append(np.unique(key))
            context = np.searchsorted(tables[length - 1], key)
        keys = tables[size - 2] if size > 1 else np.zeros(1, np.int64)
        yield _level(keys, context, grams[:, -1], counts)


def _level(keys: np.ndarray, context: np.ndarray, words: np.ndarray, counts: np.ndarray) -> Level:
    """One order: absolute discounts, and what they leave over."""
    by_context = np.argsort(context, kind="stable")
    context, words, counts = context[by_context], words[by_context], counts[by_context]
    discount = discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, counts, len(keys))
    left = np.bincount(context, discount, len(keys))
    starts = np.searchsorted(context, np.arange(len(keys) + 1))
    return Level(keys, starts, words, (counts - discount) / totals[context], left / totals)


def discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken from an n-gram that came never, once, twice, three times or more often: (4,).

    Example:
        >>> discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).round(2).tolist()
        [0.0, 0.5, 1.25, 1.0]
    """
    came = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if not came[1:4].all():  # too few texts for an estimate
        return np.array([0.0, 0.5, 0.75, 0.75])
    share = came[1] / (came[1] + 2 * came[2])
    found = [n - (n + 1) * share * came[n + 1] / came[n] for n in (1, 2, 3)]
    return np.array([0.0, *np.clip(found, 0.05, [0.95, 1.95, 2.95])])
