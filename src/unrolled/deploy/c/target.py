"""`export --to c`: the files, and a runner that compiles them and feeds them rows."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unrolled.deploy.c.compiler import compile_c, find_compiler, native_flags
from unrolled.deploy.c.header import header_text
from unrolled.deploy.c.selftest import driver_input, driver_text, selftest_text
from unrolled.deploy.c.sizes import code_sizes, told
from unrolled.deploy.c.source import Generated, generate
from unrolled.deploy.parity import Replay
from unrolled.deploy.target import Made
from unrolled.errors import ExportError, explain
from unrolled.runtime import Program


def export_c(program: Program, replays: Sequence[Replay], folder: Path, name: str) -> Made:
    """Write `NAME.h`, `NAME.c` and the self-test `NAME_test.c`.

    Its runner compiles the source with this machine's compiler.
    Raises: ArgumentError that names the node C has no words for; MissingPartError where there is no compiler.
    """
    generated = generate(program, name)
    find_compiler()
    (folder / f"{name}.c").write_text(generated.source, encoding="ascii")
    write_header(generated, folder, "")
    (folder / f"{name}_test.c").write_text(selftest_text(generated.interface, replays[0]), encoding="ascii")
    code = code_sizes(folder, name)
    write_header(generated, folder, told(name, code))
    sizes = {"flash, constants": generated.constant_bytes, "RAM, one state": generated.state_bytes}
    sizes |= {f"flash, code on {chip}": size for chip, size in code.items()}

    def run(one: Replay) -> NDArray:
        return run_compiled(generated, folder, one)

    return Made(sizes, run)


def write_header(generated: Generated, folder: Path, flash: str) -> None:
    """Write the header; `flash` are its lines on the size of the code."""
    path = folder / f"{generated.interface.prefix}.h"
    path.write_text(header_text(generated, flash), encoding="ascii")


def run_compiled(
    generated: Generated, folder: Path, one: Replay, flags: Sequence[str] | None = None
) -> NDArray:
    """A replay through the source in `folder`, compiled anew.

    Returns: the answers, (rows, ...); NaN where there is none.
    """
    name, command = generated.interface.prefix, find_compiler()
    with tempfile.TemporaryDirectory() as made:
        room = Path(made)
        for suffix in (".c", ".h"):
            shutil.copy(folder / f"{name}{suffix}", room)
        (room / "driver.c").write_text(driver_text(generated.interface), encoding="ascii")
        chosen = [*native_flags(command, room), "-O2"] if flags is None else list(flags)
        compile_c(command, ["-std=c99", *chosen, f"{name}.c", "driver.c", "-o", "driver", "-lm"], room)
        done = subprocess.run(
            [room / "driver"], input=driver_input(generated.interface, one), capture_output=True
        )
    shape = (len(one.rows), *generated.interface.answer_shape)
    if done.returncode or len(done.stdout) != 4 * int(np.prod(shape)):
        got = f"exit code {done.returncode} after {len(done.stdout)} bytes"
        raise ExportError(explain(f"{name}.c", "an answer a row", got, "Report it with the model."))
    return np.frombuffer(done.stdout, np.float32).reshape(shape)
