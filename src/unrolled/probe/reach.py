"""How far back a gradient reaches: the norm of dLoss_t/dh_{t-k} over the lag k.

The loss at one step t of each row is taken, the gradient in every hidden state before it is the whole one:
through the recurrence and through the layers above.

Key: B batch · T steps · H hidden · K lags.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from unrolled import kernels
from unrolled.arguments import integer
from unrolled.errors import ArgumentError, explain
from unrolled.kernels import Masks, native, reference
from unrolled.models import (
    DirectNetwork,
    LanguageNetwork,
    MaskedLanguageNetwork,
    RecursiveNetwork,
    SequenceNetwork,
    TaggerNetwork,
    TextClassifierNetwork,
    TranslationNetwork,
)
from unrolled.probe.trace import Call, looking_on, named_cells, readers, traced

Loss = Callable[[Module, Any, Any], tuple[Tensor, Any]]
SMALL = 0.01  # a gradient below this share of that at lag 0 teaches nothing
NOISE = 1e-12  # below this share a norm is rounding


@dataclass(frozen=True)
class GradientReach:
    """The gradient of the loss at a step in the hidden states before it, for one cell.

    `decay` is the factor a step of data, fitted to the norms; below 1 the gradient vanishes, above it
    explodes. `lag_below` is the first lag under 1 % of the norm at lag 0, None where there is none in the
    window. `largest` is the largest norm over that at lag 0. `direct` says that every step has a gradient
    of its own (a pool or attention reads them all), so that the recurrence is not the only way.

    Shapes: lags, norms (K,). Units: lags are steps of the data; norms are those of the loss.
    """

    name: str
    lags: np.ndarray
    norms: np.ndarray
    decay: float
    lag_below: int | None
    largest: float
    direct: bool = False

    @classmethod
    def of(
        cls, name: str, norms: Sequence[float] | np.ndarray, step: int = 1, direct: bool = False
    ) -> "GradientReach":
        """From the norms by lag; the lags are `step` steps of the data apart.

        Example:
            >>> reach = GradientReach.of("layer 1", 0.5 ** np.arange(20))
            >>> round(reach.decay, 6), reach.lag_below
            (0.5, 7)
        """
        norms = np.asarray(norms, np.float64)
        lags = np.arange(len(norms)) * step
        shares = norms / norms[0] if norms[0] > 0 else np.zeros_like(norms)
        below = np.flatnonzero(shares < SMALL)
        largest = float(shares.max(initial=0.0))
        return cls(
            name, lags, norms, fitted_decay(lags, shares), int(lags[below[0]]) if len(below) else None,
            largest, direct,
        )  # fmt: skip

    @property
    def shares(self) -> np.ndarray:
        """The norms as shares of that at lag 0, (K,)."""
        return self.norms / self.norms[0] if self.norms[0] > 0 else np.zeros_like(self.norms)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "layer": self.name,
            "lags": self.lags.tolist(),
            "norms": self.norms.tolist(),
            "decay": None if np.isnan(self.decay) else self.decay,
            "lag_below": self.lag_below,
            "largest": self.largest,
            "direct": self.direct,
        }


def fitted_decay(lags: np.ndarray, shares: np.ndarray) -> float:
    """The factor a step of shares that fall (or rise) like a power of it: least squares of the logarithms.

    NaN where there are not two lags with a gradient.
    """
    told = shares > NOISE
    if told.sum() < 2:
        return float("nan")
    slope = np.polyfit(lags[told], np.log(shares[told]), 1)[0]
    return float(np.exp(slope))


def network_loss(network: Module, batch: Any, state: Any) -> tuple[Tensor, Any]:
    """The loss that a network of `models` computes itself.

    Raises: ArgumentError for a module without a loss, and a batch without a key that the loss needs.
    """
    if not callable(getattr(network, "loss", None)):
        cure = "Wrap it in a module with loss(batch, state) -> (value, state), or pass a fitted task."
        raise ArgumentError(explain("model", "a network with a loss", type(network).__name__, cure))
    try:
        return network.loss(batch, state)  # type: ignore[operator]
    except KeyError as error:
        if not isinstance(batch, dict) or error.args[0] in batch:
            raise
        cure = "Add it: docs/house.md lists what each network takes."
        raise ArgumentError(explain("batch", f"the key {error}", ", ".join(batch), cure)) from None


def gradient_reach(
    network: Module,
    batch: Any,
    lags: int | None = None,
    *,
    loss: Loss = network_loss,
    every_step: bool | None = None,
    step: int = 1,
) -> list[GradientReach]:
    """How far back the gradient of one answer reaches in each recurrent cell of a network, from the batch.

    Of a network that answers `every_step` the last answer of each row is taken (None: told by its kind); a
    cell that reads backward is measured from the first. `step`: how many steps of the data one of the cell
    is. `lags`: how many lags are wanted; None: all of the batch. The network is not changed.

    Raises: ArgumentError for a network without a recurrent layer, a batch with one step, or rows shorter
    than the lag asked for.
    """
    return [reach for reach, _ in reach_and_calls(network, batch, lags, loss, every_step, step)]


def reach_and_calls(
    network: Module,
    batch: Any,
    lags: int | None = None,
    loss: Loss = network_loss,
    every_step: bool | None = None,
    step: int = 1,
) -> list[tuple[GradientReach, Call]]:
    """What `gradient_reach` answers, each with the run that it was measured on."""
    every = answers_every_step(network) if every_step is None else every_step
    cells = named_cells(network)
    found: dict[str, tuple[GradientReach, Call]] = {}
    for end in ("last", "first"):
        for call, gradients in hidden_gradients(network, batch, end if every else None, loss):
            if call.cell.reverse == (end == "first") and call.name not in found:
                norms = by_lag(gradients, call.steps, call.cell.reverse, every)
                check_lags(norms, lags, step)
                kept = norms if lags is None else norms[: -(-lags // step) + 1]
                found[call.name] = (GradientReach.of(call.name, kept, step, direct=reads_all(network)), call)
        if not any(cell.cell.reverse for cell in cells.values()):
            break
    return [found[name] for name in cells if name in found]


def input_reach(
    network: Module,
    batch: Any,
    *,
    loss: Loss = network_loss,
    every_step: bool | None = None,
    step: int = 1,
) -> GradientReach:
    """How far back the gradient of one answer reaches in what the network's sequence reader is given.

    It is dLoss_t/dx_{t-k} of the scaled or embedded inputs, so it is known of a network without a state too,
    and architectures can be compared by it. The arguments are those of `gradient_reach`.

    Raises: ArgumentError for a batch with one step.
    """
    every = answers_every_step(network) if every_step is None else every_step
    seen: list[Tensor] = []

    def look(module: Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        x = given[0].view_as(given[0]) if given[0].requires_grad else given[0].detach().requires_grad_()
        seen.append(x)
        return (x, *given[1:])

    handles = [reader.register_forward_pre_hook(look) for reader in readers(network)]
    try:
        with looking_on(network), _one_answer(network, "last" if every else None):
            value, _ = loss(network, batch, None)
            longest = max(seen, key=lambda x: x.shape[1])
            (gradient,) = torch.autograd.grad(value, [longest])
    finally:
        for handle in handles:
            handle.remove()
    norms = by_lag(gradient, batch.get("lengths") if isinstance(batch, dict) else None, False, every)
    check_lags(norms, None)
    return GradientReach.of("inputs", norms, step, direct=reads_all(network))


def hidden_gradients(
    network: Module, batch: Any, end: str | None = None, loss: Loss = network_loss
) -> list[tuple[Call, Tensor]]:
    """The whole gradient of a batch's loss in every hidden state, for the first long run of each cell.

    `end`: "last" or "first" keeps only what the loss at each row's last (first) answer gives the top layer.
    Returns: pairs of a run and its gradients (B, T, H), 0 behind a length.
    """
    with looking_on(network), traced(network) as trace, _one_answer(network, end):
        value, _ = loss(network, batch, None)
        calls = trace.longest()
        wanted = [part for call in calls for part in (call.y, *call.after)]
        pulls = iter(torch.autograd.grad(value, wanted, allow_unused=True))
        found = [(call, next(pulls), tuple(next(pulls) for _ in call.after)) for call in calls]
    return [(call, gradients_of_call(call, dy, dstate)) for call, dy, dstate in found]


def gradients_of_call(call: Call, dy: Tensor | None, dstate: tuple[Tensor | None, ...]) -> Tensor:
    """The whole gradient in each hidden state of a run, from the gradients in what it answered.

    Shapes: dy (B, T, H), dstate parts (B, H), None for 0 -> (B, T, H).
    """
    x, state = call.x.detach(), tuple(part.detach() for part in call.before)
    keeps = (None if mask is None else mask.transpose(0, 1) for mask in call.masks[1:])
    masks = Masks(call.masks.hidden, *keeps)
    dy = torch.zeros_like(call.y) if dy is None else dy
    lengths = None if call.lengths is None else call.steps
    run = kernels.chosen(call.cell, x, call.weights, lengths, call.masks).name
    function = native.hidden_gradients if run == "native" else gradients_by_autograd
    given = (call.cell, x.transpose(0, 1), state, call.weights, dy.transpose(0, 1), lengths, masks, dstate)
    return function(*given).transpose(0, 1)


def gradients_by_autograd(
    cell: kernels.Cell,
    x: Tensor,
    state: tuple[Tensor, ...],
    weights: kernels.Weights,
    dy: Tensor,
    lengths: Tensor | None = None,
    masks: Masks = kernels.NO_MASKS,
    dstate: tuple[Tensor | None, ...] = (None, None),
) -> Tensor:
    """What `kernels.native.hidden_gradients` answers, from the reference, step by step: the truth, and slow.

    Shapes: as there, time-major.
    """
    T, B = x.shape[:2]
    steps = torch.full((B,), T) if lengths is None else lengths
    hidden: list[Tensor] = [x] * T
    with torch.enable_grad():
        state = tuple(part.detach().requires_grad_() for part in state)
        for t in reversed(range(T)) if cell.reverse else range(T):
            here = (steps > t).to(torch.int64)
            now = Masks(masks.hidden, *(None if mask is None else mask[t : t + 1] for mask in masks[1:]))
            _, state = reference.run_time_major(cell, x[t : t + 1], state, weights, here, now)
            # What the loss sees of this step, and every later step, goes through this name of it.
            state = (state[0].view_as(state[0]), *state[1:])
            hidden[t] = state[0]
        valid = (torch.arange(T, device=x.device)[:, None] < steps.to(x.device))[..., None]  # (T, B, 1)
        total = sum((h * (pull * there)).sum() for h, pull, there in zip(hidden, dy, valid, strict=True))
        for part, pull in zip(state, dstate, strict=False):
            total = total if pull is None else total + (part * pull).sum()
        found = torch.autograd.grad(total, hidden, allow_unused=True)
    gradients = [torch.zeros_like(h) if g is None else g for h, g in zip(hidden, found, strict=True)]
    return torch.where(valid, torch.stack(gradients), 0.0)


def by_lag(gradients: Tensor, lengths: Tensor | None, reverse: bool, every_step: bool) -> np.ndarray:
    """The mean over rows of the gradient's norm at each lag from a row's answer, (K,).

    A row of `every_step` answers where its gradient ends; the others at their end. A row that is too short
    for a lag does not count there. Shapes: gradients (B, T, .), lengths (B,).
    """
    norms = gradients.norm(dim=-1).double().cpu().numpy()  # (B, T)
    rows, time = norms.shape
    counts_of = np.full(rows, time) if lengths is None else lengths.cpu().numpy()
    steps = np.arange(time)
    if reverse:
        norms, last = norms[:, ::-1], np.full(rows, time - 1)
        first = time - counts_of
    else:
        last, first = counts_of - 1, np.zeros(rows, np.int64)
    if every_step:
        moved = norms > 0
        last = np.where(moved.any(1), time - 1 - moved[:, ::-1].argmax(1), last)
    places = last[:, None] - steps  # (B, K): where a row's lag k stands
    there = places >= first[:, None]
    taken = np.where(there, np.take_along_axis(norms, np.clip(places, 0, time - 1), 1), 0.0)
    counts = there.sum(0)
    return taken[:, counts > 0].sum(0) / counts[counts > 0]


def answers_every_step(network: Module) -> bool:
    """Whether a network answers at each step, rather than once for a sequence or a window."""
    if isinstance(network, SequenceNetwork):
        return network.pool == "every"
    kinds = (DirectNetwork, RecursiveNetwork, LanguageNetwork, MaskedLanguageNetwork, TaggerNetwork)
    return isinstance(network, kinds)


def reads_all(network: Module) -> bool:
    """Whether every step of a sequence goes straight to the answer: by a pool or by attention."""
    if isinstance(network, SequenceNetwork):
        return network.pool == "mean"
    if isinstance(network, TextClassifierNetwork):
        return network.pooling.kind != "last"
    return isinstance(network, TranslationNetwork)


def check_lags(norms: np.ndarray, lags: int | None, step: int = 1) -> None:
    """Raise ArgumentError where the longest row has one step, or fewer steps than the lags asked for."""
    if len(norms) < 2:
        cure = "Give longer sequences: what is one step long has no past."
        raise ArgumentError(explain("batch", "rows of at least two steps", "one step", cure))
    longest = (len(norms) - 1) * step
    if lags is not None and integer("lags", lags, 1, "Say how many steps to look back.") > longest:
        told = f"{longest + 1} steps" if step == 1 else f"{len(norms)} segments of {step} rows"
        cure = "Give longer rows, or ask for fewer lags."
        raise ArgumentError(explain("lags", f"at most {longest}, as the longest row has {told}", lags, cure))


@contextmanager
def _one_answer(network: Module, end: str | None) -> Iterator[None]:
    """Within: of what the loss gives the top layers back, only each row's last (or first) step goes on."""

    def keep(gradient: Tensor) -> Tensor:
        moved = (gradient != 0).any(-1)  # (B, T)
        place = moved.flip(1).int().argmax(1) if end == "last" else moved.int().argmax(1)
        place = gradient.shape[1] - 1 - place if end == "last" else place
        kept = torch.arange(gradient.shape[1], device=gradient.device) == place[:, None]
        return torch.where(kept[..., None], gradient, 0.0)

    def watch(layer: Module, given: Any, answer: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        y = answer[0].view_as(answer[0])
        if y.requires_grad:
            y.register_hook(keep)
        return y, answer[1]

    tops = readers(network) if end else []
    handles = [top.register_forward_hook(watch) for top in tops]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
