"""Flip the sign of each gate in the native kernels, there and back: the tests must go red for every one.

    python tests/faults/flip_gate_signs.py

A copy of the project is built once in a temporary folder. Then, flip by flip, the baseline target's kernels
are compiled anew from the changed source and linked, and the tests of the backends run against them. A flip
is a minus before the sum that a gate's sigmoid or tanh takes, before relu's answer, or before the gradient
of a gate's sum. Needs cmake, ninja and nanobind where Python finds them (pip install cmake ninja nanobind).

Ends with 0 if the tests pass with the source as it is and fail with every flip, else with 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = Path("native/src/recurrent")
FILES = ("elman.h", "lstm.h", "gru.h")
COPIED = ("native", "src", "tests", "CMakeLists.txt", "pyproject.toml", "conftest.py")
TESTS = ("tests/kernels/test_backends.py", "-k", "native", "-x", "-q", "-p", "no:cacheprovider")
# pytest on the copy: the finder of an editable install would lead to the module that is installed.
RUN = """
import sys
sys.meta_path = [f for f in sys.meta_path if "editable" not in type(f).__module__]
sys.path.insert(0, "src")
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


class Flip(NamedTuple):
    """A minus that goes into a file at a place, around what ends at another."""

    file: str
    start: int
    end: int

    def apply(self, text: str) -> str:
        """The file's text with the minus in it."""
        return f"{text[: self.start]}-({text[self.start : self.end]}){text[self.end :]}"

    def told(self, text: str) -> str:
        """Where it is, for people."""
        line = text.count("\n", 0, self.start) + 1
        return f"{self.file}:{line}: -({text[self.start : self.end]})"


def flips_of(file: str, text: str) -> list[Flip]:
    """Every gate of a file: what sigmoid<T>() and tanh<T>() take, relu's answer, what is put()."""
    found = []
    for call in re.finditer(r"(sigmoid<T>|tanh<T>|put)\(", text):
        commas, end = arguments_of(text, call.end())
        start = commas[-1] if call[1] == "put" else call.end()
        found.append(Flip(file, start, end))
    found += [Flip(file, m.start(1), m.end(1)) for m in re.finditer(r"Vec<T>\{\} : (a)\)", text)]
    return sorted(found)


def arguments_of(text: str, start: int) -> tuple[list[int], int]:
    """Where the arguments of a call begin, and where the last ends."""
    starts, depth = [start], 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return starts, place
        if depth == 1 and text[place] == ",":
            starts.append(place + 2)
    raise ValueError("a call without an end")


class Copy:
    """A copy of the project with a native module of its own."""

    def __init__(self, folder: Path):
        self.folder, self.build = folder, folder / "build"
        for name in COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("*.so", "__pycache__")
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        where = [sys.executable, "-m", "nanobind", "--cmake_dir"]
        nanobind = subprocess.check_output(where, text=True).strip()
        configure = ["cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Release"]
        self.call([*configure, f"-Dnanobind_DIR={nanobind}", f"-DPython_EXECUTABLE={sys.executable}"])
        self.call(["ninja", "-C", "build", "_native"])
        commands = self.call(["ninja", "-C", "build", "-t", "commands", "_native"]).splitlines()
        kernels = "kernels_baseline.dir/native/src/recurrent/target.cpp.o -c"
        self.commands = [next(line for line in commands if kernels in line), commands[-1]]

    def call(self, command: list[str] | str, folder: Path | None = None) -> str:
        """Run a command of the build; its output."""
        where = folder or self.folder
        done = subprocess.run(
            command, cwd=where, shell=isinstance(command, str), text=True, capture_output=True
        )
        if done.returncode:
            raise SystemExit(f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def passes(self) -> bool:
        """Build what changed, and run the tests: whether they are green."""
        for command in self.commands:
            self.call(command, self.build)
        (module,) = self.build.glob("_native*.so")
        shutil.copy(module, self.folder / "src" / "unrolled" / module.name)
        chosen = {"UNROLLED_ISA": "baseline", "UNROLLED_KERNEL": ""}
        done = subprocess.run(
            [sys.executable, "-c", RUN, *TESTS],
            cwd=self.folder,
            env=os.environ | chosen,
            capture_output=True,
        )
        if done.returncode not in (0, 1):  # 1: tests ran, and some failed
            raise SystemExit(done.stdout.decode() + done.stderr.decode())
        return done.returncode == 0


def main() -> int:
    """Run the tests on the source as it is and on every flip."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        if not copy.passes():
            print("the tests are red with the source as it is")
            return 1
        seen, count = 0, 0
        for file in FILES:
            path = copy.folder / FOLDER / file
            text = path.read_text(encoding="utf-8")
            for flip in flips_of(file, text):
                path.write_text(flip.apply(text), encoding="utf-8")
                is_seen = not copy.passes()
                print("red  " if is_seen else "GREEN", flip.told(text), flush=True)
                seen, count = seen + is_seen, count + 1
            path.write_text(text, encoding="utf-8")
    print(f"{seen} of {count} flips seen")
    return 0 if seen == count else 1


if __name__ == "__main__":
    sys.exit(main())
