# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""Looking at a memory of any length: how much weight each of its steps gets, and their weighted sum.

Key: S steps of the memory, the same for all rows but only known at run time · Q width of query and keys · M
memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import one_of
from unrolled.errors import ArgumentError, explain
from unrolled.runtime.operations.base import ANY, Array, Arrays, Operation, Spec, expect, project, weight

SCORES = ("dot", "additive")


@dataclass(frozen=True)
class Attention(Operation):
    """The weights of a query over the steps of a memory: a softmax of scores; 0 behind the memory's length.

    "dot": `query . key`. "additive": `vector . tanh(query + key)`, with `covered` `vector . tanh(query + key
    + covered * c)`, where c is the weight that the step has had so far, input 3.
    Shapes: query (Q,), keys (S, Q), length () int64, [covered so far (S,)] -> (S,); vector (1, Q), covered
    (Q, 1).
    """

    score: str
    vector: str | None = None
    covered: str | None = None
    kind: ClassVar = "attention"
    weight_fields: ClassVar = ("vector", "covered")
    arity: ClassVar = (3, 4)
    any_length: ClassVar = True

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        one_of("score", self.score, SCORES)
        query, keys, length = inputs[:3]
        expect(query.dtype == "float32" and len(query.shape) == 1, "input 0", "float32 (query,)", query)
        wanted = Spec((ANY, *query.shape))
        expect(keys == wanted, "input 1", str(wanted), keys, "These are the keys of the memory.")
        expect(length == Spec((), "int64"), "input 2", "int64 ()", length, "This is the memory's length.")
        self._check_weights(query.shape[0], weights)
        if (self.covered is not None) != (len(inputs) == 4):
            got = f"{len(inputs)} inputs"
            raise ArgumentError(explain("covered", "a weight where input 3 is given", got, ""))
        if len(inputs) == 4:
            expect(inputs[3] == Spec((ANY,)), "input 3", str(Spec((ANY,))), inputs[3])
        return Spec((ANY,))

    def _check_weights(self, width: int, weights: Arrays) -> None:
        if self.score == "dot" and self.weights:
            raise ArgumentError(explain("score", "'additive' with weights", "'dot'", ""))
        if self.score == "additive":
            weight(weights, str(self.vector), (1, width))
            if self.covered is not None:
                weight(weights, self.covered, (width, 1))

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        query, keys, length = inputs[:3]
        if self.score == "dot":
            scores = np.matmul(keys, query[:, :, None])[..., 0]  # (rows, S)
        else:
            total = query[:, None] + keys
            if self.covered is not None:
                total = total + inputs[3][..., None] * weights[self.covered][:, 0]
            scores = project(np.tanh(total), weights[str(self.vector)])[..., 0]
        return masked_softmax(scores, np.arange(keys.shape[1]) < length[:, None]), {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return inputs[0].size  # of each step of the memory


@dataclass(frozen=True)
class WeightedSum(Operation):
    """The sum of the steps of a memory, each times its weight. Shapes: (S,), memory (S, M) -> (M,)."""

    kind: ClassVar = "weighted_sum"
    arity: ClassVar = (2, 2)
    any_length: ClassVar = True

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        own, memory = inputs
        expect(own == Spec((ANY,)), "input 0", str(Spec((ANY,))), own, "These are the weights.")
        fits = memory.dtype == "float32" and len(memory.shape) == 2 and memory.shape[0] == ANY
        expect(fits, "input 1", "float32 (any, memory)", memory)
        return Spec(memory.shape[1:])

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        return np.matmul(inputs[0][:, None, :], inputs[1])[:, 0], {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return output.size  # of each step of the memory


def masked_softmax(scores: Array, valid: Array) -> Array:
    """Shares of the last axis among the valid places, 0 at the others, also where none is valid."""
    scores = np.where(valid, scores, np.float32(-np.inf))
    most = scores.max(axis=-1, keepdims=True, initial=np.float32(-np.inf))
    powers = np.where(valid, np.exp(scores - most), np.float32(0))
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total > 0, total, np.float32(1))
