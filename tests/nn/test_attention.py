import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.nn.attention import Attention

LENGTHS = torch.tensor([5, 2, 0])


def made(score: str, coverage: bool = False) -> Attention:
    torch.manual_seed(0)
    return Attention(6, 6, score, coverage=coverage).double()


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def score_of(attention: Attention, q: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """The equations, for one query and one step."""
    if attention.score == "dot":
        return q @ m
    if attention.score == "general":
        return q @ (attention.key.weight @ m)
    total = attention.query.weight @ q + attention.query.bias + attention.key.weight @ m
    return attention.vector.weight[0] @ torch.tanh(total)


@pytest.mark.parametrize("score", ["dot", "general", "additive"])
def test_weights_and_context_are_the_equations(score):
    attention, queries, values = made(score), drawn(3, 4, 6), drawn(3, 5, 6)
    context, weights = attention(queries, attention.memory(values, LENGTHS))
    for row, length in enumerate(LENGTHS[:2].tolist()):
        for step in range(4):
            scores = torch.stack([score_of(attention, queries[row, step], m) for m in values[row, :length]])
            expected = scores.softmax(0)
            assert torch.allclose(weights[row, step, :length], expected, atol=1e-12)
            assert torch.allclose(context[row, step], expected @ values[row, :length], atol=1e-12)
            assert not weights[row, step, length:].any()


@pytest.mark.parametrize("score", ["dot", "general", "additive"])
def test_a_row_without_steps_has_no_context_and_finite_gradients(score):
    attention, values = made(score), drawn(3, 5, 6).requires_grad_()
    context, weights = attention(drawn(3, 4, 6), attention.memory(values, LENGTHS))
    context.square().sum().backward()
    assert not weights[2].any() and not context[2].any()
    assert values.grad is not None and values.grad.isfinite().all() and not values.grad[2].any()
    assert all(weight.grad.isfinite().all() for weight in attention.parameters())


def test_padding_changes_nothing():
    attention, queries, values = made("general"), drawn(3, 4, 6), drawn(3, 5, 6)
    context, _ = attention(queries, attention.memory(values, LENGTHS))
    values[1, 2:] = 1e9
    again, _ = attention(queries, attention.memory(values, LENGTHS))
    assert torch.equal(context[:2], again[:2])


def test_coverage_moves_the_weights_away_from_where_they_were():
    attention, query, values = made("additive", coverage=True), drawn(3, 1, 6), drawn(3, 5, 6)
    memory = attention.memory(values)
    with torch.no_grad():
        attention.covered.weight.copy_(-attention.vector.weight.mT.sign() * 5)
    _, before = attention(query, memory, torch.zeros(3, 5, dtype=torch.float64))
    covered = torch.zeros(3, 5, dtype=torch.float64)
    covered[:, 0] = 1.0
    _, after = attention(query, memory, covered)
    assert (after[:, :, 0] < before[:, :, 0]).all()


def test_gradients_by_finite_differences():
    attention = made("additive", coverage=True)
    covered = torch.rand(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def run(query: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return attention(query, attention.memory(values, LENGTHS), covered)[0]

    inputs = (drawn(3, 1, 6).requires_grad_(), drawn(3, 5, 6).requires_grad_())
    assert torch.autograd.gradcheck(run, inputs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"score": "cosine"}, "score: expected one of dot, general, additive, got 'cosine'"),
        ({"coverage": True}, "coverage: expected score='additive', got score='general'"),
        ({"score": "dot", "memory_size": 8}, "memory_size: expected the query's 6, got 8"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Attention(**{"query_size": 6, "memory_size": 6} | arguments)


def test_a_memory_of_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"values: expected \(batch, time, 6\), got \(2, 3, 5\)"):
        made("general").memory(torch.zeros(2, 3, 5))
