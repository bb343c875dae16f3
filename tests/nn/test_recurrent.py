"""What every cell has in common: start, options, masks, counts."""

import pytest
import torch

from unrolled import kernels, nn
from unrolled.errors import ArgumentError, BackendError
from unrolled.kernels import reference
from unrolled.types import GRUState

CELLS = {"elman": (nn.Elman, 1), "gru": (nn.GRU, 3), "lstm": (nn.LSTM, 4)}
FOREIGN = {"elman": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
cells = pytest.mark.parametrize("kind", CELLS)


def build(kind, *sizes, **options):
    return CELLS[kind][0](*sizes, options=nn.CellOptions(**options)).double()


@cells
@pytest.mark.parametrize("bias", [True, False])
def test_the_same_seed_gives_the_start_of_torch_nn(kind, bias):
    torch.manual_seed(4)
    layer = CELLS[kind][0](3, 7, options=nn.CellOptions(bias=bias))
    torch.manual_seed(4)
    module = FOREIGN[kind](3, 7, bias=bias)
    for mine, theirs in zip(layer.parameters(), module.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@cells
def test_parameter_count_is_the_formula(kind):
    gates = CELLS[kind][1]
    plain = gates * 7 * (3 + 7)
    assert nn.parameter_count(build(kind, 3, 7)) == plain + 2 * gates * 7
    assert nn.parameter_count(build(kind, 3, 7, bias=False)) == plain
    assert nn.parameter_count(build(kind, 3, 7, layer_norm=True)) == plain + 4 * gates * 7
    assert nn.parameter_count(nn.Bidirectional(build(kind, 3, 7))) == 2 * (plain + 2 * gates * 7)
    foreign = FOREIGN[kind](3, 7, num_layers=3, bidirectional=True)
    ours = nn.parameter_count(nn.from_torch(foreign))
    assert ours == sum(p.numel() for p in foreign.parameters())


@cells
def test_orthogonal_start_of_each_gate(kind):
    layer = build(kind, 3, 6, orthogonal=True)
    for gate in layer.weight_hh.detach().chunk(CELLS[kind][1]):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-6)


@cells
def test_weight_drop_is_one_draw_of_dropped_weights(kind):
    layer = build(kind, 3, 6, recurrent_dropout=0.5).train()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    torch.manual_seed(8)
    y, _ = layer(x)
    torch.manual_seed(8)
    dropped = torch.nn.functional.dropout(layer.weight_hh, 0.5)
    assert 0 < (dropped == 0).sum() < dropped.numel()
    plain = build(kind, 3, 6)
    plain.load_state_dict(layer.state_dict())
    with torch.no_grad():
        plain.weight_hh.copy_(dropped)
    assert torch.equal(y, plain(x)[0])
    (gradient,) = torch.autograd.grad(y.square().sum(), layer.weight_hh)
    assert (gradient[dropped == 0] == 0).all()
    plain.load_state_dict(layer.state_dict())
    assert torch.equal(layer.eval()(x)[0], plain(x)[0])


@cells
def test_variational_dropout_is_one_draw_of_units_for_each_row(kind):
    layer = build(kind, 3, 6, recurrent_dropout=0.5, dropout_kind="variational").train()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    torch.manual_seed(8)
    y, _ = layer(x)
    torch.manual_seed(8)
    mask = torch.nn.functional.dropout(torch.ones(2, 6, dtype=torch.float64), 0.5)
    assert not torch.equal(mask[0], mask[1])
    for row in range(2):  # the mask on h' is a mask on the columns of the recurrent weights
        plain = build(kind, 3, 6)
        plain.load_state_dict(layer.state_dict())
        with torch.no_grad():
            plain.weight_hh.mul_(mask[row])
        torch.testing.assert_close(y[row], plain(x[row : row + 1])[0][0], rtol=0, atol=1e-12)


def test_zoneout_keeps_its_share_of_the_old_values():
    layer = build("lstm", 3, 50, zoneout=0.2, zoneout_cell=0.6).train()
    x = torch.randn(40, 10, 3, dtype=torch.float64)
    y, state = layer(x)
    _, before = layer(x[:, :0])
    kept = (y[:, 1:] == y[:, :-1]).double().mean()
    assert 0.19 < kept < 0.21  # 18,000 units: one standard error is 0.003
    y, state = layer(x[:, :1], before)
    assert 0.55 < (state.c == before.c).double().mean() < 0.65
    assert 0.16 < (state.h == before.h).double().mean() < 0.24


def test_zoneout_in_evaluation_is_the_mean_of_training():
    layer = build("gru", 3, 4, zoneout=0.3)
    x = torch.randn(1, 1, 3, dtype=torch.float64)
    start = GRUState(torch.ones(1, 4, dtype=torch.float64))
    draws = layer.train()(x.expand(20_000, 1, 3), GRUState(start.h.expand(20_000, 4)))[0]
    torch.testing.assert_close(layer.eval()(x, start)[0][0, 0], draws.mean(0)[0], rtol=0, atol=0.02)


def test_what_is_off_makes_no_mask(monkeypatch):
    given = []
    run = reference.run_time_major
    backend = kernels.dispatch.BACKENDS[-1]._replace(
        run_time_major=lambda *call: (given.append(call), run(*call))[1]
    )
    monkeypatch.setattr(kernels.dispatch, "BACKENDS", (backend,))
    layer = build("lstm", 3, 4).train()
    layer(torch.zeros(2, 5, 3, dtype=torch.float64), lengths=[5, 5])
    (_, _, _, weights, lengths, masks) = given[0]
    assert masks == kernels.NO_MASKS
    assert lengths is None
    assert weights.weight_hh is layer.weight_hh
    assert weights.gain_ih is weights.gain_hh is None


def test_the_layer_tells_its_backend_and_draws_nothing():
    layer = build("gru", 3, 4, zoneout=0.3).train()
    x = torch.zeros(2, 5, 3, dtype=torch.float64)
    state = torch.get_rng_state()
    assert layer.backend(x, [5, 2]) != "torch"
    assert torch.equal(state, torch.get_rng_state())
    with kernels.use("reference"):
        assert layer.backend(x) == "reference"
    with kernels.use("torch"), pytest.raises(BackendError, match="zoneout"):
        layer.backend(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recurrent_dropout": 1.0}, r"recurrent_dropout: expected a number >= 0 and < 1, got 1\.0"),
        ({"recurrent_dropout": -0.1}, r"recurrent_dropout: expected .*, got -0\.1"),
        ({"zoneout": 1.5}, r"zoneout: expected .*, got 1\.5"),
        ({"zoneout_cell": "0.5"}, r"zoneout_cell: expected .*, got '0\.5'"),
        ({"dropout_kind": "variation"}, r"dropout_kind: expected .*'variation'\. Did you mean 'variational'"),
        ({"bias": 1}, "bias: expected True or False, got 1"),
        ({"layer_norm": None}, "layer_norm: expected True or False, got None"),
        ({"orthogonal": "yes"}, "orthogonal: expected True or False, got 'yes'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        nn.CellOptions(**options)


@cells
def test_wrong_sizes_are_refused(kind):
    layer = CELLS[kind][0]
    with pytest.raises(ArgumentError, match="input_size: expected a whole number >= 1, got 0"):
        layer(0, 5)
    with pytest.raises(ArgumentError, match=r"hidden_size: expected a whole number >= 1, got 2\.5"):
        layer(3, 2.5)
    with pytest.raises(
        ArgumentError, match=r"options: expected nn\.CellOptions, got \{.*Write nn\.CellOptions"
    ):
        layer(3, 5, options={"bias": False})


@pytest.mark.parametrize("kind", ["elman", "gru"])
def test_a_cell_zoneout_needs_a_cell(kind):
    with pytest.raises(
        ArgumentError, match=rf"zoneout_cell: expected 0 .*, got 0\.5 for {kind}\. Set zoneout"
    ):
        build(kind, 3, 5, zoneout_cell=0.5)


def test_reversed_is_a_new_layer_the_other_way():
    layer = build("lstm", 3, 5, zoneout=0.1).eval()
    other = layer.reversed()
    assert other.cell.reverse
    assert not layer.cell.reverse
    assert other.options == layer.options
    assert not torch.equal(other.weight_hh, layer.weight_hh)
    assert other.weight_hh.data_ptr() != layer.weight_hh.data_ptr()
    other.load_state_dict(layer.state_dict())
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(other(x)[0], layer(x.flip(1))[0].flip(1), rtol=0, atol=0)


def test_print_tells_what_differs():
    layer = nn.GRU(3, 5, reset_after=False, options=nn.CellOptions(zoneout=0.1))
    assert repr(layer) == "GRU(3, 5, reset_after=False, zoneout=0.1)"
    assert repr(nn.LSTM(3, 5).reversed()) == "LSTM(3, 5, reverse=True)"
