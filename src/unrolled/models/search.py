"""The best output of a decoder: greedy and batched beam search, under the same rules.

A beam has `beam` places. The likeliest continuations of what is still open take the open places; one that
ends keeps its place for good. So a beam of one place is greedy search, to the token.

Key: B batch · K places · V words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unrolled.arguments import integer, number
from unrolled.errors import ArgumentError, explain
from unrolled.models.decoder import select

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]  # tokens (N,), state -> log-probabilities (N, V), state


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


@torch.no_grad()
def search(
    step: Step,
    state: Any,
    rows: int,
    begin: int,
    end: int,
    options: SearchOptions,
    never: tuple[int, ...] = (),
) -> list[list[Hypothesis]]:
    """For each of `rows` states, the `best` hypotheses, likeliest first.

    `never` are tokens that no output may hold.
    """
    beam = _Beam(rows, begin, end, options)
    state = select(state, torch.arange(rows).repeat_interleave(options.beam))
    while beam.open_rows:
        log_probabilities, state = step(beam.last, state)
        beam.forbid(log_probabilities, never)
        state = select(state, beam.extend(log_probabilities))
    return beam.answers()


class _Beam:
    """The open hypotheses of the rows that are not done: tokens (B, K, length), sums (B, K)."""

    def __init__(self, rows: int, begin: int, end: int, options: SearchOptions) -> None:
        self.options, self.begin, self.end = options, begin, end
        self.rows = torch.arange(rows)  # which row each of those left is
        self.tokens = torch.empty(rows, options.beam, 0, dtype=torch.int64)
        self.sums = torch.full((rows, options.beam), -torch.inf)
        self.sums[:, 0] = 0.0
        self.free = torch.full((rows,), options.beam)
        self.ended: list[list[Hypothesis]] = [[] for _ in range(rows)]

    @property
    def open_rows(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> Tensor:
        """The token that each place reads next, (B * K,)."""
        if self.tokens.shape[2] == 0:
            return torch.full((self.sums.numel(),), self.begin)
        return self.tokens[:, :, -1].flatten()

    def forbid(self, log_probabilities: Tensor, never: tuple[int, ...]) -> None:
        """Take out, in place, what the rules do not allow next."""
        length = self.tokens.shape[2]
        log_probabilities[:, list(never)] = -torch.inf
        if length < self.options.minimum:
            log_probabilities[:, self.end] = -torch.inf
        if self.options.no_repeat and length >= self.options.no_repeat:
            _forbid_repeated(self.tokens.flatten(0, 1), self.options.no_repeat, log_probabilities)
        if length == self.options.maximum:
            ends = log_probabilities[:, self.end].clone()
            log_probabilities.fill_(-torch.inf)
            log_probabilities[:, self.end] = torch.where(ends == -torch.inf, torch.zeros_like(ends), ends)

    def extend(self, log_probabilities: Tensor) -> Tensor:
        """Go on by one token; the places (of those before, flattened) that the open ones come from."""
        places, words = self.options.beam, log_probabilities.shape[-1]
        totals = (self.sums[:, :, None] + log_probabilities.reshape(-1, places, words)).flatten(1)
        sums, picks = totals.topk(min(places, totals.shape[1]), dim=1)
        sums = torch.where(torch.arange(sums.shape[1]) < self.free[:, None], sums, -torch.inf)
        origin, token = picks // words, picks % words
        tokens = self.tokens.gather(1, origin[:, :, None].expand(-1, -1, self.tokens.shape[2]))
        self._keep_ended((token == self.end) & (sums > -torch.inf), tokens, sums)
        self.sums = sums.masked_fill(token == self.end, -torch.inf)
        self.tokens = torch.cat([tokens, token[:, :, None]], dim=2)
        left = (self.free > 0) & (self.sums > -torch.inf).any(dim=1)
        source = torch.arange(len(self.rows))[:, None] * places + origin
        self.rows, self.free = self.rows[left], self.free[left]
        self.sums, self.tokens = self.sums[left], self.tokens[left]
        return source[left].flatten()

    def answers(self) -> list[list[Hypothesis]]:
        """The best of each row; equal scores in the order in which they ended."""
        ranked = [sorted(row, key=lambda found: -found.score) for row in self.ended]
        return [row[: self.options.best] for row in ranked]

    def _keep_ended(self, ended: Tensor, tokens: Tensor, sums: Tensor) -> None:
        for row, place in ended.nonzero().tolist():
            number_of = tokens.shape[2] + 1
            total = float(sums[row, place])
            score = total / number_of**self.options.length_penalty
            found = Hypothesis(tuple(tokens[row, place].tolist()), total, score)
            self.ended[int(self.rows[row])].append(found)
        self.free = self.free - ended.sum(dim=1)


def _forbid_repeated(tokens: Tensor, size: int, log_probabilities: Tensor) -> None:
    """Take out each token that would end an n-gram that has been there; tokens (N, length >= size)."""
    grams = tokens.unfold(1, size, 1)  # (N, count, size)
    tail = tokens[:, tokens.shape[1] - size + 1 :]
    again = (grams[:, :, :-1] == tail[:, None]).all(dim=2)
    rows, places = again.nonzero(as_tuple=True)
    log_probabilities[rows, grams[rows, places, -1]] = -torch.inf
