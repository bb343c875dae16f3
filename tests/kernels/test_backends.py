"""Every backend of the table against the reference, values and gradients. A new one joins by being there."""

from itertools import product

import pytest
import torch

from unrolled.kernels import Cell, Masks, Weights, reference
from unrolled.kernels.dispatch import BACKENDS

FAST = [backend for backend in BACKENDS if backend.name != "reference"]
CELLS = [
    Cell("elman"),
    Cell("elman", activation="relu"),
    Cell("lstm"),
    Cell("gru"),
    Cell("gru", reset_after=False),
]
LENGTHS = {
    "full": None,
    "ragged": torch.tensor([6, 2, 5, 1]),
    "empty rows": torch.tensor([0, 6, 0, 3]),
    "all empty": torch.tensor([0, 0, 0, 0]),
}
OPTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "variational": {"masks": ("hidden",)},
    "zoneout": {"masks": ("keep_h", "keep_c")},
    "layer norm": {"norm": True},
}


def refused(backend, call):
    masks = [None if m is None else m.transpose(0, 1) for m in call.masks[1:]]
    masks = call.masks._replace(keep_h=masks[0], keep_c=masks[1])
    return backend.refusal(call.cell, call.x.transpose(0, 1), call.weights, call.lengths, masks)


def taken():
    """Backend, cell and options of what a backend says it can run."""
    one = torch.zeros(1, 1, 1)
    for backend, cell, (option, given) in product(FAST, CELLS, OPTIONS.items()):
        weights = Weights(*[one] * 4, *[one if given.get("norm") else None] * 2)
        masks = Masks(**dict.fromkeys(given.get("masks", ()), one))
        if not backend.refusal(cell, one, weights, None, masks):
            label = f"{backend.name}-{cell.kind}-{cell.activation}-{cell.reset_after}-{option}"
            yield pytest.param(backend, cell, option, id=label)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize(("backend", "cell", "option"), list(taken()))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_equals_the_reference(dtype, backend, cell, option, lengths, reverse, kernel_call, same):
    cell = Cell(cell.kind, cell.activation, cell.reset_after, reverse)
    call = kernel_call(cell, LENGTHS[lengths], dtype=dtype, **OPTIONS[option])
    atol = 1e-10 if dtype == torch.float64 else 3e-5
    same(call.results(backend.run_time_major), call.results(reference.run_time_major), atol)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("size", [(1, 6, 3, 5), (4, 1, 3, 5), (4, 6, 3, 1), (1, 1, 1, 1), (3, 9, 17, 33)])
@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
def test_small_and_uneven_sizes(kind, size, backend, kernel_call, same):
    call = kernel_call(Cell(kind, reverse=True), size=size)
    same(call.results(backend.run_time_major), call.results(reference.run_time_major))


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
def test_without_gradients_the_same_values(kind, backend, kernel_call, same, ragged):
    call = kernel_call(Cell(kind), ragged)
    y, state = call.run(reference.run_time_major)
    with torch.no_grad():
        y_fast, state_fast = call.run(backend.run_time_major)
    assert not y_fast.requires_grad
    same([y.detach(), *(s.detach() for s in state)], [y_fast, *state_fast])


@pytest.mark.parametrize("lengths", [None, LENGTHS["empty rows"]], ids=["full", "empty rows"])
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.kind}-{c.activation}-{c.reset_after}")
def test_no_state_is_a_state_of_zeros(cell, backend, lengths, kernel_call):
    call = kernel_call(cell, lengths)
    if backend.refusal(cell, call.x, call.weights, lengths, call.masks):
        assert not cell.reset_after  # the one form that torch has not
        return
    learned = [call.x, *call.weights[:4]]

    def results(state):
        y, after = backend.run_time_major(cell, call.x, state, call.weights, lengths, call.masks)
        loss = sum((o * torch.arange(1.0, o.numel() + 1).view_as(o)).sum() for o in (y, *after))
        return [y, *after, *torch.autograd.grad(loss, learned)]

    zeros = tuple(torch.zeros_like(s) for s in call.state)
    assert all(map(torch.equal, results(None), results(zeros)))


def test_torch_says_why_it_cannot(kernel_call):
    torch_library = next(backend for backend in BACKENDS if backend.name == "torch")
    reasons = {
        "reset_after=False": kernel_call(Cell("gru", reset_after=False)),
        "layer normalisation": kernel_call(Cell("lstm"), norm=True),
        "variational": kernel_call(Cell("lstm"), masks=("hidden",)),
        "zoneout": kernel_call(Cell("gru"), masks=("keep_h",)),
    }
    for reason, call in reasons.items():
        assert reason in refused(torch_library, call)
    assert refused(torch_library, kernel_call(Cell("lstm"))) == ""
