"""The build chain works: the native module is there, says what the CPU runs, and draws the right numbers."""

import numpy as np
import pytest

from unrolled import _native


def test_targets_end_with_the_baseline() -> None:
    targets = _native.cpu_targets()
    assert targets[-1] == "baseline"
    assert set(targets) <= {"avx512bf16", "avx512", "avx2", "baseline"}


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        # Known answers of the authors' library, Random123.
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_known_answers(counter: list[int], key: list[int], words: list[int]) -> None:
    assert _native.philox4x32(counter, key) == words


def test_philox_normal_is_normal() -> None:
    draws = np.empty(400_000, np.float32)
    _native.philox_normal(7, 3, draws)
    assert abs(draws.mean()) < 0.005
    assert abs(draws.std() - 1.0) < 0.005
    below = [(draws < edge).mean() for edge in (-1.959964, -1.0, 0.0, 1.0, 1.959964)]
    np.testing.assert_allclose(below, [0.025, 0.158655, 0.5, 0.841345, 0.975], atol=0.002)


def test_philox_normal_is_the_inverse_distribution_at_cell_centres() -> None:
    from scipy.special import ndtri

    draws = np.empty(4, np.float32)
    _native.philox_normal(0, 0, draws)
    words = np.array(_native.philox4x32([0] * 4, [0] * 2), np.uint64)
    np.testing.assert_allclose(draws, ndtri(((words >> np.uint64(8)) + 0.5) / 2**24), rtol=2e-7)


def test_philox_normal_depends_on_seed_row_and_index_alone() -> None:
    long, short, other_row = (np.empty(n, np.float32) for n in (9, 5, 5))
    _native.philox_normal(1, 2, long)
    _native.philox_normal(1, 2, short)
    _native.philox_normal(1, 3, other_row)
    np.testing.assert_array_equal(long[:5], short)
    assert not np.array_equal(short, other_row)
