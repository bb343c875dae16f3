"""Attention over a memory of any length, against its equations written out in float64."""

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.runtime import Graph, Input, Node
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import resolve
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.operations.base import ANY, Spec

ROWS, STEPS, WIDTH, MEMORY = 4, 5, 3, 2
LENGTHS = np.array([5, 1, 3, 0])
INPUTS = (
    Input("query", Spec((WIDTH,))),
    Input("keys", Spec((ANY, WIDTH))),
    Input("length", Spec((), "int64")),
    Input("covered", Spec((ANY,))),
    Input("memory", Spec((ANY, MEMORY))),
)


def drawn() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = {"query": (WIDTH,), "keys": (STEPS, WIDTH), "covered": (STEPS,), "memory": (STEPS, MEMORY)}
    values = {name: random.standard_normal((ROWS, *shape), np.float32) for name, shape in shapes.items()}
    return values | {"length": LENGTHS}


WEIGHTS = {
    "vector": np.random.default_rng(1).standard_normal((1, WIDTH), np.float32),
    "covered": np.random.default_rng(2).standard_normal((WIDTH, 1), np.float32),
}


def run(operation, names, weights=WEIGHTS):
    graph = Graph(INPUTS, (Node("op", operation, names),), {"out": "op"})
    resolve(graph, weights)
    return evaluate(graph, drawn(), {}, weights)[0]["out"]


def shares(scores: np.ndarray) -> np.ndarray:
    """Row by row, of the valid steps alone."""
    found = np.zeros((ROWS, STEPS))
    for row, length in enumerate(LENGTHS):
        powers = np.exp(scores[row, :length].astype(np.float64))
        found[row, :length] = powers / max(powers.sum(), 1e-300)
    return found


def test_dot():
    x = drawn()
    scores = np.einsum("rq,rsq->rs", x["query"], x["keys"])
    found = run(ops.Attention("dot"), ("query", "keys", "length"))
    np.testing.assert_allclose(found, shares(scores), atol=1e-6)
    assert (found[3] == 0).all() and found[1, 0] == 1


@pytest.mark.parametrize("covered", [False, True])
def test_additive(covered):
    x = drawn()
    total = x["query"][:, None] + x["keys"]
    if covered:
        total = total + x["covered"][..., None] * WEIGHTS["covered"][:, 0]
    scores = (np.tanh(total) * WEIGHTS["vector"][0]).sum(-1)
    names = ("query", "keys", "length", "covered")[: 3 + covered]
    found = run(ops.Attention("additive", "vector", "covered" if covered else None), names)
    np.testing.assert_allclose(found, shares(scores), atol=1e-6)


def test_large_scores_stay_finite():
    x = drawn()
    found = evaluate(
        Graph(INPUTS, (Node("op", ops.Attention("dot"), ("query", "keys", "length")),), {"out": "op"}),
        x | {"query": x["query"] * 1e30},
        {},
        {},
    )[0]["out"]
    assert np.isfinite(found).all() and found[:3].sum(1) == pytest.approx([1, 1, 1])


def test_weighted_sum():
    x = drawn()
    found = run(ops.WeightedSum(), ("covered", "memory"))
    np.testing.assert_allclose(found, np.einsum("rs,rsm->rm", x["covered"], x["memory"]), atol=1e-6)


def test_coverage_adds_up():
    x = drawn()
    graph = Graph(INPUTS, (Node("op", ops.Combine("add"), ("covered", "covered")),), {"out": "op"})
    assert resolve(graph, {}).values["op"] == Spec((ANY,))
    np.testing.assert_array_equal(evaluate(graph, x, {}, {})[0]["out"], x["covered"] * 2)


@pytest.mark.parametrize(
    ("operation", "names", "message"),
    [
        (ops.Attention("cosine"), ("query", "keys", "length"), "score: expected one of dot, additive"),
        (
            ops.Attention("dot", "vector"),
            ("query", "keys", "length"),
            "score: expected 'additive' with weights",
        ),
        (ops.Attention("additive"), ("query", "keys", "length"), "None: expected a weight of this name"),
        (ops.Attention("dot"), ("query", "memory", "length"), r"input 1: expected float32 \(any, 3\)"),
        (ops.Attention("dot"), ("query", "keys", "query"), r"input 2: expected int64 \(\)"),
        (ops.Attention("additive", "vector", "covered"), ("query", "keys", "length"), "covered: expected"),
        (ops.WeightedSum(), ("covered", "query"), r"input 1: expected float32 \(any, memory\)"),
        (ops.Dense("vector"), ("keys",), r"inputs: expected values of a known shape, got float32 \(any, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(operation, names, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        run(operation, names)
