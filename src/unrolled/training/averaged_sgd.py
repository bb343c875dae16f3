"""NT-ASGD: plain gradient steps, whose weights are averaged from the epoch on that brings no more progress.

The average is validated and kept; the steps go on from the weights themselves. Source: Merity et al. 2018,
arXiv:1708.02182; Polyak and Juditsky 1992, doi:10.1137/0330046.
"""

from collections.abc import Sequence

import torch
from torch.nn import Module

from unrolled.training.optimizer import Moments, decays, trainable
from unrolled.training.weights import Weights


class SGD:
    """Stochastic gradient descent over the trainable parameters of a network; it remembers nothing.

    Weight decay is added to the gradient, of weight matrices only.
    Raises: ArgumentError if nothing is trainable.
    """

    def __init__(self, network: Module, weight_decay: float) -> None:
        self._parameters = trainable(network)
        self._weight_decay = weight_decay
        self.moments: dict[str, Moments] = {}

    def clear_gradients(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, with this learning rate."""
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            if self._weight_decay and decays(name, parameter):
                parameter.mul_(1 - rate * self._weight_decay)
            parameter.add_(parameter.grad, alpha=-rate)


def stands_still(scores: Sequence[float], epochs: int) -> bool:
    """Whether the last validation score is worse than one that is more than `epochs` epochs older.

    Example:
        >>> stands_still([5.0, 4.0, 3.0, 2.9, 2.8], 2), stands_still([5.0, 3.0, 3.2, 3.1, 3.05], 2)
        (False, True)
    """
    former = scores[:-1]
    return len(former) > epochs and scores[-1] > min(former[: len(former) - epochs])


@torch.no_grad()
def update_mean(average: Weights, network: Module, count: int) -> None:
    """Take the parameters into the mean of those after each of `count` steps, the newest included."""
    for name, parameter in network.named_parameters():
        if name in average:
            average[name].lerp_(parameter, 1.0 / count)
