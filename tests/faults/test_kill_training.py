"""The short form of kill_training.py: five kills of one run."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kill_training import COMMAND, TracingRefusedError, check_chain, places_of_calls, steps_of

WRITING = ["openat", "flock", *["write"] * 10, "fsync", "rename", "openat", "fsync", "flushed"]


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="traces system calls of Linux"
)
def test_a_run_killed_five_times_ends_in_the_same_bytes(tmp_path: Path) -> None:
    calls = [(2, "fsync:2"), (4, "rename:1")]
    try:
        assert check_chain(COMMAND, [0.05, 0.2, 0.3], calls, tmp_path)
    except TracingRefusedError as error:
        pytest.skip(str(error))


def test_the_kills_come_at_every_step_of_a_writing() -> None:
    steps = "openat:1 flock:1 write:1 write:4 write:7 write:10 fsync:1 rename:1 openat:2 fsync:2 flushed:1"
    assert steps_of(WRITING) == steps.split()
    calls = [(1, "openat"), (1, "removed"), *((writing, name) for writing in range(2, 8) for name in WRITING)]
    kills = list(places_of_calls(calls, 11))
    assert [kill.call for kill in kills] == steps.split()
    assert {kill.writing for kill in kills} == {2, 3, 4, 5}
