"""Operations and options of cells that no network of today has in this form, many in one graph."""

import numpy as np
import pytest

from unrolled.deploy import draw_rows, export, replay
from unrolled.deploy.c import export_c
from unrolled.runtime import Graph, Input, Node, Program, Stream, StreamPool
from unrolled.runtime import operations as ops
from unrolled.runtime.graph import resolve
from unrolled.runtime.operations import Spec
from unrolled.runtime.operations.base import Operation
from unrolled.runtime.rollout import Rollout

WIDTH = 12


class Many:
    """A graph that gives x (12,) to many operations and puts all their values side by side."""

    def __init__(self, missing: bool = False) -> None:
        self.inputs = (Input("x", Spec((WIDTH,)), missing),)
        self.nodes: list[Node] = []
        self.weights: dict[str, np.ndarray] = {}
        self.answers: list[str] = []
        self.rng = np.random.default_rng(0)

    def add(self, operation: Operation, *inputs: str, answer: bool = True) -> str:
        """A node; what it makes is part of the answer."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name, operation, inputs))
        if answer:
            shape = resolve(Graph(self.inputs, tuple(self.nodes), {}), self.weights).values[name].shape
            self.nodes.append(Node(f"{name} flat", ops.Reshape((int(np.prod(shape)),)), (name,)))
            self.answers.append(f"{name} flat")
        return name

    def weight(self, *shape: int) -> str:
        """A drawn weight."""
        name = f"w{len(self.weights)}"
        self.weights[name] = self.rng.normal(0, 0.5, shape).astype(np.float32)
        return name

    def program(self) -> Program:
        """The whole."""
        both = Node("all", ops.Concat(), tuple(self.answers))
        return Program(Graph(self.inputs, (*self.nodes, both), {"scores": "all"}), self.weights)


def moved() -> Program:
    """Every operation that moves or joins numbers, and those of a window."""
    many = Many(missing=True)
    block = many.add(ops.Reshape((2, 3, 2)), "x")
    clean = many.add(ops.Mask(channels=False), block)
    for operation in (
        ops.Mask(),
        ops.Transpose((2, 0, 1)),
        ops.Slice(1, 3, axis=-2),
        ops.Slice(1, 2, axis=-3),
        ops.Final(),
        ops.Final(axis=-1),
        ops.Pad(1, 2, axis=-2),
        ops.Repeat((2, 2, 3, 2)),
        ops.Spread(0.1),
        ops.Fill(1.5, (2,)),
        ops.Delay(),
    ):
        many.add(operation, block if isinstance(operation, ops.Mask | ops.Spread) else clean)
    row = many.add(ops.Mask(channels=False), "x", answer=False)
    window = many.add(ops.Window(3), "x")
    centre = many.add(ops.Constant(many.weight(WIDTH)), "x")
    many.add(ops.WindowAnchor(), window, centre)
    many.add(ops.CarriedAnchor(), "x", centre)
    many.add(ops.Concat(axis=-2), clean, clean)
    many.add(ops.Combine("multiply"), clean, clean)
    spread = many.add(ops.Fill(2.0, (1,)), "x", answer=False)
    many.add(ops.Unscale(), row, centre, spread)
    many.add(ops.Pool("mean"), row)
    return many.program()


def computed() -> Program:
    """Functions, normalisation, heads."""
    many = Many()
    three = many.add(ops.Reshape((4, 3)), "x")
    for function in ("tanh", "relu", "sigmoid", "softplus", "exp", "softmax", "log_softmax"):
        many.add(ops.Activation(function), three)
    many.add(ops.Norm(many.weight(3), many.weight(3), 1e-3), three)
    many.add(ops.Norm(), three)
    many.add(ops.Dense(many.weight(5, 3)), three)
    rising = many.add(ops.QuantileHead(1), three)
    many.add(ops.Conformal(many.weight(4, 3), 1), rising)
    many.add(ops.PathQuantiles((0.05, 0.5, 0.9)), three)
    return many.program()


def recurrent() -> Program:
    """Cells with every option, over rows and over the steps of a window, forward and backward."""
    many = Many()
    steps = many.add(ops.Reshape((2, 3, 2)), "x", answer=False)
    pairs = many.add(ops.Reshape((6, 2)), "x", answer=False)
    start = many.add(ops.Slice(0, 4), "x", answer=False)
    options: list[dict] = [
        {"cell": "elman", "activation": "relu", "keep_h": 0.25},
        {"cell": "gru", "reset_after": False},
        {"cell": "gru", "reset_after": False, "gained": True},
        {"cell": "gru", "gained": True, "keep_h": 0.5},
        {"cell": "lstm", "gained": True, "keep_h": 0.1, "keep_c": 0.3},
        {"cell": "lstm", "plain": True},
        {"cell": "gru", "plain": True},
    ]
    for chosen in options:
        own = dict(chosen)
        gates = {"elman": 1, "gru": 3, "lstm": 4}[own["cell"]] * 4
        names = {"weight_ih": many.weight(gates, 2), "weight_hh": many.weight(gates, 4)}
        if not own.pop("plain", False):
            names |= {"bias_ih": many.weight(gates), "bias_hh": many.weight(gates)}
        if own.pop("gained", False):
            names |= {"gain_ih": many.weight(gates), "gain_hh": many.weight(gates)}
        many.add(ops.Recurrent(**own, **names, emit="state"), pairs)
        many.add(ops.Scan(**own, **names), steps)
        many.add(ops.Scan(**own, **names, direction="backward", emit="state"), steps)
    first = {"weight_ih": many.weight(12, WIDTH), "weight_hh": many.weight(12, 4)}
    many.add(ops.Recurrent("gru", **first), "x", start)
    return many.program()


def rolled() -> Program:
    """A rollout whose outputs are its own inputs: a, b = b, a + b + each."""
    spec = Spec((4,))
    body = Graph(
        tuple(Input(name, spec) for name in ("a", "b", "each", "same")),
        (
            Node("sum", ops.Combine("add"), ("a", "b")),
            Node("scaled", ops.Combine("multiply"), ("sum", "same")),
            Node("next", ops.Combine("add"), ("scaled", "each")),
        ),
        {"a": "b", "b": "next", "result": "a"},
    )
    many = Many()
    a, b, same = (many.add(ops.Slice(4 * n, 4 * n + 4), "x", answer=False) for n in range(3))
    each = many.add(ops.Reshape((3, 4)), "x", answer=False)
    many.add(Rollout(body, 3, ("carried", "carried", "each", "fixed")), a, b, each, same)
    many.add(ops.Combine("add"), a, b)
    return many.program()


@pytest.mark.parametrize("make", [moved, computed, recurrent])
def test_many_operations_have_the_bits_of_the_stream(make, tmp_path):
    parity = export(make(), tmp_path / "many", to="c").parity
    assert parity.share == 0 and parity.answers > 600


def test_the_same_without_fused_multiply_add(tmp_path):
    assert export(recurrent(), tmp_path / "many", to="wasm").parity.share < 1e-5


def test_a_rollout_may_hand_on_what_it_was_given(tmp_path):
    program = rolled()
    rows, _ = draw_rows(program, 9)
    one = replay(program, rows)
    got = export_c(program, [one], tmp_path, "rolled").run(one)
    native = Stream(program, runtime="native").run(rows)
    np.testing.assert_array_equal(got, native)
    np.testing.assert_allclose(native, Stream(program, runtime="numpy").run(rows), rtol=1e-6, atol=1e-6)
    pool = StreamPool(program, 5)
    for row, answer in zip(rows, native, strict=True):
        np.testing.assert_array_equal(pool.step(np.tile(row, (5, 1))), np.tile(answer, (5, 1)))
