import pytest
import torch
from torch import nn

from unrolled.training.weights import averaged, restore, snapshot, start_average, update_average


def test_a_snapshot_is_a_copy_and_comes_back_in_place() -> None:
    network = nn.BatchNorm1d(2)
    kept, weight = snapshot(network), network.weight
    with torch.no_grad():
        network.weight += 1
        network.running_mean += 5
    restore(network, kept)
    assert network.weight is weight
    assert (network.weight.tolist(), network.running_mean.tolist()) == ([1, 1], [0, 0])


def test_the_average_follows_its_formula() -> None:
    network = nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 0.0)
    average, expected = start_average(network), 0.0
    for step in range(30):
        torch.nn.init.constant_(network.weight, float(step + 1))
        update_average(average, network, 0.5, step)
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * (step + 1)
    assert average["weight"].item() == pytest.approx(expected, rel=1e-6)


def test_the_network_computes_with_its_average_only_within() -> None:
    network = nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 3.0)
    with averaged(network, {"weight": torch.tensor([[0.1]])}):
        assert network.weight.item() == pytest.approx(0.1)
    assert network.weight.item() == 3.0
    with averaged(network, None):
        assert network.weight.item() == 3.0
