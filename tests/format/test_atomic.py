"""The old file or the new one, whole, whatever happens and whenever the process is killed."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys

import pytest

from unrolled.errors import OutputError
from unrolled.format import atomic, check_output, write_atomically

OLD, NEW = b"old" * 50_000, b"new!" * 60_000
CALLS = ["open", "ftruncate", "write", "fchmod", "fsync", "replace", "close"]


def halves(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2], data[len(data) // 2 :]]


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "m.unrolled"
    write_atomically(path, halves(OLD))
    assert path.read_bytes() == OLD
    write_atomically(str(path), iter([memoryview(NEW)]))
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["m.unrolled"]


def test_a_name_without_a_folder_and_an_empty_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("m", [])
    assert (tmp_path / "m").read_bytes() == b""


def killed_at(path, call: str, occurrence: int, after: bool) -> bool:
    """Write NEW in a child that kills itself at a system call; whether it came that far."""
    child = os.fork()
    if child == 0:
        true_call, seen = getattr(os, call), 0

        def deadly(*arguments, **options):
            nonlocal seen
            seen += 1
            if seen == occurrence and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = true_call(*arguments, **options)
            if seen == occurrence:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(os, call, deadly)
        try:
            write_atomically(path, halves(NEW))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_system_call_leaves_a_whole_file(tmp_path, call, after):
    path = tmp_path / "m.unrolled"
    write_atomically(path, [OLD])
    occurrence = 1
    while killed_at(path, call, occurrence, after):
        assert path.read_bytes() in (OLD, NEW)
        assert set(os.listdir(tmp_path)) <= {"m.unrolled", ".m.unrolled.partial"}
        if occurrence == 1:  # what a killed run left behind neither stands in the way nor stays
            write_atomically(path, [OLD])
            assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["m.unrolled"]
        occurrence += 1
    assert occurrence > 1, f"os.{call} is not called at all"
    assert path.read_bytes() == NEW


def test_kills_at_any_time_leave_a_whole_file_and_nothing_piles_up(tmp_path):
    path = tmp_path / "m"
    write_atomically(path, [OLD])
    for turn in range(40):
        child = os.fork()
        if child == 0:
            while True:
                write_atomically(path, [NEW] * 8 if turn % 2 else [OLD] * 8)
        signal.sigtimedwait([], 0.001 * (turn % 7))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert path.read_bytes() in (OLD, OLD * 8, NEW * 8)
        assert len(os.listdir(tmp_path)) <= 2
    write_atomically(path, [NEW])
    assert path.read_bytes() == NEW and os.listdir(tmp_path) == ["m"]


def test_everything_is_flushed_before_the_rename_and_the_folder_after_it(tmp_path, monkeypatch):
    order = []

    def watched(name):
        true_call = getattr(os, name)

        def call(*arguments, **options):
            kind = ""
            if name == "fsync":
                kind = " folder" if stat.S_ISDIR(os.fstat(arguments[0]).st_mode) else " file"
            order.append(name + kind)
            return true_call(*arguments, **options)

        return call

    for name in ("write", "fsync", "replace"):
        monkeypatch.setattr(os, name, watched(name))
    write_atomically(tmp_path / "m", [b"a", b"b"])
    assert order == ["write", "write", "fsync file", "replace", "fsync folder"]


@pytest.mark.parametrize(
    ("call", "number", "told"),
    [
        ("write", errno.ENOSPC, "got no space left on device. Free some space and run it again."),
        ("write", errno.EDQUOT, "Free some space and run it again."),
        ("write", errno.EIO, "got input/output error. Check the disk, or choose another folder."),
        ("fsync", errno.ENOSPC, "got no space left on device. Free some space"),
        ("open", errno.EROFS, "got read-only file system. Choose another folder."),
        ("open", errno.EACCES, "got permission denied. Change its permissions. Choose another folder."),
        ("replace", errno.EPERM, "got operation not permitted. Change its permissions."),
    ],
)
def test_a_refused_call_leaves_the_old_file_and_no_partial(tmp_path, monkeypatch, call, number, told):
    path = tmp_path / "m"
    write_atomically(path, [OLD])

    def refused(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(OutputError) as caught:
        write_atomically(path, [NEW])
    monkeypatch.undo()
    assert str(caught.value).startswith(f"{path}: expected a file that can be written, got ")
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["m"]


def test_a_disk_that_is_really_full(tmp_path):
    """A limit on the size of files stops the write half way, as a full disk does."""
    path = tmp_path / "m"
    write_atomically(path, [OLD])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"got file too large\. Raise the limit on the size of a file"):
            write_atomically(path, [NEW])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, OSError, RuntimeError])
def test_an_error_of_the_chunks_is_passed_on(tmp_path, error):
    path = tmp_path / "m"
    write_atomically(path, [OLD])

    def chunks():
        yield NEW
        raise error("from the chunks")

    with pytest.raises(error, match="from the chunks") as caught:
        write_atomically(path, chunks())
    assert caught.type is error
    assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("ask", [check_output, lambda path: write_atomically(path, [NEW])])
class TestPlacesThatCannotBeWritten:
    def told(self, ask, path) -> str:
        with pytest.raises(OutputError) as caught:
            ask(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_no_such_folder(self, ask, tmp_path):
        told = self.told(ask, tmp_path / "a" / "m")
        assert (
            f"{tmp_path / 'a' / 'm'}: expected a folder that exists, got '{tmp_path / 'a'}'. Make it first"
            in told
        )

    def test_a_folder(self, ask, tmp_path):
        assert f"{tmp_path}: expected a file, got a folder. Add the name of a file." in self.told(
            ask, tmp_path
        )
        assert "got a folder" in self.told(ask, f"{tmp_path}/new/")

    def test_a_file_as_folder(self, ask, tmp_path):
        (tmp_path / "f").write_bytes(b"")
        assert "got not a directory. Choose another folder." in self.told(ask, tmp_path / "f" / "m")

    def test_a_device(self, ask):
        assert "/dev/null: expected a file, got a pipe or device. Choose another name." in self.told(
            ask, "/dev/null"
        )

    def test_no_name(self, ask):
        assert "output: expected the name of a file, got ''. Name a file." in self.told(ask, "")
        assert "got 'a\\x00b'" in self.told(ask, "a\0b")
        assert "got '\\ud800'" in self.told(ask, "\ud800")

    def test_a_name_too_long(self, ask, tmp_path):
        assert "got file name too long. Choose a shorter name." in self.told(ask, tmp_path / ("n" * 250))

    def test_another_writer(self, ask, tmp_path):
        with atomic._partial(tmp_path / "m"):
            told = self.told(ask, tmp_path / "m")
        assert "output: expected to be its only writer, got another program that is writing" in told
        assert "Wait for it, or choose another name." in told
        write_atomically(tmp_path / "m", [NEW])

    def test_a_pipe_in_the_partial_file_s_place(self, ask, tmp_path):
        os.mkfifo(tmp_path / ".m.partial")
        assert "expected a partial file, got something else. Remove it." in self.told(ask, tmp_path / "m")

    def test_a_link_in_the_partial_file_s_place(self, ask, tmp_path):
        (tmp_path / "victim").write_bytes(OLD)
        os.symlink("victim", tmp_path / ".m.partial")
        assert "expected a file that can be written, got too many levels" in self.told(ask, tmp_path / "m")
        assert (tmp_path / "victim").read_bytes() == OLD


def test_permissions_are_respected():
    """As a user who is not root, if the tests run as root: a closed folder and a read-only file."""
    code = """
import fcntl, os, tempfile
from unrolled.errors import OutputError
from unrolled.format import check_output, write_atomically
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "m")
    write_atomically(path, [b"old"])
    for mode, target in ((0o444, path), (0o555, folder)):
        os.chmod(target, mode)
        for ask in (check_output, lambda p: write_atomically(p, [b"new"])):
            try:
                ask(path)
            except OutputError as error:
                print(error)
        os.chmod(target, 0o755)
    assert open(path, "rb").read() == b"old" and os.listdir(folder) == ["m"]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all(
        "expected a file that can be replaced, got a read-only file. Allow it (chmod u+w" in x
        for x in lines[:2]
    )
    assert all("got permission denied. Change its permissions." in x for x in lines[2:])


def test_check_output_leaves_no_trace(tmp_path):
    path = tmp_path / "m"
    assert check_output(str(path)) == path
    assert os.listdir(tmp_path) == []
    path.write_bytes(OLD)
    (tmp_path / ".m.partial").write_bytes(b"left by a killed run")
    check_output(path)
    assert path.read_bytes() == OLD and os.listdir(tmp_path) == ["m"]


def test_a_link_is_followed_and_kept(tmp_path):
    (tmp_path / "disk").mkdir()
    os.symlink("disk/m", tmp_path / "latest")
    write_atomically(tmp_path / "latest", [OLD])
    assert os.readlink(tmp_path / "latest") == "disk/m"
    assert (tmp_path / "disk" / "m").read_bytes() == OLD and os.listdir(tmp_path / "disk") == ["m"]


def test_permissions_follow_the_umask_and_then_the_old_file(tmp_path):
    path = tmp_path / "m"
    before = os.umask(0o027)
    try:
        write_atomically(path, [OLD])
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write_atomically(path, [NEW])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_two_writers_at_once_never_mix(tmp_path):
    """Each either writes its whole file or is told of the other."""
    path = tmp_path / "m"
    children = []
    for data in (OLD, NEW):
        child = os.fork()
        if child == 0:
            done = 0
            while done < 50:
                try:
                    write_atomically(path, halves(data))
                    done += 1
                except OutputError as error:
                    if "only writer" not in str(error):
                        os._exit(1)
            os._exit(0)
        children.append(child)
    seen = set()
    while children:
        if path.exists():
            seen.add(path.read_bytes())
        if os.waitpid(children[0], os.WNOHANG)[0]:
            children.pop(0)
    assert seen <= {OLD, NEW} and os.listdir(tmp_path) == ["m"]
