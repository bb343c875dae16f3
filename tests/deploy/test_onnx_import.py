"""ONNX files come in: onnx's own node tests, what PyTorch exports, what other exporters write."""

import importlib

import numpy as np
import onnx
import pytest
import torch
from onnx.backend.test.case import node as onnx_cases
from onnx_files import FREE, Beside, F, draw, graph_file, layer_weights, one_layer, write
from torch import nn

import unrolled
from unrolled.deploy import import_onnx, onnx_import_recurrent
from unrolled.deploy.onnx_import_graph import STAND_IN
from unrolled.deploy.onnx_session import open_session
from unrolled.errors import ExportError, ModelFileError
from unrolled.format import read_model
from unrolled.runtime import Program, Stream
from unrolled.runtime.stream import run_sequence

KINDS = ("RNN", "GRU", "LSTM")


def node_tests():
    """onnx's node tests of the recurrent operators; no other modules are imported: that saves 8 s."""
    whole = onnx_cases.import_recursive
    onnx_cases.import_recursive = lambda package: [
        importlib.import_module(f"{package.__name__}.{kind.lower()}") for kind in KINDS
    ]
    try:
        cases = onnx_cases.collect_testcases(None)
    finally:
        onnx_cases.import_recursive = whole
    return [c for c in cases if c.model and any(n.op_type in KINDS for n in c.model.graph.node)]


NODE_TESTS = node_tests()


def attribute(case, name):
    return next((a.i for a in case.model.graph.node[0].attribute if a.name == name), 0)


@pytest.mark.parametrize("case", NODE_TESTS, ids=lambda case: case.name)
def test_onnx_node_tests(case, tmp_path):
    """All come in and answer as they should; an LSTM with peepholes is refused by name."""
    path = tmp_path / "net.onnx"
    onnx.save(case.model, path)
    batch_first = attribute(case, "layout")
    for inputs, outputs in case.data_sets:
        names = [entry.name for entry in case.model.graph.input]
        constants = dict(zip(names[1:], inputs[1:], strict=True))
        x = inputs[0] if batch_first else inputs[0].swapaxes(0, 1)
        for entry, wanted in zip(case.model.graph.output, outputs, strict=True):
            if "P" in names:
                with pytest.raises(ModelFileError, match=r"\(LSTM\): expected an LSTM without peepholes"):
                    import_onnx(path, entry.name, constants=constants)
                continue
            imported = import_onnx(path, entry.name, constants=constants)
            axis = 0 if batch_first else 2 if entry.name == "Y" else 1
            for own, sequence in zip(np.moveaxis(wanted, axis, 0), x, strict=True):
                got = run_sequence(imported.program, sequence)
                got = got if imported.at_each_row else got[-1:]
                np.testing.assert_allclose(got, own.reshape(got.shape), atol=3e-7)


def test_there_are_node_tests_of_each_kind():
    assert {case.model.graph.node[0].op_type for case in NODE_TESTS} == set(KINDS)
    assert len(NODE_TESTS) >= 17


class Net(nn.Module):
    """A recurrent stack, a pool over time, a dense layer, a softmax."""

    def __init__(self, kind, layers=1, bidirectional=False, batch_first=True, pool="last"):
        super().__init__()
        self.rnn = getattr(nn, kind)(3, 8, layers, bidirectional=bidirectional, batch_first=batch_first)
        self.head = nn.Linear(8 * (1 + bidirectional), 4)
        self.time, self.pool = int(batch_first), pool

    def forward(self, x):
        y, _ = self.rnn(x)
        if self.pool == "last":
            y = y.select(self.time, -1)
        elif self.pool == "mean":
            y = y.mean(self.time)
        return torch.softmax(self.head(y), -1)


FORMS = [
    (1, False, "last", False),
    (1, False, "mean", True),
    (2, False, "every", False),
    (2, True, "last", True),
]


@pytest.mark.parametrize(("layers", "bidirectional", "pool", "fixed"), FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_pytorch_exports(kind, layers, bidirectional, pool, fixed, tmp_path):
    torch.manual_seed(0)
    batch_first = pool != "mean"
    net = Net(kind, layers, bidirectional, batch_first, pool)
    shape = (2, 5, 3) if batch_first else (5, 2, 3)
    free = None if fixed else {"x": {0: "a", 1: "b"}}
    imported = import_onnx(write(net, tmp_path / "net.onnx", (torch.randn(shape),), ["x"], free))
    assert imported.parity.share < 1e-6 and imported.at_each_row == (pool == "every")
    assert [column.name for column in imported.program.columns.columns] == ["x[0]", "x[1]", "x[2]"]
    assert imported.program.streamable == (not bidirectional)
    x = torch.randn(9, 3)  # longer than any length that the file may have fixed
    with torch.no_grad():
        wanted = net(x[None] if batch_first else x[:, None]).reshape(-1, 4).numpy()
    got = run_sequence(imported.program, x.numpy())
    np.testing.assert_allclose(got[-len(wanted) :], wanted, atol=1e-6)
    if not bidirectional:
        np.testing.assert_allclose(Stream(imported.program).run(x.numpy()), got, atol=1e-6)


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(3, 8, 2, batch_first=True), nn.Linear(8, 2)

    def forward(self, x, h, c):
        y, (h, c) = self.rnn(x, (h, c))
        return self.head(y), h, c


def stateful_file(path):
    zeros = torch.zeros(2, 1, 8)
    names, outputs = ["x", "h", "c"], ["y", "h_after", "c_after"]
    return write(Stateful(), path, (torch.randn(1, 4, 3), zeros, zeros), names, {"x": {1: "time"}}, outputs)


def test_states_that_go_in_and_out_become_the_streams_own(tmp_path):
    path = stateful_file(tmp_path / "net.onnx")
    imported = import_onnx(path, columns=["a", "b", "c"])
    assert imported.zeros == ("h", "c") and imported.program.state_bytes == 4 * 4 * 8
    session = open_session(path)
    stream, state = Stream(imported.program), {name: np.zeros((2, 1, 8), np.float32) for name in "hc"}
    for row in np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32):
        wanted, *after = session.run(None, {"x": row[None, None], **state})
        state = dict(zip("hc", after, strict=True))
        got = stream.step(dict(zip("abc", row, strict=True)))
        np.testing.assert_allclose(got, wanted[0, 0], atol=1e-6)
    last = import_onnx(path, "h_after")
    assert last.program.output_shape == (16,) and not last.at_each_row


class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.rnn = nn.Embedding(11, 5), nn.LSTM(8, 6, batch_first=True)
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 11)

    def forward(self, x, code):
        y, _ = self.rnn(torch.cat([x, self.table(code)], -1))
        return torch.log_softmax(self.head(self.norm(y)), -1)


def test_numbers_and_codes_of_words_become_columns_of_their_kinds(tmp_path):
    net, x, code = Codes(), torch.randn(1, 6, 3), torch.randint(0, 11, (1, 6))
    free = {name: {0: "batch", 1: "time"} for name in ("x", "code")}
    imported = import_onnx(write(net, tmp_path / "net.onnx", (x, code), ["x", "code"], free))
    columns = imported.program.columns.columns
    assert [(c.name, c.key) for c in columns[2:]] == [("x[2]", "x"), ("code", "x_codes")]
    with torch.no_grad():
        wanted = net(x, code)[0].numpy()
    rows = torch.cat([x[0].double(), code[0, :, None].double()], 1).numpy()
    np.testing.assert_allclose(Stream(imported.program).run(rows), wanted, atol=2e-6)


def test_what_belongs_to_the_whole_sequence_becomes_static_columns(tmp_path):
    net, x, z = Beside(), torch.randn(2, 6, 3), torch.randn(2, 4)
    free = {"x": {0: "batch", 1: "time"}, "z": {0: "batch"}}
    imported = import_onnx(write(net, tmp_path / "net.onnx", (x, z), ["x", "z"], free))
    assert [column.role for column in imported.program.columns.columns] == ["x"] * 3 + ["static"] * 4
    with torch.no_grad():
        wanted = net(x, z).numpy()
    for own, beside, answer in zip(x, z, wanted, strict=True):
        rows = torch.cat([own, beside.expand(6, 4)], 1).numpy()
        np.testing.assert_allclose(Stream(imported.program).last(rows), answer, atol=2e-6)


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.read, self.write = nn.LSTM(3, 8, batch_first=True), nn.LSTM(8, 8, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        _, (h, c) = self.read(x)
        return self.head(self.write(h[-1][:, None].expand(-1, 6, -1), (h, c))[0])


def test_a_decoder_of_fixed_steps_is_a_scan(tmp_path):
    net, x = EncoderDecoder(), torch.randn(1, 7, 3)
    path = write(net, tmp_path / "net.onnx", (x,), ["x"], {"x": {0: "batch", 1: "time"}})
    program = import_onnx(path).program
    assert [n.operation.kind for n in program.graph.nodes].count("scan") == 1
    with torch.no_grad():
        np.testing.assert_allclose(Stream(program).last(x[0].numpy()), net(x).numpy().ravel(), atol=1e-6)


def compared(path, imported, feeds, rows):
    """The file's own answers beside the Program's."""
    wanted = open_session(path).run([imported.output], feeds)[0]
    got = run_sequence(imported.program, rows)
    return got if imported.at_each_row else got[-1:], wanted


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", KINDS)
def test_states_to_start_from_that_the_file_holds(kind, direction, tmp_path):
    count, names = (2 if direction == "bidirectional" else 1), ["", "h0"] + ["c0"] * (kind == "LSTM")
    starts = {name: draw(5 + place, count, 1, 3) for place, name in enumerate(names) if name}
    path = one_layer(tmp_path / "net.onnx", kind, names, starts, answers=["y", "y_h"], direction=direction)
    x = draw(9, 7, 2)
    for answer in ("y", "y_h"):
        imported = import_onnx(path, answer)
        got, wanted = compared(path, imported, {"x": x[None]}, x)
        np.testing.assert_allclose(got, wanted.reshape(got.shape), atol=1e-6)


@pytest.mark.parametrize("form", [0, 1])
def test_both_forms_of_a_gru(form, tmp_path):
    path = one_layer(tmp_path / "net.onnx", "GRU", linear_before_reset=form)
    imported, x = import_onnx(path), draw(9, 12, 2)
    assert imported.program.graph.nodes[0].operation.reset_after == bool(form)
    got, wanted = compared(path, imported, {"x": x[None]}, x)
    np.testing.assert_allclose(got, wanted.reshape(got.shape), atol=1e-6)


def test_lengths_are_the_rows_that_come(tmp_path):
    """sequence_lens as an input: each sequence ends with its own last row."""
    inputs = [*FREE, ("lengths", onnx.TensorProto.INT32, ["batch"])]
    path = one_layer(
        tmp_path / "net.onnx",
        "GRU",
        ["lengths"],
        inputs=inputs,
        answers=["", "y_h"],
        direction="bidirectional",
    )
    program, x = import_onnx(path).program, draw(9, 2, 6, 2)
    lengths = np.array([6, 4], np.int32)
    wanted = open_session(path).run(["y_h"], {"x": x, "lengths": lengths})[0]
    for place, length in enumerate(lengths):
        got = run_sequence(program, x[place, :length])[-1]
        np.testing.assert_allclose(got, wanted[:, place].ravel(), atol=1e-6)


def keras_nodes():
    """As converters write a Keras model: codes that come as numbers, shapes that are computed, Y_h, a dense
    layer over time steps that are folded into the batch."""
    nodes = [
        ("Cast", ["codes"], ["whole"], {"to": onnx.TensorProto.INT32}),
        ("Gather", ["table", "whole"], ["embedded"], {}),
        ("Shape", ["embedded"], ["sizes"], {}),
        ("Slice", ["sizes", "zero", "one"], ["batch"], {}),
        ("Concat", ["one", "batch", "three"], ["state"], {"axis": 0}),
        ("Expand", ["nothing", "state"], ["start"], {}),
        ("Transpose", ["embedded"], ["turned"], {"perm": [1, 0, 2]}),
        ("LSTM", ["turned", "W", "R", "B", "", "start", "start"], ["y"], {"hidden_size": 3}),
        ("Squeeze", ["y", "one"], ["over_time"], {}),
        ("Transpose", ["over_time"], ["back"], {"perm": [1, 0, 2]}),
        ("Reshape", ["back", "folded"], ["flat"], {}),
        ("MatMul", ["flat", "kernel"], ["product"], {}),
        ("Add", ["product", "bias"], ["shifted"], {}),
        ("Slice", ["sizes", "zero", "two"], ["batch_and_time"], {}),
        ("Concat", ["batch_and_time", "four"], ["unfolded"], {"axis": 0}),
        ("Reshape", ["shifted", "unfolded"], ["steps"], {}),
        ("Relu", ["steps"], ["act"], {}),
        ("ReduceMean", ["act"], ["mean"], {"axes": [1], "keepdims": 0}),
        ("Div", ["mean", "scale"], ["divided"], {}),
        ("Sub", ["from", "divided"], ["taken"], {}),
        ("Softmax", ["taken"], ["y_out"], {}),
    ]
    numbers = {"zero": [0], "one": [1], "two": [2], "three": [3], "four": [4], "folded": [-1, 3]}
    weights = {name: np.array(value, np.int64) for name, value in numbers.items()}
    weights |= layer_weights("LSTM") | {"table": draw(4, 9, 2), "kernel": draw(5, 3, 4), "bias": draw(6, 4)}
    weights |= {"nothing": np.zeros((1, 1, 1), np.float32), "scale": np.array([0.5, 2, 4, 8], np.float32)}
    return nodes, weights | {"from": np.float32(1.5)}


def test_what_converters_of_keras_write(tmp_path):
    nodes, weights = keras_nodes()
    path = graph_file(tmp_path / "net.onnx", nodes, [("codes", F, ["n", "t"])], ["y_out"], weights)
    imported = import_onnx(path)
    kinds = [node.operation.kind for node in imported.program.graph.nodes]
    assert kinds[:3] == ["reshape", "embed", "recurrent"] and kinds.count("dense") == 1
    codes = np.random.default_rng(0).integers(0, 9, 12)
    got, wanted = compared(path, imported, {"codes": codes[None].astype(np.float32)}, codes[:, None])
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_what_is_cut_joined_and_spread_out(tmp_path):
    nodes = [
        ("Transpose", ["x"], ["turned"], {"perm": [1, 0, 2]}),
        ("GRU", ["turned", "W", "R", "B"], ["y"], {"hidden_size": 3, "direction": "bidirectional"}),
        ("Transpose", ["y"], ["by_unit"], {"perm": [0, 2, 3, 1]}),  # (T, B, H, D): the units' order changes
        ("Split", ["by_unit", "sizes"], ["left", "right"], {"axis": 3}),
        ("Neg", ["left"], ["negative"], {}),
        ("Concat", ["right", "negative", "left"], ["joined"], {"axis": 3}),
        ("Flatten", ["joined"], ["flat"], {"axis": 2}),  # (T * B, 9)
        ("Unsqueeze", ["flat", "one"], ["apart"], {}),
        ("Expand", ["apart", "pair"], ["twice"], {}),
        ("Mul", ["twice", "factors"], ["scaled"], {}),
        ("Clip", ["scaled", "nought"], ["y_out"], {}),
    ]
    weights = layer_weights("GRU", 2) | {"factors": draw(7, 2, 9), "nought": np.float32(0)}
    numbers = {"sizes": [1, 1], "one": [1], "pair": [1, 2, 9]}
    weights |= {name: np.array(value, np.int64) for name, value in numbers.items()}
    path = graph_file(tmp_path / "net.onnx", nodes, [("x", F, [1, "t", 2])], ["y_out"], weights)
    imported, x = import_onnx(path), draw(9, 8, 2)
    assert imported.dims == (STAND_IN, 2, 9)
    got, wanted = compared(path, imported, {"x": x[None]}, x)
    np.testing.assert_allclose(got, wanted.reshape(got.shape), atol=1e-6)


def test_a_saved_import_is_a_program_that_streams(tmp_path):
    imported = import_onnx(stateful_file(tmp_path / "net.onnx"))
    imported.save(tmp_path / "m.unrolled")
    with pytest.raises(ModelFileError, match=r"card\.kind: expected 'model', got 'program'\. It streams"):
        unrolled.load(tmp_path / "m.unrolled")
    card = read_model(tmp_path / "m.unrolled").card
    assert (card["kind"], card["task"]) == ("program", "")
    x = draw(0, 5, 3)
    np.testing.assert_array_equal(Stream(tmp_path / "m.unrolled").run(x), Stream(imported.program).run(x))
    assert isinstance(Stream(tmp_path / "m.unrolled").program, Program)


def test_a_wrong_gate_is_seen(tmp_path, monkeypatch):
    """The check by ONNX Runtime can fail: the file's gates in another order are far outside the bound."""
    path = one_layer(tmp_path / "net.onnx")
    monkeypatch.setitem(onnx_import_recurrent.ORDER, "lstm", (0, 1, 2, 3))
    with pytest.raises(ExportError, match="difference from the file: expected at most 1e-05"):
        import_onnx(path)
