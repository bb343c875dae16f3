"""The gates of a cell along real sequences: how open, how often stuck, how long each unit remembers.

The gates of a step follow from its input and the hidden state before it, which the run has told already; so
they are computed for all steps at once.

Key: B batch · T steps · H hidden · G gates.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.kernels import reference
from unrolled.probe.trace import Call

GATES = {"lstm": ("input", "forget", "candidate", "output"), "gru": ("reset", "update", "candidate")}
KEEPS = {"lstm": "forget", "gru": "update"}  # the gate that keeps the old state
SHUT, OPEN = 0.05, 0.95  # a gate outside of them hardly learns
STUCK = 0.95  # |h| beyond it: tanh hardly lets a gradient through
BINS = 20
DEAD = 1e-3  # a unit whose state moves less than this says nothing
ALIKE = 0.99  # two units with such a correlation say the same


@dataclass(frozen=True)
class GateStatistics:
    """One cell's gates and states over all valid steps of a batch.

    `histograms` are shares of the values of each gate in 20 equal bins of [0, 1] (a candidate's, and for an
    Elman network the hidden state's, of [-1, 1]). `shut`, `open`: shares below 0.05 and above 0.95; of a
    candidate or a state, below -0.95 and above 0.95. `time_constants` (H,): steps in which a unit forgets
    all but 1/e, -1 / mean ln of the gate that keeps; None for an Elman network, which has none. `dead` are
    units that hardly move, `redundant` those that say the same as an earlier one.
    """

    name: str
    kind: str
    histograms: dict[str, np.ndarray]
    shut: dict[str, float]
    open: dict[str, float]
    time_constants: np.ndarray | None
    dead: tuple[int, ...]
    redundant: tuple[int, ...]
    units: int

    @property
    def keeps(self) -> str | None:
        """The name of the gate that keeps the old state, None where there is none."""
        return KEEPS.get(self.kind)

    @property
    def saturation(self) -> float:
        """The share of gate values (of an Elman network, of states) that are stuck at an end."""
        return saturation(self.shut, self.open)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "layer": self.name,
            "cell": self.kind,
            "histograms": {name: shares.tolist() for name, shares in self.histograms.items()},
            "shut": self.shut,
            "open": self.open,
            "time_constants": None if self.time_constants is None else self.time_constants.tolist(),
            "dead": list(self.dead),
            "redundant": list(self.redundant),
            "units": self.units,
        }


def gate_statistics(call: Call) -> GateStatistics:
    """What the gates of a run did, over its valid steps."""
    flat, states = recorded(call)
    shut, opened = shares_at_ends(flat)
    keeps = KEEPS.get(call.cell.kind)
    return GateStatistics(
        name=call.name,
        kind=call.cell.kind,
        histograms={name: histogram(part, is_signed(name)) for name, part in flat.items()},
        shut=shut,
        open=opened,
        time_constants=None if keeps is None else time_constants(flat[keeps]),
        dead=tuple(np.flatnonzero(states.std(0) < DEAD).tolist()),
        redundant=redundant_units(states),
        units=states.shape[1],
    )


def saturation_and_time_constants(call: Call) -> tuple[float, np.ndarray | None]:
    """Two of the numbers of `gate_statistics`, without the work for the others."""
    flat, _ = recorded(call)
    keeps = KEEPS.get(call.cell.kind)
    return saturation(*shares_at_ends(flat)), None if keeps is None else time_constants(flat[keeps])


def recorded(call: Call) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The gates of a run by name (of an Elman network its states), and the states, float64 (steps, H)."""
    values, _ = gate_values(call)
    valid = valid_mask(call)
    names = GATES.get(call.cell.kind, ())
    states = call.y.detach()[valid].double().cpu().numpy()
    if not names:
        return {"state": states}, states
    parts = zip(names, values, strict=True)
    return {name: part[valid].double().cpu().numpy() for name, part in parts}, states


def shares_at_ends(flat: dict[str, np.ndarray]) -> tuple[dict[str, float], dict[str, float]]:
    """The share of each gate's values at its lower and at its upper end."""
    low = {name: float((part < (-STUCK if is_signed(name) else SHUT)).mean()) for name, part in flat.items()}
    high = {name: float((part > (STUCK if is_signed(name) else OPEN)).mean()) for name, part in flat.items()}
    return low, high


def saturation(shut: dict[str, float], opened: dict[str, float]) -> float:
    """The share of values that are stuck at an end; a candidate is no gate."""
    return float(np.mean([shut[name] + opened[name] for name in shut if name != "candidate"]))


@torch.no_grad()
def gate_values(call: Call) -> tuple[tuple[Tensor, ...], Tensor | None]:
    """The gates of each step of a run after their activation, in the order of `GATES`, and an LSTM's cell.

    Shapes: each (B, T, H); nothing for an Elman network. What stands behind a row's length means nothing.
    """
    if call.cell.kind == "elman":
        return (), None
    weights, before = call.weights, hidden_before(call)
    own = before if call.masks.hidden is None else before * call.masks.hidden[:, None]
    gates = call.cell.gates
    a = product(call.x, weights.weight_ih, weights.bias_ih, weights.gain_ih, gates).chunk(gates, -1)
    if call.cell.kind == "lstm":
        u = product(own, weights.weight_hh, weights.bias_hh, weights.gain_hh, gates).chunk(gates, -1)
        i, f, o = (torch.sigmoid(a[place] + u[place]) for place in (0, 1, 3))
        g = torch.tanh(a[2] + u[2])
        return (i, f, g, o), cell_states(call, i * g, f)
    H = before.shape[-1]
    if call.cell.reset_after:
        u = product(own, weights.weight_hh, weights.bias_hh, weights.gain_hh, gates).chunk(gates, -1)
        r, z = (torch.sigmoid(a[place] + u[place]) for place in (0, 1))
        return (r, z, torch.tanh(a[2] + r * u[2])), None
    parts = [slice(0, 2 * H), slice(2 * H, 3 * H)]
    bias, gain = weights.bias_hh, weights.gain_hh
    cut = [
        (weights.weight_hh[s], bias if bias is None else bias[s], gain if gain is None else gain[s])
        for s in parts
    ]
    u_r, u_z = product(own, *cut[0], 2).chunk(2, -1)
    r, z = torch.sigmoid(a[0] + u_r), torch.sigmoid(a[1] + u_z)
    mask = 1.0 if call.masks.hidden is None else call.masks.hidden[:, None]
    return (r, z, torch.tanh(a[2] + product(mask * (r * before), *cut[1], 1))), None


def product(v: Tensor, weight: Tensor, bias: Tensor | None, gain: Tensor | None, gates: int) -> Tensor:
    """A cell's product with its bias, normalised where it has a gain."""
    if gain is None:
        return F.linear(v, weight, bias)
    normalised = reference.normalise(F.linear(v, weight), gain, gates)
    return normalised if bias is None else normalised + bias


def hidden_before(call: Call) -> Tensor:
    """The hidden state that each step starts from, (B, T, H)."""
    y, first = call.y.detach(), call.before[0].detach()[:, None]
    if not call.cell.reverse:
        return torch.cat([first, y[:, :-1]], dim=1)
    later = torch.cat([y[:, 1:], first], dim=1)
    last = torch.arange(y.shape[1]) == call.steps[:, None] - 1  # where a row begins to be read
    return torch.where(last[..., None].to(y.device), first, later)


def cell_states(call: Call, taken: Tensor, forget: Tensor) -> Tensor:
    """The cell state after each step, from what it takes in and what it keeps. (B, T, H) all."""
    T, c = taken.shape[1], call.before[1].detach()
    keep, valid = call.masks.keep_c, valid_mask(call)
    out = torch.zeros_like(taken)
    for t in reversed(range(T)) if call.cell.reverse else range(T):
        new = forget[:, t] * c + taken[:, t]
        if keep is not None:
            new = keep[:, t] * c + (1 - keep[:, t]) * new
        c = torch.where(valid[:, t, None], new, c)
        out[:, t] = c
    return out


def valid_mask(call: Call) -> Tensor:
    """Which steps of a run are inside the rows' lengths, bool (B, T)."""
    return (torch.arange(call.x.shape[1]) < call.steps[:, None]).to(call.x.device)


def is_signed(name: str) -> bool:
    """Whether a value goes from -1 to 1, as candidates and states do, rather than from 0 to 1."""
    return name in ("candidate", "state")


def histogram(values: np.ndarray, signed: bool) -> np.ndarray:
    """The shares of values in 20 equal bins, (20,); those outside (a relu has them) count at the end."""
    low = -1.0 if signed else 0.0
    counts, _ = np.histogram(np.clip(values, low, 1.0), BINS, (low, 1.0))
    return counts / max(values.size, 1)


def time_constants(keep: np.ndarray) -> np.ndarray:
    """Steps in which each unit forgets all but 1/e: -1 / mean ln f. keep (steps, H) -> (H,).

    Example:
        >>> time_constants(np.full((5, 1), 0.9)).round(2)
        array([9.49])
    """
    means = np.log(np.clip(keep, 1e-12, 1 - 1e-9)).mean(0)
    return -1.0 / means


def redundant_units(states: np.ndarray) -> tuple[int, ...]:
    """Units whose state is all but a multiple of an earlier unit's. states (steps, H)."""
    centred = states - states.mean(0)
    size = np.sqrt((centred**2).sum(0))
    moving = np.flatnonzero(size > DEAD * np.sqrt(max(len(states), 1)))
    if len(moving) < 2:
        return ()
    unit = centred[:, moving] / size[moving]
    alike = np.abs(np.tril(unit.T @ unit, -1)) > ALIKE
    return tuple(moving[alike.any(1)].tolist())
