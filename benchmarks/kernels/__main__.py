"""`python -m benchmarks.kernels [--cells lstm gru] [--threads 1 2] [--pairs 15] [--chart FILE.png]`.

With `--precision bf16` ours in bf16 against ours in float32.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kernels import precision
from benchmarks.kernels.cases import GATES, Case, cases
from benchmarks.kernels.chart import draw
from benchmarks.kernels.measure import Pairs, interleave
from unrolled import _native, kernels
from unrolled.kernels import native

HEAD = (
    f"{'threads':>7} {'cell':<6} {'kind':<7} {'B T I H':<16} {'torch ms':>9} {'ours ms':>9} "
    f"{'ratio':>6} {'quartiles':>14} {'of peak':>8}"
)


def line(threads: int, case: Case, pairs: Pairs, peak: float) -> str:
    """One row of the table; the share of the peak is that of our median run."""
    low, middle, high = pairs.quartiles
    ours = float(np.median(pairs.ours))
    share = case.operations / ours / peak
    shape = " ".join(map(str, case.shape))
    return (
        f"{threads:>7} {case.cell:<6} {case.kind:<7} {shape:<16} {1e3 * np.median(pairs.peer):>9.2f} "
        f"{1e3 * ours:>9.2f} {middle:>6.2f} {low:>6.2f} .. {high:<5.2f} {share:>7.0%}"
    )


def peak_of(threads: int) -> float:
    """The best of five runs of multiply-adds that touch no memory."""
    return max(_native.multiply_add_rate(threads) for _ in range(5))


def run(threads: int, cells: list[str], pairs: int) -> list[tuple[int, Case, np.ndarray]]:
    """Measure and print every case on so many threads."""
    torch.set_num_threads(threads)
    measured = []
    for cell in cells:
        for case in cases(cell):
            peak = peak_of(threads)  # beside every case: a shared machine's clock moves
            taken = interleave(case.peer, case.ours, pairs)
            print(line(threads, case, taken, peak), flush=True)
            measured.append((threads, case, taken.quartiles))
    return measured


def main(arguments: Any = None) -> None:
    """Print the table, and draw it where a file is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--cells", nargs="+", default=list(GATES), choices=GATES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--precision", choices=["bf16"], help="our own in bf16 against our own in float32")
    given = parser.parse_args(arguments)
    torch.manual_seed(0)
    if given.precision:
        print(f"target {native.target()}; train = forward + backward\n{precision.HEAD}")
        for threads in given.threads:
            for row in precision.lines(threads, given.cells, given.pairs):
                print(row, flush=True)
        return
    print(f"torch {torch.__version__}, target {native.target()}; train = forward + backward\n{HEAD}")
    with kernels.use("native"):
        measured = [row for threads in given.threads for row in run(threads, given.cells, given.pairs)]
    if given.chart:
        draw(measured, given.chart)


if __name__ == "__main__":
    main()
