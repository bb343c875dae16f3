"""What a kernel is called with: the cell, its weights and its masks. The same for every backend.

Keys: B batch, T time, I input, H hidden, G gates (Elman 1, GRU 3, LSTM 4).

Every backend is one function

    run_time_major(cell, x, state, weights, lengths, masks) -> (y, state)

    x        (T, B, I), any strides; what lies behind a row's length is never used, not even multiplied by 0
    state    (h,) or, for an LSTM, (h, c); each (B, H); None for zeros
    lengths  None, or int64 (B,) on the CPU, each in 0..T
    y        (T, B, H); 0 behind the length
    state    of each row after its last valid step; the given one where the length is 0

With `reverse` every row runs from its own last valid step to its first. Nothing here draws a random number:
masks come in as tensors. The arguments have been checked once, by the layer. Gradients flow to x, state and
weights.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from unrolled.arguments import flag, one_of

GATES = {"elman": 1, "gru": 3, "lstm": 4}
ACTIVATIONS = ("tanh", "relu")
PRECISIONS = ("full", "bf16")

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Cell:
    """Which equations to run, in which direction and how exactly.

    With `precision="bf16"` what is multiplied by a matrix is rounded to bf16 before it, there and back:
    weights, x, h', the gradients of the sums. All sums, states, gates and gradients stay float32.

    Raises: ArgumentError that names the nearest kind, activation or precision.

    Example:
        >>> Cell("gru", reset_after=False).gates
        3
    """

    kind: str
    activation: str = "tanh"  # Elman only
    reset_after: bool = (
        True  # GRU only: reset gate after the recurrent product (torch.nn) or before it (2014)
    )
    reverse: bool = False
    precision: str = "full"  # that of the tensors

    def __post_init__(self) -> None:
        one_of("cell", self.kind, GATES)
        one_of("activation", self.activation, ACTIVATIONS)
        flag("reset_after", self.reset_after)
        flag("reverse", self.reverse)
        one_of("precision", self.precision, PRECISIONS)

    @property
    def gates(self) -> int:
        """How many blocks of H rows the weights have."""
        return GATES[self.kind]


class Weights(NamedTuple):
    """The weights of one cell, in the gate order of torch.nn: LSTM i, f, g, o; GRU r, z, n.

    Shapes: weight_ih (G*H, I); weight_hh (G*H, H); the others (G*H,). Both biases or none, both gains
        or none.
    With gains, both products are layer-normalised (see `reference.normalise`).
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    gain_ih: Tensor | None = None
    gain_hh: Tensor | None = None


class Masks(NamedTuple):
    """The drawn part of a call; None where an option is off.

    Shapes: hidden (B, H) multiplies h' in the recurrent product at every step (variational dropout);
        keep_h, keep_c: the share of the old h and c that a position of x keeps (zoneout): 0 or 1 in training,
        their probability in evaluation. (B, T, H) outside this room, (T, B, H) for a backend.
    """

    hidden: Tensor | None = None
    keep_h: Tensor | None = None
    keep_c: Tensor | None = None


NO_MASKS = Masks()


def zero_state(cell: Cell, batch: int, weights: Weights) -> State:
    """The state that None stands for: zeros, each (batch, H)."""
    like = weights.weight_hh
    return tuple(like.new_zeros(batch, like.shape[1]) for _ in range(2 if cell.kind == "lstm" else 1))


class RunTimeMajor(Protocol):
    """The one signature of a backend."""

    def __call__(
        self,
        cell: Cell,
        x: Tensor,
        state: State | None,
        weights: Weights,
        lengths: Tensor | None,
        masks: Masks,
        /,
    ) -> tuple[Tensor, State]:
        """See the top of this file."""
        ...


class Refusal(Protocol):
    """Says why a backend cannot run a call, or '' if it can. It sees x and masks batch first."""

    def __call__(
        self, cell: Cell, x: Tensor, weights: Weights, lengths: Tensor | None, masks: Masks, /
    ) -> str:
        """A short reason, such as 'it has no zoneout'."""
        ...
