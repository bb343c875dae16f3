"""Export: a Program becomes files of another runtime, which must first answer as its stream does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from unrolled.arguments import one_of
from unrolled.deploy.c import export_c
from unrolled.deploy.folder import whole_folder
from unrolled.deploy.names import identifier
from unrolled.deploy.onnx_target import export_onnx
from unrolled.deploy.parity import BOUND, Parity, Replay, compare, demand, draw_rows, replay
from unrolled.deploy.program_file import export_program_file
from unrolled.deploy.target import Target
from unrolled.deploy.wasm import export_wasm
from unrolled.runtime import Program

DRAWN = 64  # rows beyond the first window, where none are given

TARGETS: dict[str, Target] = {
    "c": export_c,
    "wasm": export_wasm,
    "program": export_program_file,
    "onnx": export_onnx,
}


@dataclass(frozen=True)
class Exported:
    """A finished export: where its files are, their sizes in bytes by what they are of, and the parity."""

    files: tuple[Path, ...]
    sizes: Mapping[str, int]
    parity: Parity


def export(
    program: Program,
    folder: str | PathLike[str],
    to: str = "c",
    *,
    name: str | None = None,
    replays: Sequence[Replay] | None = None,
    bound: float = BOUND,
) -> Exported:
    """Write a Program for another runtime into a folder, once its answers are the stream's.

    `name` is what the files are called, by default after the folder. `replays` are the rows that are tried;
    without them, rows are drawn by the model's own scalers.
    Raises: ArgumentError for an unknown target or an operation that it cannot express; ExportError where the
    answers differ by more than the bound; OutputError. Nothing is written then.
    """
    target = TARGETS[one_of("to", to, TARGETS)]
    name = identifier(Path(folder).resolve().name if name is None else name)
    tried = [replay_drawn(program)] if replays is None else list(replays)
    with whole_folder(Path(folder)) as made_in:
        made = target(program, tried, made_in, name)
        parity = compare(tried, made.run, bound)
        demand(parity, f"export to {to}")
        files = tuple(Path(folder) / file.name for file in sorted(made_in.iterdir()))
    return Exported(files, made.sizes, parity)


def replay_drawn(program: Program, seed: int = 0) -> Replay:
    """A replay of rows drawn by the model's own scalers, some of them missing where the model has a mask."""
    rows, future = draw_rows(program, program.history + DRAWN, seed)
    return replay(program, rows, future, 0 if "series" in program.inputs else None)
