"""A row's bits in any company: random batches, orders, pieces and thread counts against the batch as drawn.

    python tests/faults/same_bits.py --count 10000
    python tests/faults/same_bits.py --only 4711

Each draws a cell, its options, sizes, lengths, states and weights. It is run whole on one thread, then in
three other ways: some of its rows in another order among rows of somebody else, in pieces with carried state,
and without what a backward pass needs; each on one or two threads. y and the states must have the same bits.
Cases are numbered: a number gives the same case again.

Ends with 0 if no bit differed, else with 1 and the numbers of the cases.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple
from unittest import mock

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # a second thread that spins would wait for a busy core

import numpy as np
import torch
from torch import Tensor

from unrolled.kernels import Cell, Masks, Weights, native

KINDS = ({"kind": "elman"}, {"kind": "elman", "activation": "relu"}, {"kind": "lstm"}, {"kind": "gru"})
KINDS += ({"kind": "gru", "reset_after": False},)
THREADS = (1, 2)


class Rows(NamedTuple):
    """What belongs to the rows of a batch; x and zoneout's shares are time-major."""

    x: Tensor
    state: tuple[Tensor, ...]
    lengths: Tensor | None
    masks: Masks

    def take(self, rows: Tensor) -> "Rows":
        """Some of the rows, in this order."""
        lengths = None if self.lengths is None else self.lengths[rows]
        hidden, *keeps = self.masks
        taken = [None if keep is None else keep[:, rows] for keep in keeps]
        masks = Masks(None if hidden is None else hidden[rows], *taken)
        return Rows(self.x[:, rows], tuple(part[rows] for part in self.state), lengths, masks)

    def piece(self, first: int, end: int, state: tuple[Tensor, ...]) -> "Rows":
        """Some of the steps, from a state."""
        lengths = None if self.lengths is None else (self.lengths - first).clamp(0, end - first)
        hidden, *keeps = self.masks
        masks = Masks(hidden, *(None if keep is None else keep[first:end] for keep in keeps))
        return Rows(self.x[first:end], state, lengths, masks)


class Case(NamedTuple):
    """One drawn case."""

    cell: Cell
    weights: Weights
    rows: Rows
    saves: bool

    def run(self, rows: Rows, saves: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        """y (T, B, H) and the states."""
        with torch.set_grad_enabled(saves):
            return native.run_time_major(
                self.cell, rows.x, rows.state, self.weights, rows.lengths, rows.masks
            )


def drawn(number: int) -> Case:
    """The case of a number."""
    random = np.random.default_rng([number, 7])
    bf16 = random.random() < 0.25 and native.has_bf16(torch.zeros(1))
    cell = Cell(**KINDS[random.integers(len(KINDS))], reverse=bool(random.integers(2)))
    cell = replace(cell, precision="bf16" if bf16 else "full")
    dtype = torch.float64 if not bf16 and random.random() < 0.3 else torch.float32
    batch, time, inputs, hidden = (int(random.integers(1, most)) for most in (40, 30, 40, 130))
    scale = float(random.choice([0.1, 1.0, 10.0]))

    def draw(*shape: int) -> Tensor:
        return torch.from_numpy(scale * random.normal(size=shape)).to(dtype)

    width = cell.gates * hidden
    biases = (draw(width), draw(width)) if random.random() < 0.8 else (None, None)
    gains = (draw(width), draw(width)) if random.random() < 0.3 else (None, None)
    weights = Weights(draw(width, inputs) / inputs**0.5, draw(width, hidden) / hidden**0.5, *biases, *gains)
    saves = bool(random.integers(2))
    weights.weight_hh.requires_grad_(saves)
    return Case(cell, weights, drawn_rows(random, cell, (batch, time, inputs, hidden), dtype), saves)


def drawn_rows(
    random: np.random.Generator, cell: Cell, size: tuple[int, int, int, int], dtype: torch.dtype
) -> Rows:
    """Rows of a size, with all that a row may have of its own."""
    batch, time, inputs, hidden = size

    def share(*shape: int) -> Tensor | None:
        kind = random.integers(5)  # off, off, off, drawn in training, expected in evaluation
        if kind < 3:
            return None
        values = random.random(shape)
        return torch.from_numpy(values < 0.3 if kind == 3 else values).to(dtype)

    state = tuple(
        torch.from_numpy(random.normal(size=(batch, hidden))).to(dtype)
        for _ in range(2 if cell.kind == "lstm" else 1)
    )
    has_lengths, has_cell = random.random() < 0.6, cell.kind == "lstm"
    lengths = torch.from_numpy(random.integers(0, time + 1, size=batch)) if has_lengths else None
    shares = share(batch, hidden), share(time, batch, hidden), share(time, batch, hidden)
    masks = Masks(shares[0], shares[1], shares[2] if has_cell else None)
    return Rows(torch.from_numpy(random.normal(size=(time, batch, inputs))).to(dtype), state, lengths, masks)


def among_others(case: Case, random: np.random.Generator) -> bool:
    """Some rows in another order, among rows that came from elsewhere."""
    y, after = case.run(case.rows, case.saves)
    batch = case.rows.x.shape[1]
    rows = torch.from_numpy(random.integers(0, batch, size=int(random.integers(1, 50))))
    taken = case.rows.take(rows)
    strange = torch.from_numpy(random.random(len(rows)) < 0.5)
    strange[int(random.integers(len(rows)))] = False
    x = taken.x.clone()
    x[:, strange] = x[:, strange].flip(0) * 3 - 1
    threads(random)
    own_y, own_after = case.run(taken._replace(x=x), case.saves)
    kept = ~strange
    same = torch.equal(own_y[:, kept], y[:, rows[kept]])
    return same and all(
        torch.equal(own[kept], part[rows[kept]]) for own, part in zip(own_after, after, strict=True)
    )


def in_pieces(case: Case, random: np.random.Generator) -> bool:
    """The steps cut at random, each piece from the state that the one before it left."""
    y, after = case.run(case.rows, case.saves)
    time = case.rows.x.shape[0]
    cuts = sorted(random.integers(0, time + 1, size=int(random.integers(1, 6))).tolist())
    pieces = list(zip([0, *cuts], [*cuts, time], strict=True))
    state, found = case.rows.state, {}
    for first, end in reversed(pieces) if case.cell.reverse else pieces:
        threads(random)
        found[first, end], state = case.run(case.rows.piece(first, end, state), case.saves)
    whole = torch.cat([found[piece] for piece in dict.fromkeys(pieces)])
    return torch.equal(whole, y) and all(map(torch.equal, state, after))


def unsaved(case: Case, random: np.random.Generator) -> bool:
    """Without gradients nothing is saved, and memory is laid out in another way."""
    y, after = case.run(case.rows, case.saves)
    threads(random)
    own_y, own_after = case.run(case.rows, not case.saves)
    return torch.equal(own_y, y) and all(map(torch.equal, own_after, after))


def threads(random: np.random.Generator) -> None:
    """So many from here on."""
    torch.set_num_threads(int(random.choice(THREADS)))


@contextmanager
def threads_for_small_work() -> Iterator[None]:
    """Within: a batch of two rows is shared out too. After: as many threads as before."""
    before = torch.get_num_threads()
    with mock.patch("unrolled.kernels.native_call.ENOUGH_FOR_THREADS", 0):
        try:
            yield
        finally:
            torch.set_num_threads(before)


def differs(number: int) -> str:
    """In which of the three ways a case found other bits; '' where in none."""
    random = np.random.default_rng([number, 8])
    case = drawn(number)
    for check in (among_others, in_pieces, unsaved):
        torch.set_num_threads(1)
        if not check(case, random):
            return check.__name__
    return ""


def main() -> int:
    """Run the cases and say which differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", type=int, help="one case, by its number")
    given = parser.parse_args()
    numbers = range(given.count) if given.only is None else [given.only]
    with threads_for_small_work():
        found = {number: how for number in numbers if (how := differs(number))}
    for number, how in found.items():
        print(f"case {number}: other bits {how}, {drawn(number).cell}")
    print(f"{len(numbers)} cases on {native.target()}, {len(found)} with other bits")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
