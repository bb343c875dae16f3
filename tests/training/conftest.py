"""The small real training of tests/faults, for every test of this room."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SMALL = Path(__file__).parents[1] / "faults" / "small_training.py"


@pytest.fixture(scope="session")
def small() -> ModuleType:
    spec = importlib.util.spec_from_file_location("small_training", SMALL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
