"""Copies of a network's weights: the best so far, and their moving average."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import Module

Weights = dict[str, Tensor]


def snapshot(network: Module) -> Weights:
    """A copy of every parameter and buffer, by name, where they are."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def restore(network: Module, weights: Weights) -> None:
    """Put a snapshot back, in place: whoever holds the parameters sees the old values again."""
    network.load_state_dict(weights)


def start_average(network: Module) -> Weights:
    """The moving average before the first step: a copy of the trainable parameters."""
    return {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}


@torch.no_grad()
def update_average(average: Weights, network: Module, decay: float, step: int) -> None:
    """Move the average towards the parameters as step `step` (from 0) has left them.

    The first steps count for more, by min(decay, (1 + step) / (10 + step)), so that the random start
    is soon forgotten and a short run has a useful average too.
    """
    keep = min(decay, (1 + step) / (10 + step))
    for name, parameter in network.named_parameters():
        if name in average:
            average[name].lerp_(parameter, 1.0 - keep)


@contextmanager
def averaged(network: Module, average: Weights | None) -> Iterator[None]:
    """Within: the network computes with its averaged weights. After: with its own, to the last bit."""
    if average is None:
        yield
        return
    own = snapshot(network)
    restore(network, {**own, **average})
    try:
        yield
    finally:
        restore(network, own)
