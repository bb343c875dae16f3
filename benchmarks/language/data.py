"""The real texts, from the folder that UNROLLED_DATA names (docs/data.md)."""

import os
from pathlib import Path

from unrolled.data.text import read_lines


def folder() -> Path:
    """Where the data is. Ends the program with one line where it is not."""
    where = os.environ.get("UNROLLED_DATA")
    if not where or not Path(where).is_dir():
        raise SystemExit("Set UNROLLED_DATA to the folder of data sets that docs/data.md describes.")
    return Path(where)


def read(name: str) -> list[str]:
    """The lines of a text."""
    return read_lines(folder() / name)
