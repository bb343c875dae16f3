"""Locked and embedding dropout: what is zero stays zero, and the mean stays what it was."""

import pytest
import torch

from unrolled import nn


def test_locked_dropout_is_one_draw_for_all_steps_of_a_row():
    torch.manual_seed(0)
    kept = nn.locked_dropout(torch.ones(50, 7, 40), 0.25)
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert not torch.equal(kept[0], kept[1])
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert kept.mean().item() == pytest.approx(1.0, abs=0.05)


def test_embedding_dropout_takes_whole_rows():
    torch.manual_seed(0)
    kept = nn.embedding_dropout(torch.ones(400, 3), 0.5)
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert kept.mean().item() == pytest.approx(1.0, abs=0.15)


def test_what_is_off_draws_nothing():
    x, before = torch.ones(2, 3, 4), torch.get_rng_state()
    assert nn.locked_dropout(x, 0.5, training=False) is x
    assert nn.locked_dropout(x, 0.0) is x
    assert nn.embedding_dropout(x[0], 0.0) is not None
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stack_locks_what_goes_between_its_layers():
    layers = [nn.GRU(3, 6), nn.GRU(6, 6)]
    torch.manual_seed(0)
    seen = []
    layers[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    nn.Stack(layers, dropout=0.5, locked=True).train()(torch.randn(4, 9, 3))
    gone = seen[0] == 0
    assert gone.any() and torch.equal(gone, gone[:, :1].expand_as(gone))
