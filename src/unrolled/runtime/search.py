"""The best output of a decoder: greedy and batched beam search, under the same rules.

A beam has `beam` places. The likeliest continuations of what is still open take the open places; one that
ends keeps its place for good. So a beam of one place is greedy search, to the token.

It knows nothing of what runs the decoder: PyTorch, a Program or ONNX Runtime.

Key: B batch · K places · V words · N = B * K hypotheses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import integer, number
from unrolled.errors import ArgumentError, explain

Array = NDArray
Step = Callable[[Array, Any], tuple[Array, Any]]  # tokens (N,), state -> log-probabilities (N, V), state
Select = Callable[[Any, Array], Any]  # the state of the hypotheses at some places
DEPTH = 16  # rows of the table in which the largest numbers are looked for


@dataclass(frozen=True)
class SearchOptions:
    """The rules of a search.

    - beam: hypotheses kept at each step; 1 is greedy.
    - best: how many of them are answered, likeliest first.
    - length_penalty: hypotheses are ordered by `log p / length ** length_penalty`, the end counted; 0 prefers
      short ones.
    - no_repeat: no n-gram of this length comes twice; 0 is off.
    - minimum, maximum: fewest and most tokens, the end not counted.

    Raises: ArgumentError.
    """

    beam: int = 5
    best: int = 1
    length_penalty: float = 1.0
    no_repeat: int = 0
    minimum: int = 0
    maximum: int = 200

    def __post_init__(self) -> None:
        integer("beam", self.beam, 1, "1 is greedy search, 5 is usual.")
        integer("best", self.best, 1, "1 answers the likeliest alone.")
        number("length_penalty", self.length_penalty, 0.0, cure="0 is the plain sum, 1 the mean.")
        integer("no_repeat", self.no_repeat, 0, "0 is off, 3 forbids a trigram to come twice.")
        integer("minimum", self.minimum, 0, "0 is off.")
        integer("maximum", self.maximum, 1, "200 is usual.")
        if self.best > self.beam:
            cure = "A beam answers at most as many as it has places."
            raise ArgumentError(explain("best", f"at most beam ({self.beam})", self.best, cure))
        if self.minimum > self.maximum:
            cure = "Lower one or raise the other."
            raise ArgumentError(explain("minimum", f"at most maximum ({self.maximum})", self.minimum, cure))


@dataclass(frozen=True)
class Hypothesis:
    """An output: its tokens without the end, its log-probability, the end's with it, and its order."""

    tokens: tuple[int, ...]
    log_probability: float
    score: float


def search(
    step: Step,
    select: Select,
    state: Any,
    rows: int,
    begin: int,
    end: int,
    options: SearchOptions,
    never: tuple[int, ...] = (),
) -> list[list[Hypothesis]]:
    """For each of `rows` states, the `best` hypotheses, likeliest first.

    `step` may have its log-probabilities changed in place; `select` picks the state of some hypotheses.
    `never` are tokens that no output may hold.
    """
    beam = _Beam(rows, begin, end, options)
    state = select(state, np.arange(rows).repeat(options.beam))
    while beam.open_rows:
        log_probabilities, state = step(beam.last, state)
        beam.forbid(log_probabilities, never)
        state = select(state, beam.extend(log_probabilities))
    return beam.answers()


def largest(values: Array, count: int) -> Array:
    """The places of the `count` largest numbers of each row, largest first.

    They are among the columns of a narrow table with the largest maxima: all numbers are looked at once.
    Shapes: values (rows, n) -> int64 (rows, count), count at most n.

    Example:
        >>> largest(np.array([[1.0, 7.0, 3.0, 5.0]]), 3).tolist()
        [[1, 3, 2]]
    """
    rows, size = values.shape
    if count == 1:
        return values.argmax(1)[:, None]
    columns = size // DEPTH
    if columns <= count:
        return np.argsort(-values, axis=1, kind="stable")[:, :count]
    most = values[:, : columns * DEPTH].reshape(rows, DEPTH, columns).max(1)
    chosen = np.sort(np.argpartition(-most, count - 1, axis=1)[:, :count], axis=1)
    places = (np.arange(DEPTH)[:, None] * columns + chosen[:, None, :]).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(columns * DEPTH, size), (rows, size - columns * DEPTH))
    places = np.concatenate([places, rest], axis=1)
    found = np.take_along_axis(values, places, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(places, order, axis=1)


class _Beam:
    """The open hypotheses of the rows that are not done: tokens (B, K, length), sums (B, K)."""

    def __init__(self, rows: int, begin: int, end: int, options: SearchOptions) -> None:
        self.options, self.begin, self.end = options, begin, end
        self.rows = np.arange(rows)  # which row each of those left is
        self.tokens = np.empty((rows, options.beam, 0), np.int64)
        self.sums = np.full((rows, options.beam), -np.inf, np.float32)
        self.sums[:, 0] = 0.0
        self.free = np.full(rows, options.beam)
        self.ended: list[list[Hypothesis]] = [[] for _ in range(rows)]

    @property
    def open_rows(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> Array:
        """The token that each place reads next, (N,)."""
        if self.tokens.shape[2] == 0:
            return np.full(self.sums.size, self.begin)
        return self.tokens[:, :, -1].reshape(-1)

    def forbid(self, log_probabilities: Array, never: tuple[int, ...]) -> None:
        """Take out, in place, what the rules do not allow next."""
        length = self.tokens.shape[2]
        log_probabilities[:, list(never)] = -np.inf
        if length < self.options.minimum:
            log_probabilities[:, self.end] = -np.inf
        if self.options.no_repeat and length >= self.options.no_repeat:
            flat = self.tokens.reshape(-1, length)
            _forbid_repeated(flat, self.options.no_repeat, log_probabilities)
        if length == self.options.maximum:
            ends = log_probabilities[:, self.end].copy()
            log_probabilities.fill(-np.inf)
            log_probabilities[:, self.end] = np.where(ends == -np.inf, 0.0, ends)

    def extend(self, log_probabilities: Array) -> Array:
        """Go on by one token; the places (of those before, flattened) that the open ones come from."""
        places, words = self.options.beam, log_probabilities.shape[-1]
        totals = self.sums[:, :, None] + log_probabilities.reshape(-1, places, words)
        totals = totals.reshape(-1, places * words)
        picks = largest(totals, min(places, totals.shape[1]))
        sums = np.take_along_axis(totals, picks, axis=1)
        sums = np.where(np.arange(sums.shape[1]) < self.free[:, None], sums, np.float32(-np.inf))
        origin, token = picks // words, picks % words
        tokens = np.take_along_axis(self.tokens, origin[:, :, None], axis=1)
        self._keep_ended((token == self.end) & (sums > -np.inf), tokens, sums)
        self.sums = np.where(token == self.end, np.float32(-np.inf), sums)
        self.tokens = np.concatenate([tokens, token[:, :, None]], axis=2)
        left = (self.free > 0) & (self.sums > -np.inf).any(axis=1)
        source = np.arange(len(self.rows))[:, None] * places + origin
        self.rows, self.free = self.rows[left], self.free[left]
        self.sums, self.tokens = self.sums[left], self.tokens[left]
        return source[left].reshape(-1)

    def answers(self) -> list[list[Hypothesis]]:
        """The best of each row; equal scores in the order in which they ended."""
        ranked = [sorted(row, key=lambda found: -found.score) for row in self.ended]
        return [row[: self.options.best] for row in ranked]

    def _keep_ended(self, ended: Array, tokens: Array, sums: Array) -> None:
        for row, place in np.argwhere(ended).tolist():
            number_of = tokens.shape[2] + 1
            total = float(sums[row, place])
            score = total / number_of**self.options.length_penalty
            found = Hypothesis(tuple(tokens[row, place].tolist()), total, score)
            self.ended[int(self.rows[row])].append(found)
        self.free = self.free - ended.sum(axis=1)


def _forbid_repeated(tokens: Array, size: int, log_probabilities: Array) -> None:
    """Take out each token that would end an n-gram that has been there; tokens (N, length >= size)."""
    grams = np.lib.stride_tricks.sliding_window_view(tokens, size, axis=1)  # (N, count, size)
    tail = tokens[:, tokens.shape[1] - size + 1 :]
    again = (grams[:, :, :-1] == tail[:, None]).all(axis=2)
    rows, places = np.nonzero(again)
    log_probabilities[rows, grams[rows, places, -1]] = -np.inf
