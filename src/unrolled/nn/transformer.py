"""A causal Transformer with the call of a recurrent layer: to compare with, on the same inputs.

Its state is all it has read: the keys and values of every step so far.

Key: B batch · T time · S steps read before · D hidden · N heads · K width of a head · L blocks.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.nn.layer import Layer, check_input, check_lengths
from unrolled.nn.recurrent import check_probability
from unrolled.types import TransformerState

POSITIONS = ("rotary", "sinusoidal")
LONGEST_WAVE = 10_000.0  # the slowest position's wavelength over 2 pi, as in both sources


class Transformer(Layer):
    """Blocks of causal self-attention and two dense layers, each behind a layer normalisation.

    A step sees itself and every step before it. `positions` are "rotary" (queries and keys turned by their
    place) or "sinusoidal" (waves added to what the first block reads). A head is hidden_size / heads wide,
    rounded up to an even number, so that any `hidden_size` will do.

    Shapes: x (batch, time, input_size) -> y (batch, time, hidden_size); TransformerState(h (batch, hidden),
        keys, values (batch, blocks, steps, heads, width), valid (batch, steps)).
    Raises: ArgumentError, ShapeError.
    Source: Vaswani et al. 2017, arXiv:1706.03762; norms before, Xiong et al. 2020, arXiv:2002.04745; rotary
        positions, Su et al. 2021, arXiv:2104.09864.

    Example:
        >>> layer = Transformer(3, 8, heads=2)
        >>> y, state = layer(torch.zeros(2, 5, 3))
        >>> y, state = layer(torch.zeros(2, 1, 3), state)      # one step further
        >>> y.shape, state.keys.shape
        (torch.Size([2, 1, 8]), torch.Size([2, 1, 6, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        heads: int = 4,
        positions: str = "rotary",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_size = integer("input_size", input_size, 1)
        self.hidden_size = self.output_size = integer("hidden_size", hidden_size, 1)
        self.heads = integer("heads", heads, 1, "4 is usual.")
        self.positions = one_of("positions", positions, POSITIONS)
        self.width = 2 * math.ceil(hidden_size / (2 * heads))
        self.read = nn.Linear(input_size, hidden_size)
        rotary = positions == "rotary"
        self.blocks = nn.ModuleList(
            [
                Block(hidden_size, heads, self.width, rotary, check_probability("dropout", dropout))
                for _ in range(integer("layers", layers, 1))
            ]
        )
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: Any = None, lengths: Any = None) -> tuple[Tensor, TransformerState]:
        """Run whole sequences on from what `state` has read (None: nothing).

        Raises: ArgumentError, ShapeError.
        """
        x = check_input(x, self.input_size, self.read.weight)
        lengths = check_lengths(lengths, *x.shape[:2])
        before = self._check_state(state, x)
        valid = _valid(x, lengths)  # (B, T)
        places = before.valid.sum(1, keepdim=True) + torch.arange(x.shape[1], device=x.device)  # (B, T)
        y = self.read(torch.where(valid[..., None], x, 0.0))
        if self.positions == "sinusoidal":
            y = y + waves(places, self.hidden_size).to(y.dtype)
        seen = torch.cat([before.valid, valid], dim=1)
        mask = None if state is None else sight(before.valid, x.shape[1])
        keys, values = [], []
        for number, block in enumerate(self.blocks):
            past = (before.keys[:, number], before.values[:, number])
            y, key, value = block(y, past, places, mask)
            keys.append(key)
            values.append(value)
        y = torch.where(valid[..., None], self.norm(y), 0.0)
        after = TransformerState(
            _newest(y, before.h, lengths), torch.stack(keys, 1), torch.stack(values, 1), seen
        )
        return y, after if lengths is None else _compact(after)

    def extra_repr(self) -> str:
        """The sizes, for print."""
        return f"{self.input_size}, {self.hidden_size}, heads={self.heads}, positions={self.positions!r}"

    def _check_state(self, state: Any, x: Tensor) -> TransformerState:
        """The state, if it is one of this layer's for as many rows; one that has read nothing for None."""
        rows, blocks = len(x), len(self.blocks)
        if state is None:
            empty = x.new_zeros(rows, blocks, 0, self.heads, self.width)
            return TransformerState(
                x.new_zeros(rows, self.hidden_size), empty, empty, empty.new_zeros(rows, 0, dtype=torch.bool)
            )
        if not isinstance(state, TransformerState):
            cure = "Pass what the layer returned."
            raise ArgumentError(explain("state", "a TransformerState", type(state).__name__, cure))
        expected = (rows, blocks, state.valid.shape[1], self.heads, self.width)
        if tuple(state.keys.shape) != expected:
            cure = "A state belongs to the rows of its own batch."
            raise ShapeError(explain("state.keys", str(expected), tuple(state.keys.shape), cure))
        return state


class Block(nn.Module):
    """One block: attention, then two dense layers with a GELU between; each added to what it reads."""

    def __init__(self, hidden: int, heads: int, width: int, rotary: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.width, self.rotary, self.dropout = heads, width, rotary, dropout
        self.norm_attention, self.norm_dense = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.look = nn.Linear(hidden, 3 * heads * width)  # queries, keys, values
        self.combine = nn.Linear(heads * width, hidden)
        self.widen, self.narrow = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)

    def forward(
        self, x: Tensor, past: tuple[Tensor, Tensor], places: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Advance by T steps.

        Shapes: x (B, T, D); past keys and values (B, S, N, K); places (B, T), counted from the first step;
        mask bool (B, 1, T, S + T), None where nothing came before -> y (B, T, D) and all keys and values
        (B, S + T, N, K).
        """
        looked = self.look(self.norm_attention(x)).unflatten(-1, (3, self.heads, self.width))
        query, key, value = looked.unbind(2)  # (B, T, N, K) each
        if self.rotary:
            query, key = rotate(query, places), rotate(key, places)
        keys, values = torch.cat([past[0], key], 1), torch.cat([past[1], value], 1)
        found = F.scaled_dot_product_attention(
            query.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), mask, is_causal=mask is None
        )
        x = x + self._drop(self.combine(found.transpose(1, 2).flatten(2)))
        return x + self._drop(self.narrow(F.gelu(self.widen(self.norm_dense(x))))), keys, values

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


def rotate(x: Tensor, places: Tensor) -> Tensor:
    """Turn each pair of features by an angle that grows with the step's place.

    The product of a rotated query and key depends on the distance of their places alone.

    Shapes: x (B, T, N, K), K even; places (B, T).
    Source: Su et al. 2021, arXiv:2104.09864, equation 34.

    Example:
        >>> turned = rotate(torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[2]]))
        >>> bool(torch.allclose(turned.flatten(), torch.tensor([math.cos(2), math.sin(2)])))
        True
    """
    angle = places[..., None, None] * frequencies(x.shape[-1], x.device)  # (B, T, 1, K / 2)
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1).flatten(-2)


def waves(places: Tensor, width: int) -> Tensor:
    """Sines and cosines of a step's place, (..., width).

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.

    Example:
        >>> waves(torch.tensor([0]), 4)
        tensor([[0., 1., 0., 1.]], dtype=torch.float64)
    """
    angle = places[..., None] * frequencies(width + width % 2, places.device)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)[..., :width]


def frequencies(width: int, device: torch.device) -> Tensor:
    """How far each pair of `width` features turns in a step: from 1 down to nearly 1 / 10,000."""
    pair = torch.arange(0, width, 2, device=device, dtype=torch.float64)
    return LONGEST_WAVE ** (-pair / width)


def sight(before: Tensor, steps: int) -> Tensor:
    """What each of `steps` new steps may look at: bool (B, 1, T, S + T). before (B, S): what was read."""
    new = torch.ones(steps, steps, dtype=torch.bool, device=before.device).tril()
    rows = len(before)
    return torch.cat([before[:, None].expand(-1, steps, -1), new.expand(rows, -1, -1)], dim=-1)[:, None]


def _valid(x: Tensor, lengths: Tensor | None) -> Tensor:
    steps = torch.arange(x.shape[1], device=x.device)
    if lengths is None:
        return (steps >= 0).expand(len(x), -1)
    return steps < lengths.to(x.device)[:, None]


def _newest(y: Tensor, before: Tensor, lengths: Tensor | None) -> Tensor:
    """The output at each row's last valid step, (B, D); what was before where there is none."""
    rows = torch.cat([before[:, None], y], dim=1)
    if lengths is None:
        return rows[:, -1]
    return rows[torch.arange(len(y), device=y.device), lengths.to(y.device)]


def _compact(state: TransformerState) -> TransformerState:
    """Without the steps that no row has read."""
    kept = state.valid.any(0)
    return TransformerState(state.h, state.keys[:, :, kept], state.values[:, :, kept], state.valid[:, kept])
