"""Layers on top of each other."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.arguments import flag
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.nn.dropout import locked_dropout
from unrolled.nn.layer import Layer, check_lengths, check_states
from unrolled.nn.recurrent import check_probability


class Stack(Layer):
    """Recurrent layers, each reading the output of the one below.

    `dropout` is the probability of a zero in what goes from one layer to the next, in training; with `locked`
    a feature is dropped at all steps of a row or at none. With `residual` every layer but the first adds what
    came from below (before dropout) to its output.

    Shapes: x (batch, time, input of the first) -> y (batch, time, output of the last); a tuple of states.
    Raises: ShapeError if two neighbours do not fit; ArgumentError.

    Example:
        >>> from unrolled import nn
        >>> deep = nn.Stack([nn.LSTM(3, 8), nn.LSTM(8, 8)], dropout=0.2)
        >>> y, (first, second) = deep(torch.zeros(2, 5, 3))
        >>> y.shape, first.c.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 8]))
    """

    def __init__(
        self, layers: Sequence[Layer], dropout: float = 0.0, residual: bool = False, locked: bool = False
    ):
        super().__init__()
        self.dropout = check_probability("dropout", dropout)
        self.locked = flag("locked", locked)
        self.residual = flag("residual", residual)
        self.layers = torch.nn.ModuleList(_check_layers(layers, self.residual))
        self.input_size = layers[0].input_size
        self.output_size = layers[-1].output_size

    def forward(self, x: Tensor, state: Any = None, lengths: Any = None) -> tuple[Tensor, Any]:
        """Run whole sequences from `state` (None: zeros), a tuple with one state per layer.

        Raises: ArgumentError, ShapeError; BackendError if a backend was named that cannot run this.
        """
        before = check_states(state, len(self.layers), "one state per layer")
        y, first = self.layers[0](x, before[0], lengths)
        lengths = check_lengths(lengths, *y.shape[:2])  # once: the layers above take it as it is
        after = [first]
        for layer, start in zip(self.layers[1:], before[1:], strict=True):
            below = y
            drop = locked_dropout if self.locked else F.dropout
            y, last = layer(drop(below, self.dropout, self.training), start, lengths)
            y = y + below if self.residual else y
            after.append(last)
        return y, tuple(after)

    def extra_repr(self) -> str:
        """What differs from the defaults, for print."""
        told = {"dropout": self.dropout, "residual": self.residual, "locked": self.locked}
        return ", ".join(f"{name}={value}" for name, value in told.items() if value)


def _check_layers(layers: Sequence[Layer], residual: bool) -> list[Layer]:
    listed = list(layers)
    if not listed or not all(isinstance(layer, Layer) for layer in listed):
        got = ", ".join(type(layer).__name__ for layer in listed) or "none"
        raise ArgumentError(
            explain("layers", "recurrent layers of unrolled.nn", got, "Convert with nn.from_torch.")
        )
    if len({id(layer) for layer in listed}) < len(listed):
        raise ArgumentError(
            explain("layers", "different layers", "one layer twice", "Build one for each place.")
        )
    for place, (below, above) in enumerate(pairwise(listed), start=1):
        if above.input_size != below.output_size:
            cure = f"The layer below it puts out {below.output_size}."
            raise ShapeError(
                explain(f"layers[{place}]", f"input_size {below.output_size}", above.input_size, cure)
            )
        if residual and above.output_size != above.input_size:
            expected = f"an output as wide as its input, {above.input_size}, with residual=True"
            raise ShapeError(
                explain(f"layers[{place}]", expected, above.output_size, "Make the layers equal.")
            )
    return listed
