"""torch.nn's modules and ours: the same values and the same gradients, both ways."""

import pytest
import torch

from unrolled import kernels, nn
from unrolled.errors import ArgumentError

KINDS = {
    "rnn tanh": lambda **o: torch.nn.RNN(3, 5, nonlinearity="tanh", **o),
    "rnn relu": lambda **o: torch.nn.RNN(3, 5, nonlinearity="relu", **o),
    "lstm": lambda **o: torch.nn.LSTM(3, 5, **o),
    "gru": lambda **o: torch.nn.GRU(3, 5, **o),
}
FORMS = {
    "plain": {},
    "no bias": {"bias": False},
    "stacked": {"num_layers": 3},
    "bidirectional": {"bidirectional": True},
    "stacked bidirectional": {"num_layers": 2, "bidirectional": True},
    "batch first": {"num_layers": 2, "batch_first": True},
}
SUFFIXES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@pytest.fixture
def module(kind, form):
    torch.manual_seed(3)
    return KINDS[kind](dtype=torch.float64, **FORMS[form])


def cells(layer):
    """The cells in the order in which torch.nn keeps its layers and directions."""
    if isinstance(layer, nn.Stack):
        return [cell for below in layer.layers for cell in cells(below)]
    return [layer.layer_forward, layer.layer_backward] if isinstance(layer, nn.Bidirectional) else [layer]


def ours(layer, x, states, lengths):
    """Outputs, last states, gradients of x, of the first states and of all weights."""
    own = [type_of(cell, s) for cell, s in zip(cells(layer), states, strict=True)]
    given = own
    if len(own) > 1 and any(isinstance(m, nn.Bidirectional) for m in layer.modules()):
        given = list(zip(own[::2], own[1::2], strict=True))
    state = tuple(given) if isinstance(layer, nn.Stack) else given[0]
    y, after = layer(x, state, lengths)
    weights = [w for cell in cells(layer) for name in SUFFIXES if (w := getattr(cell, name)) is not None]
    return [y, *leaves(after)], weights


def type_of(cell, state):
    return cell.state_type(*state)


def leaves(state):
    return [state] if isinstance(state, torch.Tensor) else [t for part in state for t in leaves(part)]


def theirs(module, x, states, lengths):
    stacked = [torch.stack(part) for part in zip(*states, strict=True)]
    if not module.batch_first:
        x = x.transpose(0, 1)
    given = x
    if lengths is not None:
        given = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, module.batch_first, enforce_sorted=False)
    y, after = module(given, tuple(stacked) if len(stacked) == 2 else stacked[0])
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, module.batch_first, total_length=6)
    after = after if len(stacked) == 2 else (after,)
    ends = [part[k] for k in range(len(states)) for part in after]
    return [y if module.batch_first else y.transpose(0, 1), *ends], list(module.parameters())


def with_gradients(run, net, lengths):
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    count = len(cells(net)) if isinstance(net, nn.Layer) else net.num_layers * (1 + net.bidirectional)
    lstm = isinstance(net, torch.nn.LSTM) or any(isinstance(m, nn.LSTM) for m in net.modules())
    x = draw(4, 6, 3)
    states = [tuple(draw(4, 5) for _ in range(2 if lstm else 1)) for _ in range(count)]
    results, weights = run(net, x, states, lengths)
    loss = sum((r * draw(*r.shape).detach()).sum() for r in results)
    return results + list(torch.autograd.grad(loss, [x, *(s for pair in states for s in pair), *weights]))


@pytest.mark.parametrize("backend", ["reference", "torch", "auto"])
@pytest.mark.parametrize("lengths", [None, torch.tensor([6, 2, 5, 1])], ids=["full", "ragged"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_from_torch_has_its_values_and_gradients(module, lengths, backend):
    layer = nn.from_torch(module)
    with kernels.use(backend):
        mine = with_gradients(ours, layer, lengths)
    for a, b in zip(mine, with_gradients(theirs, module, lengths), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_bit_for_bit(module):
    back = nn.to_torch(nn.from_torch(module))
    assert type(back) is type(module)
    assert back.batch_first
    theirs_, mine = module.state_dict(), back.state_dict()
    assert list(mine) == list(theirs_)
    assert all(torch.equal(mine[name], theirs_[name]) for name in mine)


def test_what_is_kept_and_what_is_shared():
    module = torch.nn.LSTM(3, 5, num_layers=2, dropout=0.3, dtype=torch.float64).eval()
    layer = nn.from_torch(module)
    assert layer.dropout == 0.3
    assert not layer.training
    assert not layer.layers[0].training
    assert layer.layers[0].weight_hh.dtype == torch.float64
    with torch.no_grad():
        module.weight_hh_l0.zero_()
    assert layer.layers[0].weight_hh.abs().sum() > 0  # a copy
    back = nn.to_torch(layer)
    assert back.dropout == 0.3
    assert not back.training


def test_the_initial_values_alone_do_not_hinder():
    layer = nn.LSTM(3, 5, forget_bias=1.0, options=nn.CellOptions(orthogonal=True))
    assert torch.equal(nn.to_torch(layer).weight_hh_l0, layer.weight_hh)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.GRU(3, 5, reset_after=False), "reset_after=False"),
        (nn.LSTM(3, 5, options=nn.CellOptions(zoneout=0.1)), r"zoneout=0\.1"),
        (nn.LSTM(3, 5, options=nn.CellOptions(zoneout_cell=0.1)), r"zoneout_cell=0\.1"),
        (nn.LSTM(3, 5, options=nn.CellOptions(layer_norm=True)), "layer_norm=True"),
        (nn.LSTM(3, 5, options=nn.CellOptions(recurrent_dropout=0.2)), r"recurrent_dropout=0\.2"),
        (nn.GRU(3, 5).reversed(), "reads backward"),
        (nn.Stack([nn.GRU(5, 5), nn.GRU(5, 5)], residual=True), "residual=True"),
        (nn.Stack([nn.GRU(3, 5), nn.GRU(5, 4)]), "different kind, size or bias"),
        (nn.Stack([nn.GRU(3, 5), nn.LSTM(5, 5)]), "different kind, size or bias"),
        (nn.Stack([nn.Bidirectional(nn.GRU(3, 5)), nn.GRU(10, 5)]), "different kind, size or bias"),
        (nn.Stack([nn.Stack([nn.GRU(3, 5)])]), "got Stack"),
    ],
)
def test_what_torch_lacks_is_refused_by_name(layer, named):
    with pytest.raises(ArgumentError, match=rf"layer: expected .*{named}.*torch\.nn has no equal of it\."):
        nn.to_torch(layer)


def test_what_we_lack_is_refused_by_name():
    with pytest.raises(ArgumentError, match=r"module\.proj_size: expected 0, got 2\. unrolled has no"):
        nn.from_torch(torch.nn.LSTM(3, 5, proj_size=2))
    with pytest.raises(ArgumentError, match=r"module: expected torch\.nn\.RNN, LSTM or GRU, got Linear"):
        nn.from_torch(torch.nn.Linear(3, 5))
