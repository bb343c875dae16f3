"""Where training runs: the device, its precision, and what makes a run there repeat itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from unrolled.errors import BackendError, explain


def choose_device(name: str) -> torch.device:
    """The device of this name; "auto" takes a CUDA GPU where there is one, else the CPU.

    Raises: BackendError if a named device is not to be had here: it is never replaced in silence.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()  # the cheapest proof that the device answers
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        raise BackendError(
            explain(
                "device", f"one of {', '.join(_devices())}", repr(name), "Choose one of these, or 'auto'."
            )
        ) from None
    return device


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which the loss is computed: plain for fp32, bfloat16 products for bf16.

    Raises: BackendError if the device has no bfloat16.
    """
    if precision == "fp32":
        return nullcontext()
    if not _has_bf16(device):
        raise BackendError(
            explain("precision", f"one that {device} can compute", repr(precision), "Use precision='fp32'.")
        )
    return torch.autocast(device.type, dtype=torch.bfloat16)


def seed_everything(seed: int) -> None:
    """Seed torch's generators, the CPU's and every GPU's: all that training in unrolled draws from."""
    torch.manual_seed(seed)


@contextmanager
def reproducible(device: torch.device, seed: int) -> Iterator[None]:
    """Within: seeded generators and repeatable algorithms. After: everything as the caller had it.

    On a GPU the algorithms are chosen to repeat where the choice is free; a few sums there still
    depend on timing, so bytes are promised on the CPU alone.
    """
    gpus = [device] if device.type == "cuda" else []
    cudnn = torch.backends.cudnn
    memory: Any = torch.utils.deterministic
    before = (cudnn.deterministic, cudnn.benchmark)
    mode, fills = torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory
    with torch.random.fork_rng(gpus):
        cudnn.deterministic, cudnn.benchmark = True, False
        if device.type == "cpu":
            # torch.use_deterministic_algorithms does the same, and loads torch's compiler: 1.3 s.
            torch.set_deterministic_debug_mode("error")
            memory.fill_uninitialized_memory = False  # it would write every new tensor twice
        seed_everything(seed)
        try:
            yield
        finally:
            cudnn.deterministic, cudnn.benchmark = before
            torch.set_deterministic_debug_mode(mode)
            memory.fill_uninitialized_memory = fills


def to_device(value: Any, device: torch.device) -> Any:
    """A batch on the device: tensors in dicts, lists and tuples are moved, all else is left as it is."""
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, dict):
        return {key: to_device(item, device) for key, item in value.items()}
    if isinstance(value, tuple | list):
        moved = [to_device(item, device) for item in value]
        return type(value)(*moved) if hasattr(value, "_fields") else type(value)(moved)
    return value


def _devices() -> list[str]:
    gpus = (
        [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    return ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu"
