import subprocess
import sys

HEAVY = {"torch", "pandas", "polars", "sklearn", "scipy", "matplotlib", "narwhals", "typer", "rich", "onnx"}


def test_the_runtime_loads_no_heavy_library():
    code = "import sys, unrolled.runtime; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(loaded.stdout.split()) == set()
