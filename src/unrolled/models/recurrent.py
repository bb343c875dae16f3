"""The recurrent stack that every network here is built around, and what can be done with its state."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from unrolled.arguments import integer, number, one_of
from unrolled.nn import GRU, LSTM, Bidirectional, Elman, Recurrent, Stack

# Cell -> how many gates (blocks of weights) it has.
GATES = {"elman": 1, "lstm": 4, "gru": 3, "gru2014": 3}
CELLS = tuple(GATES)


def recurrent_stack(
    cell: str, input_size: int, hidden: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
) -> Stack:
    """A stack of equal recurrent layers. "gru2014" is the GRU whose reset gate comes before the product.

    Raises: ArgumentError for a cell that is none, a size below 1, or a dropout outside [0, 1).
    """
    check_recurrent(cell, hidden, layers, dropout)
    width = 2 * hidden if bidirectional else hidden
    sizes = [input_size] + [width] * (layers - 1)
    stacked = [recurrent_layer(cell, size, hidden) for size in sizes]
    if bidirectional:
        return Stack([Bidirectional(layer) for layer in stacked], dropout=dropout)
    return Stack(stacked, dropout=dropout)


def check_recurrent(cell: str, hidden: int, layers: int, dropout: float) -> None:
    """Check the options that every network has. Raises: ArgumentError."""
    one_of("cell", cell, CELLS)
    integer("hidden", hidden, minimum=1, cure="Give the number of hidden units, such as 64.")
    integer("layers", layers, minimum=1, cure="One layer is often enough.")
    number("dropout", dropout, 0.0, 0.95, cure="Give the share of units to drop, such as 0.1.")


def recurrent_layer(cell: str, input_size: int, hidden: int) -> Recurrent:
    """One recurrent layer."""
    if cell == "elman":
        return Elman(input_size, hidden)
    if cell == "lstm":
        return LSTM(input_size, hidden)
    return GRU(input_size, hidden, reset_after=cell == "gru")


def recurrent_cost(cell: str, input_size: int, hidden: int, layers: int) -> int:
    """Multiply-adds of one step through a stack.

    Example:
        >>> recurrent_cost("gru", input_size=8, hidden=16, layers=2)
        2688
    """
    return GATES[cell] * hidden * ((input_size + hidden) + (layers - 1) * 2 * hidden)


def map_state(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    """Apply a function to every tensor of a state, however its tuples are nested. None stays None."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return function(state)
    parts = [map_state(function, part) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def join_states(states: Sequence[Any]) -> Any:
    """The rows of several states of one kind, one after the other."""
    if isinstance(states[0], Tensor):
        return torch.cat(list(states))
    parts = [join_states(part) for part in zip(*states, strict=True)]
    return type(states[0])(*parts) if hasattr(states[0], "_fields") else tuple(parts)


def restart(state: Any, fresh: Tensor | None) -> Any:
    """The state with 0 in the rows that start anew.

    Shapes: fresh bool (batch,), or None where no row does; every part (batch, ...).
    """
    if fresh is None:
        return state
    return map_state(lambda part: torch.where(fresh[:, None], 0.0, part), state)


def top_hidden(state: Any) -> Tensor:
    """The hidden state of a stack's last layer: its output at each row's last valid step, (batch, hidden)."""
    return state[-1].h
