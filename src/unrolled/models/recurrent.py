"""The recurrent stack that every network here is built around, and what can be done with its state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor

from unrolled.arguments import flag, integer, number, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models.shape import check_names
from unrolled.nn import GRU, LSTM, Bidirectional, CellOptions, Elman, Recurrent, Stack

# Cell -> how many gates (blocks of weights) it has.
GATES = {"elman": 1, "lstm": 4, "gru": 3, "gru2014": 3}
CELLS = tuple(GATES)


@dataclass(frozen=True)
class CellStart:
    """How the cells of a network start, and whether they are normalised.

    - forget_bias: where the bias of an LSTM's forget gate starts; None as in torch.nn, near 0.
    - memory: an LSTM's forget gates start spread over time constants from 1 to so many steps.
    - orthogonal: each gate's recurrent weights start as a random orthogonal matrix.
    - layer_norm: both products of a cell are layer-normalised, gate by gate.

    Raises: ArgumentError.

    Example:
        >>> CellStart.from_card({"forget_bias": 1.0})
        CellStart(forget_bias=1.0, memory=None, orthogonal=False, layer_norm=False)
    """

    forget_bias: float | None = None
    memory: int | None = None
    orthogonal: bool = False
    layer_norm: bool = False

    def __post_init__(self) -> None:
        if self.forget_bias is not None:
            number("forget_bias", self.forget_bias, cure="1 lets gradients through.")
        if self.memory is not None:
            integer("memory", self.memory, 3, "Say how many steps to keep.")
            if self.forget_bias is not None:
                cure = "Give one of the two: both start the forget gate."
                raise ArgumentError(explain("memory", "None beside forget_bias", self.memory, cure))
        flag("orthogonal", self.orthogonal)
        flag("layer_norm", self.layer_norm)

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_card(cls, card: Mapping[str, Any] | None) -> "CellStart":
        """From JSON; None is the usual start. Raises: ArgumentError for a field that there is not."""
        if card is None:
            return cls()
        if not isinstance(card, Mapping):
            cure = "Such as {'forget_bias': 1.0}."
            raise ArgumentError(explain("cells", "an object", repr(card), cure))
        check_names("cells", card, [field.name for field in fields(cls)])
        return cls(**card)

    @classmethod
    def of_task(cls, parameters: Mapping[str, Any]) -> "CellStart":
        """From the parameters of a task. Raises: ArgumentError for one that the task's cell does not have."""
        start = cls(**{field.name: parameters[field.name] for field in fields(cls)})
        check_start(parameters["cell"], start)
        return start


USUAL = CellStart()


def recurrent_stack(
    cell: str,
    input_size: int,
    hidden: int,
    layers: int,
    dropout: float = 0.0,
    bidirectional: bool = False,
    start: CellStart = USUAL,
) -> Stack:
    """A stack of equal recurrent layers. "gru2014" is the GRU whose reset gate comes before the product.

    Raises: ArgumentError for a cell that is none, a size below 1, a dropout outside [0, 1), or a forget bias
    where no gate forgets.
    """
    check_recurrent(cell, hidden, layers, dropout)
    width = 2 * hidden if bidirectional else hidden
    sizes = [input_size] + [width] * (layers - 1)
    stacked = [recurrent_layer(cell, size, hidden, start) for size in sizes]
    if bidirectional:
        return Stack([Bidirectional(layer) for layer in stacked], dropout=dropout)
    return Stack(stacked, dropout=dropout)


def check_recurrent(cell: str, hidden: int, layers: int, dropout: float) -> None:
    """Check the options that every network has. Raises: ArgumentError."""
    one_of("cell", cell, CELLS)
    integer("hidden", hidden, minimum=1, cure="Give the number of hidden units, such as 64.")
    integer("layers", layers, minimum=1, cure="One layer is often enough.")
    number("dropout", dropout, 0.0, 0.95, cure="Give the share of units to drop, such as 0.1.")


def recurrent_layer(cell: str, input_size: int, hidden: int, start: CellStart = USUAL) -> Recurrent:
    """One recurrent layer."""
    options = CellOptions(orthogonal=start.orthogonal, layer_norm=start.layer_norm)
    check_start(cell, start)
    if cell == "lstm":
        return LSTM(input_size, hidden, forget_bias=start.forget_bias, memory=start.memory, options=options)
    if cell == "elman":
        return Elman(input_size, hidden, options=options)
    return GRU(input_size, hidden, reset_after=cell == "gru", options=options)


def check_start(cell: str, start: CellStart) -> None:
    """Refuse what a cell does not have. Raises: ArgumentError."""
    for name in ("forget_bias", "memory"):
        if getattr(start, name) is not None and cell != "lstm":
            cure = "Leave it out, or take cell='lstm'."
            raise ArgumentError(explain(name, f"None with cell={cell!r}", getattr(start, name), cure))
    if start != USUAL and cell not in CELLS:
        got = f"cell={cell!r} with {', '.join(name for name, on in start.card().items() if on)}"
        raise ArgumentError(explain("cell", "a recurrent one", got, "Leave these options out."))


def recurrent_cost(cell: str, input_size: int, hidden: int, layers: int) -> int:
    """Multiply-adds of one step through a stack.

    Example:
        >>> recurrent_cost("gru", input_size=8, hidden=16, layers=2)
        2688
    """
    return GATES[cell] * hidden * ((input_size + hidden) + (layers - 1) * 2 * hidden)


def stack_options(network: Any) -> dict[str, Any]:
    """The options that every network around a recurrent stack has, as JSON."""
    sizes = {name: getattr(network, name) for name in ("cell", "hidden", "layers")}
    return {"shape": network.shape.card(), **sizes, "cells": network.cells.card()}


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
