"""The generated C on emulated microcontrollers: golden vectors, and the sizes that the header tells."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from drawn_programs import lowered, sequence

from unrolled.deploy import export
from unrolled.deploy.c.elf import section_sizes

BOARD = Path(__file__).parent / "cortex_m"
CHIPS = {
    "Cortex-M4": ("mps2-an386", ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"]),
    "Cortex-M7": ("mps2-an500", ["-mcpu=cortex-m7", "-mfpu=fpv5-d16"]),
}
FLAGS = ["-mthumb", "-mfloat-abi=hard", "-std=c99", "-Os", "-ffunction-sections", "-fdata-sections"]


def run_on(chip: str, folder: Path, name: str, *extra: str) -> tuple[str, dict[str, int]]:
    """Build the self-test for a chip and run it there: what it prints, and the sections of the file."""
    machine, own = CHIPS[chip]
    shutil.copy(folder / f"{name}.c", folder / "model.c")
    for source in ("model.c", f"{name}_test.c", BOARD / "startup.c"):
        command = ["arm-none-eabi-gcc", *own, *FLAGS, *extra, "-c", str(source)]
        subprocess.run(command, cwd=folder, check=True)
    objects = ["startup.o", "model.o", f"{name}_test.o", "-o", "selftest.elf", "-lm"]
    link = ["--specs=rdimon.specs", "-nostartfiles", "-T", str(BOARD / "mps2.ld"), "-Wl,--gc-sections"]
    command = ["arm-none-eabi-gcc", *own, *FLAGS, *link, "-Wl,--no-warn-rwx-segments", *objects]
    subprocess.run(command, cwd=folder, check=True)
    emulator = [
        "qemu-system-arm",
        "-M",
        machine,
        "-kernel",
        "selftest.elf",
        "-display",
        "none",
        "-serial",
        "null",
    ]
    semihosting = ["-monitor", "none", "-semihosting-config", "enable=on,target=native"]
    done = subprocess.run([*emulator, *semihosting], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, section_sizes((folder / "selftest.elf").read_bytes())


def told(folder: Path, name: str) -> dict[str, int]:
    """The sizes that a header tells."""
    text = (folder / f"{name}.h").read_text()
    return {key: int(size) for key, size in re.findall(rf"#define {name.upper()}_(\w+) (\d+)", text)}


@pytest.fixture(scope="module")
def lstm(tmp_path_factory) -> Path:
    """An LSTM of 32 units as C."""
    folder = tmp_path_factory.mktemp("lstm") / "pump"
    export(sequence({"features": 8, "classes": 3}, hidden=32, cell="lstm"), folder, to="c")
    return folder


@pytest.mark.parametrize("chip", CHIPS)
def test_golden_vectors_pass_and_sizes_are_those_of_the_file(chip, lstm):
    printed, sections = run_on(chip, lstm, "pump")
    assert "pump: 8 answers" in printed and "passed" in printed
    sizes = told(lstm, "pump")
    flash = sizes["FLASH_CONSTANTS"] + sizes[f"FLASH_CODE_{chip.upper().replace('-', '_')}"]
    assert flash > 20_000
    assert flash == pytest.approx(sections[".model"], rel=0.02)
    assert sizes["RAM"] == pytest.approx(sections[".state"], rel=0.02)


def test_sample_paths_and_dates_without_libm(tmp_path):
    export(lowered("recursive", cell="gru"), tmp_path / "paths", to="c")
    printed, _ = run_on("Cortex-M4", tmp_path / "paths", "paths", "-DUNROLLED_NO_LIBM")
    assert "paths: 8 answers" in printed and "passed" in printed
