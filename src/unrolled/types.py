"""Types that every floor of the house shares. No library is imported here."""

from typing import Any, NamedTuple


class ElmanState(NamedTuple):
    """The hidden state of an Elman network: h (batch, hidden)."""

    h: Any


class GRUState(NamedTuple):
    """The hidden state of a GRU: h (batch, hidden)."""

    h: Any


class LSTMState(NamedTuple):
    """The hidden state h and the cell state c of an LSTM, each (batch, hidden)."""

    h: Any
    c: Any


class TransformerState(NamedTuple):
    """What a causal Transformer has read so far; it grows with every step.

    h (batch, hidden): its last output; keys, values (batch, blocks, steps, heads, width); valid (batch,
    steps): which of them are there, in a ragged batch.
    """

    h: Any
    keys: Any
    values: Any
    valid: Any


class DirectState(NamedTuple):
    """What a DirectNetwork carries: the stack's state, and the last valid target (raw; NaN = none yet)."""

    recurrent: Any
    last: Any


class RecursiveState(NamedTuple):
    """What a RecursiveNetwork carries.

    `recurrent`: the stack's state; `last` (B, C): the last valid target; `previous` (B, C): the row before,
    not yet read. Both in raw units, NaN = none. The newest row is read together with the known columns of the
    next one, so a row can be taken in before those are known.
    """

    recurrent: Any
    last: Any
    previous: Any
