"""Dense layers over a window of fixed length, with the call of a recurrent stack: to compare with.

Key: N rows · S steps of the window · I input · D hidden.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.nn.recurrent import check_probability
from unrolled.types import ElmanState


class FeedForward(nn.Module):
    """A network without memory: it reads exactly `steps` steps at once, all of them beside one another.

    `layers` dense layers, each with a relu. With `goes_on` one more reads what the window came to beside one
    more input, as a decoder does; each such step starts from the window, never from another step. With `cuts`
    it reads the last `steps` of sequences of any length, 0 standing before the first step of a shorter one.

    Shapes: x (N, steps, input) -> y (N, 1, hidden) and (ElmanState(h (N, hidden)),); with a state, x (N, 1,
        input) -> the same.
    Raises: ArgumentError, ShapeError for sequences of another length.

    Example:
        >>> network = FeedForward(3, 8, steps=5)
        >>> y, state = network(torch.zeros(2, 5, 3))
        >>> y.shape
        torch.Size([2, 1, 8])
    """

    def __init__(
        self,
        input_size: int,
        hidden: int,
        steps: int,
        layers: int = 1,
        dropout: float = 0.0,
        goes_on: bool = False,
        cuts: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = integer("input_size", input_size, 1)
        self.steps = integer("steps", steps, 1, "Give the length that every sequence has.")
        self.cuts = cuts
        self.dropout = check_probability("dropout", dropout)
        sizes = [steps * input_size] + [hidden] * integer("layers", layers, 1)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.go_on = nn.Linear(hidden + input_size, hidden) if goes_on else None

    def forward(self, x: Tensor, state: Any = None, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        """Read a window, or with a state one more step after it."""
        if state is not None:
            if self.go_on is None:
                cure = "Pass the whole window: it cannot read on."
                raise ArgumentError(explain("state", "None", type(state).__name__, cure))
            h = self.go_on(torch.cat([state[-1].h, x[:, 0]], dim=-1)).relu()
            return h[:, None], (ElmanState(h),)
        if self.cuts:
            x = last_steps(x, self.steps, lengths)
        else:
            self._check(x, lengths)
        h = x.flatten(1)
        for number, layer in enumerate(self.layers):
            h = layer(F.dropout(h, self.dropout, self.training) if number else h).relu()
        return h[:, None], (ElmanState(h),)

    def cost(self) -> int:
        """Multiply-adds of reading a window."""
        return sum(layer.in_features * layer.out_features for layer in self._dense())

    def step_cost(self) -> int:
        """Multiply-adds of one step after it."""
        return 0 if self.go_on is None else self.go_on.in_features * self.go_on.out_features

    def _dense(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def _check(self, x: Tensor, lengths: Tensor | None) -> None:
        """Refuse what is not a full window."""
        wrong = x.shape[1] if x.shape[1] != self.steps else None
        if wrong is None and lengths is not None and len(lengths):
            shortest = int(lengths.min())
            wrong = shortest if shortest != self.steps else None
        if wrong is not None:
            cure = "A feed-forward network takes one length only: cut or pad them, or use cell='gru'."
            raise ShapeError(explain("x", f"sequences of {self.steps} steps", f"one of {wrong}", cure))


def last_steps(x: Tensor, steps: int, lengths: Tensor | None = None) -> Tensor:
    """The last `steps` steps of each row, 0 before the first one of a shorter row.

    Shapes: x (N, T, I), lengths (N,), None: all T steps -> (N, steps, I).

    Example:
        >>> x = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [0.0], [0.0]]])
        >>> last_steps(x, 2, torch.tensor([3, 1]))[..., 0]
        tensor([[2., 3.],
                [0., 4.]])
    """
    rows, time = x.shape[:2]
    ends = x.new_full((rows,), time, dtype=torch.int64) if lengths is None else lengths.to(x.device)
    places = ends[:, None] - steps + torch.arange(steps, device=x.device)  # (N, steps)
    picked = x[torch.arange(rows, device=x.device)[:, None], places.clamp(min=0)]
    return torch.where((places >= 0)[..., None], picked, 0.0)
