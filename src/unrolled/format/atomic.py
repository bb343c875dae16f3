"""Write a file so that it is always whole: the old one, or the new one.

The bytes go to `.<name>.partial` in the same folder, are flushed to the disk, and are renamed over the
target. A run that is killed at any of these steps leaves the target as it was, and at most that one partial
file, which the next write takes over. It is locked while it is written; the lock ends with its process.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unrolled.errors import OutputError, explain

_FREE = "Free some space and run it again."
_OTHER = "Choose another folder."
_CURES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EFBIG: "Raise the limit on the size of a file (ulimit -f).",
    errno.EROFS: _OTHER,
    errno.EACCES: f"Change its permissions. {_OTHER}",
    errno.EPERM: f"Change its permissions. {_OTHER}",
    errno.ENOENT: "Make the folder first (mkdir -p).",
    errno.ENOTDIR: _OTHER,
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_LOCKS_ABSENT = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_FLUSH_ABSENT = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def check_output(path: str | Path) -> Path:
    """The path, if a file can be written there: to be asked before long work.

    A partial file is made and removed: permissions alone do not tell of a read-only system.

    Raises: OutputError that names the folder or file and what to do.
    """
    target = _target(path)
    with _telling(target), _partial(target):
        pass
    return Path(path)


def write_atomically(path: str | Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write the chunks to a file that is never seen half written.

    Returns: when the new file is on the disk under its name.
    Raises: OutputError; the old file is unharmed then, and so it is when `chunks` raises.
    """
    target = _target(path)
    with _telling(target), _partial(target) as number:
        for chunk in _undisturbed(chunks):
            _write(number, chunk)
        if target.exists():
            os.fchmod(number, stat.S_IMODE(target.stat().st_mode))
        os.fsync(number)  # before the rename: a name must never point at bytes that a power cut can lose
        os.replace(_partial_of(target), target)
        _flush_folder(target.parent)


def _target(path: str | Path) -> Path:
    """The file that the path stands for, links followed: a link is kept, and what it points to replaced."""
    name = os.fspath(path)
    if not _is_name(name):
        raise OutputError(explain("output", "the name of a file", repr(name), "Name a file."))
    target = Path(os.path.realpath(name))
    with _telling(target):
        if target.is_dir() or name.endswith("/"):
            cure = "Add the name of a file."
            raise OutputError(explain(str(path), "a file", "a folder", cure))
        if target.exists() and not target.is_file():
            raise OutputError(explain(str(path), "a file", "a pipe or device", "Choose another name."))
        if not target.parent.exists():
            cure = f"Make it first: mkdir -p '{target.parent}'"
            raise OutputError(explain(str(path), "a folder that exists", f"'{target.parent}'", cure))
        if target.exists() and not os.access(target, os.W_OK):
            cure = f"Allow it (chmod u+w '{target}'), or choose another name."
            raise OutputError(explain(str(path), "a file that can be replaced", "a read-only file", cure))
    return target


def _is_name(name: str) -> bool:
    try:
        return b"\0" not in (encoded := os.fsencode(name)) and encoded != b""
    except UnicodeEncodeError:
        return False


def _partial_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")


@contextmanager
def _partial(target: Path) -> Iterator[int]:
    """The empty, locked partial file beside the target; it is removed at the end if it was not renamed."""
    path = _partial_of(target)
    number = _open_locked(path)
    try:
        os.ftruncate(number, 0)
        yield number
    finally:
        # Only while locked, and only if it is still ours: after the rename, the name may be another's.
        with suppress(OSError):
            if _is_at(number, path):
                os.unlink(path)
        os.close(number)


def _open_locked(path: Path) -> int:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise OutputError(explain(str(path), "a partial file", "something else", "Remove it."))
            _lock(number, path)
            if _is_at(number, path):
                return number
        except BaseException:
            os.close(number)
            raise
        os.close(number)  # another writer has renamed or removed it since it was opened


def _lock(number: int, path: Path) -> None:
    import fcntl  # not on Windows, where reading must work nevertheless

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            got = f"another program that is writing '{path}'"
            cure = "Wait for it, or choose another name."
            raise OutputError(explain("output", "to be its only writer", got, cure)) from None
        if error.errno not in _LOCKS_ABSENT:
            raise


def _is_at(number: int, path: Path) -> bool:
    """Whether the open file is the one that has this name now."""
    try:
        named = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(number))


def _write(number: int, chunk: bytes | memoryview) -> None:
    view = memoryview(chunk).cast("B")
    while view.nbytes:
        view = view[os.write(number, view) :]


def _flush_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _FLUSH_ABSENT:  # some network file systems flush no folders
            raise
    finally:
        os.close(number)


class _ChunkError(Exception):
    """Carries an error of the chunks past the place where errors of writing are told."""


def _undisturbed(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    try:
        yield from chunks
    except Exception as error:
        raise _ChunkError from error


@contextmanager
def _telling(target: Path) -> Iterator[None]:
    """Turn what the operating system refuses into one line with a cure."""
    try:
        yield
    except OutputError:
        raise
    except _ChunkError as error:
        assert error.__cause__ is not None
        raise error.__cause__ from None
    except OSError as error:
        got = (error.strerror or str(error)).lower()
        cure = _CURES.get(error.errno or 0, "Check the disk, or choose another folder.")
        raise OutputError(explain(str(target), "a file that can be written", got, cure)) from None
