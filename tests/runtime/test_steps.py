"""Operations over the steps of a short sequence inside a row, and pools over all rows so far: by hand."""

import numpy as np
import pytest
import torch
from run_operation import run

from unrolled.errors import ArgumentError, ShapeError
from unrolled.runtime import operations as ops

STEPS = (
    np.arange(1.0, 7.0).reshape(1, 3, 2).repeat(4, axis=0)
)  # [[1, 2], [3, 4], [5, 6]] at each of four rows
LENGTHS = np.array([2, 3, 0, 9])  # at least one, at most all


def test_cut():
    found = run(ops.Cut(), STEPS, LENGTHS)
    assert found.tolist() == [
        [[1, 2], [3, 4], [0, 0]], [[1, 2], [3, 4], [5, 6]], [[1, 2], [0, 0], [0, 0]], [[1, 2], [3, 4], [5, 6]]
    ]  # fmt: skip


def test_reverse():
    found = run(ops.Reverse(), STEPS, LENGTHS)
    assert found[0].tolist() == [[3, 4], [1, 2], [5, 6]] and found[1].tolist() == [[5, 6], [3, 4], [1, 2]]
    assert found[2].tolist() == STEPS[0].tolist() and found[3].tolist() == found[1].tolist()


def test_pool_steps():
    assert run(ops.PoolSteps("last"), STEPS, LENGTHS).tolist() == [[3, 4], [5, 6], [1, 2], [5, 6]]
    assert run(ops.PoolSteps("max"), -STEPS, LENGTHS).tolist() == [[-1, -2]] * 4
    assert run(ops.PoolSteps("max"), STEPS, LENGTHS).tolist() == [[3, 4], [5, 6], [1, 2], [5, 6]]


def test_convolve_is_torchs():
    random = np.random.default_rng(0)
    x, matrix, bias = (random.standard_normal(s, np.float32) for s in ((5, 7, 3), (4, 3, 5), (4,)))
    found = run(ops.Convolve("w", "b"), x, weights={"w": matrix, "b": bias})
    given = [torch.from_numpy(part) for part in (x, matrix, bias)]
    wanted = torch.nn.functional.conv1d(given[0].mT, given[1], given[2], padding=2).mT
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_pool_max():
    x = [[-3.0, 1.0], [-5.0, 4.0], [2.0, 0.0]]
    assert run(ops.PoolMax(), x).tolist() == [[-3, 1], [-3, 4], [2, 4]]


def test_pool_attention():
    random = np.random.default_rng(1)
    x, scores = random.standard_normal((30, 3)), 40 * random.standard_normal((30, 1))
    found = run(ops.PoolAttention(), x, scores)
    for row in range(30):
        powers = np.exp(scores[: row + 1] - scores[: row + 1].max())
        np.testing.assert_allclose(found[row], (powers * x[: row + 1]).sum(0) / powers.sum(), atol=1e-6)


@pytest.mark.parametrize(
    ("operation", "inputs", "weights", "message"),
    [
        (ops.Cut(), (STEPS[:, 0], LENGTHS), {}, r"input 0: expected float32 \(steps, \.\)"),
        (ops.Reverse(), (STEPS, STEPS), {}, r"input 1: expected int64 \(\)"),
        (ops.PoolSteps("mean"), (STEPS, LENGTHS), {}, "how: expected one of last, max, got 'mean'"),
        (ops.Convolve("w", "b"), (STEPS,), {"w": (4, 2, 2), "b": (4,)}, "w: expected an odd width"),
        (
            ops.Convolve("w", "b"),
            (STEPS,),
            {"w": (4, 3, 3), "b": (4,)},
            r"w: expected float32 \(any, 2, ",
        ),
        (ops.PoolAttention(), (STEPS[:, 0], STEPS[:, 0]), {}, r"input 1: expected \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(operation, inputs, weights, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        run(operation, *inputs, weights={name: np.ones(shape, np.float32) for name, shape in weights.items()})
