"""The optimiser: AdamW, whose decay leaves biases and norms alone.

The update is torch's fused one, without a torch.optim.Optimizer around it: making one loads torch's compiler,
which takes over a second before the first step.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim.adamw import adamw

from unrolled.errors import ArgumentError, explain

DECAY_OF_MEAN, DECAY_OF_SQUARE, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """What AdamW remembers of a parameter: means of its gradient and of the square, how many updates."""

    mean: Tensor
    square: Tensor
    updates: Tensor


class AdamW:
    """AdamW over the trainable parameters of a network; `moments` holds all that it remembers, by name.

    A parameter has moments from its first gradient on.
    Raises: ArgumentError if nothing is trainable.
    Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
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
        moving = [name for name, parameter in self._parameters.items() if parameter.grad is not None]
        matrices = [name for name in moving if decays(name, self._parameters[name])]
        vectors = [name for name in moving if not decays(name, self._parameters[name])]
        self._update(matrices, rate, self._weight_decay)
        self._update(vectors, rate, 0.0)

    def _update(self, names: list[str], rate: float, weight_decay: float) -> None:
        if not names:
            return
        for name in names:
            if name not in self.moments:
                self.moments[name] = no_moments(self._parameters[name])
        moments = [self.moments[name] for name in names]
        parameters: list[Tensor] = [self._parameters[name] for name in names]
        adamw(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            [moment.mean for moment in moments],
            [moment.square for moment in moments],
            [],
            [moment.updates for moment in moments],
            fused=True,
            amsgrad=False,
            beta1=DECAY_OF_MEAN,
            beta2=DECAY_OF_SQUARE,
            lr=rate,
            weight_decay=weight_decay,
            eps=EPSILON,
            maximize=False,
        )


def no_moments(parameter: Tensor) -> Moments:
    """The moments before the first update."""
    updates = torch.zeros((), dtype=torch.float32, device=parameter.device)
    return Moments(torch.zeros_like(parameter), torch.zeros_like(parameter), updates)


def trainable(network: Module) -> dict[str, Parameter]:
    """The parameters that a network learns, by name. Raises: ArgumentError if there are none."""
    found = {name: p for name, p in network.named_parameters() if p.requires_grad}
    if not found:
        cure = "Set requires_grad on the parameters to train."
        raise ArgumentError(explain("network", "trainable parameters", "none", cure))
    return found


def decays(name: str, parameter: Tensor) -> bool:
    """Whether weight decay applies: to matrices, not to biases, norms and other vectors.

    Example:
        >>> decays("rnn.weight_hh_l0", torch.zeros(8, 4)), decays("rnn.bias_hh_l0", torch.zeros(8))
        (True, False)
    """
    return parameter.ndim >= 2 and not name.rpartition(".")[2].startswith("bias")
