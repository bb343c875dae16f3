"""What a model costs: parameters, multiply-adds and bytes a step, and the time that a step takes here."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unrolled.deploy import draw_rows
from unrolled.errors import ArgumentError
from unrolled.nn import parameter_count
from unrolled.runtime import Program, Stream

WARM, TIMED = 50, 400  # steps


@dataclass(frozen=True)
class Cost:
    """Of one answer of a stream; what is not known is None.

    Units: bytes of the weights in float32 and of one stream's state; microseconds, the median of 400 steps
    in this process.
    """

    parameters: int
    multiply_adds: int | None
    weight_bytes: int
    state_bytes: int | None
    microseconds: float | None
    why_not: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def cost_of(network: Any, program: Program | None, why_not: str = "") -> Cost:
    """Count, and time a stream where there is one."""
    state, micros = (None, None) if program is None else timed(program)
    counted = getattr(network, "cost", None)
    return Cost(
        parameters=parameter_count(network),
        multiply_adds=None if counted is None else counted(),
        weight_bytes=4 * parameter_count(network),
        state_bytes=state,
        microseconds=micros,
        why_not=why_not,
    )


def timed(program: Program) -> tuple[int, float]:
    """The bytes of a stream's state and the median time of a step, on rows drawn by the model's scalers."""
    stream, warm = Stream(program), program.history + WARM
    rows, future = draw_rows(program, warm + TIMED)
    took = []
    for row in rows:
        start = time.perf_counter_ns()
        stream.step(row, future)
        took.append(time.perf_counter_ns() - start)
    return program.state_bytes, float(np.median(took[warm:])) / 1000


def program_of(task: Any) -> tuple[Program | None, str]:
    """A task's Program, or why no stream of it can be timed."""
    try:
        program = task.program()
        Stream(program)
    except (ArgumentError, AttributeError) as error:
        return None, str(error).split(".")[0]
    return program, ""
