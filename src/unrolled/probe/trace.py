"""What the recurrent layers of a network are given and answer, recorded as it runs.

The network is not changed: hooks look on, and are taken away afterwards.

Key: B batch · T steps · H hidden.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from unrolled.errors import ArgumentError, explain
from unrolled.kernels import Cell, Masks, Weights
from unrolled.models.recurrent import map_state
from unrolled.nn import Bidirectional, Layer, Recurrent, Stack

MAIN = ("recurrent", "encoder", "from_left", "from_right")  # where our networks keep what reads the sequence


@dataclass(frozen=True)
class Call:
    """One cell's run over a batch of sequences.

    Shapes: x (B, T, I); y (B, T, H); before, after: states, each part (B, H); lengths (B,) or None.
    """

    name: str
    layer: Recurrent
    x: Tensor
    before: tuple[Tensor, ...]
    lengths: Tensor | None
    y: Tensor
    after: tuple[Tensor, ...]
    cell: Cell
    weights: Weights
    masks: Masks

    @property
    def steps(self) -> Tensor:
        """How many steps each row has, int64 (B,)."""
        rows, time = self.x.shape[:2]
        return torch.full((rows,), time) if self.lengths is None else torch.as_tensor(self.lengths).cpu()


@dataclass
class Trace:
    """The calls of a run in their order."""

    calls: list[Call] = field(default_factory=list)

    def longest(self) -> list[Call]:
        """The first run of each cell over the most steps: how the sequence itself was read."""
        most = max((call.x.shape[1] for call in self.calls), default=0)
        found = {call.name: call for call in reversed(self.calls) if call.x.shape[1] == most}
        return [
            found[name] for name in sorted(found, key=list(dict.fromkeys(c.name for c in self.calls)).index)
        ]


def readers(network: Module) -> list[Module]:
    """What reads the sequence: the network's own part, or all outermost recurrent layers of a module."""
    named = [getattr(network, name, None) for name in MAIN]
    main = [layer for layer in named if isinstance(layer, Module)]
    if main:
        return main
    found: list[Module] = []
    inside: set[int] = set()
    for module in network.modules():
        if isinstance(module, Layer) and id(module) not in inside:
            found.append(module)
            inside |= {id(part) for part in module.modules()}
    return found


def recurrent_layers(network: Module) -> list[Module]:
    """What reads the sequence, step by step with a state.

    Raises: ArgumentError for a network without a recurrent layer.
    """
    found = readers(network)
    if not any(isinstance(part, Recurrent) for layer in found for part in layer.modules()):
        cell = getattr(network, "cell", None)
        got = f"a network of {cell} layers" if isinstance(cell, str) else type(network).__name__
        cure = "Only Elman, LSTM and GRU layers of unrolled.nn can be looked into"
        told = "compare looks at the others" if isinstance(cell, str) else "nn.from_torch makes them"
        cure += f"; {told}."
        raise ArgumentError(explain("model", "a network with a recurrent layer", got, cure))
    return found


def named_cells(network: Module) -> dict[str, Recurrent]:
    """The cells of a network's recurrent layers, by names for people.

    Example:
        >>> from unrolled import nn
        >>> list(named_cells(nn.Stack([nn.Bidirectional(nn.GRU(2, 3)), nn.LSTM(6, 3)])))
        ['layer 1 forward', 'layer 1 backward', 'layer 2']
    """
    tops = recurrent_layers(network)
    prefixes = {"from_left": "from the left, ", "from_right": "from the right, "}
    found: dict[str, Recurrent] = {}
    for place, top in enumerate(tops):
        own = next((name for name in MAIN if getattr(network, name, None) is top), "")
        prefix = prefixes.get(own, f"part {place + 1}, " if len(tops) > 1 else "")
        rungs = list(top.layers) if isinstance(top, Stack) else [top]
        for number, rung in enumerate(rungs, start=1):
            name = f"{prefix}layer {number}"
            if isinstance(rung, Bidirectional):
                found |= {f"{name} forward": rung.layer_forward, f"{name} backward": rung.layer_backward}
            elif isinstance(rung, Recurrent):
                found[name] = rung
    return found


@contextmanager
def traced(network: Module) -> Iterator[Trace]:
    """Within: every run of the network's recurrent cells is recorded.

    What a cell answers goes on as a view, so that a gradient in it is that of what comes after it alone.
    """
    trace = Trace()
    handles = [
        cell.register_forward_hook(_recorder(trace, name)) for name, cell in named_cells(network).items()
    ]
    try:
        yield trace
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def looking_on(network: Module) -> Iterator[Module]:
    """Within: the network in eval mode, with gradients, and none of its own touched. After: as it was."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            yield network
    finally:
        for module, mode in modes.items():
            module.training = mode


def _recorder(trace: Trace, name: str) -> Any:
    def record(layer: Recurrent, given: tuple[Any, ...], answer: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        x, before, lengths = (*given, None, None)[:3]
        y, after = answer[0].view_as(answer[0]), map_state(lambda part: part.view_as(part), answer[1])
        if before is None:
            before = tuple(torch.zeros_like(part) for part in after)
        trace.calls.append(Call(name, layer, x, tuple(before), lengths, y, tuple(after), *layer.parts(x)))
        return y, after

    return record
