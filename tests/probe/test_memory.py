"""How much past an answer depends on, on networks whose memory is known."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.models import build
from unrolled.probe import final_losses, memory_used
from unrolled.probe.memory import default_lags, replaced


def remembers(lag):
    """Losses of a network that answers with its input `lag` steps before the last."""
    return lambda batch: (batch["x"][:, -1 - lag, 0] - batch["label"]).square()


def batch_of(lag, rows=64, time=30):
    x = torch.randn(rows, time, 1, generator=torch.Generator().manual_seed(0))
    return {"x": x, "label": x[:, -1 - lag, 0].clone()}


@pytest.mark.parametrize("lag", [0, 3, 8, 16])
def test_it_ends_where_the_inputs_stop_to_matter(lag):
    found = memory_used(remembers(lag), batch_of(lag), range(29 - 1))
    assert found.lag == lag and found.whole == 0.0
    assert (found.losses[:lag] > 0.5).all() and (found.losses[lag:] == 0).all()


def test_none_where_even_the_oldest_matters():
    assert memory_used(remembers(29), batch_of(29)).lag is None


def test_noise_is_no_memory():
    def noisy(batch):
        return batch["x"][:, :20, 0].mean(1).square() * 1e-9 + batch["x"][:, -1, 0].square()

    assert memory_used(noisy, batch_of(0)).lag == 0


def test_a_level_is_moved_not_the_shape():
    batch = {"target": torch.arange(6.0).reshape(2, 3, 1) * 100}
    steps = np.array([3, 3])
    found = replaced(batch, steps, 0, np.array([1, 0]))["target"][..., 0]
    assert found.tolist() == [[0, 100, 200], [300, 400, 500]]  # both rise by 100 a step
    assert batch["target"][0, 0, 0] == 0


def test_rows_of_a_series_are_replaced_by_rows_of_the_same():
    x = torch.arange(4.0)[:, None, None].expand(4, 5, 1).contiguous()
    seen = []

    def losses(batch):
        seen.append(batch["x"][:, 0, 0].tolist())
        return batch["x"][:, 0, 0]

    memory_used(losses, {"x": x, "series": torch.tensor([0, 0, 1, 1])}, [0], draws=1)
    assert seen[1] == [1, 0, 3, 2]


def test_ragged_rows_are_aligned_at_their_ends():
    x = torch.tensor([[1.0, 2, 3, 4], [7, 8, 0, 0]])[..., None]
    batch = {"x": x, "lengths": torch.tensor([4, 2])}
    found = replaced(batch, np.array([4, 2]), 0, np.array([1, 0]))["x"][..., 0]
    assert found.tolist() == [[7, 8, 7, 4], [3, 8, 0, 0]]


KINDS = {
    "segment": ({"history": 12, "horizon": 3}, {"target": (5, 12, 1), "future": (5, 3, 1)}),
    "direct": ({"horizon": 3}, {"target": (5, 12, 1), "after": (5, 3, 1)}),
    "recursive": ({"horizon": 3}, {"target": (5, 12, 1)}),
    "sequence": ({"features": 2, "targets": 1}, {"x": (5, 12, 2), "label": (5, 1)}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_final_losses_of_one_row_are_the_networks_own(kind):
    shape, sizes = KINDS[kind]
    network = build({"kind": kind, "shape": shape, "hidden": 4}).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    batch = {key: torch.randn(size) for key, size in sizes.items()}
    found = final_losses(network)(batch)
    for row in range(5):
        one = {key: value[row : row + 1] for key, value in batch.items()}
        if kind == "recursive":  # the loss of a chunk is the mean of all its steps
            mean, spread, anchor, _ = network.read(one, None)
            error = (one["target"] - anchor - mean)[:, -1] / spread[:, -1]
            true = (0.5 * error**2 + spread[:, -1].log()).squeeze() + 0.5 * np.log(2 * np.pi)
        else:
            network.stride = 12  # of a direct network: the last step alone
            true = network.loss(one, None)[0]
        torch.testing.assert_close(found[row], true, rtol=1e-5, atol=1e-6)


def test_final_losses_of_tokens():
    network = build({"kind": "language", "shape": {"tokens": 7}, "hidden": 4}).eval()
    tokens = torch.randint(0, 7, (3, 6))
    batch = {"tokens": tokens[:, :-1], "next": tokens[:, 1:].clone()}
    batch["next"][0, 3:] = -1
    found = final_losses(network)(batch)
    alone = {"tokens": batch["tokens"], "next": torch.full((3, 5), -1)}
    for row, last in enumerate((2, 4, 4)):
        alone["next"][:] = -1
        alone["next"][row, last] = batch["next"][row, last]
        torch.testing.assert_close(found[row], network.loss(alone, None)[0])


def test_lags_that_no_row_is_long_enough_for_are_refused():
    with pytest.raises(ArgumentError, match=r"lags: expected at most 28, .* 30 steps, got 40\. Give longer"):
        memory_used(remembers(0), batch_of(0), [1, 40])
    with pytest.raises(ArgumentError, match=r"batch: expected rows of at least two steps, got one step"):
        memory_used(remembers(0), batch_of(0, time=1))
    with pytest.raises(ArgumentError, match=r"batch: expected at least two rows, got 1\. Give more rows"):
        memory_used(remembers(0), batch_of(0, rows=1))


def test_default_lags_rise_and_fit():
    for longest in (2, 3, 5, 100, 1000):
        lags = default_lags(longest)
        assert lags[0] == 0 and lags == sorted(set(lags)) and lags[-1] < max(longest - 1, 1)
