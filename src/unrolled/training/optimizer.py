"""The optimiser: AdamW, whose decay leaves biases and norms alone."""

from torch import Tensor
from torch.nn import Module
from torch.optim import AdamW

from unrolled.errors import ArgumentError, explain


def build_optimizer(network: Module, weight_decay: float) -> AdamW:
    """AdamW over the trainable parameters; each step sets its own learning rate.

    Raises: ArgumentError if nothing is trainable.
    Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
    """
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    if not named:
        cure = "Set requires_grad on the parameters to train, or epochs=0."
        raise ArgumentError(explain("network", "trainable parameters", "none", cure))
    groups = [
        {"params": [p for name, p in named if decays(name, p)], "weight_decay": weight_decay},
        {"params": [p for name, p in named if not decays(name, p)], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]])


def decays(name: str, parameter: Tensor) -> bool:
    """Whether weight decay applies: to matrices, not to biases, norms and other vectors.

    Example:
        >>> import torch
        >>> decays("rnn.weight_hh_l0", torch.zeros(8, 4)), decays("rnn.bias_hh_l0", torch.zeros(8))
        (True, False)
    """
    return parameter.ndim >= 2 and not name.rpartition(".")[2].startswith("bias")


def set_rate(optimizer: AdamW, rate: float) -> None:
    """Use this learning rate from the next update on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
