"""Scores of language models: nats a token, perplexity, bits a character."""

import math

import numpy as np
from numpy.typing import ArrayLike


def nats(losses: ArrayLike) -> float:
    """The mean negative logarithm of the probability of each token that came."""
    return float(np.mean(np.asarray(losses, np.float64)))


def perplexity(losses: ArrayLike) -> float:
    """Among how many equally likely tokens the model is left to guess: `exp` of the mean nats.

    Example:
        >>> round(perplexity([math.log(4), math.log(16)]), 6)
        8.0
    """
    mean = nats(losses)
    return math.exp(mean) if mean < 700 else math.inf


def bits_per_character(losses: ArrayLike, characters: int) -> float:
    """All bits of the tokens over the characters of their text: it compares models of different tokens.

    Example:
        >>> bits_per_character([math.log(2)] * 6, characters=3)
        2.0
    """
    return float(np.sum(np.asarray(losses, np.float64)) / math.log(2) / max(1, characters))
