"""`python -m benchmarks.generated_c`: a step of the generated C and of the native stream, in turns.

Both take 8 inputs through one layer to one answer. The native stream is timed inside `run`, which steps row
after row in native code; the C is compiled with -O3 -march=native and called in a loop. Rounds are short and
alternate; the figure is the median of their ratios, the spread that of the middle half.
"""

import ctypes
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from unrolled.deploy.c.header import header_text
from unrolled.deploy.c.source import generate
from unrolled.models import build
from unrolled.runtime import Program, Stream

INPUTS, ROWS, ROUNDS = 8, 300, 60
LOOP = """
#include "model.h"
void run(const float *rows, float *answers, long count)
{
    static model_state state;
    model_answer answer;
    model_init(&state);
    for (long i = 0; i < count; ++i) {
        model_step(&state, (const model_row *)(rows + 8 * i), answer);
        answers[i] = answer[0];
    }
}
"""


def program_of(cell: str, hidden: int) -> Program:
    """One layer with drawn weights."""
    torch.manual_seed(0)
    shape = {"features": INPUTS, "targets": 1}
    return build({"kind": "sequence", "shape": shape, "hidden": hidden, "cell": cell}).eval().lower()


def compiled(program: Program, compiler: str, folder: Path):
    """The C of a program as a function over rows."""
    generated = generate(program, "model")
    (folder / "model.c").write_text(generated.source)
    (folder / "model.h").write_text(header_text(generated, ""))
    (folder / "loop.c").write_text(LOOP)
    flags = ["-std=c99", "-O3", "-march=native", "-shared", "-fPIC"]
    library = folder / f"{compiler}.so"
    subprocess.run([compiler, *flags, "model.c", "loop.c", "-o", library, "-lm"], cwd=folder, check=True)
    return ctypes.CDLL(str(library)).run


def seconds(work) -> float:
    """The time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(cell: str, hidden: int, compiler: str) -> tuple[float, float, float, float]:
    """Nanoseconds a step of the stream and of the C, the median ratio, the spread of the ratios."""
    program = program_of(cell, hidden)
    rows = np.random.default_rng(0).normal(size=(ROWS, INPUTS)).astype(np.float32)
    answers, stream = np.empty(ROWS, np.float32), Stream(program)
    with tempfile.TemporaryDirectory() as folder:
        run = compiled(program, compiler, Path(folder))
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (rows, answers)]
        pairs = []
        for _ in range(ROUNDS):
            stream.reset()
            native = seconds(lambda: stream.run(rows))
            pairs.append((native, seconds(lambda: run(*pointers, ctypes.c_long(ROWS)))))
    stream.reset()
    assert np.array_equal(stream.run(rows)[:, 0], answers), "not the same bits"
    ratios = sorted(own / native for native, own in pairs)
    native, own = (1e9 * np.median(column) / ROWS for column in zip(*pairs, strict=True))
    return native, own, ratios[ROUNDS // 2], ratios[3 * ROUNDS // 4] - ratios[ROUNDS // 4]


def main() -> None:
    """Print the table."""
    print("cell   hidden  compiler  stream ns   C ns   ratio  spread")
    for cell in ("elman", "gru", "lstm"):
        for hidden in (16, 32, 64):
            for compiler in ("gcc", "clang"):
                native, own, ratio, spread = measure(cell, hidden, compiler)
                times = f"{native:>11.0f}{own:>7.0f}{ratio:>8.2f}{spread:>8.2f}"
                print(f"{cell:<7}{hidden:>6}  {compiler:<8}{times}", flush=True)


if __name__ == "__main__":
    main()
