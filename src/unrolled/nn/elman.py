"""The Elman network: the plain recurrent network."""

from unrolled.arguments import one_of
from unrolled.kernels import ACTIVATIONS, Cell
from unrolled.nn.recurrent import CellOptions, Recurrent
from unrolled.types import ElmanState


class Elman(Recurrent):
    """`h = tanh(W x + U h' + b)`, or relu in place of tanh.

    Shapes: x (batch, time, input) -> y (batch, time, hidden), ElmanState(h (batch, hidden)).
    Raises: ArgumentError for an unknown activation, named with the nearest.
    Source: Elman 1990, doi:10.1207/s15516709cog1402_1.

    Example:
        >>> import torch
        >>> y, state = Elman(3, 8)(torch.zeros(2, 5, 3))
        >>> y.shape, bool((y[:, -1] == state.h).all())
        (torch.Size([2, 5, 8]), True)
    """

    state_type = ElmanState

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        activation: str = "tanh",
        options: CellOptions | None = None,
    ):
        cell = Cell("elman", activation=one_of("activation", activation, ACTIVATIONS))
        super().__init__(input_size, hidden_size, cell, options)
