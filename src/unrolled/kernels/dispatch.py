"""One table of backends, best first, and the choice among them."""

import os
from contextlib import AbstractContextManager
from typing import NamedTuple

from torch import Tensor

from unrolled.errors import BackendError, explain, nearest
from unrolled.kernels import native, reference, torch_library
from unrolled.kernels.call import NO_MASKS, Cell, Masks, Refusal, RunTimeMajor, State, Weights, zero_state

VARIABLE = "UNROLLED_KERNEL"


class Backend(NamedTuple):
    """A name, the reason against a call ('' if it can run it), and the function that runs it."""

    name: str
    refusal: Refusal
    run_time_major: RunTimeMajor


# Best first: the first that does not refuse a call runs it.
BACKENDS = (
    Backend("native", native.refusal, native.run_time_major),
    Backend("torch", torch_library.refusal, torch_library.run_time_major),
    Backend("reference", reference.refusal, reference.run_time_major),
)

_named: str | None = None  # what `use` said last, in this process


def names() -> tuple[str, ...]:
    """The backends that are here, best first.

    Example:
        >>> names()[-1]
        'reference'
    """
    return tuple(backend.name for backend in BACKENDS)


def use(name: str) -> AbstractContextManager[None]:
    """Choose the backend for this process, from now on or, after `with`, for a block; "auto" takes the best.

    It goes before the environment variable UNROLLED_KERNEL.

    Raises: BackendError if there is no such backend here.

    Example:
        >>> with use("reference"):
        ...     current()
        'reference'
    """
    global _named
    _check_name("kernel", name)
    before, _named = _named, name
    return _Restore(before)


def current() -> str:
    """The choice in force: a backend's name or "auto".

    Raises: BackendError if UNROLLED_KERNEL names no backend that is here.
    """
    if _named is not None:
        return _named
    name = os.environ.get(VARIABLE) or "auto"
    return _check_name(VARIABLE, name)


def chosen(
    cell: Cell, x: Tensor, weights: Weights, lengths: Tensor | None = None, masks: Masks = NO_MASKS
) -> Backend:
    """The backend that would run this call; `run` takes the same.

    Shapes: as in `run`.
    Raises: BackendError if the one that was named cannot run it.
    """
    name = current()
    for backend in BACKENDS:
        if name not in ("auto", backend.name):
            continue
        reason = backend.refusal(cell, x, weights, lengths, masks)
        if not reason:
            return backend
        if cell.precision != "full":  # never replaced: who asks for it wants these kernels or none
            cure = f"Take 'full': {backend.name!r} cannot, {reason}."
            raise BackendError(explain("precision", "'full' for this call", repr(cell.precision), cure))
        if name != "auto":
            cure = f"{name!r} cannot: {reason}. Take 'auto'."
            raise BackendError(
                explain("kernel", f"a backend that can run this {cell.kind}", repr(name), cure)
            )
    raise AssertionError("the reference refuses nothing in full precision")


def has_bf16(x: Tensor) -> bool:
    """Whether a call with this input can have `precision="bf16"`, by the choice in force.

    Example:
        >>> import torch
        >>> with use("torch"):
        ...     has_bf16(torch.zeros(1, 1, 1))
        False
    """
    return current() in ("auto", "native") and native.has_bf16(x)


def run(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Weights,
    lengths: Tensor | None = None,
    masks: Masks = NO_MASKS,
) -> tuple[Tensor, State]:
    """Run a cell over whole sequences on the best backend, or on the one that was named.

    The arguments are taken as checked: `nn` does it, once. Time-major begins and ends here.

    Shapes: x (batch, time, input); each state (batch, hidden), None for zeros; lengths int64 (batch,) on the
        CPU or None; masks as told in `Masks`, batch first.
    Returns: y (batch, time, hidden) and the state after each row's last valid step.
    Raises: BackendError if the backend that was named cannot run it.
    """
    backend = chosen(cell, x, weights, lengths, masks)
    if x.shape[0] == 0 or x.shape[1] == 0:  # no step to take
        state = zero_state(cell, x.shape[0], weights) if state is None else state
        return x.new_zeros(*x.shape[:2], weights.weight_hh.shape[1]), state
    masks_time_major = Masks(masks.hidden, _swap(masks.keep_h), _swap(masks.keep_c))
    y_time_major, state = backend.run_time_major(
        cell, x.transpose(0, 1), state, weights, lengths, masks_time_major
    )
    # One layout from every backend: a dropout mask that follows is drawn in the order of y's memory.
    return y_time_major.transpose(0, 1).contiguous(), state


class _Restore(AbstractContextManager[None]):
    """Puts the choice before `use` back at the end of its block."""

    def __init__(self, before: str | None):
        self.before = before

    def __exit__(self, *exc: object) -> None:
        global _named
        _named = self.before


def _swap(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask.transpose(0, 1)


def _check_name(what: str, name: str) -> str:
    choices = ("auto", *names())
    if name not in choices:
        cure = nearest(name, choices) or "Choose one of these."
        raise BackendError(explain(what, f"one of {', '.join(choices)}", repr(name), cure))
    return name
