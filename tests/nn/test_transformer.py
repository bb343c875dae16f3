"""The causal Transformer: its positions against their equations, its state against the whole sequence."""

import math

import pytest
import torch
from torch.nn import functional as F

from unrolled import nn
from unrolled.errors import ArgumentError, ShapeError
from unrolled.nn.transformer import rotate, waves
from unrolled.types import TransformerState

KINDS = ("rotary", "sinusoidal")


def draw(*shape, seed=2):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(params=KINDS)
def layer(request):
    torch.manual_seed(1)
    return nn.Transformer(3, 6, layers=2, heads=2, positions=request.param).double().eval()


def close(first, second):
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def by_hand(layer, x):
    """One row step by step, the attention written out."""
    places = torch.arange(len(x))[None]
    y = F.linear(x, layer.read.weight, layer.read.bias)
    if layer.positions == "sinusoidal":
        y = y + waves(places, 6)[0]
    for block in layer.blocks:
        looked = block.look(block.norm_attention(y)).reshape(len(x), 3, layer.heads, layer.width)
        query, key, value = looked.unbind(1)
        if layer.positions == "rotary":
            query, key = (rotate(part[None], places)[0] for part in (query, key))
        found = torch.zeros_like(query)
        for step in range(len(x)):
            for head in range(layer.heads):
                scores = key[: step + 1, head] @ query[step, head] / math.sqrt(layer.width)
                found[step, head] = scores.softmax(0) @ value[: step + 1, head]
        y = y + block.combine(found.flatten(1))
        y = y + block.narrow(F.gelu(block.widen(block.norm_dense(y))))
    return layer.norm(y)


def test_it_is_the_equations(layer):
    x = draw(2, 5, 3)
    y, state = layer(x)
    for row in range(2):
        close(y[row], by_hand(layer, x[row]))
    close(state.h, y[:, -1])


def test_a_rotated_product_depends_on_the_distance_alone():
    query, key = draw(1, 1, 1, 8), draw(1, 1, 1, 8, seed=3)

    def product(here, there):
        here, there = torch.tensor([[here]]), torch.tensor([[there]])
        return (rotate(query, here) * rotate(key, there)).sum()

    close(product(5, 3), product(105, 103))
    assert abs(product(5, 3) - product(5, 2)) > 1e-3


def test_waves_are_those_of_the_paper():
    found = waves(torch.tensor([7]), 6)[0]
    for pair in range(3):
        angle = 7 / 10_000 ** (2 * pair / 6)
        close(
            found[2 * pair : 2 * pair + 2],
            torch.tensor([math.sin(angle), math.cos(angle)], dtype=torch.float64),
        )


def test_a_step_sees_the_past_alone(layer):
    x = draw(2, 6, 3).requires_grad_()
    (gradient,) = torch.autograd.grad((layer(x)[0][:, 2] * draw(2, 6, seed=4)).sum(), x)
    assert gradient[:, :3].abs().amin(-1).amin() > 0
    assert gradient[:, 3:].abs().sum() == 0


def test_a_carried_state_continues_the_sequence(layer):
    x = draw(3, 7, 3)
    y, state = layer(x)
    first, carried = layer(x[:, :3])
    second, carried = layer(x[:, 3:4], carried)
    third, end = layer(x[:, 4:], carried)
    close(torch.cat([first, second, third], 1), y)
    for whole, cut in zip(state, end, strict=True):
        close(whole, cut)


def test_a_ragged_batch_is_its_rows_alone_and_goes_on(layer):
    lengths, x = torch.tensor([4, 0, 2]), draw(3, 6, 3)
    dirty = x.clone()
    for row, length in enumerate(lengths):
        dirty[row, length:] = torch.nan
    y, state = layer(dirty, None, lengths)
    more = draw(3, 2, 3, seed=8)
    go_on, _ = layer(more, state)
    for row, length in enumerate(lengths.tolist()):
        alone = layer(torch.cat([x[row, :length], more[row]])[None])[0][0]
        close(y[row, :length], alone[:length])
        assert (y[row, length:] == 0).all()
        close(go_on[row], alone[length:])
    assert state.valid.shape[1] == 4


def test_any_hidden_size_has_heads():
    for hidden in range(1, 12):
        layer = nn.Transformer(2, hidden)
        assert layer(torch.zeros(1, 3, 2))[0].shape == (1, 3, hidden)
        assert layer.width % 2 == 0 and 4 * layer.width >= hidden


def test_every_weight_learns(layer):
    (layer(draw(2, 5, 3))[0] * draw(2, 5, 6)).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    still = [name for name, p in layer.named_parameters() if not p.grad.abs().sum() > 0]
    assert still == []


def test_wrong_calls_are_refused_with_a_cure(layer):
    with pytest.raises(ShapeError, match=r"x: expected \(batch, time, 3\), got \(6, 3\)\. One sequence\?"):
        layer(draw(6, 3))
    with pytest.raises(ArgumentError, match=r"state: expected a TransformerState, got int. Pass what"):
        layer(draw(2, 6, 3), 3)
    _, state = layer(draw(2, 6, 3))
    with pytest.raises(ShapeError, match=r"state.keys: expected \(4, 2, 6, 2, 4\), got .2, 2.* own batch"):
        layer(draw(4, 6, 3), state)
    with pytest.raises(
        ArgumentError, match=r"positions: expected one of rotary, sinusoidal, got 'roatry'. .*rotary"
    ):
        nn.Transformer(2, 4, positions="roatry")
    assert isinstance(state, TransformerState)
