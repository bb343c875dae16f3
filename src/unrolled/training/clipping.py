"""Gradient clipping: the whole gradient is one vector, and its length has a limit."""

from collections.abc import Iterable

import torch
from torch import Tensor


def clip_gradients(parameters: Iterable[Tensor], limit: float) -> tuple[Tensor, Tensor]:
    """Scale all gradients together so that their norm is at most `limit`; 0 only measures.

    The gradients keep their direction. Nothing is read back from the device here.
    Returns: the norm before clipping, and whether it was above the limit; both scalar tensors.
    Source: Pascanu et al. 2013, arXiv:1211.5063.

    Example:
        >>> weight = torch.zeros(2, requires_grad=True)
        >>> (weight * torch.tensor([3.0, 4.0])).sum().backward()
        >>> norm, clipped = clip_gradients([weight], 1.0)
        >>> norm.item(), clipped.item(), [round(g, 4) for g in weight.grad.tolist()]
        (5.0, True, [0.6, 0.8])
    """
    owners = [parameter for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm([owner.grad for owner in owners if owner.grad is not None])
    if limit == 0:
        return norm, torch.zeros((), dtype=torch.bool, device=norm.device)
    torch.nn.utils.clip_grads_with_norm_(owners, limit, norm)
    return norm, norm > limit
