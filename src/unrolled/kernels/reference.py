"""The equations, slow and plain: the truth that every fast backend is tested against.

Keys: B batch, T time, I input, H hidden, G gates; h' and c' are the state before a step. See `call`.

    Elman   h = tanh(W x + U h' + b)                                        or relu
    LSTM    i, f, o = sigmoid(W x + U h' + b)    g = tanh(W_g x + U_g h' + b_g)
            c = f*c' + i*g                       h = o*tanh(c)
    GRU     r, z = sigmoid(W x + U h' + b)       h = (1-z)*n + z*h'
            n = tanh(W_n x + b_in + r*(U_n h' + b_hn))              reset after the product, as in torch.nn
            n = tanh(W_n x + b_in + U_n (r*h') + b_hn)              reset before it, Cho et al. 2014

Options: a mask m replaces h' by m*h' wherever U meets it, never in the carry z*h' (Gal and Ghahramani 2016,
arXiv:1512.05287). Zoneout mixes the finished step with the old state, h <- k*h' + (1-k)*h, and c likewise; h
is made from the c before its mix (Krueger et al. 2017, arXiv:1606.01305). Layer normalisation: `normalise`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.kernels.call import NO_MASKS, Cell, Masks, State, Weights, zero_state
from unrolled.kernels.rounding import linear_bf16

EPSILON = 1e-5


def refusal(cell: Cell, x: Tensor, weights: Weights, lengths: Tensor | None, masks: Masks) -> str:
    """It runs everything, everywhere; but who asks for bf16 wants speed, and this only imitates it."""
    return "its bf16 is an imitation" if cell.precision != "full" else ""


def run_time_major(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Weights,
    lengths: Tensor | None = None,
    masks: Masks = NO_MASKS,
) -> tuple[Tensor, State]:
    """Run a cell over whole sequences, step by step.

    Shapes: x (T, B, I); each state (B, H), None for zeros; lengths (B,) on the CPU or None.
    Returns: y (T, B, H) and the state after each row's last valid step. Nothing given is modified.
    """
    T = x.shape[0]
    state = zero_state(cell, x.shape[1], weights) if state is None else state
    valid = _valid(x, lengths)
    if valid is not None:
        x = x.masked_fill(~valid, 0.0)  # garbage behind a length would reach the weights' gradient as 0 * NaN
    product = _product(x, weights.weight_ih, weights.bias_ih, weights.gain_ih, cell.gates, cell.precision)
    inputs = product.unbind(0)
    outputs = [x] * T
    for t in reversed(range(T)) if cell.reverse else range(T):
        new = _zoneout(_step(cell, inputs[t], state, weights, masks.hidden), state, masks, t)
        if valid is None:
            outputs[t] = new[0]
        else:
            outputs[t] = new[0].masked_fill(~valid[t], 0.0)
            new = tuple(
                torch.where(valid[t], after, before) for after, before in zip(new, state, strict=True)
            )
        state = new
    return torch.stack(outputs), state


def elman_step(
    a: Tensor,
    h: Tensor,
    weights: Weights,
    activation: str = "tanh",
    mask: Tensor | None = None,
    precision: str = "full",
) -> Tensor:
    """One step of an Elman network.

    Shapes: a (B, H), the input's product; h, mask (B, H).
    Returns: the next h, (B, H).
    Source: Elman 1990, doi:10.1207/s15516709cog1402_1.
    """
    a = a + recur(h, weights, mask, precision=precision)
    return torch.tanh(a) if activation == "tanh" else torch.relu(a)


def lstm_step(
    a: Tensor, h: Tensor, c: Tensor, weights: Weights, mask: Tensor | None = None, precision: str = "full"
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM.

    Shapes: a (B, 4*H), the input's product; h, c, mask (B, H).
    Returns: the next h and c.
    Source: Gers et al. 2000, doi:10.1162/089976600300015015 (the LSTM with a forget gate, without peepholes).
    """
    i, f, g, o = (a + recur(h, weights, mask, precision=precision)).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_step(
    a: Tensor,
    h: Tensor,
    weights: Weights,
    reset_after: bool = True,
    mask: Tensor | None = None,
    precision: str = "full",
) -> Tensor:
    """One step of a GRU, with the reset gate after or before the recurrent product.

    Shapes: a (B, 3*H), the input's product; h, mask (B, H).
    Returns: the next h, (B, H).
    Source: Cho et al. 2014, arXiv:1406.1078 (`reset_after=False`, with z for their 1-z).
    """
    H = h.shape[1]
    a_r, a_z, a_n = a.chunk(3, dim=1)
    if reset_after:
        u_r, u_z, u_n = recur(h, weights, mask, precision=precision).chunk(3, dim=1)
        n = torch.tanh(a_n + torch.sigmoid(a_r + u_r) * u_n)
    else:
        u_r, u_z = recur(h, weights, mask, slice(0, 2 * H), precision).chunk(2, dim=1)
        reset_h = torch.sigmoid(a_r + u_r) * h
        n = torch.tanh(a_n + recur(reset_h, weights, mask, slice(2 * H, 3 * H), precision))
    z = torch.sigmoid(a_z + u_z)
    return (1 - z) * n + z * h


def recur(
    h: Tensor,
    weights: Weights,
    mask: Tensor | None = None,
    rows: slice | None = None,
    precision: str = "full",
) -> Tensor:
    """The recurrent product U (m*h') + b of all gates, or of some rows of U."""
    rows = rows or slice(None)
    weight = weights.weight_hh[rows]
    bias = None if weights.bias_hh is None else weights.bias_hh[rows]
    gain = None if weights.gain_hh is None else weights.gain_hh[rows]
    masked = h if mask is None else mask * h
    return _product(masked, weight, bias, gain, weight.shape[0] // h.shape[1], precision)


def normalise(v: Tensor, gain: Tensor, gates: int) -> Tensor:
    """Layer-normalise a product, each gate over its own H units, without a shift (the bias follows it).

    gain * (v - mean(v)) / sqrt(var(v) + 1e-5), var over H, not H-1. W x and U h' are normalised apart, each
    with its own gain, then the biases are added; in a GRU U_n h' (or U_n (r*h')) before its bias.

    Shapes: v (..., gates*H); gain (gates*H,).
    Source: Ba et al. 2016, arXiv:1607.06450, eq. 20-22; here gate by gate, and the cell state stays as it is.
    """
    by_gate = v.unflatten(-1, (gates, -1))
    return gain * F.layer_norm(by_gate, by_gate.shape[-1:], eps=EPSILON).flatten(-2)


def _product(
    v: Tensor, weight: Tensor, bias: Tensor | None, gain: Tensor | None, gates: int, precision: str
) -> Tensor:
    linear = linear_bf16 if precision == "bf16" else F.linear
    if gain is None:
        return linear(v, weight, bias)
    normalised = normalise(linear(v, weight), gain, gates)
    return normalised if bias is None else normalised + bias


def _step(cell: Cell, a: Tensor, state: State, weights: Weights, mask: Tensor | None) -> State:
    if cell.kind == "lstm":
        return lstm_step(a, state[0], state[1], weights, mask, cell.precision)
    if cell.kind == "gru":
        return (gru_step(a, state[0], weights, cell.reset_after, mask, cell.precision),)
    return (elman_step(a, state[0], weights, cell.activation, mask, cell.precision),)


def _zoneout(new: State, old: State, masks: Masks, t: int) -> State:
    keeps = (masks.keep_h, masks.keep_c)
    return tuple(
        after if keep is None else keep[t] * before + (1 - keep[t]) * after
        for after, before, keep in zip(new, old, keeps, strict=False)
    )


def _valid(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """(T, B, 1): True inside the lengths."""
    if lengths is None:
        return None
    steps = torch.arange(x.shape[0], device=x.device)
    return (steps[:, None] < lengths.to(x.device)).unsqueeze(2)
