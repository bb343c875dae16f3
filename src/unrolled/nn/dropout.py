"""Dropout as language models need it: one draw for all steps of a sequence, or for a whole word."""

from torch import Tensor


def locked_dropout(x: Tensor, probability: float, training: bool = True) -> Tensor:
    """Zero features of x, the same ones at every step of a row; what stays is scaled by 1/(1-p).

    Shapes: x (batch, time, features) -> the same.
    Source: Gal and Ghahramani 2016, arXiv:1512.05287.

    Example:
        >>> import torch
        >>> kept = locked_dropout(torch.ones(1, 3, 4), 0.5)
        >>> bool((kept[:, 0] == kept[:, 2]).all())
        True
    """
    if not training or not probability:
        return x
    keep = x.new_empty(x.shape[0], 1, x.shape[2]).bernoulli_(1 - probability)
    return x * (keep / (1 - probability))


def embedding_dropout(table: Tensor, probability: float, training: bool = True) -> Tensor:
    """Zero whole rows of an embedding: a word that is dropped is dropped wherever it stands in this call.

    Shapes: table (tokens, width) -> the same.
    Source: Gal and Ghahramani 2016, arXiv:1512.05287; Merity et al. 2018, arXiv:1708.02182.
    """
    if not training or not probability:
        return table
    keep = table.new_empty(table.shape[0], 1).bernoulli_(1 - probability)
    return table * (keep / (1 - probability))
