"""Write several files so that they are seen together, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unrolled.errors import OutputError, explain


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside `path`, whose files are moved to `path` when the block ends without an error.

    Files of `path` that have other names stay. If the block raises, nothing of it is left.
    Raises: OutputError where the folder cannot be made or written.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise OutputError(explain(str(path), "a folder", "a file", "Choose another name."))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    except OSError as error:
        raise _told(target, error) from None
    try:
        yield made
        _move(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _move(made: Path, target: Path) -> None:
    try:
        target.mkdir(exist_ok=True)
        for file in sorted(made.iterdir()):
            os.replace(file, target / file.name)
    except OSError as error:
        raise _told(target, error) from None


def _told(target: Path, error: OSError) -> OutputError:
    got = (error.strerror or str(error)).lower()
    return OutputError(explain(str(target), "a folder that can be written", got, "Choose another folder."))
