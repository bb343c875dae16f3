"""Our layers in bf16 against our own in float32, turn by turn, at sizes where a product is most of a step."""

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.kernels.cases import infer, layers, operations, train
from benchmarks.kernels.measure import interleave
from unrolled import _native, nn

SHAPES = [(64, 100, 64, 256), (32, 200, 512, 512)]
HEAD = (
    f"{'threads':>7} {'cell':<6} {'kind':<6} {'B T I H':<16} {'float32 ms':>10} {'bf16 ms':>8} "
    f"{'ratio':>6} {'quartiles':>14} {'of peak':>8}"
)


def lines(threads: int, cells: list[str], pairs: int) -> Iterator[str]:
    """The rows of the table, each when it was measured."""
    torch.set_num_threads(threads)
    for cell in cells:
        for shape in SHAPES:
            _, full, x = layers(cell, shape)
            for kind in ("train", "infer"):
                yield line(threads, cell, kind, full, x, pairs)


def line(threads: int, cell: str, kind: str, full: nn.Recurrent, x: Tensor, pairs: int) -> str:
    """One row; the share is that of the peak of products from bf16, measured beside it."""
    bf16 = copy.deepcopy(full)
    bf16.cell = replace(bf16.cell, precision="bf16")
    run = train if kind == "train" else infer
    peak = max(_native.multiply_add_rate(threads, True) for _ in range(5))
    taken = interleave(lambda: run(full, x), lambda: run(bf16, x), pairs)
    low, middle, high = taken.quartiles
    batch, time, inputs = x.shape
    count = operations(cell, batch * time, inputs, full.hidden_size, kind == "train")
    ours = float(np.median(taken.ours))
    shape = " ".join(map(str, (*x.shape, full.hidden_size)))
    return (
        f"{threads:>7} {cell:<6} {kind:<6} {shape:<16} {1e3 * np.median(taken.peer):>10.2f} "
        f"{1e3 * ours:>8.2f} {middle:>6.2f} {low:>6.2f} .. {high:<5.2f} {count / ours / peak:>7.0%}"
    )
