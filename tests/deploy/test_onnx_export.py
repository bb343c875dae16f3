"""A Program and its two ONNX graphs give the same answers: every kind of model, cell and option."""

import itertools
import json

import numpy as np
import onnx
import pytest
import torch
from drawn_programs import FULL, PLAIN, columns_of, draw_weights, lowered, sequence

from unrolled.deploy import BOUND, export, onnx_recurrent
from unrolled.deploy.export import replay_drawn
from unrolled.deploy.onnx_export import NEXT, STATE, sequence_model, step_model
from unrolled.deploy.onnx_graph import OPSET
from unrolled.deploy.onnx_session import open_session
from unrolled.deploy.onnx_target import sequence_feeds
from unrolled.errors import ArgumentError, ExportError
from unrolled.models import build
from unrolled.runtime import Column, Columns, Graph, Input, Interval, Node, Program, Stream
from unrolled.runtime import operations as ops

CELLS = ("elman", "gru", "lstm")
DECODERS = ("segment", "direct", "recursive")
NEW_YEAR = np.datetime64("2023-12-31T22:00", "us").astype(np.int64)


def sessions_of(program):
    models = [sequence_model(program)] + ([step_model(program)] if program.streamable else [])
    for model in models:
        onnx.checker.check_model(model, full_check=True)
    return [open_session(model.SerializeToString()) for model in models]


def assert_exports(program, folder, replays=None):
    done = export(program, folder / "net", to="onnx", replays=replays)
    assert done.parity.share <= BOUND
    kinds = ["net_sequence.onnx"] + (["net_step.onnx"] if program.streamable else [])
    assert [file.name for file in done.files] == kinds
    return done


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", DECODERS)
def test_forecasters_with_every_role(kind, cell, layers, tmp_path):
    assert_exports(lowered(kind, cell=cell, layers=layers), tmp_path)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_plain_forecaster(kind, tmp_path):
    network = build({"kind": kind, "shape": PLAIN, "hidden": 6}).eval()
    draw_weights(network)
    assert_exports(network.lower(), tmp_path)


@pytest.mark.parametrize("changes", [{"level": "normal"}, {"highway": 12}, {"segment": 1}, {"hidden": 1}])
def test_options_of_the_segment_decoder(changes, tmp_path):
    assert_exports(lowered("segment", **changes), tmp_path)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("head", ["last", "mean", "every"])
@pytest.mark.parametrize("cell", CELLS)
def test_sequence_models_on_ragged_batches_answer_as_the_network(cell, head, bidirectional, tmp_path):
    shape = {"features": 3, "classes": 4, "masked": True}
    options = {"cell": cell, "head": head, "bidirectional": bidirectional, "layers": 2, "hidden": 5}
    network = build({"kind": "sequence", "shape": shape, **options}).eval()
    draw_weights(network)
    program = network.lower()
    assert_exports(program, tmp_path)
    rng, lengths = np.random.default_rng(5), np.array([1, 9, 4])
    x = rng.normal(1, 2, (3, 9, 3)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    with torch.no_grad():
        wanted = network.scores({"x": torch.from_numpy(x), "lengths": torch.from_numpy(lengths)}).numpy()
    x[np.arange(9)[None] >= lengths[:, None]] = np.nan  # what lies behind a length must not matter
    session = sessions_of(program)[0]
    feeds = {"x": x, "lengths": lengths}
    last = session.run(["scores"], feeds)[0]
    if head == "every":
        behind = np.arange(9)[None, :, None] >= lengths[:, None, None]
        by_row = session.run(["scores_by_row"], feeds)[0]
        np.testing.assert_array_equal(np.isnan(by_row), np.broadcast_to(behind, by_row.shape))
        np.testing.assert_allclose(
            np.where(behind, 0, by_row), np.where(behind, 0, wanted), rtol=1e-5, atol=1e-5
        )
        wanted = wanted[np.arange(3), lengths - 1]
    np.testing.assert_allclose(last, wanted, rtol=1e-5, atol=1e-5)


def test_a_regression_answers_in_raw_units(tmp_path):
    assert_exports(sequence({"features": 3, "targets": 2}, hidden=8), tmp_path)


def word_columns(*tables):
    """A column of words for each table of so many codes."""
    return Columns(
        tuple(
            Column(f"word {place}", "x", missing=True, words=tuple(f"w{n:02}" for n in range(count - 1)))
            for place, count in enumerate(tables)
        )
    )


@pytest.mark.parametrize("options", [{"layer_norm": True, "residual": True}, {"tied": True, "hidden": 6}])
@pytest.mark.parametrize("kind", ["language", "masked"])
def test_language_models(kind, options, tmp_path):
    options = {"hidden": 6, "embedding": 6, "layers": 2, **options}
    network = build({"kind": kind, "shape": {"tokens": 11}, **options}).eval()
    draw_weights(network)
    assert_exports(network.lower().with_columns(word_columns(11)), tmp_path)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("options", [{"pool": "last"}, {"pool": "mean", "layers": 2}])
def test_text_classifiers(options, bidirectional, tmp_path):
    shape = {"words": 12, "answers": 3}
    sizes = {"hidden": 5, "width": 4, "bidirectional": bidirectional}
    network = build({"kind": "text classifier", "shape": shape, **sizes, **options}).eval()
    draw_weights(network)
    assert_exports(network.lower().with_columns(word_columns(12)), tmp_path)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_taggers_with_the_shapes_of_words(bidirectional, tmp_path):
    shape = {"words": 12, "answers": 4, "shapes": 5}
    sizes = {"hidden": 5, "width": 4, "bidirectional": bidirectional, "spelling": "none"}
    network = build({"kind": "tagger", "shape": shape, **sizes}).eval()
    draw_weights(network)
    assert_exports(network.lower().with_columns(word_columns(12, 5)), tmp_path)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


GATES = {"elman": 1, "gru": 3, "lstm": 4}
CELL_OPTIONS = [
    {},
    {"reset_after": False},
    {"activation": "relu"},
    {"keep_h": 0.2, "keep_c": 0.1},
    {"gain_ih": "gain_ih", "gain_hh": "gain_hh"},
    {"gain_ih": "gain_ih", "gain_hh": "gain_hh", "reset_after": False, "keep_h": 0.3},
    {"bias_ih": None},
    {"bias_ih": None, "bias_hh": None},
]


def cell_program(cell, nodes, **options):
    """x (6,) as 3 vectors of 2 -> the nodes, which read "x" and may name the weights -> 1 score."""
    rows = GATES[cell] * 3
    weights = {"weight_ih": draw(1, rows, 2), "weight_hh": draw(2, rows, 3), "bias_ih": draw(3, rows)}
    weights |= {"bias_hh": draw(4, rows), "gain_ih": draw(5, rows), "gain_hh": draw(6, rows)}
    weights["start"] = draw(7, 3, 6)
    names = {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias_ih": "bias_ih", "bias_hh": "bias_hh"}
    graph = Graph(
        (Input("x", ops.Spec((6,))),),
        (Node("vectors", ops.Reshape((3, 2)), ("x",)), *nodes({"cell": cell, **names, **options})),
        {"scores": "scores"},
    )
    return Program(graph, weights)


def over_rows(direction, emit, back=False):
    def nodes(cell):
        operation = ops.Recurrent(**cell, direction=direction, emit=emit)
        yield Node("ran", operation, ("vectors",))
        size = 9 * (2 if emit == "state" and cell["cell"] == "lstm" else 1)
        yield Node("flat", ops.Reshape((size,)), ("ran",))
        if back:  # an operation with a memory reads the whole state at every row
            yield Node("scores", ops.Pool("mean"), ("flat",))
        else:
            yield Node("scores", ops.Activation("tanh"), ("flat",))

    return nodes


def from_a_state(direction):
    """The state that the cell starts from is a weight, and another one for each of the three vectors."""

    def nodes(cell):
        size = 6 if cell["cell"] == "lstm" else 3
        yield Node("start", ops.Constant("start"), ("x",))
        yield Node("own", ops.Slice(0, size), ("start",))
        yield Node("ran", ops.Recurrent(**cell, direction=direction), ("vectors", "own"))
        yield Node("scores", ops.Reshape((9,)), ("ran",))

    return nodes


def over_steps(direction, emit):
    def nodes(cell):
        size = 3 * (2 if emit == "state" and cell["cell"] == "lstm" else 1)
        yield Node("ran", ops.Scan(**cell, direction=direction, emit=emit), ("vectors",))
        yield Node("scores", ops.Reshape((3 * size,)), ("ran",))

    return nodes


@pytest.mark.parametrize("options", CELL_OPTIONS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_every_option_of_a_cell(cell, options, tmp_path):
    for direction, emit in itertools.product(("forward", "backward"), ("h", "state")):
        assert_exports(cell_program(cell, over_rows(direction, emit), **options), tmp_path)
        assert_exports(cell_program(cell, over_steps(direction, emit), **options), tmp_path)
        assert_exports(cell_program(cell, from_a_state(direction), **options), tmp_path)
    assert_exports(cell_program(cell, over_rows("forward", "state", back=True), **options), tmp_path)


def test_windows_and_anchors_that_are_read_at_every_row(tmp_path):
    graph = Graph(
        (Input("target", ops.Spec((2,)), missing=True),),
        (
            Node("zero", ops.Fill(0.0, (2,)), ("target",)),
            Node("anchor", ops.CarriedAnchor(), ("target", "zero")),
            Node("window", ops.Window(3), ("anchor",)),
            Node("flat", ops.Reshape((6,)), ("window",)),
            Node("late", ops.Delay(), ("flat",)),
            Node("known", ops.Mask(), ("late",)),
            Node("mean", ops.Pool("mean"), ("known",)),
            Node("scores", ops.Norm(), ("mean",)),
        ),
        {"scores": "scores"},
    )
    assert_exports(Program(graph, {}), tmp_path)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_step_goes_on_from_the_state_of_a_sequence(kind):
    program = lowered(kind, cell="lstm", layers=2)
    one = replay_drawn(program)
    whole, step = sessions_of(program)
    lengths = np.array([len(one.rows) - 1, 20])
    names = [output.name for output in whole.get_outputs()]
    made = dict(
        zip(names, whole.run(names, sequence_feeds(program.inputs, one.inputs, lengths)), strict=True)
    )
    state = {STATE + name: made[NEXT + name] for name in program.states}
    feeds = {name: values[lengths] for name, values in one.inputs.items()}
    answers = step.run([program.output], feeds | state)[0]
    scale = np.abs(one.answers[lengths]) + 1
    assert (np.abs(answers - one.answers[lengths]) <= 1e-5 * scale).all()


@pytest.mark.parametrize(
    "phase", ["second of minute", "hour of day", "day of week", "day of year", "month of year"]
)
def test_time_features_over_centuries(phase):
    graph = Graph(
        (Input("stamp", ops.Spec((), "int64")),),
        (
            Node("waves", ops.TimeFeatures((phase,)), ("stamp",)),
            Node("scores", ops.Activation("relu"), ("waves",)),
        ),
        {"scores": "waves"},
    )
    program = Program(graph, {}, columns=Columns((), stamp="t", interval=Interval("microsecond", 1)))
    session = sessions_of(program)[0]
    first, last = (np.datetime64(year, "us").astype(np.int64) for year in ("1600", "2500"))
    stamps = np.random.default_rng(0).integers(first, last, 4000)
    days = (
        np.arange("1896-02-25", "1904-03-05", dtype="datetime64[D]").astype("datetime64[us]").astype(np.int64)
    )
    stamps = np.concatenate([stamps, days, days - 1])
    got = session.run(["scores_by_row"], {"stamp": stamps[None], "lengths": np.array([len(stamps)])})[0][0]
    np.testing.assert_allclose(got, Stream(program).run({"t": stamps}), atol=1e-7)


def test_a_short_sequence_has_no_answer_before_its_window_is_full():
    program = lowered("segment")
    one = replay_drawn(program)
    lengths = np.array([program.history - 1, program.history])
    made = sessions_of(program)[0].run([program.output], sequence_feeds(program.inputs, one.inputs, lengths))
    assert np.isnan(made[0][0]).all() and np.isfinite(made[0][1]).all()


def test_a_batch_may_be_of_any_size_and_length():
    program = lowered("direct")
    one = replay_drawn(program)
    session = sessions_of(program)[0]
    for lengths in ([1], [3, 2], [30, 1, 7, 7]):
        feeds = sequence_feeds(program.inputs, one.inputs, np.array(lengths))
        made = session.run([program.output], feeds)[0]
        wanted = one.answers[np.array(lengths) - 1]
        assert (np.abs(made - wanted) <= 1e-5 * np.maximum(np.abs(wanted), 1)).all()


def test_the_file_says_what_it_is(tmp_path):
    program = lowered("direct")
    done = assert_exports(program, tmp_path)
    model = onnx.load(done.files[1])
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["unrolled.levels"]) == list(program.levels)
    columns = Columns.from_card(json.loads(told["unrolled.columns"]))
    assert columns == columns_of(FULL) and model.producer_name == "unrolled"
    names = {entry.name for entry in model.graph.input}
    assert names == set(program.inputs) | {STATE + name for name in program.states}


def test_onnx_operators_are_used_where_their_equations_fit():
    def operators(program):
        return {node.op_type for node in sequence_model(program).graph.node}

    for cell, name in zip(CELLS, ("RNN", "GRU", "LSTM"), strict=True):
        assert name in operators(lowered("direct", cell=cell))
    form = next(n for n in sequence_model(lowered("direct", cell="gru")).graph.node if n.op_type == "GRU")
    assert {a.name: a.i for a in form.attribute}["linear_before_reset"] == 1
    program = cell_program("gru", over_rows("forward", "h"), keep_h=0.5)
    assert "Scan" in operators(program) and "GRU" not in operators(program)


def test_an_operation_without_words_in_onnx_is_refused_by_name(tmp_path):
    weights = {"w": np.ones((3, 2), np.int8), "u": np.ones((3, 1), np.int8), "s": np.ones(3, np.float32)}
    operation = ops.RecurrentInt8("gru", "w", "u", scale_ih="s", scale_hh="s", x_range=1.0, h_range=1.0)
    graph = Graph((Input("x", ops.Spec((2,))),), (Node("cell", operation, ("x",)),), {"scores": "cell"})
    with pytest.raises(ArgumentError, match=r"node 'cell' \(recurrent_int8\): .* Export the float32 model"):
        export(Program(graph, weights), tmp_path / "net", to="onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_gate_is_seen(tmp_path, monkeypatch):
    """The parity can fail: ONNX's gates in torch's order are far outside the bound."""
    monkeypatch.setitem(onnx_recurrent.ORDER, "gru", (0, 1, 2))
    with pytest.raises(ExportError, match="export to onnx: difference from the stream"):
        export(lowered("direct", cell="gru"), tmp_path / "net", to="onnx")
    assert list(tmp_path.iterdir()) == []
