"""`export --to wasm`: the generated C through `zig cc`, and a runner of the finished file."""

import json
import shutil
import struct
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import part
from unrolled.deploy.c.compiler import compile_c, zig_compiler
from unrolled.deploy.c.header import header_text
from unrolled.deploy.c.interface import Field, Interface
from unrolled.deploy.c.selftest import ahead_values, assigned
from unrolled.deploy.c.source import Generated, generate
from unrolled.deploy.c.template import fill
from unrolled.deploy.parity import Replay
from unrolled.deploy.target import Made
from unrolled.errors import ExportError, explain
from unrolled.runtime import Program

EXPORTS = ("init", "step", "row_at", "ahead_at", "answer_at", "state_at", "state_bytes")
FLAGS = ("-target", "wasm32-freestanding", "-msimd128", "-O3", "-std=c99", "-DUNROLLED_NO_LIBM")
LINK = ("-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all", *(f"-Wl,--export={name}" for name in EXPORTS))
SHOWN = 240  # rows of the page, beyond the first window


def export_wasm(program: Program, replays: Sequence[Replay], folder: Path, name: str) -> Made:
    """Write `NAME.wasm`, the module `NAME.js`, the page `NAME.html` and the rows it shows, `NAME_rows.json`.

    Its runner is wasmtime on the finished file.
    Raises: ArgumentError that names the node C has no words for; MissingPartError without `unrolled[wasm]`.
    """
    generated = generate(program, name)
    part("wasmtime", "wasm")
    compile_wasm(generated, folder / f"{name}.wasm")
    interface = generated.interface
    described = json.dumps(describe(interface), ensure_ascii=True, indent=1)
    for suffix in ("js", "html"):
        template = (files("unrolled.deploy.wasm") / f"stream.{suffix}").read_text(encoding="ascii")
        text = template.replace("MODEL_NAME", name).replace("MODEL_CARD", described)
        (folder / f"{name}.{suffix}").write_text(text, encoding="ascii")
    rows = json.dumps(shown_rows(interface, replays[0]))
    (folder / f"{name}_rows.json").write_text(rows, encoding="ascii")
    size = (folder / f"{name}.wasm").stat().st_size
    sizes = {"wasm": size, "weights": generated.constant_bytes, "state": generated.state_bytes}

    def run(one: Replay) -> NDArray:
        return run_wasm(interface, folder / f"{name}.wasm", one)

    return Made(sizes, run)


def compile_wasm(generated: Generated, path: Path) -> None:
    """The generated C and its bridge to JavaScript as one WebAssembly file."""
    name = generated.interface.prefix
    with tempfile.TemporaryDirectory() as made:
        room = Path(made)
        (room / f"{name}.c").write_text(generated.source, encoding="ascii")
        (room / f"{name}.h").write_text(header_text(generated, ""), encoding="ascii")
        (room / "bridge.c").write_text(bridge_text(generated.interface), encoding="ascii")
        arguments = [*FLAGS, *LINK, f"{name}.c", "bridge.c", "-o", "model.wasm"]
        compile_c(zig_compiler(), arguments, room)
        shutil.copyfile(room / "model.wasm", path)


def bridge_text(interface: Interface) -> str:
    """The few functions that JavaScript calls; rows come as doubles, in the order of the columns."""
    horizon, width = interface.program.horizon, len(interface.ahead)
    values = {
        "ahead_size": max(1, horizon * width),
        "series": ", series" if interface.has_series else "",
        "row": assigned("one", "row", interface.row, 4),
        "ahead": _bridge_ahead(interface),
        "ahead_given": "next, " if interface.ahead else "",
    }
    return fill(files("unrolled.deploy.wasm") / "bridge.c", interface, values)


def _bridge_ahead(interface: Interface) -> str:
    """The lines that read the known columns of the rows to come."""
    if not interface.ahead:
        return ""
    lines = [
        f"    {interface.prefix}_ahead next[{interface.program.horizon}];",
        f"    for (int i = 0; i < {interface.program.horizon}; ++i) {{",
        f"        const double *const given = ahead + i * {len(interface.ahead)};",
        assigned("next[i]", "given", interface.ahead, 8),
        "    }",
    ]
    return "\n".join(lines)


def describe(interface: Interface) -> dict[str, Any]:
    """What the module must know of a model."""
    program = interface.program
    return {
        "columns": [_column(field) for field in interface.row],
        "ahead": [_column(field) for field in interface.ahead],
        "horizon": program.horizon,
        "history": program.history,
        "shape": list(program.output_shape),
        "levels": list(program.levels),
        "targets": [column.name for column in program.columns.of("target")],
        "series": list(interface.series),
        "needsSeries": interface.has_series,
    }


def _column(field: Field) -> dict[str, Any]:
    column = field.column
    if column is None:
        return {"name": field.title, "kind": "stamp", "error": field.error}
    words = list(column.words) if column.words is not None else None
    kind = "word" if column.is_text else "number"
    return {
        "name": field.title,
        "kind": kind,
        "missing": column.missing,
        "words": words,
        "error": field.error,
    }


def shown_rows(interface: Interface, one: Replay) -> dict[str, Any]:
    """Rows for the page, and of each row the known columns of the rows after it; null is missing."""
    count = min(len(one.rows), interface.program.history + SHOWN)
    ahead = ahead_values(interface, one, count) if interface.ahead else np.empty((0, 0))
    return {"series": one.series, "rows": _plain(one.rows[:count]), "ahead": _plain(ahead)}


def _plain(values: NDArray) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]


def run_wasm(interface: Interface, path: Path, one: Replay) -> NDArray:
    """A replay through a WebAssembly file.

    Returns: the answers, (rows, ...); NaN where there is none.
    """
    wasmtime = part("wasmtime", "wasm")
    store = wasmtime.Store()
    module = wasmtime.Module.from_file(store.engine, str(path))
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory = exports["memory"]
    row_at, ahead_at, answer_at = (exports[f"{name}_at"](store) for name in ("row", "ahead", "answer"))
    exports["init"](store, one.series)
    horizon, shape = interface.program.horizon, interface.answer_shape
    answers = np.full((len(one.rows), *shape), np.nan, np.float32)
    ahead = ahead_values(interface, one, len(one.rows)) if interface.ahead else None
    for place, row in enumerate(one.rows):
        memory.write(store, struct.pack(f"<{len(row)}d", *row), row_at)
        if ahead is not None:
            memory.write(store, ahead[place + 1 : place + 1 + horizon].astype("<f8").tobytes(), ahead_at)
        status = exports["step"](store)
        if status < 0:
            got = f"status {status} at row {place + 1}"
            raise ExportError(explain(path.name, "an answer a row", got, "Report it with the model."))
        if status:
            data = memory.read(store, answer_at, answer_at + 4 * answers[0].size)
            answers[place] = np.frombuffer(bytes(data), "<f4").reshape(shape)
    return answers
