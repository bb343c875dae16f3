"""Products from bf16: who refuses them and how, which path ran, and the reference's imitation."""

import os
import subprocess
import sys

import pytest
import torch

from unrolled import _native, kernels, nn
from unrolled.errors import ArgumentError, BackendError
from unrolled.kernels import Cell
from unrolled.kernels.rounding import linear_bf16, rounded


def test_rounding_of_the_reference():
    bits = torch.arange(0, 2**32, 65521, dtype=torch.int64).to(torch.int32)
    values = bits.view(torch.float32)
    values = values[values.isfinite() & (values.abs() < 3e38)]
    found = rounded(values)
    assert (found.view(torch.int32) & 0xFFFF == 0).all()
    normal = values.abs() >= 2.0**-126
    assert ((found - values).abs()[normal] <= values.abs()[normal] * 2.0**-8).all()
    assert (found[values.abs() < 2.0**-127] == 0).all()


def test_gradients_of_the_reference_are_products_of_rounded_numbers():
    generator = torch.Generator().manual_seed(1)
    v, weight, pull = (torch.randn(3, 3, generator=generator).double().requires_grad_() for _ in range(3))
    y = linear_bf16(v, weight)
    dv, dweight = torch.autograd.grad(y, [v, weight], pull)
    assert torch.equal(y, rounded(v) @ rounded(weight).T)
    assert torch.equal(dv, rounded(pull) @ rounded(weight))
    assert torch.equal(dweight, rounded(pull).T @ rounded(v))


def test_the_path_that_ran_is_proven_and_others_refuse():
    code = """if True:
        import torch
        from unrolled import kernels, nn
        from unrolled.errors import BackendError
        from unrolled.kernels import native
        layer = nn.GRU(3, 4, options=nn.CellOptions(precision="bf16"))
        try:
            layer(torch.zeros(1, 2, 3))
            print(native.target())
        except BackendError as error:
            print(error)
    """
    for target in _native.cpu_targets():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "UNROLLED_ISA": target},
            capture_output=True,
            text=True,
            check=True,
        )
        refused = (
            "precision: expected 'full' for this call, got 'bf16'. Take 'full': 'native' cannot, "
            f"its bf16 needs a CPU with AVX512-BF16, and its target here is {target}."
        )
        assert done.stdout.strip() == ("avx512bf16" if target == "avx512bf16" else refused)


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_other_backends_refuse(name):
    layer = nn.LSTM(3, 4, options=nn.CellOptions(precision="bf16"))
    with (
        kernels.use(name),
        pytest.raises(BackendError, match=rf"precision: expected 'full'.*'{name}' cannot"),
    ):
        layer(torch.zeros(1, 2, 3))


def test_it_is_for_float32():
    layer = nn.LSTM(3, 4, options=nn.CellOptions(precision="bf16")).double()
    with pytest.raises(
        BackendError, match=r"got 'bf16'\. Take 'full': 'native' cannot, its bf16 is for float32"
    ):
        layer(torch.zeros(1, 2, 3).double())
    with pytest.raises(
        ArgumentError, match=r"precision: expected one of full, bf16, got 'bf61'\. Did you mean"
    ):
        nn.CellOptions(precision="bf61")


def test_the_operators_refuse_it_too(kernel_call):
    call = kernel_call(Cell("gru"))
    given = (call.x, call.state[0], None, *call.weights, None, None, None, None)
    with pytest.raises(BackendError, match=r"bf16: expected False here, got True\. Its bf16 is for float32"):
        torch.ops.unrolled.recurrent(*given, 3, True, False, False)
