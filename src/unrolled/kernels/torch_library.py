"""The backend "torch": the fused functions that torch brings (oneDNN or plain C++ on a CPU, cuDNN on CUDA).

They know the plain cells only. A ragged batch goes in packed; a reversed one by an index, each row inside its
length.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from unrolled.kernels.call import NO_MASKS, Cell, Masks, State, Weights, zero_state


def refusal(cell: Cell, x: Tensor, weights: Weights, lengths: Tensor | None, masks: Masks) -> str:
    """Why torch's library cannot run this call, or ''."""
    if cell.precision != "full":
        return "it has no products from bf16"
    if cell.kind == "gru" and not cell.reset_after:
        return "it has no GRU with reset_after=False"
    if weights.gain_ih is not None or weights.gain_hh is not None:
        return "it has no layer normalisation"
    if masks.hidden is not None:
        return "it has no variational recurrent dropout"
    if masks.keep_h is not None or masks.keep_c is not None:
        return "it has no zoneout"
    return ""


def run_time_major(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Weights,
    lengths: Tensor | None = None,
    masks: Masks = NO_MASKS,
) -> tuple[Tensor, State]:
    """Run a plain cell over whole sequences with torch's own functions.

    Shapes: x (T, B, I); each state (B, H), None for zeros; lengths (B,) on the CPU or None.
    Returns: y (T, B, H) and the state after each row's last valid step.
    """
    state = zero_state(cell, x.shape[1], weights) if state is None else state
    run = _padded if lengths is None else _ragged
    if not cell.reverse:
        return run(cell, x, state, weights, lengths)
    y, state = run(cell, _reverse(x, lengths), state, weights, lengths)
    return _reverse(y, lengths), state


def _padded(
    cell: Cell, x: Tensor, state: State, weights: Weights, lengths: Tensor | None
) -> tuple[Tensor, State]:
    y, *after = _function(cell)(x, _layered(cell, state), *_settings(weights), False)
    return y, tuple(s.squeeze(0) for s in after)


def _ragged(
    cell: Cell, x: Tensor, state: State, weights: Weights, lengths: Tensor | None
) -> tuple[Tensor, State]:
    assert lengths is not None
    empty = (lengths == 0).to(x.device)[:, None]  # (B, 1)
    if lengths.min() > 0:
        return _packed(cell, x, state, weights, lengths)
    # A packed batch has no empty rows: give them one step of zeros, then undo what it did.
    y, after = _packed(cell, x.masked_fill(empty, 0.0), state, weights, lengths.clamp(min=1))
    kept = tuple(torch.where(empty, old, new) for old, new in zip(state, after, strict=True))
    return y.masked_fill(empty, 0.0), kept


def _packed(cell: Cell, x: Tensor, state: State, weights: Weights, lengths: Tensor) -> tuple[Tensor, State]:
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    order, back = packed.sorted_indices, packed.unsorted_indices
    assert order is not None and back is not None
    start = _layered(cell, tuple(s.index_select(0, order) for s in state))
    y, *after = _function(cell)(packed.data, packed.batch_sizes, start, *_settings(weights))
    y, _ = pad_packed_sequence(PackedSequence(y, packed.batch_sizes, order, back), total_length=x.shape[0])
    return y, tuple(s.squeeze(0).index_select(0, back) for s in after)


def _function(cell: Cell) -> Callable[..., tuple[Tensor, ...]]:
    if cell.kind == "elman":
        return torch.rnn_tanh if cell.activation == "tanh" else torch.rnn_relu
    return torch.lstm if cell.kind == "lstm" else torch.gru


def _layered(cell: Cell, state: State) -> Tensor | list[Tensor]:
    """The state as torch's functions take it: with an axis of layers; a list for an LSTM."""
    layered = [s.unsqueeze(0) for s in state]
    return layered if cell.kind == "lstm" else layered[0]


def _settings(weights: Weights) -> tuple[list[Tensor], bool, int, float, bool, bool]:
    """Weights, has biases, layers, dropout, train (cuDNN needs it for gradients), bidirectional."""
    flat = [w for w in weights[:4] if w is not None]
    return flat, len(flat) == 4, 1, 0.0, torch.is_grad_enabled(), False


def _reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Turn each row around inside its own length; its own inverse."""
    if lengths is None:
        return x.flip(0)
    T, B = x.shape[:2]
    step = torch.arange(T, device=x.device)[:, None]
    mirrored = lengths.to(x.device) - 1 - step  # (T, B)
    return x[torch.where(mirrored >= 0, mirrored, step), torch.arange(B, device=x.device)]
