"""From scores to a token: temperature, the k best, the smallest set of a share p, a draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import integer, number
from unrolled.errors import ArgumentError, explain


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    - temperature: scores are divided by it; below 1 likely tokens become likelier, 0 takes the likeliest.
    - top_k: only the k likeliest tokens; 0 = all.
    - top_p: only the likeliest tokens that together have this share (nucleus); 1 = all.
    - seed: the draw of each place is a pure function of (seed, place).

    Raises: ArgumentError naming the option.
    Source: Holtzman et al. 2020, arXiv:1904.09751, for the nucleus.

    Example:
        >>> scores = np.log([0.5, 0.3, 0.2])
        >>> Sampling(top_k=2).shares(scores).round(3).tolist()
        [0.625, 0.375, 0.0]
        >>> Sampling(temperature=0).choose(scores, place=0)
        0
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        number("temperature", self.temperature, 0.0, cure="1 draws as the model says, 0 takes the likeliest.")
        integer("top_k", self.top_k, 0, "0 takes all tokens.")
        cure = "1 takes all tokens."
        if number("top_p", self.top_p, 0.0, 1.0, cure) == 0:
            raise ArgumentError(explain("top_p", "a number > 0 and <= 1", repr(self.top_p), cure))
        integer("seed", self.seed, 0, "Any whole number from 0 on.")

    def shares(self, scores: NDArray, never: Sequence[int] = ()) -> NDArray:
        """The probability of each token to be chosen, float64 (tokens,). Those in `never` have none."""
        told = np.asarray(scores, np.float64).copy()
        told[list(never)] = -np.inf
        if self.temperature == 0:
            return (np.arange(len(told)) == told.argmax()).astype(np.float64)
        powers = np.exp((told - told.max()) / self.temperature)
        order = np.argsort(-powers, kind="stable")
        rising = np.cumsum(powers[order]) / powers.sum()
        kept = int(np.searchsorted(rising, self.top_p)) + 1
        if self.top_k:
            kept = min(kept, self.top_k)
        powers[order[kept:]] = 0.0
        return powers / powers.sum()

    def choose(self, scores: NDArray, place: int, never: Sequence[int] = ()) -> int:
        """A token, drawn for this place of the text."""
        shares = self.shares(scores, never)
        draw = np.random.Generator(np.random.Philox(key=self.seed % 2**64, counter=place)).random()
        return int(min(np.searchsorted(np.cumsum(shares), draw, side="right"), np.flatnonzero(shares)[-1]))
