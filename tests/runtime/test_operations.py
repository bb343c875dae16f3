"""Each operation against numbers worked out by hand, or by an equation written another way."""

import numpy as np
import pytest
from run_operation import run

from unrolled.errors import ArgumentError, ShapeError
from unrolled.runtime import Graph, Input, Node
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import resolve
from unrolled.runtime.operations.base import Spec
from unrolled.runtime.rollout import Rollout

NAN = np.nan


def test_scale_and_unscale_undo_each_other():
    x, centre, spread = [[5.0, NAN]], [[1.0, 2.0]], [[2.0, 4.0]]
    np.testing.assert_array_equal(run(ops.Scale(), x, centre, spread), [[2.0, NAN]])
    np.testing.assert_array_equal(run(ops.Unscale(), [[2.0, 3.0]], centre, spread), [[5.0, 14.0]])


def test_scale_aligns_at_the_last_axis():
    x = np.arange(6.0).reshape(1, 3, 2)
    got = run(ops.Scale(), x, [[1.0, 2.0]], [[2.0, 4.0]])
    np.testing.assert_array_equal(got, [[[-0.5, -0.25], [0.5, 0.25], [1.5, 0.75]]])


def test_a_window_anchor_is_its_last_valid_value():
    window = [[[1.0, NAN, 7.0], [2.0, NAN, 8.0], [NAN, NAN, 9.0]]]
    np.testing.assert_array_equal(run(ops.WindowAnchor(), window, [[-1.0, -2.0, -3.0]]), [[2.0, -2.0, 9.0]])


def test_a_carried_anchor_waits_for_a_value():
    x = [[NAN, 1.0], [3.0, NAN], [NAN, NAN], [0.0, 5.0]]
    got = run(ops.CarriedAnchor(), x, [[-1.0, -2.0]] * 4)
    np.testing.assert_array_equal(got, [[-1.0, 1.0], [3.0, 1.0], [3.0, 1.0], [0.0, 5.0]])


def test_mask():
    np.testing.assert_array_equal(run(ops.Mask(), [[NAN, 2.0]]), [[0.0, 2.0, 0.0, 1.0]])
    np.testing.assert_array_equal(run(ops.Mask(channels=False), [[NAN, 2.0]]), [[0.0, 2.0]])


def test_spread_counts_valid_values_only():
    window = np.array([[[1.0, 4.0, NAN], [NAN, 4.0, NAN], [3.0, 4.0, NAN]]])
    np.testing.assert_allclose(run(ops.Spread(floor=1e-3), window), [[1.0, 1e-3, 1e-3]], rtol=1e-6)


def test_time_features():
    six = np.datetime64("2024-05-01T06:00", "us").astype(np.int64)  # a Wednesday
    got = run(ops.TimeFeatures(("hour of day", "day of week")), np.array([six]))
    day = 2 * np.pi * 2 / 7
    np.testing.assert_allclose(got, [[1.0, 0.0, np.sin(day), np.cos(day)]], atol=1e-6)


def test_embed_takes_what_it_does_not_know_as_unknown():
    table = [[0.5, 0.5], [1.0, 2.0], [3.0, 4.0]]
    got = run(ops.Embed("t"), np.array([[1, 2], [7, -1]]), weights={"t": table})
    np.testing.assert_array_equal(got, [[[1.0, 2.0], [3.0, 4.0]], [[0.5, 0.5], [0.5, 0.5]]])


def test_window_delay_and_pools():
    x = [[1.0], [2.0], [6.0]]
    np.testing.assert_array_equal(run(ops.Window(2), x)[..., 0], [[0.0, 1.0], [1.0, 2.0], [2.0, 6.0]])
    np.testing.assert_array_equal(run(ops.Delay(), x), [[NAN], [1.0], [2.0]])
    np.testing.assert_array_equal(run(ops.Pool("mean"), x), [[1.0], [1.5], [3.0]])
    np.testing.assert_array_equal(run(ops.Pool("last"), x), x)
    np.testing.assert_array_equal(run(ops.Pool("first"), x), [[1.0]] * 3)


def test_a_delay_hands_on_a_missing_value():
    np.testing.assert_array_equal(run(ops.Delay(), [[1.0], [NAN], [2.0]]), [[NAN], [1.0], [NAN]])


def test_moving_numbers():
    x = np.arange(12.0).reshape(1, 3, 4)
    np.testing.assert_array_equal(run(ops.Slice(1, 3), x), x[..., 1:3])
    np.testing.assert_array_equal(run(ops.Slice(2, 3, axis=-2), x), x[:, 2:3])
    np.testing.assert_array_equal(run(ops.Final(), x), x[:, -1])
    np.testing.assert_array_equal(run(ops.Final(axis=-1), x), x[..., -1])
    np.testing.assert_array_equal(run(ops.Reshape((2, 6)), x), x.reshape(1, 2, 6))
    np.testing.assert_array_equal(run(ops.Transpose((1, 0)), x), x.transpose(0, 2, 1))
    np.testing.assert_array_equal(
        run(ops.Concat(axis=-2), x, x[:, :1]), np.concatenate([x, x[:, :1]], axis=1)
    )
    np.testing.assert_array_equal(run(ops.Repeat((2, 3, 4)), x), np.stack([x, x], axis=1))
    padded = run(ops.Pad(1, 2, axis=-2), x)
    np.testing.assert_array_equal(padded[:, 1:4], x)
    assert padded.shape == (1, 6, 4) and padded[:, [0, 4, 5]].sum() == 0
    np.testing.assert_array_equal(run(ops.Combine("add"), x, [[1.0, 0, 0, 1]]), x + np.array([1, 0, 0, 1]))
    np.testing.assert_array_equal(run(ops.Combine("multiply"), x, x), x * x)
    np.testing.assert_array_equal(run(ops.Fill(1.5, (2,)), x), [[1.5, 1.5]])
    np.testing.assert_array_equal(run(ops.Constant("w"), x, weights={"w": [[3.0]]}), [[[3.0]]])


def test_dense_and_norm():
    weights = {"w": [[1.0, 2.0], [0.0, -1.0]], "b": [0.5, 0.0], "g": [2.0, 1.0], "s": [0.0, 1.0]}
    np.testing.assert_array_equal(run(ops.Dense("w", "b"), [[3.0, 4.0]], weights=weights), [[11.5, -4.0]])
    np.testing.assert_array_equal(run(ops.Dense("w"), [[3.0, 4.0]], weights=weights), [[11.0, -4.0]])
    got = run(ops.Norm("g", "s", epsilon=0.0), [[1.0, 5.0]], weights=weights)
    np.testing.assert_array_equal(got, [[-2.0, 2.0]])
    np.testing.assert_allclose(run(ops.Norm(epsilon=5.0), [[1.0, 5.0]]), [[-2 / 3, 2 / 3]], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("tanh", np.tanh),
        ("relu", lambda x: np.maximum(x, 0)),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("softplus", lambda x: np.logaddexp(0, x)),
        ("exp", np.exp),
        ("softmax", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
        ("log_softmax", lambda x: x - x.max() - np.log(np.exp(x - x.max()).sum())),
    ],
)
def test_activations_in_all_ranges(function, wanted):
    x = np.array([[-60.0, -1.5, 0.0, 0.3, 60.0]])
    np.testing.assert_allclose(run(ops.Activation(function), x), wanted(x), rtol=1e-5, atol=1e-20)


def test_no_activation_overflows():
    x = np.array([[-1e4, 1e4]])
    for function in ("sigmoid", "softplus", "softmax", "log_softmax", "tanh"):
        assert np.isfinite(run(ops.Activation(function), x)).all()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_by_hand(cell, x, w, reset_after=True, relu=False):
    """One gate after the other in float64; the biases are one sum but for the GRU's new gate."""
    h = c = np.zeros(w["u"].shape[1])
    H, states = len(h), []
    gates = [slice(i * H, (i + 1) * H) for i in range(4)]
    for row in x:
        a = w["w"] @ row + w["bi"]
        if cell == "elman":
            h = a + w["u"] @ h + w["bh"]
            h = np.maximum(h, 0) if relu else np.tanh(h)
        elif cell == "lstm":
            i, f, g, o = (a[s] + w["u"][s] @ h + w["bh"][s] for s in gates)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            r, z = (sigmoid(a[s] + w["u"][s] @ h + w["bh"][s]) for s in gates[:2])
            new = gates[2]
            inner = (
                r * (w["u"][new] @ h + w["bh"][new]) if reset_after else w["u"][new] @ (r * h) + w["bh"][new]
            )
            h = (1 - z) * np.tanh(a[new] + inner) + z * h
        states.append(np.concatenate([h, c]) if cell == "lstm" else h)
    return np.array(states)


CELLS = {
    "tanh": {"cell": "elman"},
    "relu": {"cell": "elman", "activation": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "gru2014": {"cell": "gru", "reset_after": False},
}
NAMES = {"weight_ih": "w", "weight_hh": "u", "bias_ih": "bi", "bias_hh": "bh"}


def drawn(cell: str, inputs: int = 2, hidden: int = 3) -> dict[str, np.ndarray]:
    rows = {"elman": 1, "gru": 3, "lstm": 4}[cell] * hidden
    rng = np.random.default_rng(0)
    shapes = {"w": (rows, inputs), "u": (rows, hidden), "bi": (rows,), "bh": (rows,)}
    return {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_over_rows_over_a_window_and_alone(name):
    options, x = CELLS[name], np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    weights = drawn(options["cell"])
    full = cell_by_hand(options["cell"], x, weights, options.get("reset_after", True), name == "relu")
    got = run(ops.Recurrent(**options, **NAMES, emit="state"), x, weights=weights)
    np.testing.assert_allclose(got, full, atol=2e-6)
    hidden = run(ops.Recurrent(**options, **NAMES), x, weights=weights)
    np.testing.assert_array_equal(hidden, got[:, :3])
    scanned = run(ops.Scan(**options, **NAMES, emit="state"), x[None], weights=weights)
    np.testing.assert_array_equal(scanned[0], got)
    later = run(ops.Scan(**options, **NAMES, emit="state"), x[None, 4:], got[None, 3], weights=weights)
    np.testing.assert_array_equal(later[0], got[4:])
    np.testing.assert_array_equal(
        run(ops.Step(**options, **NAMES), x[5:], got[4:5], weights=weights), got[5:]
    )


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_over_rows_may_start_from_a_given_state(name):
    options, x = CELLS[name], np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    weights = drawn(options["cell"])
    full = run(ops.Recurrent(**options, **NAMES, emit="state"), x, weights=weights)
    start = np.concatenate([full[3:4], np.full((1, full.shape[1]), NAN)])  # only the first row's counts
    later = run(ops.Recurrent(**options, **NAMES, emit="state"), x[4:], start, weights=weights)
    np.testing.assert_array_equal(later, full[4:])
    turned = run(
        ops.Recurrent(**options, **NAMES, direction="backward"), x[:3:-1], start[::-1], weights=weights
    )
    np.testing.assert_array_equal(turned[::-1], full[4:, :3])
    with pytest.raises(ShapeError, match=r"node 'op' \(recurrent\): input 1: expected float32"):
        run(ops.Recurrent(**options, **NAMES), x, np.zeros((6, 2)), weights=weights)


@pytest.mark.parametrize("kind", [ops.Recurrent, ops.Scan])
def test_backward_is_forward_on_the_turned_sequence(kind):
    x = np.random.default_rng(1).normal(size=(6, 2))
    weights = drawn("gru")
    forward, backward = (kind("gru", **NAMES, direction=d) for d in ("forward", "backward"))
    if kind is ops.Scan:
        np.testing.assert_array_equal(
            run(backward, x[None], weights=weights)[0], run(forward, x[None, ::-1], weights=weights)[0, ::-1]
        )
        return
    turned = run(forward, x[::-1], weights=weights)[::-1]
    np.testing.assert_array_equal(run(backward, x, weights=weights), turned)


def test_zoneout_mixes_old_and_new():
    weights, x = drawn("lstm"), np.random.default_rng(1).normal(size=(1, 2))
    start = np.full((1, 6), 0.5)
    plain = run(ops.Step("lstm", **NAMES), x, start, weights=weights)
    mixed = run(ops.Step("lstm", **NAMES, keep_h=0.25, keep_c=0.5), x, start, weights=weights)
    np.testing.assert_allclose(mixed[:, :3], 0.25 * 0.5 + 0.75 * plain[:, :3], rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 3:], 0.5 * 0.5 + 0.5 * plain[:, 3:], rtol=1e-6)


def test_layer_norm_in_a_cell_is_gate_by_gate():
    weights, x = drawn("gru"), np.random.default_rng(1).normal(size=(1, 2))
    gains = {"gi": np.linspace(0.5, 1.5, 9), "gh": np.ones(9)}
    product = (weights["w"] @ x[0]).reshape(3, 3)
    a = (product - product.mean(1, keepdims=True)) / np.sqrt(product.var(1, keepdims=True) + 1e-5)
    a = a.ravel() * gains["gi"] + weights["bi"]
    r, z = (sigmoid(a[s] + weights["bh"][s]) for s in (slice(0, 3), slice(3, 6)))
    wanted = (1 - z) * np.tanh(a[6:] + r * weights["bh"][6:])  # U 0 normalised is 0
    got = run(ops.Recurrent("gru", **NAMES, gain_ih="gi", gain_hh="gh"), x, weights=weights | gains)
    np.testing.assert_allclose(got[0], wanted, atol=2e-6)


def test_a_quantile_head_rises():
    one = np.log(np.e - 1)  # its softplus is 1
    np.testing.assert_allclose(run(ops.QuantileHead(2), [[one, one, 5.0, one]]), [[3, 4, 5, 6]], rtol=1e-6)
    np.testing.assert_allclose(run(ops.QuantileHead(0), [[5.0, one]]), [[5, 6]], rtol=1e-6)
    rng = np.random.default_rng(0)
    assert (np.diff(run(ops.QuantileHead(1), rng.normal(0, 9, (50, 4))), axis=-1) >= 0).all()


def test_conformal_offsets_keep_the_order():
    offsets = {"o": [[2.0, 0.0, 0.0, -3.0]]}
    got = run(ops.Conformal("o", base=1), [[[0.0, 1.0, 2.0, 3.0]]], weights=offsets)
    np.testing.assert_array_equal(got, [[[1.0, 1.0, 2.0, 2.0]]])
    spread = run(ops.Conformal("o", base=1), [[[0.0, 1.0, 2.0, 3.0]]], [[[0.25]]], weights=offsets)
    np.testing.assert_array_equal(spread, [[[0.5, 1.0, 2.0, 2.25]]])


def test_path_quantiles_are_numpys():
    paths = np.random.default_rng(0).normal(size=(2, 11, 3, 2)).astype(np.float32)
    levels = (0.0, 0.13, 0.5, 0.9, 1.0)
    wanted = np.moveaxis(np.quantile(paths, levels, axis=1), 0, -1)
    np.testing.assert_allclose(run(ops.PathQuantiles(levels), paths), wanted, rtol=1e-5, atol=1e-6)


def test_a_rollout_carries_fixes_and_slices():
    """sum <- sum * factor + each, three times."""
    spec = Spec((1,))
    body = Graph(
        (Input("sum", spec), Input("factor", spec), Input("each", spec)),
        (
            Node("product", ops.Combine("multiply"), ("sum", "factor")),
            Node("next", ops.Combine("add"), ("product", "each")),
        ),
        {"sum": "next", "result": "next"},
    )
    rollout = Rollout(body, 3, ("carried", "fixed", "each"))
    got = run(rollout, [[1.0], [0.0]], [[2.0], [3.0]], [[[1.0], [0.0], [5.0]]] * 2)
    np.testing.assert_array_equal(got[..., 0], [[3.0, 6.0, 17.0], [1.0, 3.0, 14.0]])


WRONG = [
    (ops.Window(0), [(2,)], "history: expected a whole number >= 1, got 0"),
    (ops.Pool("max"), [(2,)], "how: expected one of last, mean, first, got 'max'"),
    (ops.Slice(1, 5), [(4,)], r"start, stop: expected a range in 0..4, got \(1, 5\)"),
    (ops.Slice(0, 1, axis=-3), [(2, 4)], "axis: expected -2..-1, got -3"),
    (ops.Slice(0, 1, axis=0), [(2, 4)], "axis: expected -2..-1, got 0"),
    (ops.Reshape((3, 2)), [(4,)], r"shape: expected 4 elements, got \(3, 2\)"),
    (ops.Transpose((0, 0)), [(2, 4)], r"axes: expected an order of 0..1, got \(0, 0\)"),
    (ops.Repeat((3,)), [(2,)], r"inputs: expected shapes that broadcast, got \(2,\) and \(3,\)"),
    (ops.Concat(), [(2, 3), (3, 3)], r"inputs: expected shapes that differ only on axis -1"),
    (ops.Combine("minus"), [(2,), (2,)], "how: expected one of add, multiply, got 'minus'"),
    (ops.Scale(), [(2,), (3,), (2,)], "inputs: expected shapes that broadcast"),
    (ops.Scale(), [(2,), (4, 2), (2,)], "centre, spread: expected what broadcasts to"),
    (ops.WindowAnchor(), [(5, 2), (3,)], r"input 1: expected float32 \(2,\), got float32 \(3,\)"),
    (ops.Spread(), [(5,)], r"input: expected at least 2 axes, got float32 \(5,\)"),
    (ops.QuantileHead(3), [(3,)], "base: expected a quantile in 0..2, got 3"),
    (ops.PathQuantiles(()), [(3,)], r"levels: expected at least one level, got \(\)"),
    (ops.PathQuantiles((1.5,)), [(3,)], "levels: expected a number >= 0 and <= 1, got 1.5"),
    (ops.Activation("gelu"), [(3,)], "function: expected one of tanh"),
    (ops.TimeFeatures(("noon",)), [(2,)], "phases: expected of"),
    (ops.TimeFeatures(("hour of day",)), [(2,)], r"input: expected int64 stamps, got float32 \(2,\)"),
    (ops.Embed("w"), [(2,)], r"input: expected int64 codes, got float32 \(2,\)"),
    (ops.Pad(-1, 0), [(2,)], "before: expected a whole number >= 0, got -1"),
]


@pytest.mark.parametrize(("operation", "shapes", "message"), WRONG)
def test_what_does_not_fit_is_refused_with_the_nodes_name(operation, shapes, message):
    inputs = tuple(Input(f"x{i}", Spec(shape)) for i, shape in enumerate(shapes))
    graph = Graph(inputs, (Node("here", operation, tuple(i.name for i in inputs)),), {})
    with pytest.raises(ArgumentError, match=f"node 'here'.*: {message}"):
        resolve(graph, {"w": np.zeros((2, 2), np.float32)})


def test_a_step_needs_the_full_state():
    graph = Graph(
        (Input("x", Spec((2,))), Input("state", Spec((3,)))),
        (Node("here", ops.Step("lstm", **NAMES), ("x", "state")),),
        {},
    )
    with pytest.raises(ShapeError, match=r"input 1: expected float32 \(6,\), got float32 \(3,\)"):
        resolve(graph, drawn("lstm"))
