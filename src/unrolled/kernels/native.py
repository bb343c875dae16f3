"""The backend "native": our own kernels for a CPU, forward and backward through time.

Two operators of torch carry them, `unrolled::recurrent` and `unrolled::recurrent_backward`, so that autograd
and torch.compile see them. The native side is called with sizes and addresses: native/include/unrolled/
recurrent.h says what each array is.

Rows and chunks are invariant: y and the states of a row have the same bits whatever batch it sits in, on any
number of threads, and however its sequence is cut.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unrolled import _native
from unrolled.errors import ArgumentError, BackendError, explain, nearest
from unrolled.kernels import reference
from unrolled.kernels.call import NO_MASKS, Cell, Masks, State, Weights
from unrolled.kernels.native_call import (
    GRADIENTS,
    LSTM,
    OUTPUTS,
    PULLS,
    SAVED,
    STRIDES_OF_DY,
    Given,
    Plan,
    address,
    check,
    plan_again,
    readable,
    strides,
    with_rows,
)

VARIABLE = "UNROLLED_ISA"
DTYPES = (torch.float32, torch.float64)

# Numbers saved from which on their memory is used again, and not asked of the system each time.
ENOUGH_FOR_POOL = 1 << 16

# The native side's numbers of the cells.
CELLS = {
    ("elman", "tanh"): 0,
    ("elman", "relu"): 1,
    ("lstm", ""): 2,
    ("gru", "after"): 3,
    ("gru", "before"): 4,
}


def target() -> str:
    """The CPU target whose kernels run: avx512bf16 (avx512 with bf16), avx512, avx2 or baseline.

    UNROLLED_ISA names another one.

    Example:
        >>> target() in _native.cpu_targets()
        True
    """
    return _native.recurrent_target()


def has_bf16(x: Tensor) -> bool:
    """Whether these kernels would multiply in bf16 with this input."""
    return x.device.type == "cpu" and not _refusal_of_bf16(x.dtype)


def choose_target(name: str) -> None:
    """Take the kernels of another target from now on, in this process.

    Raises: BackendError if this CPU does not run it.
    """
    if not _native.choose_target(name):
        choices = _native.cpu_targets()
        cure = nearest(name, choices) or "This CPU runs these."
        raise BackendError(explain(VARIABLE, f"one of {', '.join(choices)}", repr(name), cure))


if os.environ.get(VARIABLE):
    choose_target(os.environ[VARIABLE])


def refusal(cell: Cell, x: Tensor, weights: Weights, lengths: Tensor | None, masks: Masks) -> str:
    """Why the native kernels cannot run this call, or ''."""
    dtype = x.dtype
    is_known = dtype in DTYPES
    for tensor in (x, *weights, *masks):
        if tensor is None:
            continue
        if not tensor.is_cpu:
            return "it runs on a CPU"
        if not is_known or tensor.dtype is not dtype:
            return "it has float32 and float64 only, one of them for everything"
    return _refusal_of_bf16(dtype) if cell.precision == "bf16" else ""


def _refusal_of_bf16(dtype: torch.dtype) -> str:
    """Why there are no products from bf16, or ''."""
    if dtype != torch.float32:
        return f"its bf16 is for float32, not {dtype}"
    if not _native.has_bf16():
        return f"its bf16 needs a CPU with AVX512-BF16, and its target here is {target()}"
    return ""


def run_time_major(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Weights,
    lengths: Tensor | None = None,
    masks: Masks = NO_MASKS,
) -> tuple[Tensor, State]:
    """Run a cell over whole sequences.

    Shapes: x (T, B, I); each state (B, H), None for zeros; lengths (B,) on the CPU or None.
    Returns: y (T, B, H) and the state after each row's last valid step. Nothing given is modified.
    Raises: ArgumentError, ShapeError if the arguments do not fit one another.
    """
    h, c = _both(state)
    learned = (x, h, c, *weights)
    save = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in learned)
    run: Any = torch.ops.unrolled.recurrent
    if _is_plain(x):
        run = _apply if save else _forward
    y, hn, cn, *_ = run(*learned, lengths, *masks, *_settings(cell), save)
    return y, (hn, cn) if cell.kind == "lstm" else (hn,)


def hidden_gradients(
    cell: Cell,
    x: Tensor,
    state: State | None,
    weights: Weights,
    dy: Tensor,
    lengths: Tensor | None = None,
    masks: Masks = NO_MASKS,
    dstate: tuple[Tensor | None, ...] = (None, None),
) -> Tensor:
    """The whole gradient of a loss in every hidden state: what reaches it now and through all later steps.

    Shapes: x (T, B, I); dy (T, B, H), the gradient of the loss in y; dstate, that in the state after the last
        step, each (B, H) or None -> (T, B, H), 0 behind a length.
    """
    h, c = _both(state)
    dh, dc = (*dstate, None)[:2]
    given = (x, h, c, *weights, lengths, *masks)
    with torch.no_grad():
        *_, saved = torch.ops.unrolled.recurrent(*given, *_settings(cell), True)
        return torch.ops.unrolled.recurrent_backward(
            dy, dh, dc, *given, saved, *_settings(cell), False, False, True
        )[-1]


_library = torch.library.Library("unrolled", "FRAGMENT")
_GIVEN = (
    "Tensor x, Tensor? h, Tensor? c, Tensor weight_ih, Tensor weight_hh, Tensor? bias_ih, Tensor? bias_hh, "
    "Tensor? gain_ih, Tensor? gain_hh, Tensor? lengths, Tensor? mask, Tensor? keep_h, Tensor? keep_c"
)
_library.define(
    f"recurrent({_GIVEN}, int cell, bool bf16, bool reverse, bool save) "
    "-> (Tensor y, Tensor hn, Tensor cn, Tensor saved)"
)
_library.define(
    f"recurrent_backward(Tensor? dy, Tensor? dhn, Tensor? dcn, {_GIVEN}, Tensor saved, "
    "int cell, bool bf16, bool reverse, bool wants_x, bool wants_weights, bool wants_hidden) -> (Tensor dx, "
    "Tensor dh, Tensor dc, Tensor dweight_ih, Tensor dweight_hh, Tensor dbias_ih, Tensor dbias_hh, "
    "Tensor dgain_ih, Tensor dgain_hh, Tensor dhs)"
)


def _both(state: State | None) -> tuple[Tensor | None, Tensor | None]:
    """Both states of a cell; None for what there is not."""
    if state is None:
        return None, None
    return state if len(state) == 2 else (state[0], None)


def _number(cell: Cell) -> int:
    if cell.kind == "lstm":
        return LSTM
    option = cell.activation if cell.kind == "elman" else "after" if cell.reset_after else "before"
    return CELLS[cell.kind, option]


def _settings(cell: Cell) -> tuple[int, bool, bool]:
    """What the operators are told about a cell."""
    return _number(cell), cell.precision == "bf16", cell.reverse


def _plan(given: Given, cell: int, make: Callable[..., Plan] = plan_again) -> Plan:
    x = given.x
    has_mask, has_gains = given.mask is not None, given.gain_ih is not None
    return make(x.shape, given.weight_hh.shape[1], x.element_size(), cell, has_mask, has_gains)


def _check_bf16(bf16: bool, x: Tensor) -> None:
    """Anybody may call the operators.

    Raises: BackendError.
    """
    if bf16 and (reason := _refusal_of_bf16(x.dtype)):
        raise BackendError(explain("bf16", "False here", "True", f"{reason[0].upper()}{reason[1:]}."))


def _outputs(given: Given, plan: Plan, save: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Room for y, hn, cn and what is saved."""
    x, (T, B, H) = given.x, (plan.T, plan.B, plan.H)
    return (
        x.new_empty(B, T, H).transpose(0, 1),
        x.new_empty(B, H),
        x.new_empty(*(B, H) if plan.cell == LSTM else (0,)),
        x.new_empty(plan.saved if save else 0),
    )


def _forward(*arguments: Any) -> tuple[Tensor, ...]:
    *tensors, cell, bf16, reverse, save = arguments
    given = readable(*tensors)
    plan = _plan(given, cell)
    check(given, plan)
    _check_bf16(bf16, given.x)
    is_pooled = save and plan.saved >= ENOUGH_FOR_POOL
    outputs = _outputs(given, plan, save and not is_pooled)
    if is_pooled:
        pooled = _native.pooled_float64 if given.x.dtype == torch.float64 else _native.pooled_float32
        outputs = (*outputs[:3], pooled(plan.saved))
    numbers = given.numbers(plan, bf16, reverse)
    numbers[OUTPUTS] = map(address, outputs[:3])
    if save:
        numbers[SAVED] = plan.addresses(outputs[-1])
    _native.recurrent_forward(numbers)
    return outputs


def _forward_fake(*arguments: Any) -> tuple[Tensor, ...]:
    *tensors, cell, _, _, save = arguments
    given = Given._make(tensors)
    return _outputs(given, _plan(given, cell, Plan), save)


class Wants(NamedTuple):
    """Which gradients are wanted: of x, of the weights (all or none), of the initial state, of every h."""

    x: bool
    weights: bool
    state: bool = True
    hidden: bool = False


def _gradients(given: Given, plan: Plan, wants: Wants) -> tuple[Tensor | None, ...]:
    """Room for the gradients of x, h, c, the six weights, and of every h; None for what nobody wants."""
    x, (T, B, H) = given.x, (plan.T, plan.B, plan.H)
    return (
        x.new_empty(B, T, plan.I).transpose(0, 1) if wants.x else None,
        x.new_empty(B, H) if wants.state else None,
        x.new_empty(B, H) if wants.state and plan.cell == LSTM else None,
        *[torch.empty_like(w) if wants.weights and w is not None else None for w in given[3:9]],
        x.new_empty(B, T, H).transpose(0, 1) if wants.hidden else None,
    )


def _differentiate(
    pulls: tuple[Tensor | None, ...],
    tensors: Sequence[Tensor | None],
    saved: Tensor,
    settings: tuple[int, bool, bool],
    wants: Wants,
) -> tuple[Tensor | None, ...]:
    """Backward from the gradients of y, hn and cn to those that are wanted."""
    cell, bf16, reverse = settings
    given = readable(*tensors)
    plan = _plan(given, cell)
    check(given, plan)
    _check_bf16(bf16, given.x)
    dy, *rest = pulls
    dy = None if dy is None else with_rows(dy)
    rest = [None if d is None else d.contiguous() for d in rest]
    found = _gradients(given, plan, wants)
    numbers = given.numbers(plan, bf16, reverse)
    numbers[SAVED] = plan.addresses(saved)
    numbers[PULLS] = map(address, (dy, *rest))
    numbers[STRIDES_OF_DY] = strides(dy)
    numbers[GRADIENTS] = map(address, found)
    _native.recurrent_backward(numbers)
    return found


def _backward(
    dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None, *arguments: Any
) -> tuple[Tensor, ...]:
    *tensors, saved, cell, bf16, reverse, wants_x, wants_weights, wants_hidden = arguments
    wants = Wants(wants_x, wants_weights, hidden=wants_hidden)
    found = _differentiate((dy, dhn, dcn), tensors, saved, (cell, bf16, reverse), wants)
    return _not_none(found, saved)


def _backward_fake(*arguments: Any) -> tuple[Tensor, ...]:
    *tensors, _, cell, _, _, wants_x, wants_weights, wants_hidden = arguments[3:]
    given = Given._make(tensors)
    wants = Wants(wants_x, wants_weights, hidden=wants_hidden)
    return _not_none(_gradients(given, _plan(given, cell, Plan), wants), given.x)


def _not_none(tensors: tuple[Tensor | None, ...], like: Tensor) -> tuple[Tensor, ...]:
    """An operator returns tensors: empty ones for None."""
    return tuple(like.new_empty(0) if t is None else t for t in tensors)


_library.impl("recurrent", _forward, "CPU")
_library.impl("recurrent_backward", _backward, "CPU")
torch.library.register_fake("unrolled::recurrent", _forward_fake, lib=_library)
torch.library.register_fake("unrolled::recurrent_backward", _backward_fake, lib=_library)


def _is_plain(x: Tensor) -> bool:
    """Nobody looks on: no tracing, no subclass, no mode. The way through the dispatcher takes 50 us more."""
    return (
        type(x) in (Tensor, torch.nn.Parameter)
        and not torch.compiler.is_compiling()
        and not torch._C._len_torch_dispatch_stack()
        and not torch._C._are_functorch_transforms_active()
    )


class _Recurrent(torch.autograd.Function):
    """The operator with its gradients. Cheaper than torch.library.register_autograd, and as visible."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, ...]:
        *tensors, ctx.cell, ctx.bf16, ctx.reverse, ctx.is_saved = arguments
        if _is_plain(arguments[0]):
            outputs = _forward(*arguments)
        else:
            with torch._C._AutoDispatchBelowAutograd():
                outputs = torch.ops.unrolled.recurrent(*arguments)
        ctx.mark_non_differentiable(outputs[-1])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, outputs[-1])
        return outputs

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, saved = ctx.saved_tensors
        wants, pulls = ctx.needs_input_grad, pulls[:3]
        rest = (None,) * 8  # lengths, masks, cell, bf16, reverse, save
        if all(pull is None for pull in pulls):
            return (None,) * 9 + rest
        if torch.is_grad_enabled():  # somebody wants gradients of these gradients
            return (*_reference_gradients(ctx, tensors, pulls), *rest)
        if not ctx.is_saved:
            raise ArgumentError(
                explain("save", "True where gradients are wanted", "False", "Pass save=True.")
            )
        wants_weights, settings = any(wants[3:9]), (ctx.cell, ctx.bf16, ctx.reverse)
        if _is_plain(tensors[0]):
            of = Wants(wants[0], wants_weights, wants[1] or wants[2])
            found = _differentiate(pulls, tensors, saved, settings, of)
        else:
            run = torch.ops.unrolled.recurrent_backward
            found = run(*pulls, *tensors, saved, *settings, wants[0], wants_weights, False)
        return (*[g if want else None for g, want in zip(found, wants[:9], strict=False)], *rest)


# Without what Function.apply does for functorch's transforms, for those who know that there is none.
_apply = super(torch.autograd.Function, _Recurrent).apply


def _with_gradients(*arguments: Any) -> tuple[Tensor, ...]:
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in arguments[:9]):
        return _Recurrent.apply(*arguments)
    with torch._C._AutoDispatchBelowAutograd():
        return torch.ops.unrolled.recurrent(*arguments)


def _reference_gradients(
    ctx: Any, tensors: list[Any], pulls: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The same gradients from the reference, with a graph of their own."""
    x, h, c, *rest = tensors
    kind, option = next(key for key, number in CELLS.items() if number == ctx.cell)
    precision = "bf16" if ctx.bf16 else "full"
    cell = Cell(kind, option if kind == "elman" else "tanh", option != "before", ctx.reverse, precision)
    state = None if h is None else (h,) if c is None else (h, c)
    with torch.enable_grad():
        y, after = reference.run_time_major(cell, x, state, Weights(*rest[:6]), rest[6], Masks(*rest[7:]))
    pairs = [(o, pull) for o, pull in zip((y, *after), pulls, strict=False) if pull is not None]
    wanted = [t for t, want in zip(tensors[:9], ctx.needs_input_grad, strict=False) if want]
    outputs, given = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(outputs, wanted, given, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in ctx.needs_input_grad[:9]]


_library.impl("recurrent", _with_gradients, "Autograd")
