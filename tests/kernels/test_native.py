"""What the native kernels promise beyond equal numbers: the same bits in any company, small errors."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.library import opcheck

from unrolled import _native, kernels
from unrolled.errors import ArgumentError, BackendError, ShapeError
from unrolled.kernels import Cell, Masks, Weights, native, reference

CELLS = [Cell("elman"), Cell("elman", activation="relu"), Cell("lstm"), Cell("gru")]
CELLS += [Cell("gru", reset_after=False)]
every_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.kind}-{c.activation}-{c.reset_after}")
every_target = pytest.mark.parametrize("target", _native.cpu_targets())


@pytest.fixture
def on_target(target):
    before = native.target()
    native.choose_target(target)
    yield
    native.choose_target(before)


@pytest.fixture
def threads(monkeypatch):
    """Set torch's threads, and let small work use them too."""
    before = torch.get_num_threads()
    monkeypatch.setattr("unrolled.kernels.native_call.ENOUGH_FOR_THREADS", 0)
    yield torch.set_num_threads
    torch.set_num_threads(before)


@every_target
@every_cell
@pytest.mark.parametrize("option", [{}, {"masks": ("hidden", "keep_h", "keep_c")}, {"norm": True}], ids=str)
def test_every_target_equals_the_reference(cell, option, target, on_target, kernel_call, same, ragged):
    assert native.target() == target
    call = kernel_call(cell, ragged, size=(4, 6, 3, 21), **option)
    same(call.results(native.run_time_major), call.results(reference.run_time_major))


def random_case(generator, cell, dtype, wide):
    """A batch of some size and lengths, with everything a row has of its own."""
    b, t, i, h = (int(generator.integers(1, high)) for high in (20, 12, 7, wide))

    def draw(*shape):
        return torch.from_numpy(generator.normal(size=shape)).to(dtype)

    rows = cell.gates * h
    weights = Weights(draw(rows, i), draw(rows, h), draw(rows), draw(rows))
    if generator.random() < 0.3:
        weights = weights._replace(gain_ih=draw(rows), gain_hh=draw(rows))
    state = tuple(draw(b, h) for _ in range(2 if cell.kind == "lstm" else 1))
    mask = draw(b, h) if generator.random() < 0.3 else None
    lengths = torch.from_numpy(generator.integers(0, t + 1, size=b)) if generator.random() < 0.6 else None
    return draw(t, b, i), state, weights, lengths, Masks(mask)


def of_rows(rows, x, state, lengths, masks):
    mask = None if masks.hidden is None else masks.hidden[rows]
    return x[:, rows], tuple(s[rows] for s in state), None if lengths is None else lengths[rows], Masks(mask)


@every_cell
@pytest.mark.parametrize("save", [True, False], ids=["training", "inference"])
def test_a_row_has_the_same_bits_in_any_company(cell, save, threads):
    generator = np.random.default_rng(5)
    for _ in range(60):
        dtype = [torch.float32, torch.float64][generator.integers(2)]
        cell = Cell(cell.kind, cell.activation, cell.reset_after, bool(generator.integers(2)))
        x, state, weights, lengths, masks = random_case(generator, cell, dtype, wide=70)
        weights.weight_ih.requires_grad_(save)
        threads(1)
        y, after = native.run_time_major(cell, x, state, weights, lengths, masks)
        rows = generator.permutation(x.shape[1])[: generator.integers(1, x.shape[1] + 1)].copy()
        threads(int(generator.integers(1, 5)))
        own_x, own_state, own_lengths, own_masks = of_rows(torch.from_numpy(rows), x, state, lengths, masks)
        own_y, own_after = native.run_time_major(cell, own_x, own_state, weights, own_lengths, own_masks)
        assert torch.equal(own_y, y[:, rows])
        assert all(torch.equal(own, s[rows]) for own, s in zip(own_after, after, strict=True))


@every_cell
def test_a_sequence_has_the_same_bits_in_any_pieces(cell, threads):
    generator = np.random.default_rng(6)
    for _ in range(60):
        x, state, weights, lengths, masks = random_case(generator, cell, torch.float32, wide=70)
        y, after = native.run_time_major(cell, x, state, weights, lengths, masks)
        cut = int(generator.integers(0, x.shape[0] + 1))
        threads(int(generator.integers(1, 5)))
        pieces, carried = [], state
        for first, end in ((0, cut), (cut, x.shape[0])):
            own = None if lengths is None else (lengths - first).clamp(0, end - first)
            part, carried = native.run_time_major(cell, x[first:end], carried, weights, own, masks)
            pieces.append(part)
        assert torch.equal(torch.cat(pieces), y)
        assert all(map(torch.equal, carried, after))


@every_cell
def test_gradients_repeat_and_do_not_depend_on_threads_much(cell, threads, kernel_call, same, ragged):
    call = kernel_call(cell, ragged, size=(4, 6, 3, 33))
    threads(1)
    one = call.results(native.run_time_major)
    assert all(map(torch.equal, one, call.results(native.run_time_major)))
    threads(3)
    same(call.results(native.run_time_major), one, atol=1e-12)


@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
@pytest.mark.parametrize("steps", [100, 1000])
def test_float32_is_as_close_to_float64_as_torch(kind, steps):
    size, generator = (4, steps, 8, 32), torch.Generator().manual_seed(3)
    module = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](8, 32)
    x = torch.randn(steps, 4, 8, generator=generator)
    pull = torch.randn(steps, 4, 32, generator=generator)
    with torch.no_grad():
        for p in module.parameters():
            p.uniform_(-(32**-0.5), 32**-0.5, generator=generator)

    def gradients(run_time_major, dtype):
        weights = Weights(*(p.detach().to(dtype).requires_grad_() for p in module.parameters()))
        state = tuple(torch.zeros(size[0], 32, dtype=dtype) for _ in range(2 if kind == "lstm" else 1))
        y, _ = run_time_major(Cell(kind), x.to(dtype), state, weights)
        return torch.autograd.grad((y * pull.to(dtype)).sum(), weights[:4])

    exact = gradients(reference.run_time_major, torch.float64)

    def worst(run_time_major):
        found = gradients(run_time_major, torch.float32)
        return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, exact, strict=True))

    torch_backend = next(b for b in kernels.dispatch.BACKENDS if b.name == "torch")
    assert worst(native.run_time_major) <= 2 * worst(torch_backend.run_time_major)


def elementwise(kind, values):
    """tanh (by an Elman step) or the sigmoid (by a GRU's z, of h = 1) of some values."""
    n = values.shape[0]
    one, zero = torch.ones(1, dtype=values.dtype), torch.zeros(1, dtype=values.dtype)
    if kind == "tanh":
        weights, h = Weights(one[:, None], zero[:, None]), values.new_zeros(n, 1)
        return native.run_time_major(Cell("elman"), values[None, :, None], (h,), weights)[0].flatten()
    gates = torch.cat([zero, one, zero])[:, None]
    weights, h = Weights(gates, torch.zeros_like(gates)), values.new_ones(n, 1)
    return native.run_time_major(Cell("gru"), values[None, :, None], (h,), weights)[0].flatten()


@every_target
@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activations_within_a_few_last_bits(dtype, kind, target, on_target):
    size = torch.logspace(-8, 1.9, 20001, dtype=torch.float64)
    values = torch.cat([size, -size]).to(dtype)
    found, wide = elementwise(kind, values), values.numpy().astype(np.longdouble)
    exact = np.tanh(wide) if kind == "tanh" else 1 / (1 + np.exp(-wide))
    error = np.abs(found.numpy().astype(np.longdouble) - exact) / np.abs(exact)
    assert float(error.max()) <= 2.5 * torch.finfo(dtype).eps
    far = float("inf") if kind == "tanh" else 1e30  # infinity times the GRU's other weights, 0, is no number
    edges = torch.tensor([far, -far, float("nan")], dtype=dtype)
    limits = elementwise(kind, edges)
    assert limits[:2].tolist() == pytest.approx([1.0, -1.0 if kind == "tanh" else 0.0], abs=1e-30)
    assert limits[2].isnan()


def test_a_million_steps_stay_finite():
    generator = torch.Generator().manual_seed(1)
    module = torch.nn.GRU(1, 4)
    weights = Weights(*(p.detach() for p in module.parameters()))
    x = torch.randn(1_000_000, 1, 1, generator=generator)
    y, (h,) = native.run_time_major(Cell("gru"), x, (torch.zeros(1, 4),), weights)
    assert y.isfinite().all()
    double = Weights(*(w.double() for w in weights[:4]))
    _, (exact,) = native.run_time_major(Cell("gru"), x.double(), (torch.zeros(1, 4).double(),), double)
    torch.testing.assert_close(h.double(), exact, rtol=0, atol=1e-6)


@every_cell
def test_the_gradient_of_every_hidden_state(cell, kernel_call, ragged):
    cell = Cell(cell.kind, cell.activation, cell.reset_after, True)
    call = kernel_call(cell, ragged, masks=("hidden", "keep_h", "keep_c"))
    pull = torch.randn(6, 4, 5, dtype=torch.float64)
    found = native.hidden_gradients(*call_parts(call), pull, call.lengths, call.masks)
    h = call.state[0]
    y, _ = call.run(native.run_time_major)
    (dh,) = torch.autograd.grad((y * pull).sum(), h)
    # The last step read is 0; the gradient there goes through one more step to h at the start.
    for row, length in enumerate(ragged.tolist()):
        assert (found[length:, row] == 0).all()
        assert torch.equal(found[0, row], pull[0, row])  # nothing comes after it, but y
    assert found.shape == (6, 4, 5)
    assert dh.abs().sum() > 0
    shifted = finite_difference(call, pull, row=0, step=3)
    torch.testing.assert_close(found[3, 0], shifted, atol=1e-5, rtol=1e-5)


def call_parts(call):
    return call.cell, call.x, call.state, call.weights


def finite_difference(call, pull, row, step):
    """dL/dh after `step` of one row, by running what follows from a moved h. Reversed: step-1 .. 0 follow."""
    masks = call.masks._replace(
        hidden=call.masks.hidden[row : row + 1],
        keep_h=call.masks.keep_h[:step, row : row + 1],
        keep_c=call.masks.keep_c[:step, row : row + 1],
    )
    first = call.x[step:, row : row + 1]
    keeps = [k[step:, row : row + 1] for k in call.masks[1:]]
    own = tuple(s[row : row + 1] for s in call.state)
    _, state = reference.run_time_major(
        call.cell, first, own, call.weights, None, Masks(masks.hidden, *keeps)
    )

    def loss(h):
        y, _ = reference.run_time_major(
            call.cell, call.x[:step, row : row + 1], (h, *state[1:]), call.weights, None, masks
        )
        return (y[:, 0] * pull[:step, row]).sum() + (h[0] * pull[step, row]).sum()

    h = state[0].detach()
    moves = 1e-6 * torch.eye(5, dtype=torch.float64)
    with torch.no_grad():
        return torch.stack([(loss(h + m) - loss(h - m)) / 2e-6 for m in moves])


def operands(cell, kernel_call, is_ragged=False, learn=True, **options):
    call = kernel_call(cell, torch.full((4,), 6) if is_ragged else None, **options)
    c = call.state[1] if cell.kind == "lstm" else None
    tensors = (call.x, call.state[0], c, *call.weights, call.lengths, *call.masks)
    if not learn:
        tensors = tuple(None if t is None else t.detach() for t in tensors)
    return tensors


@every_cell
@pytest.mark.parametrize("option", [{}, {"norm": True, "masks": ("hidden", "keep_h")}], ids=["plain", "all"])
def test_operators_pass_opcheck(cell, option, kernel_call):
    number = native._number(cell)
    for is_ragged in (False, True):  # full lengths: behind a length what is saved is never written
        learned = operands(cell, kernel_call, is_ragged, **option)
        opcheck(torch.ops.unrolled.recurrent.default, (*learned, number, False, False, True))
        plain = operands(cell, kernel_call, is_ragged, learn=False, **option)
        opcheck(torch.ops.unrolled.recurrent.default, (*plain, number, False, True, False))
        y, *_, saved = torch.ops.unrolled.recurrent(*plain, number, False, False, True)
        given = (torch.ones_like(y), None, None, *plain, saved, number, False, False, True, True, True)
        opcheck(torch.ops.unrolled.recurrent_backward.default, given)


@every_cell
def test_operators_pass_opcheck_without_a_state(cell, kernel_call):
    x, _, _, *rest = operands(cell, kernel_call)
    settings = (native._number(cell), False, False, True)
    opcheck(torch.ops.unrolled.recurrent.default, (x, None, None, *rest, *settings))


@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
def test_compiles_without_a_graph_break(kind, kernel_call, same, ragged):
    call = kernel_call(Cell(kind), ragged)
    compiled = torch.compile(native.run_time_major, fullgraph=True, backend="aot_eager")
    same(call.results(compiled), call.results(reference.run_time_major))


@every_cell
def test_gradients_of_gradients(cell, kernel_call, ragged):
    call = kernel_call(cell, torch.tensor([2, 0]), size=(2, 2, 2, 2))

    def outputs(x, *weights):
        own = Weights(*weights)
        y, state = native.run_time_major(cell, x, call.state, own, call.lengths, call.masks)
        return (y, *state)

    assert torch.autograd.gradgradcheck(outputs, (call.x, *call.weights[:4]))


def test_a_target_is_forced_by_the_environment_and_proven():
    code = "from unrolled.kernels import native; print(native.target())"
    for target in _native.cpu_targets():
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "UNROLLED_ISA": target},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == target


def test_an_unknown_target_is_refused():
    before = native.target()
    with pytest.raises(BackendError, match=r"UNROLLED_ISA: expected one of .*baseline, got 'avx1024'"):
        native.choose_target("avx1024")
    assert native.target() == before


def test_the_threads_are_torchs_own():
    code = """if True:
        from unrolled import _native
        from unrolled.kernels import native
        assert _native.has_threads()
        print(len({line.split()[-1] for line in open("/proc/self/maps") if "omp" in line.split("/")[-1]}))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_saved_memory_is_used_again():
    weights = Weights(*(p.detach().requires_grad_() for p in torch.nn.GRU(4, 64).parameters()))
    x, state = torch.randn(100, 8, 4), (torch.zeros(8, 64),)

    def step():
        y, _ = native.run_time_major(Cell("gru"), x, state, weights)
        held = _native.pool_free_bytes()
        y.sum().backward()
        return held, _native.pool_free_bytes()

    step()
    during, after = step()
    assert after - during >= 100 * 8 * 4 * 64 * 4  # the gates at least are back
    assert step() == (during, after)


def test_what_it_refuses(kernel_call):
    call = kernel_call(Cell("lstm"))
    given = (call.cell, call.x, call.weights, None, call.masks)
    assert native.refusal(*given) == ""
    assert "float32 and float64" in native.refusal(call.cell, call.x.half(), call.weights, None, call.masks)
    assert "CPU" in native.refusal(call.cell, call.x.to("meta"), call.weights, None, call.masks)


@pytest.mark.parametrize(
    ("place", "value", "error", "message"),
    [
        (1, torch.zeros(3, 5).double(), ShapeError, r"h: expected \(4, 5\), got \(3, 5\)\. x says"),
        (3, torch.zeros(20, 4).double(), ShapeError, r"weight_ih: expected \(20, 3\), got \(20, 4\)"),
        (5, torch.zeros(20), ArgumentError, r"bias_ih: expected torch\.float64, got torch\.float32\. Pass"),
        (6, None, ArgumentError, r"bias_ih: expected given where bias_hh is, got one of them\. Pass both"),
        (
            2,
            None,
            ArgumentError,
            r"c: expected given for an LSTM with h only, got NoneType\. Pass both h and c, or neither",
        ),
        (9, torch.tensor([6, 7, 0, 0]), ArgumentError, r"lengths: expected each in 0\.\.6, got 7\. x has"),
        (9, torch.tensor([6, -1, 0, 0]), ArgumentError, r"lengths: expected each in 0\.\.6, got -1"),
    ],
)
def test_operators_check_what_they_are_given(place, value, error, message, kernel_call):
    given = list(operands(Cell("lstm"), kernel_call, learn=False))
    given[place] = value
    with pytest.raises(error, match=message):
        torch.ops.unrolled.recurrent(*given, native._number(Cell("lstm")), False, False, False)


def test_gradients_need_what_is_saved(kernel_call):
    y, *_ = torch.ops.unrolled.recurrent(*operands(Cell("gru"), kernel_call), 3, False, False, False)
    with pytest.raises(
        ArgumentError, match=r"save: expected True where gradients.*got False\. Pass save=True"
    ):
        y.sum().backward()


def test_no_steps_leave_the_state(kernel_call):
    given = list(operands(Cell("lstm"), kernel_call, learn=False))
    given[0] = given[0][:0]
    y, h, c, *_ = torch.ops.unrolled.recurrent(*given, 2, False, False, False)
    assert y.shape == (0, 4, 5)
    assert torch.equal(h, given[1])
    assert torch.equal(c, given[2])
