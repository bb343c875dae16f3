"""Calls of a kernel, and the comparison of two ways to run one: values and all gradients."""

from dataclasses import dataclass

import pytest
import torch

from unrolled import _native
from unrolled.kernels import NO_MASKS, Cell, Masks, Weights

SIZE = (4, 6, 3, 5)  # batch, time, input, hidden
# Not collected where the CPU has no bf16: there every call is refused, which test_bf16.py tests.
collect_ignore = [] if _native.has_bf16() else ["test_bf16_numbers.py"]

LENGTHS = torch.tensor([6, 2, 5, 1])


@dataclass
class Call:
    cell: Cell
    x: torch.Tensor  # time-major
    state: tuple
    weights: Weights
    lengths: torch.Tensor | None = None
    masks: Masks = NO_MASKS

    def run(self, run_time_major):
        return run_time_major(self.cell, self.x, self.state, self.weights, self.lengths, self.masks)

    def learned(self):
        return [self.x, *self.state, *(w for w in self.weights if w is not None)]

    def results(self, run_time_major):
        """y, the states, and the gradients of x, the initial states and all weights."""
        y, state = self.run(run_time_major)
        outputs = [y, *state]
        generator = torch.Generator().manual_seed(7)
        pulls = [torch.randn(o.shape, generator=generator, dtype=o.dtype) for o in outputs]
        loss = sum((o * p).sum() for o, p in zip(outputs, pulls, strict=True))
        return outputs + list(torch.autograd.grad(loss, self.learned()))


def make_call(cell, lengths=None, bias=True, norm=False, masks=(), size=SIZE, dtype=torch.float64):
    b, t, i, h = size
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        values = 0.7 * torch.randn(shape, generator=generator, dtype=torch.float64)
        return values.to(dtype).requires_grad_()

    def keep():
        return (torch.rand(t, b, h, generator=generator) < 0.4).to(dtype)

    rows = cell.gates * h
    weights = Weights(
        draw(rows, i),
        draw(rows, h),
        *((draw(rows), draw(rows)) if bias else (None, None)),
        *((draw(rows), draw(rows)) if norm else (None, None)),
    )
    drawn = Masks(
        (torch.rand(b, h, generator=generator) < 0.7).to(dtype) / 0.7 if "hidden" in masks else None,
        keep() if "keep_h" in masks else None,
        keep() if "keep_c" in masks else None,
    )
    state = tuple(draw(b, h) for _ in range(2 if cell.kind == "lstm" else 1))
    return Call(cell, draw(t, b, i), state, weights, lengths, drawn)


def assert_same(first, second, atol=1e-10):
    assert len(first) == len(second)
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        scale = max(1.0, float(b.detach().abs().max())) if b.numel() else 1.0
        torch.testing.assert_close(
            a, b, rtol=0, atol=atol * scale, msg=lambda m, place=place: f"result {place}: {m}"
        )


@pytest.fixture
def kernel_call():
    return make_call


@pytest.fixture
def same():
    return assert_same


@pytest.fixture
def ragged():
    return LENGTHS
