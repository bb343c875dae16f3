"""The house's imports point one way: left along the line of docs/house.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "unrolled"
LINE = (
    "errors arguments types _native format preprocess runtime kernels nn data models metrics baselines probe "
    "training deploy plots tasks insight serve cli"
).split()
# Single files of the ground floor do not know one another, but for these.
GROUND = {"errors": set(), "arguments": {"errors"}, "types": set(), "_native": set()}
TORCH_FREE = ["format", "preprocess", "runtime"]


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports_of(path: Path) -> list[tuple[str, int]]:
    """Every `unrolled.X` that a file imports, inside functions too, with the line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the whole name"
            modules = [node.module or ""]
            if node.module == "unrolled":
                modules = [f"unrolled.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(m.split(".")[1], node.lineno) for m in modules if m.startswith("unrolled.")]
    return found


def test_every_room_stands_on_the_line() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")} - {"__init__"}
    assert rooms <= set(LINE)


def test_imports_point_left() -> None:
    wrong = []
    for path in SOURCE.rglob("*.py"):
        room = room_of(path)
        if room == "__init__":  # the lazy front door alone is exempt
            continue
        for other, line in imports_of(path):
            if other == "__version__" or other == room:
                continue
            allowed = GROUND.get(room, set(LINE[: LINE.index(room)]))
            if other not in allowed:
                wrong.append(f"{path.relative_to(SOURCE)}:{line}: {room} imports {other}")
    assert wrong == []


def test_init_files_only_re_export() -> None:
    for path in SOURCE.rglob("__init__.py"):
        if path.parent == SOURCE:
            continue
        body = ast.parse(path.read_text(encoding="utf-8")).body
        kinds = {type(node) for node in body if not isinstance(node, ast.Expr)}
        assert kinds <= {ast.Import, ast.ImportFrom, ast.Assign}, path


@pytest.mark.parametrize("module", ["unrolled", *[f"unrolled.{room}" for room in TORCH_FREE]])
def test_the_core_loads_no_torch(module: str) -> None:
    heavy = "'torch', 'sklearn', 'polars', 'pandas'"
    code = f"import {module}, sys; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
