"""The loop on tiny problems: it learns, keeps the best, stops, and says what went wrong."""

import signal
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from unrolled.errors import ArgumentError, BackendError, ShapeError, TrainingError, TrainingInterrupted
from unrolled.training import History, SilentReporter, TrainingOptions, fit, learning_rate
from unrolled.training.optimizer import AdamW

QUICK = TrainingOptions(epochs=3, learning_rate=0.01, warmup=2, patience=0, device="cpu", weight_decay=0.0)


class Line(nn.Module):
    """One weight w; the loss is the mean of (w x - 2 x)^2."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([start]))

    def loss(self, batch: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
        return (self.w * batch - 2 * batch).square().mean(), None


class Points:
    """Batches of given points, the same in every epoch."""

    def __init__(self, *batches: list[float]) -> None:
        self.batches = [torch.tensor(batch) for batch in batches]

    @property
    def steps(self) -> int:
        return len(self.batches)

    def batch(self, epoch: int, index: int) -> torch.Tensor:
        return self.batches[index]


def distance(network: nn.Module) -> float:
    return abs(network.w.item() - 2.0)


def train(
    network: nn.Module, source: Any, options: TrainingOptions, validate: Any = distance, **rest: Any
) -> History:
    return fit(network, source, validate, options, reporter=SilentReporter(), **rest)


def test_the_loss_goes_down_and_the_network_learns(small: ModuleType) -> None:
    network = small.network(dropout=0.0)
    options = replace(QUICK, epochs=12, learning_rate=0.03)
    history = train(network, small.SmallSource(10), options, small.validate)
    losses = [record.train_loss for record in history.epochs]
    assert losses[-1] < 0.5 * losses[0]
    assert history.best < 0.6 * history.untrained
    assert small.validate(network) == history.best
    assert not network.training


def test_the_records_are_those_of_a_loop_by_hand() -> None:
    points = [[1.0, 2.0], [0.5, 0.1], [3.0, 1.0]]
    options = replace(QUICK, epochs=2, clip=4.0, schedule="decay")
    history = train(Line(), Points(*points), options)
    line = Line()
    w, optimizer = line.w, AdamW(line, weight_decay=0.0)
    for epoch, record in enumerate(history.epochs):
        losses, norms, rate = [], [], 0.0
        for index, batch in enumerate(map(torch.tensor, points)):
            rate = learning_rate(epoch * 3 + index, 6, options)
            loss = (w * batch - 2 * batch).square().mean()
            (gradient,) = torch.autograd.grad(loss, [w])
            losses.append(loss.item())
            norms.append(gradient.norm().item())
            w.grad = gradient * min(1.0, 4.0 / norms[-1])
            optimizer.step(rate)
        assert record.train_loss == pytest.approx(sum(losses) / 3, rel=1e-6)
        assert record.gradient_norm == pytest.approx(sum(norms) / 3, rel=1e-6)
        assert record.clip_rate == sum(norm > 4.0 for norm in norms) / 3 == pytest.approx(2 / 3)
        assert record.learning_rate == rate
        assert record.validation == pytest.approx(2.0 - w.item(), rel=1e-6)


def test_the_best_weights_come_back() -> None:
    scores = iter([5.0, 3.0, 1.0, 2.0, 4.0])
    seen: list[float] = []

    def validate(network: nn.Module) -> float:
        seen.append(network.w.item())  # type: ignore[arg-type]
        return next(scores)

    network = Line()
    history = train(network, Points([1.0]), replace(QUICK, epochs=4), validate)
    assert history.scores == [5.0, 3.0, 1.0, 2.0, 4.0]
    assert history.best_epoch == 2
    assert network.w.item() == seen[2] != seen[4]


def test_the_untrained_network_can_win() -> None:
    network = Line(start=2.0)
    history = train(network, Points([1.0]), QUICK, lambda n: 1.0 if n.w.item() == 2.0 else 3.0 + n.w.item())
    assert (history.best_epoch, network.w.item()) == (0, 2.0)


@pytest.mark.parametrize(("patience", "epochs"), [(2, 4), (3, 5), (0, 9)])
def test_patience_ends_a_run(patience: int, epochs: int) -> None:
    scores = iter([5.0, 4.0, 3.0] + [3.0] * 20)
    history = train(
        Line(), Points([1.0]), replace(QUICK, epochs=9, patience=patience), lambda n: next(scores)
    )
    assert len(history.epochs) == epochs
    assert history.best_epoch == 2


def test_no_epochs_train_nothing() -> None:
    network = Line(0.25)
    history = train(network, Points([1.0]), replace(QUICK, epochs=0))
    assert (history.scores, network.w.item()) == ([1.75], 0.25)


def test_the_averaged_weights_are_validated_and_kept() -> None:
    network, raw, weights = Line(), Line(), []
    points = Points([1.0, 3.0], [2.0, 1.0])

    def loss(line: nn.Module, batch: Any, state: Any) -> Any:
        weights.append(line.w.item())  # type: ignore[arg-type]
        return line.loss(batch, state)  # type: ignore[operator]

    history = train(network, points, replace(QUICK, average=0.9))
    train(raw, points, QUICK, loss=loss)  # the same steps; the last epoch is the best one
    weights.append(raw.w.item())
    average = 0.0
    for step, weight in enumerate(weights[1:]):
        keep = min(0.9, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * weight
    assert network.w.item() == pytest.approx(average, rel=1e-6)
    assert history.best == pytest.approx(2.0 - average, rel=1e-6)


def test_equal_seeds_give_equal_bits_and_dropout_obeys_the_seed(small: ModuleType) -> None:
    def weights(seed: int) -> torch.Tensor:
        network = small.network()
        train(network, small.SmallSource(), replace(QUICK, epochs=1, seed=seed), small.validate)
        return network.rnn.weight_hh_l0.detach().clone()

    torch.rand(5)  # what was drawn before does not matter
    first = weights(0)
    torch.rand(3)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


def test_bf16_trains_to_nearly_the_same(small: ModuleType) -> None:
    def last(precision: str) -> History:
        return train(
            small.network(carries=True, dropout=0.0),
            small.SmallSource(),
            replace(QUICK, precision=precision),
            small.validate,
        )

    half, full = last("bf16"), last("fp32")
    assert half.epochs[0].train_loss != full.epochs[0].train_loss
    assert half.best == pytest.approx(full.best, rel=0.02)


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_a_loss_that_is_not_finite_is_named_with_its_place(bad: str) -> None:
    network = Line()
    source = Points([1.0], [2.0], [float(bad)])

    def loss(line: nn.Module, batch: torch.Tensor, state: None) -> Any:
        return line.loss(batch, state) if loss.steps != 5 else (line.w.sum() * float(bad), None)  # type: ignore[operator]

    def counted(line: nn.Module, batch: torch.Tensor, state: None) -> Any:
        loss.steps = getattr(loss, "steps", -1) + 1  # type: ignore[attr-defined]
        return loss(line, torch.ones(1), state)

    loss.steps = -1  # type: ignore[attr-defined]
    with pytest.raises(TrainingError) as caught:
        train(network, source, replace(QUICK, warmup=0, schedule="constant"), loss=counted)
    message = str(caught.value)
    assert message.startswith("loss: expected finite numbers, got ")
    assert "in epoch 2 of 3, batch 3 of 3, step 6, learning rate 0.01. Try a lower learning_rate" in message
    assert message.endswith("Best so far: validation 1.97, after epoch 1.")
    assert network.w.item() == pytest.approx(0.03, rel=1e-3)  # the best so far: after three steps of 0.01


def test_a_gradient_that_is_not_finite_is_named() -> None:
    def loss(line: nn.Module, batch: torch.Tensor, state: None) -> Any:
        return (line.w * 0).sqrt().sum(), None  # 0, with an infinite slope times 0

    network = Line(1.0)
    with pytest.raises(
        TrainingError, match=r"^gradient: .* a norm of nan in epoch 1 of 3, batch 1 of 1, step 1"
    ):
        train(network, Points([1.0]), QUICK, loss=loss)
    assert network.w.item() == 1.0


def test_a_score_that_is_not_finite_is_named() -> None:
    scores = iter([1.0, float("nan")])
    with pytest.raises(
        TrainingError, match=r"^validation: expected a finite score, got nan after epoch 1\. Look"
    ):
        train(Line(), Points([1.0]), QUICK, lambda n: next(scores))
    with pytest.raises(TrainingError, match="got inf after the untrained network"):
        train(Line(), Points([1.0]), QUICK, lambda n: float("inf"))


def test_fit_tells_how_it_goes_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    fit(Line(), Points([1.0]), distance, QUICK)
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.split(" loss ")[0] for line in told.err.splitlines()] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^loss: expected a scalar, got \(2,\)\. Take the mean"):
        train(Line(), Points([1.0, 2.0]), QUICK, loss=lambda n, batch, state: (n.w * batch, None))
    with pytest.raises(ArgumentError, match=r"source\.steps: expected a whole number >= 1, got 0"):
        train(Line(), Points(), QUICK)
    with pytest.raises(
        ArgumentError, match=r"resume: expected a checkpoint .*, got checkpoint=None\. Name the file"
    ):
        train(Line(), Points([1.0]), QUICK, resume=True)
    with pytest.raises(BackendError, match="'cuda:77'"):
        train(Line(), Points([1.0]), replace(QUICK, device="cuda:77"))


def test_ctrl_c_without_a_checkpoint_keeps_the_best_weights_and_says_so() -> None:
    network, steps = Line(), []

    def loss(line: nn.Module, batch: torch.Tensor, state: None) -> Any:
        steps.append(1)
        if len(steps) == 4:
            signal.raise_signal(signal.SIGINT)
        return line.loss(batch, state)  # type: ignore[operator]

    with pytest.raises(TrainingInterrupted) as caught:
        train(network, Points([1.0], [1.0]), QUICK, loss=loss)
    assert str(caught.value) == (
        "training: expected 3 epochs, got Ctrl-C in epoch 2 of 3, after batch 2 of 2. "
        "The best weights so far (validation 1.985, after epoch 1) are in the network, the rest of the run "
        "is lost: name a checkpoint next time to be able to go on."
    )
    assert len(steps) == 4
    assert distance(network) == pytest.approx(1.985)
