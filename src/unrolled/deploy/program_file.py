"""The Program alone as a small model file: what a stream needs, without the task it was trained for."""

from collections.abc import Sequence
from pathlib import Path

from unrolled.deploy.parity import Array, Replay
from unrolled.deploy.target import Made
from unrolled.format import new_card, write_model
from unrolled.runtime import Program, Stream
from unrolled.runtime.stream import load_program, run_sequence


def export_program_file(program: Program, replays: Sequence[Replay], folder: Path, name: str) -> Made:
    """Write `NAME.unrolled` of the kind "program"; its runner is the stream of the file that was written."""
    path = folder / f"{name}.unrolled"
    card = new_card("program", "", {"program": program.to_card()})
    write_model(path, card, dict(program.weights))
    sizes = {"file": path.stat().st_size, "weights": program.parameter_bytes, "state": program.state_bytes}
    read = load_program(path)

    def run(one: Replay) -> Array:
        if not read.streamable:
            return run_sequence(read, one.rows, one.series)
        return Stream(read, one.series).run(one.rows, one.future)

    return Made(sizes, run)
