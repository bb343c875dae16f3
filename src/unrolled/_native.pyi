"""Native kernels of unrolled."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def cpu_targets() -> list[str]:
    """Names of the kernel targets this CPU runs, best first."""

def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """One block of Philox4x32-10: four 32-bit words."""

def philox_normal(seed: int, row: int, out: NDArray[np.float32]) -> None:
    """Fill `out`, float32 (count,), with the standard normal numbers of (seed, row)."""

def call_fields() -> list[str]:
    """The names of what a recurrent call is made of, in order."""

def recurrent_forward(fields: Sequence[int]) -> None:
    """Run a cell over whole sequences; see native/include/unrolled/recurrent.h."""

def recurrent_backward(fields: Sequence[int]) -> None:
    """Backward through time; see native/include/unrolled/recurrent.h."""

def recurrent_target() -> str:
    """The name of the target that kernels run on."""

def choose_target(name: str) -> bool:
    """Take another target; False if it is not here."""

def has_threads() -> bool:
    """Whether an OpenMP runtime is in this process; torch brings one."""

def pooled_float32(count: int) -> Any:
    """A torch tensor of `count` float32 numbers, not set to anything, in memory that is used again."""

def pooled_float64(count: int) -> Any:
    """The same for float64."""

def pool_free_bytes() -> int:
    """Bytes the pool holds that no tensor uses."""

def multiply_add_rate(threads: int, is_bf16: bool = False) -> float:
    """Floating-point operations a second of multiply-adds in registers: the peak of this target."""

def has_bf16() -> bool:
    """Whether the target in use has products from bf16."""

def stream_machine(
    values: Sequence[tuple[int, bool, int]],
    nodes: list[tuple],
    states: Sequence[int],
    places: tuple[int, int, int],
    seed: int,
) -> Any:
    """A program as the native stream runs it; see unrolled/runtime/machine.py."""

class StreamBase:
    """What a stream does natively; see unrolled.runtime.Stream."""

    def step(
        self, row: Any, future: Any = None, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32] | None:
        """Take one row and answer."""

    def _bind(
        self,
        machine: Any,
        columns: tuple[tuple[int, int, int, int], ...],
        history: int,
        sessions: int,
        block: int,
        takes_rows: bool,
        answer: NDArray[np.float32],
        /,
    ) -> None: ...
    def _sweep(
        self, rows: NDArray, out: NDArray[np.float32], sessions: NDArray[np.int64] | None, /
    ) -> bool: ...
    def _advance_rows(
        self,
        inputs: tuple[tuple[int, int, int, int], ...],
        count: int,
        every: bool,
        out: NDArray[np.float32],
        /,
    ) -> None: ...
    def _save(self, session: int, /) -> tuple[int, int, bytes]: ...
    def _load(self, session: int, rows: int, series: int, state: bytes, /) -> None: ...
    def _rows_seen(self, session: int, /) -> int: ...
