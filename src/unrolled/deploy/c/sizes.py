"""The size of the code on microcontrollers, measured by compiling it where a compiler for them is at hand."""

import shutil
import tempfile
from pathlib import Path

from unrolled.deploy.c.compiler import compile_c
from unrolled.deploy.c.elf import section_sizes
from unrolled.errors import ExportError

COMPILER = "arm-none-eabi-gcc"
CHIPS = {
    "Cortex-M4": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    "Cortex-M7": ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"),
}
FLAGS = ("-mthumb", "-mfloat-abi=hard", "-std=c99", "-Os", "-ffunction-sections")


def code_sizes(folder: Path, name: str) -> dict[str, int]:
    """The bytes of code of `NAME.c` on each chip; empty without the compiler for them."""
    if shutil.which(COMPILER) is None:
        return {}
    found = {}
    with tempfile.TemporaryDirectory() as made:
        for suffix in (".c", ".h"):
            shutil.copy(folder / f"{name}{suffix}", made)
        for chip, own in CHIPS.items():
            try:
                compile_c([COMPILER], [*own, *FLAGS, "-c", f"{name}.c", "-o", "model.o"], Path(made))
            except ExportError:  # a compiler without a C library: the sizes stay untold
                return {}
            sizes = section_sizes((Path(made) / "model.o").read_bytes())
            found[chip] = sum(size for section, size in sizes.items() if section.startswith(".text"))
    return found


def told(name: str, code: dict[str, int]) -> str:
    """The header's lines on the size of the code."""
    return "".join(
        f"#define {name.upper()}_FLASH_CODE_{chip.upper().replace('-', '_')} {size}"
        f" /* {COMPILER} {' '.join(FLAGS[-2:-1])} */\n"
        for chip, size in code.items()
    )
