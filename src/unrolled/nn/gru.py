"""The gated recurrent unit."""

from unrolled.kernels import Cell
from unrolled.nn.recurrent import CellOptions, Recurrent
from unrolled.types import GRUState


class GRU(Recurrent):
    """Reset gate r and update gate z: `n = tanh(W_n x + r*(U_n h' + b))`, `h = (1-z)*n + z*h'`.

    `reset_after=False` is the form of 2014, with r before the recurrent product: `U_n (r*h')`.

    Shapes: x (batch, time, input) -> y (batch, time, hidden), GRUState(h (batch, hidden)); gates r, z, n.
    Source: Cho et al. 2014, arXiv:1406.1078.

    Example:
        >>> import torch
        >>> y, state = GRU(3, 8, reset_after=False)(torch.zeros(2, 5, 3), lengths=[5, 2])
        >>> y.shape, bool((y[1, 2:] == 0).all())
        (torch.Size([2, 5, 8]), True)
    """

    state_type = GRUState

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        reset_after: bool = True,
        options: CellOptions | None = None,
    ):
        super().__init__(input_size, hidden_size, Cell("gru", reset_after=reset_after), options)
