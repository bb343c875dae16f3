"""Products from numbers rounded to bf16, imitated with torch: the truth for the kernels that make them."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

TINY = 2.0**-126  # below it a number counts as 0


def rounded(v: Tensor) -> Tensor:
    """The nearest bf16 of every number, ties to even, in the dtype it came in. Gradients pass as they are.

    Example:
        >>> rounded(torch.tensor([1.00390625, 1.01171875, 1e-39])).tolist()
        [1.0, 1.015625, 0.0]
    """
    return _Round.apply(v)


def linear_bf16(v: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`v @ weight.T + bias` of rounded v and weight; its gradients are products of the rounded gradient.

    Shapes: v (..., in); weight (out, in); bias (out,) -> (..., out).
    """
    product = _RoundGradient.apply(F.linear(rounded(v), rounded(weight)))
    return product if bias is None else product + bias


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        near = v.to(torch.bfloat16).to(v.dtype)
        return torch.where(near.abs() < TINY, torch.zeros_like(near), near)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _RoundGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        return v.view_as(v)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return rounded(gradient)
