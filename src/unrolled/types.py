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
