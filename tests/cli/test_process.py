"""What only a process of its own can show: signals, full disks, pipes, what is imported."""

import os
import resource
import signal
import subprocess
import sys

import pytest

RUN = [sys.executable, "-c", "from unrolled.cli.main import run; run()"]
LONG = ["--hidden", "4", "--history", "12", "--horizon", "4", "--epochs", "6", "--patience", "0"]


def start(*arguments, **more):
    words = [str(argument) for argument in arguments]
    return subprocess.Popen([*RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finish(process):
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err.splitlines()


def training(home, tmp_path, *more):
    columns = ["--time", "date", "--target", "y"]
    return ["train", "forecast", home / "data.csv", *columns, *LONG, *more, "-o", tmp_path / "m.unrolled"]


def test_ctrl_c_keeps_the_checkpoint_and_resume_ends_in_the_same_bytes(call, home, tmp_path):
    checkpoint = tmp_path / "run.checkpoint"
    arguments = training(home, tmp_path, "--checkpoint", checkpoint)
    process = start(*arguments)
    assert process.stderr.readline().startswith("epoch 1/6")
    process.send_signal(signal.SIGINT)
    code, out, lines = finish(process)
    last = lines[-1]
    assert (code, out) == (1, "")
    assert last.startswith("unrolled: training: expected 6 epochs, got Ctrl-C ")
    assert last.endswith(f"Go on with --resume and --checkpoint {checkpoint}.")
    assert all(line.startswith("epoch ") for line in lines[:-1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.checkpoint"]
    code, out, lines = finish(start(*arguments, "--resume"))
    assert code == 0 and any(line.startswith("Going on ") for line in lines)
    resumed = (tmp_path / "m.unrolled").read_bytes()
    assert call(*training(home, tmp_path)).code == 0
    assert (tmp_path / "m.unrolled").read_bytes() == resumed


def limited(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_full_disk_while_saving_harms_no_old_file(home, tmp_path):
    out = tmp_path / "m.unrolled"
    out.write_text("old")
    kept = tmp_path / "tmp"
    kept.mkdir()
    arguments = training(home, tmp_path, "--epochs", "1")
    environment = os.environ | {"TMPDIR": str(kept)}
    code, printed, lines = finish(start(*arguments, preexec_fn=limited(2_000), env=environment))
    assert (code, printed) == (1, "")
    assert lines[-1] == (
        f"unrolled: {out}: expected a file that can be written, got file too large. "
        "Raise the limit on the size of a file (ulimit -f)."
    )
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.unrolled", "tmp"]
    assert list(kept.iterdir()) == []


def test_a_full_disk_behind_a_pipe_is_said(home):
    with open("/dev/full", "w") as full:
        words = [str(word) for word in ("check", home / "data.csv")]
        done = subprocess.run([*RUN, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == "unrolled: output: no space left on device\n"


def test_a_reader_that_goes_away_is_no_error_to_tell(home):
    process = start("check", home / "data.csv")
    process.stdout.close()
    assert process.wait(timeout=120) in (0, 1)
    assert process.stderr.read() == ""


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_what_needs_no_torch_loads_none(arguments):
    code = (
        "import sys\nfrom unrolled.cli.main import status\n"
        f"assert status({arguments!r}) == 0\n"
        "heavy = {'torch', 'polars', 'pandas', 'sklearn', 'matplotlib', 'statsmodels'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
