"""Our layers against torch.nn, JAX and Keras 3, turn by turn in one process: whichever of them is installed.

`python -m benchmarks.kernels.peers [--cells gru] [--threads 1 2] [--pairs 15]`; `make bench-peers` makes the
environment. All do equal work, checked before it is measured: the same weights and input, the outputs, and in
training the gradients of the weights and of x. JAX runs a jitted `scan` with one product for all inputs, and
gets time first, which suits it best; Keras runs in a `tf.function`.
"""

import argparse
import os
import subprocess
import sys
from typing import Any

import numpy as np

CELLS = ("lstm", "gru", "elman")
HEAD = f"{'threads':>7} {'cell':<6} {'kind':<6} {'B T I H':<16} {'peer':<6} {'peer ms':>8} {'ours ms':>8} "
HEAD += f"{'ratio':>6} {'quartiles':>14}"


def compare(threads: int, cells: list[str], pairs: int) -> float:
    """Print every case on so many threads; the smallest ratio."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import torch

    from benchmarks.kernels.cases import DENSE
    from benchmarks.kernels.measure import interleave
    from benchmarks.kernels.peer_layers import OURS, check_equal, installed
    from unrolled import kernels

    torch.set_num_threads(threads)
    peers = installed(threads)
    least = np.inf
    for cell in cells:
        for shape in DENSE:
            for kind in ("train", "infer"):
                with kernels.use("native"):
                    ours = OURS(cell, shape, kind)
                    for name, peer in peers.items():
                        theirs = peer(cell, shape, kind)
                        check_equal(theirs, ours)
                        taken = interleave(theirs.run, ours.run, pairs)
                        print(line(threads, cell, kind, shape, name, taken), flush=True)
                        least = min(least, taken.quartiles[1])
    return float(least)


def line(threads: int, cell: str, kind: str, shape: tuple[int, ...], name: str, pairs: Any) -> str:
    """One row of the table."""
    low, middle, high = pairs.quartiles
    sizes = " ".join(map(str, shape))
    peer, ours = (1e3 * np.median(seconds) for seconds in pairs)
    return (
        f"{threads:>7} {cell:<6} {kind:<6} {sizes:<16} {name:<6} {peer:>8.2f} {ours:>8.2f} "
        f"{middle:>6.2f} {low:>6.2f} .. {high:.2f}"
    )


def main(arguments: Any = None) -> None:
    """Print the table: a process for each number of threads, on as many cores, as JAX has no other limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels.peers", description=__doc__)
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pairs", type=int, default=15)
    given = parser.parse_args(arguments)
    if len(given.threads) > 1:
        rest = ["--cells", *given.cells, "--pairs", str(given.pairs)]
        for threads in given.threads:
            command = [sys.executable, "-m", "benchmarks.kernels.peers", "--threads", str(threads), *rest]
            subprocess.run(command, check=True)
        return
    (threads,) = given.threads
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-threads:])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(HEAD, flush=True)
    least = compare(threads, given.cells, given.pairs)
    print(f"{threads:>7} the smallest ratio is {least:.2f}")


if __name__ == "__main__":
    main()
