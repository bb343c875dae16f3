"""The documents hold: their Python runs, their commands end well, what they say is printed is printed.

Blocks of a document run in order, in one namespace and one empty folder: ```python by the interpreter, every
`unrolled ...` line of ```console as a call of the command line. A ```text block shows lines of what the block
before it printed: numbers may differ there (another processor, another thread count), words may not, `...` is
any end.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled.cli.main import status

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "guides").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """The line, the language and the content of each fenced block.

    Example:
        >>> list(blocks("One:\\n```python\\nx = 1\\n```\\n"))
        [(3, 'python', 'x = 1\\n')]
    """
    for found in FENCE.finditer(text):
        yield text[: found.start()].count("\n") + 2, found[1], found[2]


def words(text: str) -> list[str]:
    """The lines of a text without its numbers and its spacing.

    Example:
        >>> words("last value   0.41  87.7%\\n")
        ['last value # #%']
    """
    return [" ".join(re.sub(r"-?\d[\d,.]*", "#", line).split()) for line in text.splitlines() if line.strip()]


def run_document(path: Path, capture: Any) -> dict[str, Any]:
    """Run every block in the current folder. Returns: the namespace of its Python."""
    names: dict[str, Any] = {"__name__": path.stem}
    printed = ""
    for line, language, content in blocks(path.read_text(encoding="utf-8")):
        where = f"{path.name}, line {line}"
        if language == "python":
            padded = "\n" * (line - 1) + content  # so that a traceback names the line of the document
            exec(compile(padded, str(path), "exec"), names)
            printed = capture.readouterr().out
        elif language == "console":
            for command in content.splitlines():
                assert command.startswith("unrolled "), f"{where}: {command}"
                code = status(shlex.split(command, comments=True)[1:])
                assert code == 0, f"{where}: {command}: {capture.readouterr().err}"
            printed = capture.readouterr().out
        elif language == "text":
            there = iter(words(printed))
            for shown in words(content):  # in this order; lines between them may be left out
                start, end = shown.removesuffix("..."), not shown.endswith("...")
                found = any(line == start if end else line.startswith(start) for line in there)
                assert found, f"{where}: not printed: {shown!r}, but\n{printed}"
    return names


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_document(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = run_document(path, capsys)
    CLAIMS[path.stem](names)


def readme_claims(names: dict[str, Any]) -> None:
    """Ridge is the one to beat, and the stream's last answer is the forecast."""
    assert names["forecaster"].evaluation_.verdict.baseline == "ridge regression"
    table = names["forecast"]
    np.testing.assert_allclose(names["answer"][:, 0, 1], table["co2"], rtol=1e-5)
    assert list(table.columns) == ["date", "co2", "co2_q0.1", "co2_q0.9"] and len(table) == 26


def prices_claims(names: dict[str, Any]) -> None:
    """Chance has no better forecast, though returns look as if they had beside the last value alone."""
    assert names["returns"].evaluation_.verdict.kind != "better"
    assert names["last"].mse > 1.5 * names["network"].mse


def weather_claims(names: dict[str, Any]) -> None:
    """The network is better, and no leak is found."""
    assert names["forecaster"].evaluation_.verdict.kind == "better"
    assert not names["leak"].found


def memory_claims(names: dict[str, Any]) -> None:
    """The gradient of the Elman network dies and it learns nothing; each cure cures."""
    assert names["elman"].evaluation_.model.metrics["R2"] < 0.2 and names["reach"].lag_below < 30
    assert names["lstm"].evaluation_.model.metrics["R2"] > 0.95 and names["further"].shares[59] > 0.01
    assert names["losses"][-20:].mean() > 1.2 and names["clipped"][-20:].mean() < 0.2
    not_clipped, clipped = names["found"].clipping
    assert not not_clipped.score > 0.8 and clipped.score > 0.95
    assert Path("memory.html").read_text(encoding="utf-8").count("<figure") == 3


CLAIMS = {
    "README": readme_claims,
    "memory": memory_claims,
    "prices": prices_claims,
    "weather": weather_claims,
}
