"""`python -m benchmarks.stream [--cells lstm gru] [--hidden 32 64] [--pairs 15] [--only step peak pool]`."""

import argparse
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.kernels.measure import Pairs, interleave
from benchmarks.stream.models import GATES, INPUTS, Step, onnx_step, program_of, rows_of, torch_step
from unrolled import _native
from unrolled.runtime import Stream, StreamPool

SESSIONS = 1000
HEAD = f"{'':<30} {'peer us':>9} {'ours us':>9} {'ratio':>7} {'quartiles':>16}"


def times_of(hidden: int) -> int:
    """Steps in one measurement: some milliseconds of the slower side."""
    return max(20, 20000 // hidden)


def loop(step: Step, rows: np.ndarray) -> Callable[[], None]:
    """Row by row from Python, as a program would."""

    def run() -> None:
        for row in rows:
            step(row)

    return run


def show(name: str, pairs: Pairs, count: int) -> None:
    low, middle, high = pairs.quartiles
    peer, ours = (1e6 * float(np.median(times)) / count for times in pairs)
    print(f"{name:<30} {peer:>9.2f} {ours:>9.3f} {middle:>7.1f} {low:>7.1f} .. {high:<5.1f}", flush=True)


def steps(cell: str, hidden: int, pairs: int) -> None:
    """One step from Python, and `run(rows)` per row, against the peers' steps."""
    rows = rows_of(times_of(hidden))
    peers = {"onnxruntime": onnx_step(cell, hidden), f"nn.{cell.upper()}": torch_step(cell, hidden)}
    check(cell, hidden, peers)
    plain, int8 = Stream(program_of(cell, hidden)), Stream(program_of(cell, hidden, is_int8=True))
    for name, peer in peers.items():
        for kind, ours in (
            ("step", loop(plain.step, rows)),
            ("int8 step", loop(int8.step, rows)),
            ("run(rows)", lambda: plain.run(rows)),
        ):
            show(f"{cell} {hidden:<4} {kind:<9} {name}", interleave(loop(peer, rows), ours, pairs), len(rows))


def check(cell: str, hidden: int, peers: dict[str, Step]) -> None:
    """All contenders give the same numbers."""
    rows = rows_of(5)
    wanted = Stream(program_of(cell, hidden)).run(rows)
    for peer in peers.values():
        np.testing.assert_allclose([np.ravel(peer(row)) for row in rows], wanted, atol=2e-5)


def peak(cell: str, hidden: int, pairs: int) -> None:
    """`run(rows)` of the layer alone beside the FMA peak of the same run; int8 against float32."""
    rows = rows_of(times_of(hidden) * 5)
    plain, int8 = (Stream(program_of(cell, hidden, is_int8, with_head=False)) for is_int8 in (False, True))
    both = interleave(lambda: plain.run(rows), lambda: int8.run(rows), pairs)
    most = max(_native.multiply_add_rate(1) for _ in range(7))
    operations = 2 * GATES[cell] * hidden * (INPUTS + hidden)
    share = operations * len(rows) / both.peer.min() / most
    show(f"{cell} {hidden:<4} int8 against float32", both, len(rows))
    print(f"{cell} {hidden:<4} float32: {share:.0%} of the FMA peak ({most / 1e9:.0f} Gflop/s)", flush=True)


def pool(cell: str, hidden: int, pairs: int) -> None:
    """Many sessions in one call against as many single steps; the answers are compared first."""
    program = program_of(cell, hidden)
    together, single = StreamPool(program, SESSIONS), [Stream(program) for _ in range(SESSIONS)]
    rows = rows_of(SESSIONS)
    one_by_one = np.stack([stream.step(row) for stream, row in zip(single, rows, strict=True)])
    np.testing.assert_array_equal(together.step(rows), one_by_one)

    def each() -> None:
        for stream, row in zip(single, rows, strict=True):
            stream.step(row)

    show(
        f"{cell} {hidden:<4} pool of {SESSIONS}",
        interleave(each, lambda: together.step(rows), pairs),
        SESSIONS,
    )


PARTS = {"step": steps, "peak": peak, "pool": pool}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="+", choices=GATES, default=list(GATES))
    parser.add_argument("--hidden", nargs="+", type=int, default=[32, 64, 256, 512])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    for part in given.only:
        print(f"\n{part}\n{HEAD}")
        for cell in given.cells:
            for hidden in given.hidden:
                PARTS[part](cell, hidden, given.pairs)


if __name__ == "__main__":
    main()
