"""One list of checks over every recurrent layer, on every backend that takes it.

A new layer joins by a line in LAYERS, a new backend by being in the table of `kernels.dispatch`.
"""

import copy
import io

import pytest
import torch

from unrolled import kernels, nn
from unrolled.errors import ArgumentError, BackendError, ShapeError

INPUT = 3
OPTIONS = nn.CellOptions


def mixed_stack():
    return nn.Stack([nn.Bidirectional(nn.GRU(INPUT, 4)), nn.LSTM(8, 6)], dropout=0.4)


LAYERS = {
    "elman": lambda: nn.Elman(INPUT, 5),
    "elman relu": lambda: nn.Elman(INPUT, 5, activation="relu"),
    "elman layer norm": lambda: nn.Elman(INPUT, 5, options=OPTIONS(layer_norm=True)),
    "lstm": lambda: nn.LSTM(INPUT, 5),
    "lstm forget bias": lambda: nn.LSTM(INPUT, 5, forget_bias=1.0, options=OPTIONS(orthogonal=True)),
    "lstm memory": lambda: nn.LSTM(INPUT, 5, memory=20),
    "lstm no bias": lambda: nn.LSTM(INPUT, 5, options=OPTIONS(bias=False)),
    "lstm weight drop": lambda: nn.LSTM(INPUT, 5, options=OPTIONS(recurrent_dropout=0.4)),
    "lstm zoneout": lambda: nn.LSTM(INPUT, 5, options=OPTIONS(zoneout=0.2, zoneout_cell=0.5)),
    "lstm layer norm": lambda: nn.LSTM(INPUT, 5, options=OPTIONS(layer_norm=True)),
    "lstm of one unit": lambda: nn.LSTM(INPUT, 1),
    "gru": lambda: nn.GRU(INPUT, 5),
    "gru 2014": lambda: nn.GRU(INPUT, 5, reset_after=False),
    "gru variational": lambda: nn.GRU(
        INPUT, 5, options=OPTIONS(recurrent_dropout=0.4, dropout_kind="variational")
    ),
    "gru zoneout": lambda: nn.GRU(INPUT, 5, options=OPTIONS(zoneout=0.3)),
    "gru of one unit": lambda: nn.GRU(INPUT, 1),
    "elman reversed": lambda: nn.Elman(INPUT, 5).reversed(),
    "lstm reversed": lambda: nn.LSTM(INPUT, 5).reversed(),
    "gru reversed": lambda: nn.GRU(INPUT, 5).reversed(),
    "bidirectional elman": lambda: nn.Bidirectional(nn.Elman(INPUT, 4)),
    "bidirectional lstm": lambda: nn.Bidirectional(nn.LSTM(INPUT, 4)),
    "bidirectional gru 2014": lambda: nn.Bidirectional(nn.GRU(INPUT, 4, reset_after=False)),
    "stack": lambda: nn.Stack([nn.LSTM(INPUT, 5), nn.LSTM(5, 4), nn.LSTM(4, 6)], dropout=0.3),
    "stack residual": lambda: nn.Stack([nn.GRU(INPUT, 5), nn.Elman(5, 5), nn.LSTM(5, 5)], residual=True),
    "stack mixed": mixed_stack,
    "from torch": lambda: nn.from_torch(torch.nn.GRU(INPUT, 4, num_layers=2, bidirectional=True)),
}
BACKWARD = [
    name for name in LAYERS if any(w in name for w in ("reversed", "bidirectional", "mixed", "torch"))
]
RANDOM = {"lstm weight drop", "lstm zoneout", "gru variational", "gru zoneout", "stack", "stack mixed"}


def taken():
    """Every layer with every backend that takes it, in training too."""
    for name, build in LAYERS.items():
        for backend in kernels.names():
            with kernels.use(backend):
                try:
                    build()(torch.zeros(1, 1, INPUT))
                except BackendError:
                    continue
            yield pytest.param(name, backend, id=f"{name}-{backend}".replace(" ", "_"))


every = pytest.mark.parametrize(("name", "backend"), list(taken()))


@pytest.fixture
def layer(name, backend):
    torch.manual_seed(1)
    built = LAYERS[name]().double().eval()
    with kernels.use(backend):
        yield built


def draw(*shape, seed=2):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def flat(state):
    """The tensors of a state, however nested."""
    return [state] if isinstance(state, torch.Tensor) else [t for part in state for t in flat(part)]


def mapped(state, change):
    """A state of the same kind with every tensor changed."""
    if isinstance(state, torch.Tensor):
        return change(state)
    parts = [mapped(part, change) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def start_of(layer, batch):
    """A state that is not zero, batch rows of it."""
    _, state = layer(draw(batch, 3, INPUT, seed=9))
    return mapped(state, lambda s: s.detach() + 0.1)


def close(first, second, atol=1e-12):
    torch.testing.assert_close(first, second, rtol=0, atol=atol)


@every
def test_sizes_and_kinds(layer):
    y, state = layer(draw(4, 6, INPUT))
    assert y.shape == (4, 6, layer.output_size)
    assert layer.input_size == INPUT
    assert all(s.shape[0] == 4 and s.ndim == 2 for s in flat(state))
    assert all(t.dtype == torch.float64 and t.isfinite().all() for t in [y, *flat(state)])


@every
def test_no_state_is_a_state_of_zeros(layer):
    x = draw(4, 6, INPUT)
    y, state = layer(x)
    zeros = mapped(state, torch.zeros_like)
    y_too, state_too = layer(x, zeros)
    assert torch.equal(y, y_too)
    assert all(map(torch.equal, flat(state), flat(state_too)))
    assert not torch.equal(layer(x, start_of(layer, 4))[0], y)


@every
def test_a_carried_state_continues_the_sequence(layer, name):
    x, start = draw(4, 7, INPUT), start_of(layer, 4)
    parts = [x[:, :3], x[:, 3:]]
    if name in BACKWARD:
        if "reversed" not in name:
            return  # both directions at once have no place to cut
        parts.reverse()
    y, state = layer(x, start)
    y_first, carried = layer(parts[0], start)
    y_second, end = layer(parts[1], carried)
    ys = [y_second, y_first] if name in BACKWARD else [y_first, y_second]
    close(y, torch.cat(ys, dim=1))
    for whole, cut in zip(flat(state), flat(end), strict=True):
        close(whole, cut)


@every
@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 1e30])
def test_what_lies_behind_a_length_changes_nothing(layer, garbage):
    lengths, start = torch.tensor([6, 0, 3, 1]), start_of(layer, 4)
    clean = draw(4, 6, INPUT)
    dirty = clean.clone()
    for row, length in enumerate(lengths):
        dirty[row, length:] = garbage
    results = []
    for x in (clean, dirty):
        x.requires_grad_()
        own = mapped(start, lambda s: s.clone().requires_grad_())
        y, state = layer(x, own, lengths)
        pull = sum((t * draw(*t.shape)).sum() for t in [y, *flat(state)])
        learned = [x, *flat(own), *layer.parameters()]
        results.append([y, *flat(state), *torch.autograd.grad(pull, learned)])
    assert all(t.isfinite().all() for t in results[1])
    assert all(map(torch.equal, *results))
    y, grad_x = results[1][0], results[1][1 + len(flat(start))]
    for row, length in enumerate(lengths):
        assert (y[row, length:] == 0).all()
        assert (grad_x[row, length:] == 0).all()


@every
def test_a_row_of_a_ragged_batch_is_that_row_alone(layer):
    lengths, start = [6, 2, 5, 1], start_of(layer, 4)
    x = draw(4, 6, INPUT)
    y, state = layer(x, start, lengths)
    for row, length in enumerate(lengths):
        own = mapped(start, lambda s, row=row: s[row : row + 1])
        y_alone, state_alone = layer(x[row : row + 1, :length], own)
        close(y[row : row + 1, :length], y_alone)
        for many, alone in zip(flat(state), flat(state_alone), strict=True):
            close(many[row : row + 1], alone)


@every
def test_rows_are_independent(layer):
    x = draw(4, 6, INPUT)
    y, state = layer(x)
    order = torch.tensor([2, 0, 3, 1])
    y_mixed, state_mixed = layer(x[order])
    close(y[order], y_mixed)
    close(flat(state)[0][order], flat(state_mixed)[0])
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x)[0][2].sum(), x)
    assert gradient[2].abs().sum() > 0
    assert gradient[[0, 1, 3]].abs().sum() == 0


@every
def test_direction_of_time(layer, name):
    x = draw(2, 6, INPUT).requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x)[0][:, 2].sum(), x)
    sees_past, sees_future = (gradient[:, part].abs().sum() > 0 for part in (slice(0, 2), slice(3, 6)))
    assert sees_past == ("reversed" not in name)
    assert sees_future == (name in BACKWARD)


@every
def test_a_length_of_0_leaves_the_state(layer):
    x, start = draw(3, 5, INPUT), start_of(layer, 3)
    y, state = layer(x, start, [0, 0, 0])
    assert (y == 0).all()
    assert all(map(torch.equal, flat(state), flat(start)))
    y, state = layer(x[:, :0], start)
    assert y.shape == (3, 0, layer.output_size)
    assert all(map(torch.equal, flat(state), flat(start)))


@every
def test_full_lengths_are_no_lengths(layer):
    x = draw(3, 5, INPUT)
    assert torch.equal(layer(x)[0], layer(x, lengths=torch.full((3,), 5, dtype=torch.int32))[0])


@every
@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 9), (7, 1), (0, 4)])
def test_small_batches(layer, batch, time):
    y, state = layer(draw(batch, time, INPUT))
    assert y.shape == (batch, time, layer.output_size)
    assert all(s.shape[0] == batch for s in flat(state))


@every
def test_nothing_given_is_modified(layer):
    x, start, lengths = draw(4, 6, INPUT), start_of(layer, 4), torch.tensor([6, 0, 3, 1])
    before = [t.clone() for t in [x, *flat(start), lengths, *layer.parameters()]]
    layer.train()(x, start, lengths)
    assert all(map(torch.equal, before, [x, *flat(start), lengths, *layer.parameters()]))


@every
def test_same_seed_same_bits(name, layer):
    x = draw(4, 6, INPUT)
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        trained = LAYERS[name]().double().train()
        y, state = trained(x, lengths=[6, 5, 4, 3])
        y.sum().backward()
        results.append([y, *flat(state), *(p.grad for p in trained.parameters())])
    assert all(map(torch.equal, *results))


@every
def test_chance_works_in_training_only(layer, name):
    x = draw(4, 6, INPUT)
    y = layer(x)[0]
    assert torch.equal(y, layer(x)[0])
    layer.train()
    generator = torch.get_rng_state()
    first = layer(x)[0]
    if name in RANDOM:
        assert not torch.equal(first, layer(x)[0])
    else:  # what is off draws nothing
        assert torch.equal(first, y)
        assert torch.equal(generator, torch.get_rng_state())


@every
def test_saved_and_loaded_bit_for_bit(layer, name):
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    torch.manual_seed(77)
    other = LAYERS[name]().double().eval()
    x = draw(4, 6, INPUT)
    assert not torch.equal(layer(x)[0], other(x)[0])
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(layer(x)[0], other(x)[0])
    assert torch.equal(copy.deepcopy(layer)(x)[0], layer(x)[0])


@every
def test_every_weight_learns(layer):
    y, _ = layer(draw(4, 6, INPUT))
    (y * draw(*y.shape)).sum().backward()
    dead = [name for name, p in layer.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@every
def test_float32_agrees_with_float64(layer):
    x = draw(4, 6, INPUT)
    y = layer(x)[0]
    single = copy.deepcopy(layer).float()
    y_single, state = single(x.float())
    assert y_single.dtype == flat(state)[0].dtype == torch.float32
    close(y_single.double(), y, atol=1e-5)


@every
def test_wrong_calls_are_refused_with_a_cure(layer):
    x = draw(4, 6, INPUT)
    with pytest.raises(ShapeError, match=r"x: expected \(batch, time, 3\), got \(6, 3\)\. .*Pass x\[None\]"):
        layer(x[0])
    with pytest.raises(ShapeError, match=r"x: expected \(batch, time, 3\), got \(4, 6, 2\)"):
        layer(x[..., :2])
    with pytest.raises(ArgumentError, match=r"x: expected torch.float64, got torch.float32\. .*x\.to"):
        layer(x.float())
    with pytest.raises(ArgumentError, match=r"x: expected a torch tensor, got ndarray.*as_tensor"):
        layer(x.numpy())
    with pytest.raises(ShapeError, match=r"lengths: expected \(4,\), got \(2,\)"):
        layer(x, lengths=[6, 6])
    with pytest.raises(ArgumentError, match=r"lengths: expected each in 0\.\.6, got 7"):
        layer(x, lengths=[6, 7, 1, 1])
    with pytest.raises(ArgumentError, match=r"lengths: expected each in 0\.\.6, got -1"):
        layer(x, lengths=[6, -1, 1, 1])
    with pytest.raises(ArgumentError, match=r"lengths: expected whole numbers, got torch.float32.*int64"):
        layer(x, lengths=[6.0, 1.0, 1.0, 1.0])
    with pytest.raises(ArgumentError, match=r"lengths: expected whole numbers, got \['a'\]"):
        layer(x, lengths=["a"])
    with pytest.raises(ArgumentError, match=r"state: expected .*, got Tensor"):
        layer(x, state=x)
    with pytest.raises(ShapeError, match=r"state\.h: expected \(4, \d\), got \(2, \d\)"):
        layer(x, start_of(layer, 2))
