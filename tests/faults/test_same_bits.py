"""The short form of same_bits.py, and that it can see a bit that differs."""

import sys
from pathlib import Path

import pytest
import torch

from unrolled import _native
from unrolled.kernels import native

sys.path.insert(0, str(Path(__file__).parent))
import same_bits


@pytest.mark.parametrize("target", _native.cpu_targets())
def test_rows_have_the_same_bits_in_any_company(target: str) -> None:
    before = native.target()
    count = 40 if target == before else 10
    native.choose_target(target)
    try:
        with same_bits.threads_for_small_work():
            assert {n: how for n in range(count) if (how := same_bits.differs(n))} == {}
    finally:
        native.choose_target(before)


@pytest.mark.parametrize("check", ["among_others", "in_pieces", "unsaved"])
def test_one_bit_is_seen(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def run(*arguments):
        y, state = honest(*arguments)
        calls.append(y)
        return torch.nextafter(y, y + 1) if len(calls) % 2 == 0 else y, state

    honest = native.run_time_major
    monkeypatch.setattr(native, "run_time_major", run)
    random = same_bits.np.random.default_rng(0)
    with same_bits.threads_for_small_work():
        assert not getattr(same_bits, check)(same_bits.drawn(3), random)
