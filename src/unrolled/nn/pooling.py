"""From the steps of a sequence to one vector.

Key: B batch · T time · H width.
"""

from typing import Any

import torch
from torch import Tensor, nn

from unrolled.arguments import integer, one_of

POOLS = ("last", "max", "mean", "attention")


class Pooling(nn.Module):
    """One vector for each row: of the valid steps the last, the largest, the mean, or a learned mean.

    "last" takes the state after each row's last step, of a bidirectional layer both ends' last states.
    "attention" weighs a step by `softmax(v . tanh(W h))` (Yang et al. 2016, doi:10.18653/v1/N16-1174). A row
    without a step gives 0.

    Shapes: y (B, T, H) and the state of a recurrent layer, lengths (B,) -> (B, H).

    Example:
        >>> pooling = Pooling("mean", 2)
        >>> pooling(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), None, torch.tensor([2]))
        tensor([[2., 3.]])
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = one_of("pool", kind, POOLS)
        self.width = integer("width", width, 1)
        if kind == "attention":
            self.hidden = nn.Linear(width, width)
            self.vector = nn.Linear(width, 1, bias=False)

    def forward(self, y: Tensor, state: Any, lengths: Tensor | None = None) -> Tensor:
        """The vector of each row; `state` is needed for "last" alone."""
        if self.kind == "last":
            return last_hidden(state)
        if lengths is None:
            lengths = torch.full((len(y),), y.shape[1], device=y.device)
        if self.kind == "mean":
            return y.sum(1) / lengths.clamp(min=1).to(y)[:, None]  # behind a row's length y is 0
        valid = torch.arange(y.shape[1], device=y.device) < lengths.to(y.device)[:, None]
        if self.kind == "attention":
            return (self.weights(y, valid)[..., None] * y).sum(1)
        most = y.masked_fill(~valid[..., None], -torch.inf).amax(1)
        return most.masked_fill(~valid.any(1)[:, None], 0.0)

    def weights(self, y: Tensor, valid: Tensor) -> Tensor:
        """How much attention each step gets, (B, T); 0 behind a row's length."""
        scores = self.vector(self.hidden(y).tanh()).squeeze(-1).masked_fill(~valid, -torch.inf)
        return scores.softmax(-1).masked_fill(~valid, 0.0)


def last_hidden(state: Any) -> Tensor:
    """The hidden state of one layer, of a bidirectional one both ends', (B, H)."""
    return state.h if hasattr(state, "h") else torch.cat([end.h for end in state], -1)
