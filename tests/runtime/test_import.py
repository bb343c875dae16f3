import subprocess
import sys

CODE = """
import sys, time
import numpy  # its own time is not ours to save; counted below
started = time.process_time()
import unrolled.runtime
print(time.process_time() - started)
heavy = {"torch", "pandas", "polars", "sklearn", "matplotlib", "narwhals"} & set(sys.modules)
assert not heavy, heavy
"""
ALONE = "import time; t = time.process_time(); import unrolled.runtime; print(time.process_time() - t)"


def seconds(code: str) -> float:
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    return min(float(run.stdout) for run in runs)


def test_the_runtime_loads_no_heavy_library():
    assert seconds(CODE) < 0.15


def test_the_runtime_loads_in_a_fifth_of_a_second():
    assert seconds(ALONE) < 0.2
