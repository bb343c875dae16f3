"""Weights from torch.nn's recurrent modules and back, without change."""

from collections.abc import Sequence
from typing import Any

import torch

from unrolled.errors import ArgumentError, explain
from unrolled.nn.bidirectional import Bidirectional
from unrolled.nn.elman import Elman
from unrolled.nn.gru import GRU
from unrolled.nn.layer import Layer
from unrolled.nn.lstm import LSTM
from unrolled.nn.recurrent import CellOptions, Recurrent
from unrolled.nn.stack import Stack

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
FOREIGN = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def from_torch(module: torch.nn.RNNBase) -> Layer:
    """An equal layer for a torch.nn.RNN, LSTM or GRU: its weights are copied, dtype, device and mode kept.

    Stacked modules become a Stack, bidirectional ones Bidirectional. Ours is batch first, whatever the
    module's `batch_first` says.

    Raises: ArgumentError for another module, or one with projections.

    Example:
        >>> y, state = from_torch(torch.nn.GRU(3, 8, num_layers=2))(torch.zeros(2, 5, 3))
        >>> y.shape, len(state)
        (torch.Size([2, 5, 8]), 2)
    """
    if not isinstance(module, tuple(FOREIGN.values())):
        got = type(module).__name__
        raise ArgumentError(
            explain("module", "torch.nn.RNN, LSTM or GRU", got, "Only these have an equal here.")
        )
    if module.proj_size:
        cure = "unrolled has no projected LSTM."
        raise ArgumentError(explain("module.proj_size", "0", module.proj_size, cure))
    layers = [_layer_from(module, k) for k in range(module.num_layers)]
    whole = layers[0] if len(layers) == 1 else Stack(layers, dropout=module.dropout)
    return whole.train(module.training)


def to_torch(layer: Layer) -> torch.nn.RNNBase:
    """An equal torch.nn.RNN, LSTM or GRU, with `batch_first=True`: the weights are copied.

    Raises: ArgumentError where the layer has what torch.nn lacks, and names it.

    Example:
        >>> from unrolled import nn
        >>> to_torch(nn.Bidirectional(nn.LSTM(3, 8)))
        LSTM(3, 8, batch_first=True, bidirectional=True)
    """
    rungs = _rungs(layer)
    cells = [cell for rung in rungs for cell in rung]
    _refuse(layer, rungs)
    first = cells[0]
    activation = {"nonlinearity": first.cell.activation} if first.cell.kind == "elman" else {}
    module = FOREIGN[first.cell.kind](
        first.input_size,
        first.hidden_size,
        num_layers=len(rungs),
        bias=first.options.bias,
        batch_first=True,
        dropout=layer.dropout if isinstance(layer, Stack) and len(rungs) > 1 else 0.0,
        bidirectional=len(rungs[0]) == 2,
        device=first.weight_hh.device,
        dtype=first.weight_hh.dtype,
        **activation,
    )
    for k, rung in enumerate(rungs):
        for cell, suffix in zip(rung, (f"_l{k}", f"_l{k}_reverse"), strict=False):
            _copy(cell, "", module, suffix)
    return module.train(layer.training)


def _layer_from(module: torch.nn.RNNBase, k: int) -> Recurrent | Bidirectional:
    width = module.hidden_size * (2 if module.bidirectional else 1)
    cell = _cell_from(module, module.input_size if k == 0 else width)
    _copy(module, f"_l{k}", cell, "")
    if not module.bidirectional:
        return cell
    both = Bidirectional(cell)
    _copy(module, f"_l{k}_reverse", both.layer_backward, "")
    return both


def _cell_from(module: torch.nn.RNNBase, input_size: int) -> Recurrent:
    options = CellOptions(bias=module.bias)
    cell: Recurrent
    if isinstance(module, torch.nn.LSTM):
        cell = LSTM(input_size, module.hidden_size, options=options)
    elif isinstance(module, torch.nn.GRU):
        cell = GRU(input_size, module.hidden_size, options=options)
    else:
        cell = Elman(input_size, module.hidden_size, activation=str(module.nonlinearity), options=options)
    return cell.to(next(module.parameters()))


@torch.no_grad()
def _copy(source: torch.nn.Module, source_suffix: str, target: torch.nn.Module, target_suffix: str) -> None:
    for name in NAMES:
        given = getattr(source, name + source_suffix, None)
        if given is not None:
            getattr(target, name + target_suffix).copy_(given)


def _rungs(layer: Layer) -> list[tuple[Recurrent, ...]]:
    """The cells from below to above; on each rung one, or a forward and a backward one."""
    rungs: list[tuple[Recurrent, ...]] = []
    for rung in layer.layers if isinstance(layer, Stack) else [layer]:
        if isinstance(rung, Bidirectional):
            rungs.append((rung.layer_forward, rung.layer_backward))
        elif isinstance(rung, Recurrent):
            rungs.append((rung,))
        else:
            cure = "torch.nn has no equal of it."
            raise ArgumentError(explain("layer", "recurrent layers", type(rung).__name__, cure))
    return rungs


def _refuse(layer: Layer, rungs: Sequence[tuple[Recurrent, ...]]) -> None:
    """Raise where torch.nn has no equal, and name what it lacks."""
    if isinstance(layer, Stack) and layer.residual:
        _lacks("residual=True")
    for rung in rungs:
        if len(rung) == 1 and rung[0].cell.reverse:
            _lacks("one layer that reads backward")
        for cell in rung:
            options = cell.options
            if not cell.cell.reset_after:
                _lacks("reset_after=False")
            for name in ("recurrent_dropout", "zoneout", "zoneout_cell", "layer_norm"):
                if getattr(options, name):
                    _lacks(f"{name}={getattr(options, name)}")
    kinds = {_kind(rung) for rung in rungs}
    if len(kinds) > 1:
        _lacks("layers of different kind, size or bias in one stack")


def _kind(rung: tuple[Recurrent, ...]) -> tuple[Any, ...]:
    first = rung[0]
    return first.cell.kind, first.cell.activation, first.hidden_size, first.options.bias, len(rung)


def _lacks(what: str) -> None:
    raise ArgumentError(explain("layer", "only what torch.nn has", what, "torch.nn has no equal of it."))
