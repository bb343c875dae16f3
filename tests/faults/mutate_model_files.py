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
import hashlib
import importlib
import json
import os
import random
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
from unrolled.format import dump_model, new_card, read_card, read_model

DIGITS = slice(35, 99)
ALLOWANCE = 256 * 1024  # bytes beside three times the file: the interpreter's own small things
HEADROOM = 512 * 2**20  # address space beside three times the file: a runaway allocation ends here
SECONDS = 10
BATCH = 2_000

Loader = Callable[[Path], Any]
Damage = Callable[[random.Random, bytes], bytes]


class Outcome(NamedTuple):
    """What a loader did with one mutant: `failure` is empty where it did as it should."""

    number: int
    kind: str
    right_digest: bool
    loaded: bool
    failure: str
    peak: float
    seconds: float


# -- the files to damage


def own_files() -> list[bytes]:
    """Small files of every kind: all types of arrays, an empty file, a card with depth and many words."""
    draw = np.random.default_rng(0)
    types = "f8 f4 f2 i8 i4 i2 i1 u8 u4 u2 u1 ?".split()
    every = {f"a.{t}": (draw.random((3, 5)) * 9).astype(t) for t in types}
    every |= {"none": np.zeros((0, 4), np.float32), "one": np.array(2.5, np.float32)}
    card = {
        "columns": ["OT", "temp_max", "Größe"],
        "horizon": 24,
        "scalers": {"mean": [[1.5, -2e-7], [0.0, 3.25]], "scale": [[1, 1], [2.5, 1e300]]},
        "nested": {"a": [{"b": [[], {}, None, True]}]},
    }
    words = {"words": [f"word-{i}" for i in range(300)], "seed": 2**63}
    return [
        join(new_card("model", "forecast", card), every),
        join(new_card("checkpoint", "", words), {"state": np.arange(24, dtype=np.uint8)}),
        join(new_card("program", "tag", {"operations": []}), {}),
    ]


def join(card: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
    return b"".join(dump_model(card, tensors))


def digest(data: bytes) -> bytes:
    """The digest by docs/format.md, written anew: the reader's own is what is tested."""
    zeroed = data[: DIGITS.start] + b"0" * 64 + data[DIGITS.stop :]
    return hashlib.sha256(zeroed).hexdigest().encode()


def with_digest(data: bytes) -> bytes:
    return data[: DIGITS.start] + digest(data) + data[DIGITS.stop :]


# -- the damage


def flip_bits(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        damaged[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def truncate(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))]


def insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.choice((draw.randrange(len(data)), len(data)))
    return data[:at] + draw.randbytes(draw.choice((1, 8, 200))) + data[at:]


def delete(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.choice((1, 8, 64)) :]


def swap(draw: random.Random, data: bytes) -> bytes:
    size = draw.choice((1, 8, 32))
    a, b = sorted(draw.randrange(len(data) - size) for _ in range(2))
    if b < a + size:
        return data[:a] + data[a : b + size][::-1] + data[b + size :]
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def wrong_length(draw: random.Random, data: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    near = [length + step for step in (-8, -1, 1, 8, 64)]
    far = [0, 1, 8, len(data), len(data) - 8, 2**24, 2**24 + 8, 2**31, 2**32, 2**63, 2**64 - 8, 2**64 - 1]
    return draw.choice(near + far).to_bytes(8, "little") + data[8:]


def header_text(draw: random.Random, data: bytes) -> bytes:
    """Put a piece of JSON, or of something else, into the header's text."""
    text, rest = _split(data)
    pieces = [
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "NaN",
        "Infinity",
        "-0",
        "1e999",
        "9" * 400,
        "é",
    ]
    pieces += ["\\ud800", '\\"', "\x00", " " * 9, "/**/", "'", "\\u005b" * 40]
    at = draw.randrange(len(DIGITS_PREFIX), len(text))
    return _whole(text[:at] + draw.choice(pieces) + text[at + draw.choice((0, 1, 3)) :], rest)


def header_field(draw: random.Random, data: bytes) -> bytes:
    """Change one value anywhere in the header's JSON."""
    text, rest = _split(data)
    return _whole(_dumps(_changed(draw, json.loads(text))), rest)


def card_field(draw: random.Random, data: bytes) -> bytes:
    """Change one value anywhere in the card's JSON."""
    text, rest = _split(data)
    header = json.loads(text)
    card = json.loads(header["__metadata__"]["unrolled"])
    header["__metadata__"]["unrolled"] = _dumps(_changed(draw, card))
    return _whole(_dumps(header), rest)


def array_field(draw: random.Random, data: bytes) -> bytes:
    """Change a type, a shape or an offset."""
    text, rest = _split(data)
    header = json.loads(text)
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return _whole(text.rstrip()[:-1] + ',"x":{"data_offsets":[0,0],"dtype":"F32","shape":[0]}}', rest)
    place = header[draw.choice(names)]
    sizes = [0, 1, 2, 3, 5, 15, -1, 2**31, 2**62, 2**63, 2**64, 10**30, True, 1.0, "1", None]
    what = draw.choice(("dtype", "shape", "data_offsets", "data_offsets"))
    if what == "dtype":
        place[what] = draw.choice(("F64", "F32", "BF16", "F8_E4M3", "I8", "U8", "BOOL", "C64", "", None, 3))
    elif what == "shape":
        place[what] = [draw.choice(sizes) for _ in range(draw.choice((0, 1, 2, 2, 2, 3, 9, 40)))]
    else:
        place[what][draw.randrange(2)] = draw.choice([*sizes, place[what][0] + 1, place[what][1] - 1])
    return _whole(_dumps(header), rest)


def nest(draw: random.Random, data: bytes) -> bytes:
    """Nest brackets deeply, in the header or in the card, closed or not."""
    depth = draw.choice((60, 64, 65, 1_000, 20_000))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    value = opened * depth + draw.choice(("0", "")) + closed * draw.choice((depth, depth, 0))
    text, rest = _split(data)
    if draw.random() < 0.5:
        return _whole(text.rstrip()[:-1] + f',"x":{value}}}', rest)
    header = json.loads(text)
    header["__metadata__"]["unrolled"] = header["__metadata__"]["unrolled"][:-1] + f',"x":{value}}}'
    return _whole(_dumps(header), rest)


def repeat_key(draw: random.Random, data: bytes) -> bytes:
    text, rest = _split(data)
    header = json.loads(text)
    name = draw.choice(list(header))
    again = f",{json.dumps(name)}:{_dumps(header[name])}"
    return _whole(text.rstrip()[:-1] + again + "}", rest)


def other_data(draw: random.Random, data: bytes) -> bytes:
    """Keep the header and draw the arrays' bytes anew: NaN, infinities, booleans that are neither."""
    text, rest = _split(data)
    return _whole(text, draw.randbytes(len(rest)))


def noise(draw: random.Random, data: bytes) -> bytes:
    """No model file at all."""
    starts = (b"", b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY", b"{}", data[:8], data[:99])
    return draw.choice(starts) + draw.randbytes(draw.choice((0, 1, 50, 400)))


DIGITS_PREFIX = '{"__metadata__":{"sha256":"' + "0" * 64
DAMAGES: tuple[Damage, ...] = (
    *(flip_bits, truncate, insert, delete, swap, wrong_length, header_text, header_field, card_field),
    *(array_field, nest, repeat_key, other_data, noise),
)


def _split(data: bytes) -> tuple[str, bytes]:
    end = 8 + int.from_bytes(data[:8], "little")
    return data[8:end].decode("ascii"), data[end:]


def _whole(text: str, rest: bytes) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + rest


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _changed(draw: random.Random, value: Any) -> Any:
    """The value with one of its parts dropped, renamed or replaced by a value of any type."""
    spots: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        keys: Any = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            spots.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    node, key = draw.choice(spots)
    odd: tuple[Any, ...] = (
        None,
        True,
        0,
        -1,
        2,
        1.5,
        10**25,
        float("nan"),
        float("inf"),
        "",
        "x" * 500,
        "\ud800",
        [],
        {},
        [[1]],
    )
    action = draw.random()
    if action < 0.15:
        del node[key]
    elif action < 0.3 and isinstance(node, dict):
        node[draw.choice(("", "\ud800", "é", f"{key} ", "__metadata__"))] = node.pop(key)
    else:
        node[key] = draw.choice(odd)
    return value


def mutant(files: list[bytes], seed: int, number: int) -> tuple[str, bool, bytes]:
    """Mutant `number`: its kind of damage, whether its digest is made right again, and its bytes."""
    draw = random.Random(f"{seed} {number}")
    damage = DAMAGES[number // 2 % len(DAMAGES)]
    data = damage(draw, draw.choice(files))
    right = number % 2 == 0
    return damage.__name__, right, with_digest(data) if right and len(data) >= DIGITS.stop else data


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
