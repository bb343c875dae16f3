"""The long short-term memory."""

import torch

from unrolled.arguments import integer, number
from unrolled.errors import ArgumentError, explain
from unrolled.kernels import Cell
from unrolled.nn.recurrent import CellOptions, Recurrent
from unrolled.types import LSTMState


class LSTM(Recurrent):
    """Gates i, f, o and candidate g: `c = f*c' + i*g`, `h = o*tanh(c)`.

    `forget_bias` is the value at which the forget gate's bias starts (both of torch.nn's together); 1 lets
    gradients through from the start (Jozefowicz et al. 2015). None leaves torch.nn's start. `memory` instead
    spreads the forget gates over time constants from 1 to so many steps, and lets each cell take in as slowly
    as it forgets (Tallec and Ollivier 2018): for memories over hundreds of steps.

    Shapes: x (batch, time, input) -> y (batch, time, hidden), LSTMState(h, c), each (batch, hidden); gates
        i, f, g, o.
    Source: Gers et al. 2000, doi:10.1162/089976600300015015; memory: arXiv:1804.11188.

    Example:
        >>> import torch
        >>> layer = LSTM(3, 8, forget_bias=1.0)
        >>> y, state = layer(torch.zeros(2, 5, 3))
        >>> y, state = layer(torch.zeros(2, 1, 3), state)      # one step further
        >>> state.c.shape
        torch.Size([2, 8])
    """

    state_type = LSTMState

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        forget_bias: float | None = None,
        memory: int | None = None,
        options: CellOptions | None = None,
    ):
        self.memory = None if memory is None else integer("memory", memory, 3, "Say how many steps to keep.")
        self.forget_bias = None if forget_bias is None else number("forget_bias", forget_bias)
        if forget_bias is not None and options is not None and not options.bias:
            cure = "Drop forget_bias, or set bias=True."
            raise ArgumentError(explain("forget_bias", "None where bias=False", forget_bias, cure))
        if memory is not None and (forget_bias is not None or (options is not None and not options.bias)):
            cure = "It starts the forget gate's bias itself."
            got = "bias=False" if forget_bias is None else f"forget_bias={forget_bias}"
            raise ArgumentError(explain("memory", "biases that nothing else starts", got, cure))
        super().__init__(input_size, hidden_size, Cell("lstm"), options)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start anew, as every cell; then the forget gate's bias."""
        super().reset_parameters()
        if self.memory is not None and self.bias_ih is not None and self.bias_hh is not None:
            kept = torch.empty_like(self.bias_ih[: self.hidden_size]).uniform_(1, self.memory - 1).log()
            self.bias_ih[: 2 * self.hidden_size] = torch.cat([-kept, kept])  # i, f
            self.bias_hh[: 2 * self.hidden_size] = 0.0
        if self.forget_bias is not None and self.bias_ih is not None and self.bias_hh is not None:
            forget = slice(self.hidden_size, 2 * self.hidden_size)
            self.bias_ih[forget] = self.forget_bias
            self.bias_hh[forget] = 0.0
