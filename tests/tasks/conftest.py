"""The tests of this folder share the series of small_forecasts.py and run on one thread."""

import sys
from pathlib import Path

import pytest
import torch

from unrolled.tasks.forecast import guard
from unrolled.tasks.forecast import sources as forecast_sources

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_thread():
    """Small products are quickest on one thread, and their bits do not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch):
    """An epoch of a small series makes many passes over it; one is enough for most tests."""
    monkeypatch.setattr(forecast_sources, "STEPS", 2)


@pytest.fixture(autouse=True)
def keep_what_was_learned(monkeypatch):
    """A few steps on a short series are no gain that tells; what is kept has tests of its own."""
    monkeypatch.setattr(guard, "helped", lambda gain: True)
