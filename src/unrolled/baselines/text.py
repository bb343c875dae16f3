"""The plain answers to "which class?" for texts: the most frequent one, and logistic regression on TF-IDF."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled import arguments
from unrolled.format import array
from unrolled.metrics import classification

PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # scikit-learn's C: the smaller, the stronger
ROUNDS = 1000
SHARPNESS = tuple(np.geomspace(0.25, 4.0, 33))
PARTS = ("terms", "rarity", "weight", "bias")
Tokens = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TfidfLogistic:
    """Logistic regression on TF-IDF of words and of pairs of neighbours.

    A term is known by 64 bits of its BLAKE2b. Its weight in a text is `(1 + log count) * rarity`, a text's
    weights are divided by their length, and rarity is `1 + log((1 + texts) / (1 + texts with it))`, as
    scikit-learn has it.

    Shapes: terms uint64 (terms,), rising; rarity float32 (terms,); weight float32 (classes, terms); bias
    float32 (classes,), -infinity for a class that training has not seen.
    """

    terms: NDArray[np.uint64]
    rarity: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    name: str = "TF-IDF logistic"

    @classmethod
    def fit(
        cls,
        texts: Tokens,
        labels: np.ndarray,
        validation: Tokens,
        validation_labels: np.ndarray,
        classes: int,
    ) -> "TfidfLogistic":
        """Choose the penalty and the sharpness by the validation texts, then learn from both parts.

        Shapes: labels, codes (texts,) and (validation,).
        """
        rows, validation_rows = (
            [terms_of(tokens) for tokens in texts],
            [terms_of(tokens) for tokens in validation],
        )
        first = cls._of(rows, labels, classes)
        tried = []
        for penalty in PENALTIES:
            scores = first._learned(rows, labels, penalty).scores_of(validation_rows)
            right = (scores.argmax(1) == validation_labels).mean()
            sharpness, loss = best_sharpness(scores, validation_labels)
            tried.append((-right, loss, penalty, sharpness))
        _, _, penalty, sharpness = min(tried)
        both, known = rows + validation_rows, np.concatenate([labels, validation_labels])
        found = cls._of(both, known, classes)._learned(both, known, penalty)
        return cls(found.terms, found.rarity, found.weight * sharpness, found.bias * sharpness)

    @classmethod
    def _of(cls, rows: list[Counter[int]], labels: np.ndarray, classes: int) -> "TfidfLogistic":
        """The terms of some texts and their rarity; nothing learned yet."""
        terms, texts = np.unique(
            np.fromiter((term for row in rows for term in row), np.uint64), return_counts=True
        )
        rarity = 1 + np.log((1 + len(rows)) / (1 + texts))
        zeros = np.zeros((classes, len(terms)), np.float32)
        bias = np.where(np.bincount(labels, minlength=classes) > 0, 0.0, -np.inf)
        return cls(terms, rarity.astype(np.float32), zeros, bias.astype(np.float32))

    def _learned(self, rows: list[Counter[int]], labels: np.ndarray, penalty: float) -> "TfidfLogistic":
        """With weights learned from some texts."""
        linear = arguments.part("sklearn.linear_model", "train")
        model = linear.LogisticRegression(C=penalty, max_iter=ROUNDS).fit(self.weights_of(rows), labels)
        weight, bias = np.zeros_like(self.weight), self.bias.copy()
        seen, coefficients, intercept = model.classes_, model.coef_, model.intercept_
        if len(seen) == 2:  # one row of weights for the second class; the first has score 0
            coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
            intercept = np.append(0.0, intercept)
        weight[seen], bias[seen] = coefficients, intercept
        return TfidfLogistic(self.terms, self.rarity, weight, bias)

    def weights_of(self, rows: list[Counter[int]]) -> Any:
        """The weights of the terms in each text, a sparse matrix (texts, terms)."""
        sparse = arguments.part("scipy.sparse", "train")
        ends = np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)
        terms = np.fromiter((term for row in rows for term in row), np.uint64, ends[-1])
        counts = np.fromiter((n for row in rows for n in row.values()), np.float64, ends[-1])
        places = np.searchsorted(self.terms, terms).clip(max=max(len(self.terms) - 1, 0))
        known = self.terms[places] == terms if len(self.terms) else np.zeros(len(terms), bool)
        values = np.where(known, (1 + np.log(counts)) * self.rarity[places], 0.0)
        matrix = sparse.csr_matrix((values, places, ends), shape=(len(rows), len(self.terms)))
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
        return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix

    def scores_of(self, rows: list[Counter[int]]) -> np.ndarray:
        """Scores (texts, classes) whose softmax are probabilities."""
        return np.asarray(self.weights_of(rows) @ self.weight.T.astype(np.float64)) + self.bias

    def scores(self, texts: Tokens) -> np.ndarray:
        """Scores (texts, classes) of texts cut into tokens."""
        return self.scores_of([terms_of(tokens) for tokens in texts])

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """As arrays of a model file."""
        return {f"{prefix}.{part}": getattr(self, part) for part in PARTS}

    @classmethod
    def from_arrays(cls, tensors: Mapping[str, np.ndarray], prefix: str, classes: int) -> "TfidfLogistic":
        """From a model file. Raises: ModelFileError naming the array."""
        terms = array(tensors, f"{prefix}.terms", "uint64", (None,))
        count = len(terms)
        rarity = array(tensors, f"{prefix}.rarity", "float32", (count,))
        weight = array(tensors, f"{prefix}.weight", "float32", (classes, count))
        return cls(terms, rarity, weight, array(tensors, f"{prefix}.bias", "float32", (classes,)))


def terms_of(tokens: Sequence[str]) -> Counter[int]:
    """How often each word and each pair of neighbours stands in a text, by number.

    Example:
        >>> found = terms_of(["to", "be", "or", "to", "be"])
        >>> len(found), max(found.values())
        (6, 2)
    """
    words = [token.lower() for token in tokens]
    pairs = (f"{left} {right}" for left, right in pairwise(words))
    return Counter(_number(term) for term in (*words, *pairs))


def best_sharpness(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """What to multiply scores by so that the log loss of their softmax is least, and that log loss.

    Shapes: scores (n, classes); labels (n,).
    Source: temperature scaling, Guo et al. 2017, arXiv:1706.04599.
    """
    tried = [(classification.log_loss(labels, softmax(scores * sharp)), sharp) for sharp in SHARPNESS]
    loss, sharpness = min(tried)
    return float(sharpness), loss


def softmax(scores: np.ndarray) -> np.ndarray:
    """Shares of the last axis, summing to 1."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _number(term: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )
