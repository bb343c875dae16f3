"""How far float32 is from float64, ours beside torch's own: gradients, and ten million steps of a state.

`python -m benchmarks.kernels.exactness [--steps 10000000]`. First the worst error of a parameter's gradient,
as a share of its largest number. Then the largest error of any h, run in pieces with carried state: with the
weights that torch.nn starts with, and with others that are harder on a state.
"""

import argparse
from typing import Any

import torch
from torch import Tensor

from unrolled.kernels import Cell, Weights, native, torch_library

KINDS = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
BACKENDS = {"torch": torch_library.run_time_major, "native": native.run_time_major}
PIECE = 50_000
SIZE = 16  # hidden units over the long run
# What the recurrent weights, and an LSTM's forget biases, become.
HARDER = {"default": (1.0, 0.0), "recurrent x 2": (2.0, 0.0), "recurrent x 4": (4.0, 0.0)}
HARDER |= {"recurrent x 20": (20.0, 0.0), "forget bias + 6": (1.0, 6.0)}


def weights_of(kind: str, inputs: int, hidden: int, scale: float = 1.0, forget: float = 0.0) -> Weights:
    """Those that torch.nn starts with, made harder."""
    torch.manual_seed(0)
    weights = Weights(*(p.detach().clone() for p in KINDS[kind](inputs, hidden).parameters()))
    weights.weight_hh.mul_(scale)
    if weights.bias_ih is not None:
        weights.bias_ih[hidden : 2 * hidden].add_(forget)  # an LSTM's f, a GRU's z; an Elman network has none
    return weights


def state_of(kind: str, rows: int, hidden: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Zeros."""
    return tuple(torch.zeros(rows, hidden, dtype=dtype) for _ in range(2 if kind == "lstm" else 1))


def gradient_errors(kind: str, steps: int) -> dict[str, float]:
    """The worst error of any parameter's gradient by backend, as a share of the largest number in it."""
    given, hidden = weights_of(kind, 8, 64), 64
    x, pull = torch.randn(steps, 8, 8), torch.randn(steps, 8, hidden)

    def gradients(run: Any, dtype: torch.dtype) -> tuple[Tensor, ...]:
        weights = Weights(*(w.to(dtype).requires_grad_() for w in given if w is not None))
        y, _ = run(Cell(kind), x.to(dtype), state_of(kind, 8, hidden, dtype), weights)
        return torch.autograd.grad((y * pull.to(dtype)).sum(), weights[:4])

    exact = gradients(torch_library.run_time_major, torch.float64)
    found = {name: gradients(run, torch.float32) for name, run in BACKENDS.items()}
    return {
        name: max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(own, exact, strict=True))
        for name, own in found.items()
    }


@torch.no_grad()
def state_errors(kind: str, weights: Weights, steps: int) -> tuple[dict[str, float], bool]:
    """The largest error of any h by backend, and whether all of ours was finite."""
    torch.manual_seed(1)
    double = Weights(*(None if w is None else w.double() for w in weights))
    exact = state_of(kind, 1, SIZE, torch.float64)
    states = {name: state_of(kind, 1, SIZE, torch.float32) for name in BACKENDS}
    worst, is_finite = dict.fromkeys(BACKENDS, 0.0), True
    for first in range(0, steps, PIECE):
        x = torch.randn(min(PIECE, steps - first), 1, 1)
        true, exact = native.run_time_major(Cell(kind), x.double(), exact, double)
        for name, run in BACKENDS.items():
            y, states[name] = run(Cell(kind), x, states[name], weights)
            is_finite &= name != "native" or bool(y.isfinite().all())
            worst[name] = max(worst[name], float((y - true).abs().max()))
    return worst, is_finite


def main(arguments: Any = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels.exactness", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"{'cell':<6} {'steps':>8}  {'weights':<16} {'torch':>8} {'ours':>8} {'ours / torch':>13}")
    for kind in KINDS:
        for steps in (100, 1000):
            print(line(kind, steps, "gradients", gradient_errors(kind, steps)), flush=True)
    for name, (scale, forget) in HARDER.items():
        for kind in KINDS if not forget else ("lstm", "gru"):
            found, is_finite = state_errors(kind, weights_of(kind, 1, SIZE, scale, forget), given.steps)
            print(line(kind, given.steps, name, found) + ("" if is_finite else "  NOT FINITE"), flush=True)


def line(kind: str, steps: int, what: str, errors: dict[str, float]) -> str:
    """One row of either table."""
    theirs, ours = errors["torch"], errors["native"]
    ratio = ours / theirs if theirs else 1.0
    return f"{kind:<6} {steps:>8}  {what:<16} {theirs:>8.1e} {ours:>8.1e} {ratio:>13.2f}"


if __name__ == "__main__":
    main()
