"""What a native call is made of: sizes, the room for what is saved, addresses; see recurrent.h."""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from unrolled import _native
from unrolled.errors import ArgumentError, ShapeError, explain
from unrolled.kernels.call import Weights

LSTM, GRU, GRU_BEFORE = 2, 3, 4
# Multiplications below which a second thread costs more than it brings.
ENOUGH_FOR_THREADS = 1 << 21


FIELDS = tuple(_native.call_fields())


def numbers(fields: dict[str, int]) -> list[int]:
    """The fields of a native call in its order; what is not named is 0, no array."""
    listed = [fields.pop(name, 0) for name in FIELDS]
    assert not fields, f"no such field: {', '.join(fields)}"
    return listed


class Plan:
    """The sizes of a call, and where each saved array begins. H is rounded up to W, whole cache lines."""

    def __init__(self, x: Tensor, weight_hh: Tensor, cell: int, has_mask: bool, has_gains: bool):
        self.T, self.B, self.I = x.shape
        self.H = weight_hh.shape[1]
        self.line = 64 // x.element_size()
        self.W = (self.H + self.line - 1) // self.line * self.line
        self.cell = cell
        self.G = {LSTM: 4, GRU: 3, GRU_BEFORE: 3}.get(cell, 1)
        self.S = 1 if self.G == 1 else 4  # column blocks of a row of gates
        self.first = 1 if self.G == 3 else 0  # the first of them that W x fills
        row = self.G * self.W
        self.widths = {"gates": self.S * self.W, "hs": self.W}
        if cell == LSTM:
            self.widths["cs"] = self.W
        if has_mask:
            self.widths["ms"] = self.W
        if cell == GRU_BEFORE:
            self.widths["rs"] = self.W
        if has_gains:
            self.widths |= {"xs": row, "us": row, "scales": 2 * self.G}
        self.places = {}
        self.saved = 0  # numbers in all of them
        for name, width in self.widths.items():
            self.places[name] = self.saved
            self.saved += width * self.T * self.B

    @cached_property
    def threads(self) -> int:
        """How many parts the batch is cut into. Small work stays on one thread."""
        work = self.T * self.B * self.G * self.H * (self.I + self.H)
        return 1 if work < ENOUGH_FOR_THREADS else max(1, min(torch.get_num_threads(), self.B))

    def addresses(self, saved: Tensor) -> dict[str, int]:
        """Where each saved array begins."""
        start, size = saved.data_ptr(), saved.element_size()
        return {name: start + place * size for name, place in self.places.items()}


class Given(NamedTuple):
    """What both operators are given, as the native side can read it."""

    x: Tensor
    h: Tensor
    c: Tensor | None
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    gain_ih: Tensor | None
    gain_hh: Tensor | None
    lengths: Tensor | None
    mask: Tensor | None
    keep_h: Tensor | None
    keep_c: Tensor | None

    def fields(self, plan: Plan, reverse: bool) -> dict[str, int]:
        """The fields of a call that these make up."""
        keep_h, keep_c = strides(self.keep_h), strides(self.keep_c)
        return {
            "cell": plan.cell,
            "is_double": int(self.x.dtype == torch.float64),
            "reverse": int(reverse),
            "threads": plan.threads,
            "time": plan.T,
            "batch": plan.B,
            "input": plan.I,
            "hidden": plan.H,
            "x": self.x.data_ptr(),
            "x_stride_t": self.x.stride(0),
            "x_stride_b": self.x.stride(1),
            "h0": self.h.data_ptr(),
            "c0": address(self.c),
            **{name: address(getattr(self, name)) for name in Weights._fields},
            "lengths": address(self.lengths),
            "mask": address(self.mask),
            "keep_h": address(self.keep_h),
            "keep_h_stride_t": keep_h[0],
            "keep_h_stride_b": keep_h[1],
            "keep_c": address(self.keep_c),
            "keep_c_stride_t": keep_c[0],
            "keep_c_stride_b": keep_c[1],
        }


def readable(*given: Tensor | None) -> Given:
    """The same values: x and the shares of zoneout with rows in one piece, all others contiguous."""
    rows = {Given._fields.index(name) for name in ("x", "keep_h", "keep_c")}
    pieces = [
        t if t is None or (place in rows and t.stride(-1) == 1) else t.contiguous()
        for place, t in enumerate(given)
    ]
    return Given._make(pieces)


def address(tensor: Tensor | None) -> int:
    """Where a tensor's numbers begin; 0 for None and for an empty one."""
    return 0 if tensor is None else tensor.data_ptr()


def strides(tensor: Tensor | None) -> tuple[int, int]:
    """Of the first two axes."""
    return (0, 0) if tensor is None else (tensor.stride(0), tensor.stride(1))


def check(given: Given, plan: Plan) -> None:
    """That everything fits x and weight_hh. Anybody may call the operators, and an address knows no size.

    Raises: ArgumentError, ShapeError.
    """
    T, B, H, rows = plan.T, plan.B, plan.H, plan.G * plan.H
    expected = [(T, B, plan.I), (B, H), (B, H), (rows, plan.I), (rows, H), *[(rows,)] * 4]
    expected += [(B,), (B, H), (T, B, H), (T, B, H)]
    for name, tensor, shape in zip(Given._fields, given, expected, strict=True):
        if tensor is None:
            continue
        if tensor.shape != shape:
            cure = f"x says time, batch and input; weight_hh says hidden, {H}."
            raise ShapeError(explain(name, str(shape), tuple(tensor.shape), cure))
        dtype = torch.int64 if name == "lengths" else given.x.dtype
        if tensor.dtype != dtype:
            raise ArgumentError(explain(name, str(dtype), tensor.dtype, f"Pass {name}.to({dtype})."))
    pairs = [("bias_ih", "bias_hh"), ("gain_ih", "gain_hh")]
    for first, second in pairs:
        if (getattr(given, first) is None) != (getattr(given, second) is None):
            raise ArgumentError(
                explain(first, f"given where {second} is", "one of them", "Pass both or none.")
            )
    if (given.c is None) == (plan.cell == LSTM):
        raise ArgumentError(explain("c", "given for an LSTM only", type(given.c).__name__, "Pass its c."))
    if given.lengths is not None and plan.B:
        low, high = (int(end) for end in given.lengths.aminmax())
        if low < 0 or high > T:
            wrong = low if low < 0 else high
            raise ArgumentError(
                explain("lengths", f"each in 0..{T}", wrong, "x has no more steps than that.")
            )
