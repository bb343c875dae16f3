"""The short form of big_frame.py: a tenth of the frame, a tenth of the series."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from big_frame import in_fresh_process


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux tells it")
def test_training_on_many_series_takes_a_bounded_amount_of_memory():
    found = in_fresh_process(30, 100)
    assert 25 < found["frame"] < 35
    assert found["growth"] < found["allowed"]
