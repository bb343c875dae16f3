"""One table, best first; a named choice is obeyed or refused."""

import pytest
import torch

from unrolled import kernels
from unrolled.errors import ArgumentError, BackendError
from unrolled.kernels import Cell, dispatch


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.delenv(dispatch.VARIABLE, raising=False)
    monkeypatch.setattr(dispatch, "_named", None)


@pytest.fixture
def ran(monkeypatch):
    """The names of the backends that ran, in order."""
    seen = []

    def spy(backend):
        def run_time_major(*given):
            seen.append(backend.name)
            return backend.run_time_major(*given)

        return backend._replace(run_time_major=run_time_major)

    monkeypatch.setattr(dispatch, "BACKENDS", tuple(spy(b) for b in dispatch.BACKENDS))
    return seen


def run(call):
    return kernels.run(call.cell, call.x.transpose(0, 1), call.state, call.weights, call.lengths)


def chosen(call):
    return kernels.chosen(call.cell, call.x.transpose(0, 1), call.weights, call.lengths).name


def test_the_reference_is_last_and_refuses_nothing_in_full_precision():
    assert kernels.names()[-2:] == ("torch", "reference")
    assert dispatch.BACKENDS[-1].refusal(Cell("lstm"), None, None, None, None) == ""


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_a_named_backend_is_the_one_that_runs(name, ran, kernel_call):
    call = kernel_call(Cell("lstm"))
    with kernels.use(name):
        assert kernels.current() == name == chosen(call)
        run(call)
    assert ran == [name]
    assert kernels.current() == "auto"


def test_what_torch_cannot_do_goes_to_another(ran, kernel_call):
    call = kernel_call(Cell("gru", reset_after=False))
    assert chosen(call) != "torch"
    run(call)
    assert ran == [chosen(call)]


def test_use_stays_without_a_block_and_nests(kernel_call):
    kernels.use("reference")
    with kernels.use("torch"):
        assert kernels.current() == "torch"
        with kernels.use("auto"):
            assert kernels.current() == "auto"
        assert kernels.current() == "torch"
    assert kernels.current() == "reference"


def test_a_failing_block_restores_the_choice():
    with pytest.raises(KeyError), kernels.use("reference"):
        raise KeyError
    assert kernels.current() == "auto"


def test_the_environment_variable_chooses_and_use_goes_before_it(monkeypatch, kernel_call):
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    assert chosen(kernel_call(Cell("lstm"))) == "reference"
    with kernels.use("torch"):
        assert chosen(kernel_call(Cell("lstm"))) == "torch"


def test_an_unknown_name_is_refused_with_the_nearest(monkeypatch, kernel_call):
    with pytest.raises(BackendError, match=r"kernel: expected one of auto, .*got 'refrence'.*'reference'"):
        kernels.use("refrence")
    assert kernels.current() == "auto"
    monkeypatch.setenv("UNROLLED_KERNEL", "tensorflow")
    with pytest.raises(BackendError, match=r"UNROLLED_KERNEL: expected one of .*, got 'tensorflow'"):
        run(kernel_call(Cell("lstm")))


def test_a_named_backend_that_cannot_run_the_call_is_refused(kernel_call):
    call = kernel_call(Cell("gru", reset_after=False))
    with kernels.use("torch"), pytest.raises(BackendError, match=r"got 'torch'.*reset_after=False.*'auto'"):
        run(call)


def test_no_rows_or_no_steps_need_no_kernel(ran, kernel_call):
    call = kernel_call(Cell("lstm"))
    y, state = kernels.run(call.cell, call.x[:0].transpose(0, 1), call.state, call.weights)
    assert y.shape == (4, 0, 5)
    assert state is call.state
    assert ran == []


def test_masks_and_answers_are_batch_first(kernel_call):
    call = kernel_call(Cell("lstm"), masks=("hidden", "keep_h", "keep_c"))
    masks = call.masks._replace(
        keep_h=call.masks.keep_h.transpose(0, 1), keep_c=call.masks.keep_c.transpose(0, 1)
    )
    with kernels.use("reference"):
        y, (h, c) = kernels.run(call.cell, call.x.transpose(0, 1), call.state, call.weights, masks=masks)
    y_time_major, (h_too, c_too) = call.run(kernels.reference.run_time_major)
    assert torch.equal(y, y_time_major.transpose(0, 1))
    assert torch.equal(h, h_too)
    assert torch.equal(c, c_too)


def test_a_cell_knows_its_kinds():
    with pytest.raises(ArgumentError, match=r"cell: expected one of elman, gru, lstm, got 'ltsm'.*'lstm'"):
        Cell("ltsm")
    with pytest.raises(ArgumentError, match=r"activation: expected one of tanh, relu, got 'tahn'.*'tanh'"):
        Cell("elman", activation="tahn")
    with pytest.raises(ArgumentError, match="reset_after: expected True or False, got 1"):
        Cell("gru", reset_after=1)
    assert [Cell(kind).gates for kind in ("elman", "gru", "lstm")] == [1, 3, 4]
