"""Products from bf16: the numbers they must give, the gradients they stay near, the same bits in any company.

Collected where the CPU has them (conftest.py); test_bf16.py holds what is true everywhere.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unrolled import kernels, nn
from unrolled.kernels import Cell, Masks, Weights, native, reference

KINDS = [Cell("elman"), Cell("elman", activation="relu"), Cell("lstm"), Cell("gru")]
KINDS += [Cell("gru", reset_after=False)]
CELLS = [replace(cell, precision="bf16") for cell in KINDS]
every_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.kind}-{c.activation}-{c.reset_after}")


def far(a, b):
    """The distance of two results as a share of the second's size."""
    a, b = a.detach(), b.detach()
    return float((a - b).norm() / b.norm().clamp_min(1e-12))


def draw_call(cell, kernel_call, size, seed=3, **options):
    lengths = torch.from_numpy(np.random.default_rng(seed).integers(0, size[1] + 1, size=size[0]))
    return kernel_call(cell, lengths, size=size, dtype=torch.float32, **options)


OPTIONS = [{}, {"bias": False}, {"masks": ("hidden", "keep_h", "keep_c")}, {"norm": True}]
SIZES = [(4, 6, 3, 5), (9, 7, 33, 50), (19, 5, 8, 64), (2, 3, 130, 17)]


@every_cell
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_it_equals_the_reference_with_rounded_operands(cell, option, kernel_call):
    # Two sums in another order may round to two neighbours in bf16, 2^-8 apart; one of many numbers then.
    for size in SIZES:
        for way in (cell, replace(cell, reverse=True)):
            call = draw_call(way, kernel_call, size, **option)
            found, exact = call.results(native.run_time_major), call.results(reference.run_time_major)
            outputs = 1 + len(call.state)
            assert all(far(a, b) < 1e-3 for a, b in zip(found[:outputs], exact, strict=False))
            assert all(far(a, b) < 1e-2 for a, b in zip(found[outputs:], exact[outputs:], strict=True))


@every_cell
@pytest.mark.parametrize("norm", [False, True])
def test_values_and_gradients_stay_near_those_in_float32(cell, norm):
    generator = torch.Generator().manual_seed(5)
    layer = layer_of(cell, 24, 96, norm)
    for parameter in layer.parameters():
        torch.nn.init.uniform_(parameter, -0.1, 0.1, generator=generator)
    x = torch.randn(16, 40, 24, generator=generator)
    pull = torch.randn(16, 40, 96, generator=generator)

    def results(precision):
        layer.cell = replace(layer.cell, precision=precision)
        own = x.clone().requires_grad_()
        y, _ = layer(own)
        return [y.detach(), *torch.autograd.grad((y * pull).sum(), [own, *layer.parameters()])]

    for near, exact in zip(results("bf16"), results("full"), strict=True):
        cosine = torch.nn.functional.cosine_similarity(near.flatten(), exact.flatten(), dim=0)
        # A relu may take the other side of its kink: then a unit's whole gradient is there or not.
        assert far(near, exact) < (0.1 if cell.activation == "relu" else 0.006)
        assert cosine > (0.997 if cell.activation == "relu" else 0.9999)
        assert not torch.equal(near, exact)


def layer_of(cell, inputs, hidden, norm=False, **options):
    chosen = nn.CellOptions(precision=cell.precision, layer_norm=norm, **options)
    if cell.kind == "lstm":
        return nn.LSTM(inputs, hidden, options=chosen)
    if cell.kind == "gru":
        return nn.GRU(inputs, hidden, reset_after=cell.reset_after, options=chosen)
    return nn.Elman(inputs, hidden, activation=cell.activation, options=chosen)


@pytest.fixture
def threads(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr("unrolled.kernels.native_call.ENOUGH_FOR_THREADS", 0)
    yield torch.set_num_threads
    torch.set_num_threads(before)


def random_case(generator, cell):
    b, t, i, h = (int(generator.integers(1, high)) for high in (40, 12, 40, 90))

    def draw(*shape):
        return torch.from_numpy(generator.normal(size=shape)).float()

    rows = cell.gates * h
    gains = (draw(rows), draw(rows)) if generator.random() < 0.3 else (None, None)
    weights = Weights(draw(rows, i), draw(rows, h), draw(rows), draw(rows), *gains)
    state = tuple(draw(b, h) for _ in range(2 if cell.kind == "lstm" else 1))
    mask = draw(b, h) if generator.random() < 0.3 else None
    lengths = torch.from_numpy(generator.integers(0, t + 1, size=b)) if generator.random() < 0.6 else None
    return draw(t, b, i), state, weights, lengths, mask


@every_cell
@pytest.mark.parametrize("save", [True, False], ids=["training", "inference"])
def test_a_row_has_the_same_bits_in_any_company(cell, save, threads):
    generator = np.random.default_rng(5)
    for _ in range(40):
        x, state, weights, lengths, mask = random_case(generator, cell)
        weights.weight_ih.requires_grad_(save)
        threads(1)
        y, after = native.run_time_major(cell, x, state, weights, lengths, Masks(mask))
        rows = torch.from_numpy(generator.permutation(x.shape[1])[: generator.integers(1, x.shape[1] + 1)])
        threads(int(generator.integers(1, 5)))
        own_y, own_after = native.run_time_major(
            cell,
            x[:, rows],
            tuple(s[rows] for s in state),
            weights,
            None if lengths is None else lengths[rows],
            Masks(None if mask is None else mask[rows]),
        )
        assert torch.equal(own_y, y[:, rows])
        assert all(torch.equal(own, s[rows]) for own, s in zip(own_after, after, strict=True))


@every_cell
@pytest.mark.parametrize("seed", [0, 1])
def test_a_sequence_has_the_same_bits_in_any_pieces(cell, seed, threads):
    generator = np.random.default_rng(seed)
    for _ in range(20):
        x, state, weights, lengths, mask = random_case(generator, cell)
        y, after = native.run_time_major(cell, x, state, weights, lengths, Masks(mask))
        cut = int(generator.integers(0, x.shape[0] + 1))
        threads(int(generator.integers(1, 5)))
        pieces, carried = [], state
        for first, end in ((0, cut), (cut, x.shape[0])):
            own = None if lengths is None else (lengths - first).clamp(0, end - first)
            part, carried = native.run_time_major(cell, x[first:end], carried, weights, own, Masks(mask))
            pieces.append(part)
        assert torch.equal(torch.cat(pieces), y)
        assert all(map(torch.equal, carried, after))


@pytest.mark.parametrize("inputs", [2050, 5001])
def test_wide_inputs_are_multiplied_piece_by_piece(inputs, kernel_call):
    call = draw_call(Cell("gru", precision="bf16"), kernel_call, (3, 2, inputs, 7))
    found, exact = call.results(native.run_time_major), call.results(reference.run_time_major)
    assert all(far(a, b) < 1e-2 for a, b in zip(found, exact, strict=True))


@pytest.mark.parametrize("steps", [700])
def test_gradients_over_many_rows(steps, kernel_call, threads):
    call = kernel_call(Cell("elman", precision="bf16"), size=(3, steps, 5, 20), dtype=torch.float32)
    call.weights = Weights(*(None if w is None else 0.2 * w for w in call.weights))
    exact = call.results(reference.run_time_major)
    for count in (1, 2):
        threads(count)
        found = call.results(native.run_time_major)
        assert all(far(a, b) < 1e-2 for a, b in zip(found, exact, strict=True))
        assert all(map(torch.equal, found, call.results(native.run_time_major)))


@every_cell
@pytest.mark.parametrize("seed", [0])
def test_hidden_gradients(cell, seed, kernel_call, ragged):
    call = kernel_call(cell, ragged, dtype=torch.float32, masks=("hidden", "keep_h", "keep_c"))
    pull = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(seed))
    given = (call.x, call.state, call.weights, pull, call.lengths, call.masks)
    near = native.hidden_gradients(cell, *given)
    exact = native.hidden_gradients(replace(cell, precision="full"), *given)
    assert 0 < far(near, exact) < 0.03


@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
def test_a_training_goes_the_same_way(kind):
    def losses(precision):
        torch.manual_seed(2)
        layer = layer_of(Cell(kind, precision=precision), 4, 32, zoneout=0.1, recurrent_dropout=0.1)
        head = torch.nn.Linear(32, 1)
        learned = [*layer.parameters(), *head.parameters()]
        optimizer = torch.optim.Adam(learned, lr=3e-3)
        x = torch.randn(32, 30, 4)
        target = x.sum(2).cumsum(1)[..., None] / 5
        found = []
        for _ in range(60):
            loss = (head(layer(x)[0]) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(float(loss.detach()))
        return np.array(found)

    near, exact = losses("bf16"), losses("full")
    assert exact[-1] < 0.9 * exact[0]
    assert np.abs(near - exact).max() < 0.02 * exact[0]


@pytest.mark.parametrize("seed", [0])
def test_autocast_asks_for_it(seed):
    torch.manual_seed(seed)
    layer, x = nn.LSTM(3, 8), torch.randn(2, 5, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast, _ = layer(x)
        with kernels.use("torch"):
            plain, _ = layer(x)
    wanted = nn.LSTM(3, 8, options=nn.CellOptions(precision="bf16"))
    wanted.load_state_dict(layer.state_dict())
    assert torch.equal(cast, wanted(x)[0])
    assert cast.dtype == torch.float32
    assert 0 < far(cast, layer(x)[0]) < 0.01
    assert plain.dtype != torch.float64
