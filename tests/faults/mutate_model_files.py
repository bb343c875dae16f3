"""Damage model files in many ways: each must load or raise ModelFileError, without a crash or hang.

    python tests/faults/mutate_model_files.py --count 100000
    python tests/faults/mutate_model_files.py --loader unrolled:load --file etth1.unrolled --count 20000
    python tests/faults/mutate_model_files.py --only 4711 --keep mutant.unrolled

Every second mutant gets a right digest again, so that the checks behind the digest are reached. The loader
runs in forked workers under an address-space limit and a timer; a mutant that ends its worker is reported,
and the next worker goes on after it. Memory may reach three times the file and a small allowance. Mutants are
numbered: the same seed and files give the same mutant again.

Ends with 0 if every mutant was refused or loaded as it should, else with 1.
"""

import argparse
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.errors import ModelFileError
from unrolled.format import read_card, read_model

sys.path.insert(0, str(Path(__file__).parent))
from damages import DIGITS, digest, mutant, own_files

ALLOWANCE = 256 * 1024  # bytes beside three times the file: the interpreter's own small things
HEADROOM = 512 * 2**20  # address space beside three times the file: a runaway allocation ends here
SECONDS = 10
BATCH = 2_000

Loader = Callable[[Path], Any]


class Outcome(NamedTuple):
    """What a loader did with one mutant: `failure` is empty where it did as it should."""

    number: int
    kind: str
    right_digest: bool
    loaded: bool
    failure: str
    peak: float
    seconds: float


# -- one worker


def judge(loader: Loader, path: Path, number: int, kind: str, right: bool, data: bytes) -> Outcome:
    """Load one mutant and say what went wrong, if anything did."""
    path.write_bytes(data)
    failure, loaded = "", False
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    began = time.perf_counter()
    try:
        result = loader(path)
        loaded = True
    except ModelFileError as error:
        text = str(error)
        if "\n" in text or str(path) not in text or "expected" not in text:
            failure = f"not one line that names the file: {text!r}"
    except Exception as error:
        failure = f"{type(error).__name__} instead of ModelFileError: {error}"
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1] - before
    if loaded and data[DIGITS] != digest(data):
        failure = "loaded, with a wrong digest"
    elif loaded and loader is read_model:
        failure = cross_check(result.tensors, path, data)
    if peak > 3 * len(data) + ALLOWANCE:
        failure = f"took {peak} bytes of memory for a file of {len(data)}"
    return Outcome(
        number, kind, right, loaded, failure, max(0, peak - ALLOWANCE) / max(1, len(data)), seconds
    )


def cross_check(tensors: dict[str, np.ndarray], path: Path, data: bytes) -> str:
    """What the safetensors library or `read_card` sees otherwise than `read_model` did."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    read_card(path)
    try:
        theirs = load(data)
    except SafetensorError as error:
        return f"loaded, but safetensors refuses it: {error}"
    same = theirs.keys() == tensors.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in ((tensors[name], theirs[name]) for name in theirs)
    )
    return "" if same else "loaded, but safetensors reads other arrays"


def work(loader: Loader, files: list[bytes], seed: int, numbers: range, out: int) -> None:
    """Judge mutants one after another, and write each outcome as a line to the pipe `out`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 3 * max(map(len, files)) + HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with tempfile.TemporaryDirectory() as folder, open(out, "w", buffering=1) as pipe:
        path = Path(folder) / "mutant.unrolled"
        path.write_bytes(files[0])
        loader(path)  # what is loaded or compiled once is not this mutant's memory
        tracemalloc.start()
        for number in numbers:
            kind, right, data = mutant(files, seed, number)
            signal.setitimer(
                signal.ITIMER_REAL, SECONDS
            )  # its default action ends the process, whatever it does
            outcome = judge(loader, path, number, kind, right, data)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.write(json.dumps(outcome) + "\n")


def outcomes(loader: Loader, files: list[bytes], seed: int, count: int) -> Iterator[Outcome]:
    """Every mutant's outcome; a worker that dies costs one mutant, not the run."""
    begin = 0
    while begin < count:
        numbers = range(begin, min(begin + BATCH, count))
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                work(loader, files, seed, numbers, writer)
            except BaseException as error:
                print(f"the worker itself failed: {type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        os.close(writer)
        with open(reader) as pipe:
            for line in pipe:
                yield Outcome(*json.loads(line))
                begin += 1
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            kind, right, _ = mutant(files, seed, begin)
            hung = f"still at work after {SECONDS} s"
            failure = hung if status == -signal.SIGALRM else f"ended its process with {status}"
            yield Outcome(begin, kind, right, False, failure, 0.0, 0.0)
            begin += 1


# -- the run


def report(found: list[Outcome]) -> int:
    """Print a table, kind by kind, and the failures; the number of failures."""
    made, loaded = Counter(o.kind for o in found), Counter(o.kind for o in found if o.loaded)
    print(f"{'damage':14} {'mutants':>8} {'refused':>8} {'loaded':>8}")
    for kind in sorted(made):
        print(f"{kind:14} {made[kind]:8} {made[kind] - loaded[kind]:8} {loaded[kind]:8}")
    print(f"{'all':14} {len(found):8} {len(found) - loaded.total():8} {loaded.total():8}")
    failures = [o for o in found if o.failure]
    wrong = sum(o.loaded and "digest" in o.failure for o in found)
    print(f"right digest: {sum(o.right_digest for o in found)} mutants; wrong digest loaded: {wrong}")
    print(f"memory at most {max(o.peak for o in found):.2f} x the file (+ {ALLOWANCE // 1024} KiB)")
    print(f"slowest {max(o.seconds for o in found) * 1000:.1f} ms; failures {len(failures)}")
    for o in failures[:20]:
        print(f"FAILED mutant {o.number} ({o.kind}): {o.failure}"[:500])
    return len(failures)


def loader_named(name: str) -> Loader:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000, help="how many mutants (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other mutants")
    parser.add_argument("--loader", default="unrolled.format:read_model", metavar="MODULE:FUNCTION")
    parser.add_argument("--file", type=Path, action="append", help="a model file to damage; may be repeated")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="load one mutant here, errors and all")
    parser.add_argument("--keep", type=Path, metavar="PATH", help="with --only: where to write the mutant")
    chosen = parser.parse_args()
    files = [path.read_bytes() for path in chosen.file] if chosen.file else own_files()
    loader = loader_named(chosen.loader)
    if chosen.only is not None:
        path = chosen.keep or Path(tempfile.mkdtemp()) / "mutant.unrolled"
        path.write_bytes(mutant(files, chosen.seed, chosen.only)[2])
        print(loader(path))
        return 0
    return 1 if report(list(outcomes(loader, files, chosen.seed, chosen.count))) else 0


if __name__ == "__main__":
    sys.exit(main())
