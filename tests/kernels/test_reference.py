"""The equations against torch.nn, against formulas written again row by row, and finite differences."""

import inspect
import types

import pytest
import torch

from unrolled.kernels import Cell, reference

PLAIN = [
    Cell("elman"),
    Cell("elman", activation="relu"),
    Cell("lstm"),
    Cell("gru"),
]
CELLS = [*PLAIN, Cell("gru", reset_after=False)]
OPTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "variational": {"masks": ("hidden",)},
    "zoneout": {"masks": ("keep_h", "keep_c")},
    "zoneout h": {"masks": ("keep_h",)},
    "layer norm": {"norm": True},
    "all": {"norm": True, "masks": ("hidden", "keep_h", "keep_c")},
}


def name(cell):
    return f"{cell.kind}-{cell.activation}-{'after' if cell.reset_after else 'before'}"


def both_ways(cell, reverse):
    return Cell(cell.kind, cell.activation, cell.reset_after, reverse)


def torch_nn(cell, x, state, weights, lengths, masks):
    """The same by torch.nn's own bidirectional module, of which one half is looked at."""
    kinds = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    options = {"nonlinearity": cell.activation} if cell.kind == "elman" else {}
    hidden, half = weights.weight_hh.shape[1], int(cell.reverse)
    bias = weights.bias_ih is not None
    module = kinds[cell.kind](x.shape[2], hidden, bias=bias, bidirectional=True, dtype=x.dtype, **options)
    own = {f"{key}_l0{'_reverse' * half}": w for key, w in weights._asdict().items() if w is not None}
    start = [torch.stack([s * (1 - half), s * half]) for s in state]
    packed = x
    if lengths is not None:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    given = (packed, tuple(start) if cell.kind == "lstm" else start[0])
    y, after = torch.func.functional_call(module, own, given)
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=x.shape[0])
    after = after if cell.kind == "lstm" else (after,)
    return y[..., half * hidden : (half + 1) * hidden], tuple(s[half] for s in after)


def by_rows(cell, x, state, weights, lengths, masks):
    """The same row by row, gate by gate, with vectors only."""
    T, B, _ = x.shape
    H = weights.weight_hh.shape[1]
    ys, ends = [], []
    for b in range(B):
        length = T if lengths is None else int(lengths[b])
        h, c = state[0][b], state[-1][b]
        y = [x.new_zeros(H)] * T
        for t in range(length)[:: -1 if cell.reverse else 1]:
            h, c = one_step(cell, x[t, b], h, c, weights, masks, t, b)
            y[t] = h
        ys.append(torch.stack(y))
        ends.append((h, c))
    after = tuple(torch.stack([end[k] for end in ends]) for k in range(len(state)))
    return torch.stack(ys, dim=1), after


def one_step(cell, x, h, c, weights, masks, t, b):
    H = h.shape[0]
    seen = h if masks.hidden is None else h * masks.hidden[b]

    def norm(v, gain):
        if gain is None:
            return v
        centred = v - v.sum() / H
        return gain * centred / ((centred**2).sum() / H + 1e-5).sqrt()

    def gate(part, k, v):
        rows = slice(k * H, (k + 1) * H)
        weight, gain, bias = (getattr(weights, f"{kind}_{part}") for kind in ("weight", "gain", "bias"))
        product = norm(weight[rows] @ v, None if gain is None else gain[rows])
        return product if bias is None else product + bias[rows]

    def both(k, v=seen):
        return gate("ih", k, x) + gate("hh", k, v)

    def sigmoid(v):
        return 1 / (1 + (-v).exp())

    new_c = c
    if cell.kind == "elman":
        a = both(0)
        new_h = a.tanh() if cell.activation == "tanh" else a * (a > 0)
    elif cell.kind == "lstm":
        new_c = sigmoid(both(1)) * c + sigmoid(both(0)) * both(2).tanh()
        new_h = sigmoid(both(3)) * new_c.tanh()
    else:
        r, z = sigmoid(both(0)), sigmoid(both(1))
        new = gate("ih", 2, x) + r * gate("hh", 2, seen) if cell.reset_after else both(2, r * seen)
        new_h = (1 - z) * new.tanh() + z * h
    if masks.keep_h is not None:
        new_h = torch.where(masks.keep_h[t, b] == 1, h, new_h)
    if masks.keep_c is not None:
        new_c = torch.where(masks.keep_c[t, b] == 1, c, new_c)
    return new_h, new_c


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("is_ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("cell", PLAIN, ids=name)
def test_equals_torch_nn(cell, bias, is_ragged, reverse, kernel_call, same, ragged):
    call = kernel_call(both_ways(cell, reverse), ragged if is_ragged else None, bias=bias)
    same(call.results(reference.run_time_major), call.results(torch_nn))


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("cell", CELLS, ids=name)
def test_equals_the_formulas_row_by_row(cell, option, reverse, kernel_call, same):
    lengths = torch.tensor([6, 0, 4, 1])
    call = kernel_call(both_ways(cell, reverse), lengths, **OPTIONS[option])
    same(call.results(reference.run_time_major), call.results(by_rows))


@pytest.mark.parametrize("option", ["plain", "variational", "zoneout", "layer norm"])
@pytest.mark.parametrize("cell", CELLS, ids=name)
def test_gradients_by_finite_differences(cell, option, kernel_call):
    lengths = torch.tensor([3, 2])
    call = kernel_call(cell, lengths, size=(2, 3, 2, 2), **OPTIONS[option])

    def outputs(*learned):
        states = len(call.state)
        call.x, call.state = learned[0], learned[1 : 1 + states]
        given = iter(learned[1 + states :])
        call.weights = type(call.weights)(*(None if w is None else next(given) for w in call.weights))
        y, state = call.run(reference.run_time_major)
        return (y, *state)

    assert torch.autograd.gradcheck(outputs, call.learned())


def test_zoneout_in_evaluation_mixes_by_the_probability(kernel_call):
    call = kernel_call(Cell("lstm"), size=(2, 1, 3, 4))
    y, (_, c) = call.run(reference.run_time_major)
    kept = torch.full((1, 1, 1), 0.25, dtype=torch.float64).expand(1, 2, 4)
    call.masks = call.masks._replace(keep_h=kept, keep_c=2 * kept)
    mixed, (_, mixed_c) = call.run(reference.run_time_major)
    torch.testing.assert_close(mixed[0], 0.25 * call.state[0] + 0.75 * y[0])
    torch.testing.assert_close(mixed_c, 0.5 * call.state[1] + 0.5 * c)


def test_layer_normalisation_has_mean_0_and_variance_1_in_each_gate():
    v = torch.randn(7, 3 * 64, dtype=torch.float64) * 5 + 2
    by_gate = reference.normalise(v, torch.ones(3 * 64, dtype=torch.float64), 3).unflatten(-1, (3, 64))
    torch.testing.assert_close(by_gate.mean(-1), torch.zeros(7, 3, dtype=torch.float64))
    torch.testing.assert_close(by_gate.var(-1, correction=0), torch.ones(7, 3).double(), atol=1e-5, rtol=0)


# Every gate's sign, order and place: (cell, what is written, what breaks it).
BREAKS = [
    ("elman", "torch.tanh(a)", "torch.tanh(-a)"),
    ("lstm", "torch.sigmoid(f)", "torch.sigmoid(-f)"),
    ("lstm", "torch.sigmoid(i)", "torch.sigmoid(-i)"),
    ("lstm", "torch.tanh(g)", "torch.tanh(-g)"),
    ("lstm", "torch.sigmoid(o)", "torch.sigmoid(-o)"),
    ("lstm", "i, f, g, o =", "i, f, o, g ="),
    ("gru", "torch.sigmoid(a_r + u_r) * u_n", "torch.sigmoid(-a_r - u_r) * u_n"),
    ("gru", "torch.sigmoid(a_z + u_z)", "torch.sigmoid(-a_z - u_z)"),
    ("gru", "torch.sigmoid(a_r + u_r) * u_n", "torch.sigmoid(a_r - u_r) * u_n"),
    ("gru", "a_n + torch.sigmoid", "a_n - torch.sigmoid"),
    ("gru", "(1 - z) * n + z * h", "z * n + (1 - z) * h"),
    ("gru", "a_r, a_z, a_n =", "a_z, a_r, a_n ="),
]


@pytest.mark.parametrize(("kind", "written", "broken"), BREAKS)
def test_a_broken_gate_is_seen(kind, written, broken, kernel_call, same, ragged):
    source = inspect.getsource(reference)
    assert source.count(written) == 1
    wrong = types.ModuleType("wrong")
    exec(source.replace(written, broken), wrong.__dict__)
    call = kernel_call(Cell(kind), ragged)
    same(call.results(reference.run_time_major), call.results(torch_nn))
    with pytest.raises(AssertionError, match="result 0"):
        same(call.results(wrong.run_time_major), call.results(torch_nn))
