"""The tests of this folder share the list of checks of task_contract.py and run on one thread."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("task_contract")
from task_contract import Contracted, fitted  # noqa: E402


@pytest.fixture
def model(task: Contracted) -> Any:
    """The task under test, fitted; not to be changed."""
    return fitted(task)


@pytest.fixture(autouse=True)
def one_thread():
    """Small products are quickest on one thread, and their bits do not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
