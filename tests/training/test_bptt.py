"""Truncated and full backpropagation through time, against gradients worked out by hand."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unrolled.training import SilentReporter, TrainingOptions, fit
from unrolled.types import ElmanState

OPTIONS = TrainingOptions(epochs=1, learning_rate=0.01, clip=0, patience=0, device="cpu", schedule="constant")


class Scalar(nn.Module):
    """h_t = w h_{t-1} + x_t: the gradient of sum(h) can be written down."""

    def __init__(self, carries: bool) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))
        self.carries = carries
        self.gradients: list[float] = []
        self.starts: list[float] = []
        self.w.register_hook(lambda gradient: self.gradients.append(gradient.item()))

    def loss(self, batch: Tensor, state: ElmanState | None) -> tuple[Tensor, ElmanState | None]:
        h = torch.zeros((), dtype=torch.float64) if state is None else state.h
        assert not h.requires_grad
        self.starts.append(h.item())
        total = torch.zeros((), dtype=torch.float64)
        for x in batch:
            h = self.w * h + x
            total = total + h
        return total, ElmanState(h) if self.carries else None


class Chunks:
    def __init__(self, values: list[float], length: int) -> None:
        self.chunks = torch.tensor(values, dtype=torch.float64).split(length)
        self.steps = len(self.chunks)

    def batch(self, epoch: int, index: int) -> Tensor:
        return self.chunks[index]


def by_hand(w: float, h: float, chunk: Tensor) -> tuple[float, float]:
    """The gradient of a chunk's loss, its first state taken as a constant: dh_t = h_{t-1} + w dh_{t-1}."""
    slope, gradient = 0.0, 0.0
    for x in chunk.tolist():
        slope, h = h + w * slope, w * h + x
        gradient += slope
    return gradient, h


def run(network: Any, source: Any, epochs: int = 1) -> list[float]:
    """Train, and collect w as each step found it."""
    weights: list[float] = []

    def loss(trained: nn.Module, batch: Tensor, state: Any) -> Any:
        weights.append(trained.w.item())  # type: ignore[operator, union-attr]
        return trained.loss(batch, state)  # type: ignore[operator]

    options = TrainingOptions(**{**OPTIONS.card(), "epochs": epochs})
    fit(network, source, lambda trained: 0.0, options, loss=loss, reporter=SilentReporter())
    return weights


def test_truncated_bptt_takes_the_gradient_of_each_chunk_from_a_constant_state() -> None:
    network, source = Scalar(carries=True), Chunks([1.0, -0.5, 2.0, 0.3, 1.5, -1.0, 0.7], 3)
    weights = run(network, source, epochs=2)
    h, expected, starts = 0.0, [], []
    for number, w in enumerate(weights):
        if number % source.steps == 0:
            h = 0.0  # each epoch starts anew
        starts.append(h)
        gradient, h = by_hand(w, h, source.batch(0, number % source.steps))
        expected.append(gradient)
    assert network.starts == pytest.approx(starts, rel=1e-12)
    assert network.gradients == pytest.approx(expected, rel=1e-12)
    assert starts[1] != 0.0 and starts[3] == 0.0


def test_full_bptt_takes_the_gradient_of_the_whole() -> None:
    values = [1.0, -0.5, 2.0, 0.3, 1.5]
    network = Scalar(carries=False)
    run(network, Chunks(values, 5))
    w = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    powers = sum(w ** (t - s) * values[s] for t in range(5) for s in range(t + 1))  # h_t = sum_s w^(t-s) x_s
    (expected,) = torch.autograd.grad(powers, [w])
    assert network.gradients == pytest.approx([expected.item()], rel=1e-12)


def test_without_a_carried_state_every_chunk_starts_from_zero() -> None:
    network = Scalar(carries=False)
    run(network, Chunks([1.0, 2.0, 3.0, 4.0], 2))
    assert network.starts == [0.0, 0.0]


def test_fresh_rows_start_anew_and_the_others_go_on(small: ModuleType) -> None:
    network, source = small.network(carries=True, dropout=0.0).eval(), small.SmallSource()
    state = network.loss(source.batch(0, 2), None)[1]
    _, carried = network.loss(source.batch(0, 3), state)
    _, anew = network.loss(source.batch(0, 3), None)
    assert torch.equal(carried.h[0], anew.h[0])
    assert not torch.isclose(carried.h[1:], anew.h[1:]).all(1).any()
