"""NT-ASGD: when it begins to average, what it averages, and that a killed run goes on with it."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from unrolled.errors import ArgumentError
from unrolled.training import Checkpoint, SilentReporter, TrainingOptions, fit
from unrolled.training.averaged_sgd import SGD, stands_still, update_mean
from unrolled.training.weights import start_average

OPTIONS = TrainingOptions(
    optimizer="nt-asgd", learning_rate=0.5, schedule="constant", epochs=6, non_monotone=1, patience=0
)


class Killed(BaseException):
    """Stands for a power cut."""


def test_a_step_is_the_gradient_times_the_rate_and_decays_matrices_alone() -> None:
    layer = nn.Linear(2, 2)
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    optimizer = SGD(layer, weight_decay=0.1)
    for parameter in layer.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.5)
    torch.testing.assert_close(layer.weight.detach(), before["weight"] * 0.95 - 0.5)
    torch.testing.assert_close(layer.bias.detach(), before["bias"] - 0.5)
    optimizer.clear_gradients()
    optimizer.step(0.5)
    torch.testing.assert_close(layer.bias.detach(), before["bias"] - 0.5)
    with pytest.raises(ArgumentError, match=r"network: expected trainable parameters, got none\. .*requires"):
        SGD(nn.Identity(), 0.0)


def test_the_mean_is_that_of_the_steps_since_it_began() -> None:
    layer = nn.Linear(1, 1)
    mean = start_average(layer)
    for count, value in enumerate((1.0, 2.0, 6.0), start=1):
        with torch.no_grad():
            layer.bias.fill_(value)
        update_mean(mean, layer, count)
    assert mean["bias"].item() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("scores", "epochs", "still"),
    [([3.0, 2.0], 0, False), ([3.0, 3.1], 0, True), ([3.0, 2.0, 2.5], 1, False), ([2.0, 3.0, 2.5], 1, True)],
)
def test_it_begins_where_nothing_got_better(scores: list[float], epochs: int, still: bool) -> None:
    assert stands_still(scores, epochs) is still


def run(small: ModuleType, source: Any, scores: list[float], **rest: Any) -> tuple[bytes, list[float]]:
    """Train with validation scores that were written down before, and answer the weights that were seen."""
    network, seen, given = small.network(), [], iter(scores)

    def validate(network: nn.Module) -> float:
        seen.append(float(sum(p.sum() for p in network.parameters())))
        return next(given)

    fit(network, source, validate, OPTIONS, reporter=SilentReporter(), **rest)
    return b"".join(t.numpy().tobytes() for t in network.state_dict().values()), seen


def test_the_average_is_what_is_validated_and_kept(small: ModuleType) -> None:
    falling, still = [9.0, 8, 7, 6, 5, 4, 3], [9.0, 8, 8.5, 8.6, 8.7, 8.8, 1]
    plain, seen_plain = run(small, small.SmallSource(), falling)
    averaged, seen = run(small, small.SmallSource(), still)
    assert seen[:4] == seen_plain[:4] and seen[4:] != seen_plain[4:]  # from the epoch behind 8.6 > 8.0 on
    assert plain != averaged
    assert run(small, small.SmallSource(), still) == (averaged, seen)


@pytest.mark.parametrize("place", [(2, 1), (3, 0), (4, 2)])
def test_killed_and_resumed_equals_undisturbed(
    small: ModuleType, tmp_path: Path, place: tuple[int, int]
) -> None:
    scores = [9.0, 8, 8.5, 8.6, 8.7, 8.8, 1]
    source = small.SmallSource()
    expected, _ = run(small, source, scores)

    class Dying:
        steps = source.steps

        def batch(self, epoch: int, index: int) -> Any:
            if (epoch, index) == place:
                raise Killed
            return source.batch(epoch, index)

    keep = Checkpoint(tmp_path / "c", every_steps=1)
    with pytest.raises(Killed):
        run(small, Dying(), scores, checkpoint=keep)
    rest = scores[place[0] + 1 :]
    assert run(small, source, rest, checkpoint=keep, resume=True)[0] == expected


def test_two_averages_are_refused() -> None:
    expected = r"average: expected 0 with optimizer='nt-asgd', got 0\.9\. It has an average of its own"
    with pytest.raises(ArgumentError, match=expected):
        replace(OPTIONS, average=0.9)
    with pytest.raises(ArgumentError, match=r"optimizer: expected one of adamw, nt-asgd, got 'asgd'"):
        replace(OPTIONS, optimizer="asgd")
