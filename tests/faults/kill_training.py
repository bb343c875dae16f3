"""Kill a training with SIGKILL a hundred times, go on each time, and compare the bytes of the model file.

    python tests/faults/kill_training.py
    python tests/faults/kill_training.py --command "unrolled train forecast data.csv --target OT --seed 1 \
        --checkpoint {checkpoint} --resume -o {model}"

Each trial starts the command, kills it once, and runs it again until it ends by itself. 70 kills come at a
random moment after the first checkpoint; 30 come right before a system call, each of those between the
opening of a checkpoint's temporary file and the fsync of its folder in its turn. All model files must equal
that of a run that nobody killed. The command must resume where there is a checkpoint, and start anew where
there is none.
"""

import argparse
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SMALL = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'small_training.py'))}"
COMMAND = f"{SMALL} --epochs 4 --steps 25 --checkpoint {{checkpoint}} --output {{model}} --resume"
TRACING_REFUSED = 125


class KillError(Exception):
    """A trial could not be made, or a run failed by itself."""


class TracingRefusedError(KillError):
    """This machine lets nobody trace system calls."""


@dataclass(frozen=True)
class Place:
    """The folders of one run: the checkpoint alone in one, the model in the other."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint" / "run.checkpoint"

    @property
    def model(self) -> Path:
        return self.folder / "model" / "model.unrolled"

    def command(self, text: str) -> list[str]:
        places = {"checkpoint": str(self.checkpoint), "model": str(self.model)}
        return [word.format(**places) for word in shlex.split(text)]


@dataclass(frozen=True)
class Kill:
    """When to kill: after a share of the time that training takes, or before a call of a writing."""

    share: float = 0.0
    writing: int = 0
    call: str = ""

    @property
    def name(self) -> str:
        return (
            f"call {self.call} of writing {self.writing}"
            if self.writing
            else f"at {self.share:.0%} of the run"
        )


def new_place(parent: Path, name: str) -> Place:
    place = Place(parent / name)
    for file in (place.checkpoint, place.model):
        file.parent.mkdir(parents=True)
    return place


def run(command: list[str]) -> None:
    """Run to the end."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise KillError(f"the command ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


def undisturbed(text: str, place: Place) -> tuple[bytes, float]:
    """The model's bytes, and the seconds from the first checkpoint to the end."""
    process = start(place.command(text))
    wait_for_writing(process, place, before=None)
    begun = time.monotonic()
    if process.wait():
        raise KillError(f"the undisturbed run ended with {process.returncode}")
    return place.model.read_bytes(), time.monotonic() - begun


def start(command: list[str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def written(place: Place) -> int | None:
    """Which writing of the checkpoint is there: each has its own time."""
    try:
        return place.checkpoint.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def wait_for_writing(process: subprocess.Popen[bytes], place: Place, before: int | None) -> None:
    while written(place) == before and process.poll() is None:
        time.sleep(0.002)


def kill_at_moment(text: str, place: Place, seconds: float) -> bool:
    """Kill the run some seconds after it has written a checkpoint; False if it ended before that."""
    before = written(place)
    process = start(place.command(text))
    wait_for_writing(process, place, before)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def build_tracer(folder: Path) -> Path:
    """Compile kill_at_call.c."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise KillError("no C compiler for kill_at_call.c: install gcc, or pass --calls 0")
    tracer = folder / "kill_at_call"
    run([compiler, "-O1", "-o", str(tracer), str(HERE / "kill_at_call.c")])
    return tracer


def traced(tracer: Path, text: str, place: Place, writing: int, call: str) -> list[tuple[int, str]]:
    """Run, killed before this call; writing 0 kills nothing.

    Returns: (writing, name) of the calls that the writings made, the call it was killed before as the last.
    """
    log = place.folder / "calls.log"
    words = [str(tracer), str(place.checkpoint.parent.resolve()), str(writing), call, str(log)]
    done = subprocess.run([*words, *place.command(text)], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode == TRACING_REFUSED:
        raise TracingRefusedError("this machine lets nobody trace system calls (ptrace): pass --calls 0")
    lines = log.read_text().splitlines()
    if (done.returncode == 128 + signal.SIGKILL) != (writing > 0) or (writing > 0 and lines[-1] != "killed"):
        raise KillError(f"writing {writing}, call {call}: ended with {done.returncode} after {lines[-1:]}")
    return [(int(line.split()[0]), line.split()[1]) for line in lines if line != "killed"]


def places_of_calls(calls: list[tuple[int, str]], count: int) -> Iterator[Kill]:
    """Kills spread over the writings, together at every kind of step of a writing.

    Repeated writes are one kind: their first, two between and their last are taken.
    """
    names: dict[int, list[str]] = {}
    for writing, name in calls:
        names.setdefault(writing, []).append(name)
    whole = [writing for writing in names if names[writing][-1] == "flushed"]
    whole = whole[: max(1, len(whole) * 2 // 3)]  # those that a run with another timing has, too
    if not whole:
        raise KillError("no writing of a checkpoint was seen: does the command write to {checkpoint}?")
    for number in range(count):
        writing = whole[number * len(whole) // count]
        steps = steps_of(names[writing])  # writings differ: early ones have less to write
        yield Kill(writing=writing, call=steps[number % len(steps)])


def steps_of(names: list[str]) -> list[str]:
    """Which calls of a writing to kill at, such as fsync:2: all, but of its many writes four."""
    writes = names.count("write")
    kept = {1 + writes * part // 3 for part in range(3)} | {writes}
    numbered = [(name, names[: place + 1].count(name)) for place, name in enumerate(names)]
    return [f"{name}:{number}" for name, number in numbered if name != "write" or number in kept]


def trial(text: str, place: Place, kill: Kill, seconds: float, tracer: Path | None) -> str:
    """Kill one run once, go on to its end. Returns: the name of the call that was not made, or 'moment'."""
    what = "moment"
    if kill.writing:
        assert tracer is not None
        what = traced(tracer, text, place, kill.writing, kill.call)[-1][1]
    else:
        share = kill.share
        while not kill_at_moment(text, place, share * seconds):
            share *= 0.8  # it was faster this time, and had ended
            shutil.rmtree(place.folder)
            new_place(place.folder.parent, place.folder.name)
    run(place.command(text))
    return what


def check_hundred(text: str, moments: int, calls: int, jobs: int, seed: int, parent: Path) -> int:
    """All trials. Returns: how many did not end in the same bytes."""
    model, seconds = undisturbed(text, new_place(parent, "undisturbed"))
    print(f"undisturbed: {len(model)} bytes, {seconds:.1f} s from its first checkpoint", flush=True)
    draw = random.Random(seed)
    kills = [Kill(share=draw.random()) for _ in range(moments)]
    tracer = None
    if calls:
        tracer = build_tracer(parent)
        place = new_place(parent, "listed")
        kills += places_of_calls(traced(tracer, text, place, 0, "none:0"), calls)
        if place.model.read_bytes() != model:
            raise KillError("two undisturbed runs differ: the command does not repeat itself")

    def one(numbered: tuple[int, Kill]) -> tuple[str, bool]:
        number, kill = numbered
        place = new_place(parent, f"trial-{number}")
        what = trial(text, place, kill, seconds, tracer)
        same = place.model.read_bytes() == model
        print(f"{number + 1:4d} {'identical' if same else 'DIFFERENT'}: {kill.name} ({what})", flush=True)
        if same:
            shutil.rmtree(place.folder)
        return what, same

    with ThreadPoolExecutor(jobs) as pool:
        ends = list(pool.map(one, enumerate(kills)))
    for what, count in sorted(Counter(what for what, _ in ends).items()):
        print(f"{count:4d} kills: {what if what == 'moment' else 'before ' + what}")
    different = sum(not same for _, same in ends)
    print(f"{len(ends) - different} of {len(ends)} identical")
    return different


def check_chain(text: str, shares: list[float], calls: list[tuple[int, str]], parent: Path) -> bool:
    """The short form: one run, killed again each time it goes on.

    `shares` are moments as parts of an undisturbed run's time; `calls` are (writing, call), each counted from
    the start of its process.
    Returns: whether the run ended in the same bytes.
    """
    model, seconds = undisturbed(text, new_place(parent, "undisturbed"))
    tracer = build_tracer(parent) if calls else None
    place = new_place(parent, "chain")
    for writing, call in calls:
        assert tracer is not None
        traced(tracer, text, place, writing, call)
    for share in shares:
        kill_at_moment(text, place, share * seconds)
    run(place.command(text))
    return place.model.read_bytes() == model


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--command", default=COMMAND, help="with {checkpoint} and {model} in it")
    parser.add_argument("--moments", type=int, default=70)
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            parent = Path(folder).resolve()
            return min(1, check_hundred(told.command, told.moments, told.calls, told.jobs, told.seed, parent))
        except KillError as error:
            print(f"kill_training: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
