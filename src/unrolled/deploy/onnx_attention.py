"""Attention over a memory of any length as ONNX operators.

Key: B batch · S steps of the memory · Q width of query and keys · M memory.
"""

import numpy as np

from unrolled.deploy.onnx_value import Emitter, Value
from unrolled.runtime import operations as ops


def attention(e: Emitter, op: ops.Attention, x: list[Value], shape: tuple[int, ...]) -> Value:
    """The weights of the steps (B, S), 0 behind the length."""
    g, (query, keys, length) = e.graph, x[:3]
    if op.score == "dot":
        product = g.add("MatMul", keys.name, g.add("Unsqueeze", query.name, e.numbers(2)))
    else:
        total = g.add("Add", g.add("Unsqueeze", query.name, e.numbers(1)), keys.name)
        if op.covered is not None:
            each = g.add("Unsqueeze", x[3].name, e.numbers(2))  # (B, S, 1)
            total = g.add("Add", total, g.add("MatMul", each, e.matrix(op.covered)))
        product = g.add("MatMul", g.add("Tanh", total), e.matrix(str(op.vector)))
    scores = g.add("Squeeze", product, e.numbers(2), name="scores")
    valid = _valid(e, keys.name, length.name)
    weights = g.add("Softmax", g.add("Where", valid, scores, e.number(-np.inf)), axis=-1)
    # of a memory without a step the softmax is no number
    return Value(g.add("Where", valid, weights, e.number(0), name="weights"), 1, shape)


def weighted_sum(e: Emitter, op: ops.WeightedSum, x: list[Value], shape: tuple[int, ...]) -> Value:
    """The sum of the steps (B, M), each times its weight."""
    row = e.graph.add("Unsqueeze", x[0].name, e.numbers(1))
    product = e.graph.add("MatMul", row, x[1].name)
    return Value(e.graph.add("Squeeze", product, e.numbers(1), name="context"), 1, shape)


def _valid(e: Emitter, keys: str, length: str) -> str:
    """Which steps count, (B, S)."""
    g, zero, one = e.graph, e.graph.weight(np.int64(0)), e.graph.weight(np.int64(1))
    size = g.add("Squeeze", g.add("Shape", keys, start=1, end=2))
    return g.add(
        "Less", g.add("Range", zero, size, one), g.add("Unsqueeze", length, e.numbers(1)), name="valid"
    )
