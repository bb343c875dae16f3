"""What every recurrent layer is, and the checks each makes once, before a kernel runs."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from unrolled.errors import ArgumentError, ShapeError, explain


class Layer(torch.nn.Module, ABC):
    """A map of sequences that carries a state: `y, state = layer(x, state=None, lengths=None)`.

    Shapes: x (batch, time, input_size) -> y (batch, time, output_size); lengths (batch,), each in 0..time.
    Returns: y, 0 behind a row's length, and the state at each row's last valid step.
    """

    input_size: int
    output_size: int

    @abstractmethod
    def forward(self, x: Tensor, state: Any = None, lengths: Any = None) -> tuple[Tensor, Any]:
        """Run whole sequences from `state` (None: zeros)."""


def parameter_count(module: torch.nn.Module) -> int:
    """How many numbers a layer learns.

    With G gates (Elman 1, GRU 3, LSTM 4) a cell has G*H*(I + H) of them, and 2*G*H more for its biases, again
    2*G*H for its layer normalisation.

    Example:
        >>> from unrolled import nn
        >>> nn.parameter_count(nn.LSTM(8, 64))
        18944
    """
    return sum(parameter.numel() for parameter in module.parameters())


def check_input(x: Any, input_size: int, weight: Tensor) -> Tensor:
    """The input, if it is (batch, time, input_size) and has the weights' dtype and device.

    Raises: ArgumentError, ShapeError.
    """
    if not isinstance(x, Tensor):
        raise ArgumentError(explain("x", "a torch tensor", type(x).__name__, "Pass torch.as_tensor(x)."))
    if x.ndim != 3 or x.shape[2] != input_size:
        cure = "One sequence? Pass x[None]." if x.ndim == 2 else "The last axis holds the features."
        raise ShapeError(explain("x", f"(batch, time, {input_size})", tuple(x.shape), cure))
    _check_kind("x", x, weight)
    return x


def check_lengths(lengths: Any, batch: int, time: int) -> Tensor | None:
    """The lengths as int64 (batch,) on the CPU, or None where every row is full.

    Raises: ArgumentError, ShapeError.
    """
    if lengths is None:
        return None
    try:
        checked = torch.as_tensor(lengths).cpu()
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(explain("lengths", "whole numbers", repr(lengths), "One per row.")) from None
    if checked.ndim != 1 or checked.shape[0] != batch:
        raise ShapeError(
            explain("lengths", f"({batch},)", tuple(checked.shape), "Pass one length per row of x.")
        )
    if batch == 0:
        return None
    if checked.is_floating_point() or checked.is_complex() or checked.dtype == torch.bool:
        raise ArgumentError(explain("lengths", "whole numbers", checked.dtype, "Pass int64."))
    checked = checked.to(torch.int64)
    low, high = (int(end) for end in checked.aminmax())
    if low < 0 or high > time:
        wrong = low if low < 0 else high
        raise ArgumentError(explain("lengths", f"each in 0..{time}", wrong, "x has no more steps than that."))
    return None if low == time else checked


def check_state(state: Any, kind: type[Any], x: Tensor, hidden: int) -> tuple[Tensor, ...] | None:
    """The state, if it is of its cell's kind and fits x; None, which a kernel takes for zeros, stays None.

    Raises: ArgumentError, ShapeError.
    """
    if state is None:
        return None
    fields: tuple[str, ...] = kind._fields
    if not isinstance(state, kind):
        written = f"{kind.__name__}({', '.join(fields)})"
        raise ArgumentError(
            explain("state", written, type(state).__name__, f"Write {written}, from unrolled.types.")
        )
    expected = (x.shape[0], hidden)
    for field, value in zip(fields, state, strict=True):
        if not isinstance(value, Tensor):
            raise ArgumentError(
                explain(f"state.{field}", "a torch tensor", type(value).__name__, "Or state=None.")
            )
        if value.shape != expected:
            cure = "A state belongs to the rows of its own batch."
            raise ShapeError(explain(f"state.{field}", str(expected), tuple(value.shape), cure))
        _check_kind(f"state.{field}", value, x)
    return state


def check_states(state: Any, count: int, what: str) -> tuple[Any, ...]:
    """One state for each of `count` layers; Nones for None.

    Raises: ArgumentError.
    """
    if state is None:
        return (None,) * count
    if type(state) is not tuple or len(state) != count:
        got = f"{type(state).__name__}" + (f" of {len(state)}" if isinstance(state, tuple) else "")
        raise ArgumentError(
            explain("state", f"a tuple of {count}, {what}", got, "Pass what the layer returned.")
        )
    return state


def _check_kind(name: str, value: Tensor, like: Tensor) -> None:
    if value.dtype != like.dtype:
        cure = f"Convert one: {name}.to({like.dtype}) or layer.to({value.dtype})."
        raise ArgumentError(explain(name, str(like.dtype), value.dtype, cure))
    if value.device != like.device:
        raise ArgumentError(
            explain(name, f"device {like.device}", value.device, "Move one with .to(device).")
        )
