"""A C compiler of this machine, or zig's, to run what was generated and to build for other machines."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from unrolled.errors import ExportError, MissingPartError, explain

NAMES = ("cc", "gcc", "clang")


def find_compiler() -> list[str]:
    """The command of a C compiler: $CC, cc, gcc, clang, or the part [wasm]'s `zig cc`.

    Raises: MissingPartError that says how to get one.
    """
    for name in (os.environ.get("CC"), *NAMES):
        if name and shutil.which(name.split()[0]):
            return name.split()
    if importlib.util.find_spec("ziglang"):
        return zig_compiler()
    cure = "An export is tried before it is written: install gcc or clang, or pip install 'unrolled[wasm]'."
    raise MissingPartError(explain("cc", "a C compiler", "none", cure))


def zig_compiler() -> list[str]:
    """The command of zig's C compiler. Raises: MissingPartError."""
    if not importlib.util.find_spec("ziglang"):
        cure = "pip install 'unrolled[wasm]'"
        raise MissingPartError(explain("ziglang", "the part 'unrolled[wasm]'", "no such module", cure))
    return [sys.executable, "-m", "ziglang", "cc"]


def compile_c(command: Sequence[str], arguments: Sequence[str], folder: Path) -> None:
    """Run a compiler in a folder. Raises: ExportError with its first line of complaint."""
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        listed = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        got = (listed or [f"exit code {done.returncode}"])[0][:200]
        cure = "Set CC to another compiler, or report it with the model."
        raise ExportError(explain(Path(command[0]).name, "C that it can compile", got, cure))


def native_flags(command: Sequence[str], folder: Path) -> list[str]:
    """The flags that let a compiler use all of this machine, where it knows them.

    A file of one line tells: some compilers know no -march=native.
    """
    probe = folder / "probe.c"
    probe.write_text("int probe;\n", encoding="ascii")
    for flag in ("-march=native", "-mcpu=native"):
        done = subprocess.run(
            [*command, flag, "-c", probe.name, "-o", "probe.o"], cwd=folder, capture_output=True
        )
        if done.returncode == 0:
            return [flag]
    return []
