"""Native kernels of unrolled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def cpu_targets() -> list[str]:
    """Names of the kernel targets this CPU runs, best first."""

def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """One block of Philox4x32-10: four 32-bit words."""

def philox_normal(seed: int, row: int, out: NDArray[np.float32]) -> None:
    """Fill `out`, float32 (count,), with the standard normal numbers of (seed, row)."""
