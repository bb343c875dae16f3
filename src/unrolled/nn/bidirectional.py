"""Two readings of a sequence: from its start and from its end."""

from typing import Any

import torch
from torch import Tensor

from unrolled.errors import ArgumentError, explain
from unrolled.nn.layer import Layer, check_input, check_lengths, check_states
from unrolled.nn.recurrent import Recurrent


class Bidirectional(Layer):
    """A layer and its mirror image side by side. The backward copy has its own weights, initialised anew.

    Each row is read backward from its own last valid step; the backward state is that after its first step.

    Shapes: x (batch, time, input) -> y (batch, time, 2*hidden), forward half first; a pair of states.
    Raises: ArgumentError if `layer` is not one forward cell.
    Source: Schuster and Paliwal 1997, doi:10.1109/78.650093.

    Example:
        >>> from unrolled import nn
        >>> y, (forward, backward) = nn.Bidirectional(nn.GRU(3, 8))(torch.zeros(2, 5, 3))
        >>> y.shape, backward.h.shape
        (torch.Size([2, 5, 16]), torch.Size([2, 8]))
    """

    def __init__(self, layer: Recurrent):
        super().__init__()
        if not isinstance(layer, Recurrent) or layer.cell.reverse:
            got = "one that reads backward" if isinstance(layer, Recurrent) else type(layer).__name__
            cure = "Several? Stack([Bidirectional(...), Bidirectional(...)])."
            raise ArgumentError(explain("layer", "one Elman, LSTM or GRU layer", got, cure))
        self.layer_forward = layer
        self.layer_backward = layer.reversed()
        self.input_size = layer.input_size
        self.output_size = 2 * layer.output_size

    def forward(self, x: Tensor, state: Any = None, lengths: Any = None) -> tuple[Tensor, Any]:
        """Run whole sequences from `state` (None: zeros), a pair (forward, backward).

        Raises: ArgumentError, ShapeError; BackendError if a backend was named that cannot run this.
        """
        check_input(x, self.input_size, self.layer_forward.weight_hh)
        lengths = check_lengths(lengths, *x.shape[:2])
        before = check_states(state, 2, "(forward, backward)")
        y_forward, after_forward = self.layer_forward(x, before[0], lengths)
        y_backward, after_backward = self.layer_backward(x, before[1], lengths)
        return torch.cat([y_forward, y_backward], dim=2), (after_forward, after_backward)
