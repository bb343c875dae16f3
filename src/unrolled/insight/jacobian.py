"""How one step moves the next state: the Jacobian along real trajectories, and the Lyapunov exponents.

The state is all that a cell carries: h, of an LSTM (h, c). The exponents are the mean logarithms by which
directions grow a step, kept apart by a QR decomposition after each: above 0 a direction explodes, below 0 it
is forgotten.

Key: B trajectories · T steps · S size of the state · K directions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.kernels import reference
from unrolled.kernels.call import Cell, Masks, Weights
from unrolled.probe import Call
from unrolled.probe.gates import gate_values, hidden_before

TRAJECTORIES = 4
STEPS = 128  # of a trajectory at most
POINTS = 16  # Jacobians that are taken whole
DIRECTIONS = 24  # exponents at most, the largest
SETTLE = 0.25  # the share of a trajectory in which the directions find their own, and which does not count
ERROR = 0.01  # of an exponent that is taken over a hundred steps
WORK = 2e11  # multiply-adds spent on one cell at most


@dataclass(frozen=True)
class Spectrum:
    """One cell's Jacobian ds_t/ds_{t-1} along trajectories.

    `radii` (points,) are spectral radii, `singular` (points, S) the singular values, largest first, at some
    steps; `exponents` (K,) the Lyapunov exponents a step, largest first. `size` is S: of an LSTM 2 * hidden.
    """

    name: str
    radii: np.ndarray
    singular: np.ndarray
    exponents: np.ndarray
    size: int
    steps: int

    @property
    def exploding(self) -> int:
        """How many directions grow, by more than the error of the measurement."""
        return int((self.exponents > ERROR).sum())

    @property
    def memory(self) -> float:
        """Steps in which the slowest direction shrinks to 1/e; infinite where it does not."""
        return float(-1 / self.exponents[0]) if self.exponents[0] < 0 else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "layer": self.name,
            "spectral_radius": {"mean": float(self.radii.mean()), "largest": float(self.radii.max())},
            "largest_singular_value": float(self.singular[:, 0].max()),
            "singular_values": self.singular.mean(0).tolist(),
            "lyapunov_exponents": self.exponents.tolist(),
            "exploding": self.exploding,
            "size": self.size,
            "steps": self.steps,
        }


def spectrum_of(call: Call, seed: int = 0) -> Spectrum:
    """Measure one run's Jacobians, in float64."""
    x, states, weights, masks = trajectories(call)
    T, S = x.shape[1], states.shape[-1]
    cost = 2 * weights.weight_hh.numel() * len(x)
    K = int(np.clip(WORK / (cost * T), 1, min(S, DIRECTIONS)))
    exponents = lyapunov(call, x, states, weights, masks, K, seed)
    points = np.unique(np.linspace(T // 4, T - 1, POINTS).round().astype(int))
    most = max(1, int(WORK / (cost * S + 25 * S**3)))  # the products, and the eigenvalues
    jacobians = torch.cat(
        [
            pushed(call, x[:1, t], states[:1, t], weights, first_row(masks), torch.eye(S).double()[None])
            for t in points[:most]
        ]
    )
    values = torch.linalg.eigvals(jacobians).abs().amax(-1)
    return Spectrum(call.name, values.numpy(), torch.linalg.svdvals(jacobians).numpy(), exponents, S, T)


def trajectories(call: Call) -> tuple[Tensor, Tensor, Weights, Masks]:
    """Some of a run's longest rows in the order they are read: inputs (B, T, I), states before (B, T, S)."""
    parts = [hidden_before(call), *cells_before(call)]
    rows = torch.argsort(call.steps, descending=True, stable=True)[:TRAJECTORIES]
    rows = rows[call.steps[rows] == call.steps[rows[0]]]
    T = int(call.steps[rows].min())
    x, states = call.x.detach()[rows, :T], torch.cat(parts, -1)[rows, :T]
    if call.cell.reverse:
        x, states = x.flip(1), states.flip(1)
    start = max(0, T - STEPS)
    told = [None if w is None else w.detach().double().cpu() for w in call.weights]
    weights = Weights._make(told)
    keeps = (None if m is None else m[rows, :1].double() for m in call.masks[1:])
    masks = Masks(None if call.masks.hidden is None else call.masks.hidden[rows].double(), *keeps)
    return x[:, start:].double().cpu(), states[:, start:].double().cpu(), weights, masks


def cells_before(call: Call) -> list[Tensor]:
    """An LSTM's cell state before each step of the rows that are full, in a list; nothing for others."""
    _, cells = gate_values(call)
    if cells is None:
        return []
    first = call.before[1].detach()[:, None]
    return [torch.cat([cells[:, 1:], first] if call.cell.reverse else [first, cells[:, :-1]], 1)]


def lyapunov(
    call: Call, x: Tensor, states: Tensor, weights: Weights, masks: Masks, count: int, seed: int
) -> np.ndarray:
    """The `count` largest exponents a step, (K,): the mean over trajectories.

    Source: Benettin et al. 1980, doi:10.1007/BF02128236; for recurrent networks Vogt et al. 2022,
    arXiv:2006.14123.
    """
    B, T, S = states.shape
    draw = torch.randn(B, S, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    directions, _ = torch.linalg.qr(draw)
    settle = int(T * SETTLE) if T > 8 else 0
    total = torch.zeros(count, dtype=torch.float64)
    for t in range(T):
        moved = pushed(call, x[:, t], states[:, t], weights, masks, directions.mT)
        directions, r = torch.linalg.qr(moved)
        if t >= settle:
            total += r.diagonal(dim1=-2, dim2=-1).abs().clamp(min=1e-300).log().mean(0)
    return np.sort((total / max(T - settle, 1)).numpy())[::-1].copy()


def pushed(
    call: Call, x: Tensor, state: Tensor, weights: Weights, masks: Masks, directions: Tensor
) -> Tensor:
    """How some directions leave one step: the Jacobian times each.

    Shapes: x (B, I); state (B, S); directions (B, K, S) -> (B, S, K).
    """
    H = weights.weight_hh.shape[1]
    cell = Cell(call.cell.kind, call.cell.activation, call.cell.reset_after)  # forward, in full precision

    def step(s: Tensor) -> Tensor:
        parts = tuple(s.split(H, -1))
        kept = Masks(masks.hidden, *(None if m is None else m.transpose(0, 1) for m in masks[1:]))
        _, after = reference.run_time_major(cell, x[None], parts, weights, None, kept)
        return torch.cat(after, -1)

    def along(direction: Tensor) -> Tensor:
        return torch.func.jvp(step, (state,), (direction,))[1]

    found = torch.func.vmap(along)(directions.transpose(0, 1).contiguous())  # (K, B, S)
    return found.permute(1, 2, 0)


def first_row(masks: Masks) -> Masks:
    """The masks of the first trajectory; they are the same at every step outside of training."""
    return Masks(*(None if mask is None else mask[:1] for mask in masks))
