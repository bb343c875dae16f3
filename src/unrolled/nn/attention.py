"""Attention of a decoder over the steps of a memory.

Key: B batch · T decoder steps · S memory steps · Q query · M memory.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import flag, integer, one_of
from unrolled.errors import ArgumentError, ShapeError, explain

SCORES = ("dot", "general", "additive")


class Memory(NamedTuple):
    """What a decoder looks at, prepared once for all its steps.

    Shapes: values (B, S, M); keys (B, S, .), what queries are compared with; valid bool (B, S).
    """

    values: Tensor
    keys: Tensor
    valid: Tensor


class Attention(nn.Module):
    """A query's weights over the steps of a memory, and the mean of the memory by these weights.

    `score` of a query q and a step m: "dot" `q . m`, "general" `q . W m` (Luong et al. 2015), "additive"
    `v . tanh(W q + U m)` (Bahdanau et al. 2015). With `coverage` an additive score also reads how much weight
    a step has had so far, `v . tanh(W q + U m + w * covered)` (See et al. 2017, arXiv:1704.04368).

    Shapes: query (B, T, query_size), memory of (B, S, memory_size) -> context (B, T, memory_size) and weights
        (B, T, S), which are 0 behind a row's length; all 0, as the context is, where a row has no step.
    Raises: ArgumentError, ShapeError.
    Source: arXiv:1409.0473, arXiv:1508.04025.

    Example:
        >>> attention = Attention(8, 16, "general")
        >>> memory = attention.memory(torch.zeros(2, 5, 16), torch.tensor([5, 3]))
        >>> context, weights = attention(torch.zeros(2, 4, 8), memory)
        >>> context.shape, weights[1, 0].tolist()[2:]
        (torch.Size([2, 4, 16]), [0.3333333432674408, 0.0, 0.0])
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        score: str = "general",
        hidden_size: int | None = None,
        coverage: bool = False,
    ) -> None:
        super().__init__()
        self.query_size = integer("query_size", query_size, 1)
        self.memory_size = integer("memory_size", memory_size, 1)
        self.score = one_of("score", score, SCORES)
        self.coverage = flag("coverage", coverage)
        if coverage and score != "additive":
            cure = "Coverage enters the additive score."
            raise ArgumentError(explain("coverage", "score='additive'", f"score={score!r}", cure))
        if score == "dot" and query_size != memory_size:
            cure = "Take score='general', which maps one onto the other."
            raise ArgumentError(explain("memory_size", f"the query's {query_size}", memory_size, cure))
        if score == "general":
            self.key = nn.Linear(memory_size, query_size, bias=False)
        if score == "additive":
            width = query_size if hidden_size is None else integer("hidden_size", hidden_size, 1)
            self.key = nn.Linear(memory_size, width, bias=False)
            self.query = nn.Linear(query_size, width)
            self.vector = nn.Linear(width, 1, bias=False)
            self.covered = nn.Linear(1, width, bias=False) if coverage else None

    def memory(self, values: Tensor, lengths: Tensor | None = None) -> Memory:
        """Prepare a memory once for all steps of a decoder; lengths (B,), absent: all S steps."""
        if values.ndim != 3 or values.shape[-1] != self.memory_size:
            cure = "Pass what the encoder returned."
            expected = f"(batch, time, {self.memory_size})"
            raise ShapeError(explain("values", expected, tuple(values.shape), cure))
        keys = values if self.score == "dot" else self.key(values)
        steps = torch.arange(values.shape[1], device=values.device)
        rows = len(values)
        valid = (steps >= 0).expand(rows, -1) if lengths is None else steps < lengths.to(steps)[:, None]
        return Memory(values, keys, valid)

    def forward(self, query: Tensor, memory: Memory, covered: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Context and weights. covered (B, S): the weights so far, summed, where there is coverage."""
        scores = self._scores(query, memory, covered)  # (B, T, S)
        valid = memory.valid[:, None]
        weights = F.softmax(scores.masked_fill(~valid, -torch.inf), dim=-1)
        weights = weights.masked_fill(~valid, 0.0)  # a row without steps is NaN before this
        return weights @ memory.values, weights

    def _scores(self, query: Tensor, memory: Memory, covered: Tensor | None) -> Tensor:
        if self.score != "additive":
            return query @ memory.keys.mT
        total = self.query(query)[:, :, None] + memory.keys[:, None]  # (B, T, S, width)
        if self.covered is not None and covered is not None:
            total = total + self.covered(covered[..., None])[:, None]
        return self.vector(total.tanh()).squeeze(-1)
