"""What reads a sequence in a network: recurrent layers, or, to compare with, a Transformer or dense layers.

All are called alike, `y, state = stack(x, state, lengths)`, and end in a state whose last part has an `h`.
"""

from typing import Any

from torch import nn

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, explain
from unrolled.models.feed_forward import FeedForward
from unrolled.models.recurrent import (
    CELLS,
    GATES,
    USUAL,
    CellStart,
    check_recurrent,
    check_start,
    recurrent_cost,
    recurrent_stack,
)
from unrolled.nn import Stack, Transformer

TRANSFORMER, FEED_FORWARD = "transformer", "feed-forward"
ARCHITECTURES = (*CELLS, TRANSFORMER, FEED_FORWARD)
TRANSFORMER_IS = "a Transformer, which keeps all it has read"
WINDOW_IS = "a feed-forward network, whose window a text need not fill"


def reading_stack(
    cell: str,
    input_size: int,
    hidden: int,
    layers: int,
    dropout: float = 0.0,
    bidirectional: bool = False,
    steps: int = 0,
    goes_on: bool = False,
    start: CellStart = USUAL,
    cuts: bool = False,
) -> Any:
    """The part of a network that reads a sequence.

    `cell` is a recurrent one, "transformer" or "feed-forward"; the last reads exactly `steps` steps, and one
    more if it `goes_on`; if it `cuts`, the last `steps` of any length.

    Raises: ArgumentError for a cell that is none, or that cannot be bidirectional.
    """
    if one_of("cell", cell, ARCHITECTURES) in CELLS:
        return recurrent_stack(cell, input_size, hidden, layers, dropout, bidirectional, start)
    check_start(cell, start)
    check_recurrent("gru", hidden, layers, dropout)
    if bidirectional:
        cure = "Read one way, or take a recurrent cell."
        raise ArgumentError(explain("bidirectional", f"False with cell={cell!r}", True, cure))
    if cell == FEED_FORWARD:
        return FeedForward(input_size, hidden, steps, layers, dropout, goes_on, cuts)
    return Stack([Transformer(input_size, hidden, layers=layers, dropout=dropout)])


def reading_cost(stack: nn.Module, cell: str, hidden: int, steps: int, further: int = 0) -> int:
    """Multiply-adds of reading `steps` steps and then, each from the state after them, `further` ones."""
    if isinstance(stack, FeedForward):
        return stack.cost() + further * stack.step_cost()
    if cell in GATES:
        assert isinstance(stack, Stack)
        return (steps + further) * recurrent_cost(cell, stack.input_size, hidden, len(stack.layers))
    layer = stack.layers[0]  # type: ignore[index]
    assert isinstance(layer, Transformer)
    seen = steps * (steps + 1) // 2 + further * (steps + 1)  # keys looked at, over all steps
    return (steps + further) * transformer_weights(layer) + 2 * layer.heads * layer.width * len(
        layer.blocks
    ) * seen


def transformer_weights(layer: Transformer) -> int:
    """Multiply-adds of a step but for its look back, which costs 2 * heads * width a block and key."""
    inner = layer.heads * layer.width
    return layer.hidden_size * (layer.input_size + len(layer.blocks) * (4 * inner + 8 * layer.hidden_size))


def why_no_program(cell: str | None, cuts: bool = False) -> str:
    """What a network is that has no Program, nothing for all others; `cuts` as in `reading_stack`.

    A stream over a window answers only when it is full, so what answers before is none.
    """
    if cell == TRANSFORMER:
        return TRANSFORMER_IS
    return WINDOW_IS if cuts and cell == FEED_FORWARD else ""


def check_streams(cell: str, cuts: bool = False) -> None:
    """Refuse to lower what has no Program. Raises: ArgumentError."""
    if why := why_no_program(cell, cuts):
        cure = "It is there to compare with, in Python: train with cell='gru' to stream or export."
        expected = "a network whose memory has a fixed size"
        expected = expected if cell == TRANSFORMER else "a network that answers from the first step on"
        raise ArgumentError(explain("program", expected, why, cure))


def window_of(cell: str, steps: int) -> int:
    """The window of a feed-forward network, checked; 0 for all others. Raises: ArgumentError."""
    if cell == FEED_FORWARD:
        return integer("steps", steps, 1, "A feed-forward network has to know how long every sequence is.")
    if steps:
        raise ArgumentError(explain("steps", "0 but for cell='feed-forward'", repr(steps), "Leave it out."))
    return 0
