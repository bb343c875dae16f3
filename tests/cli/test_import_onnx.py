"""`unrolled import-onnx`: a file of another library becomes a model that streams."""

import sys

import numpy as np
import onnx
import pytest
from typer.main import get_command

from unrolled.cli import import_onnx
from unrolled.cli.main import app
from unrolled.runtime import Stream

F = onnx.TensorProto.FLOAT


@pytest.fixture
def net(tmp_path):
    """A GRU of 4 units over two columns, time first, whose last state a dense layer turns into one number."""
    rng = np.random.default_rng(0)
    shapes = {"W": (1, 12, 2), "R": (1, 12, 4), "k": (4, 1)}
    weights = [
        onnx.numpy_helper.from_array(rng.normal(0, 0.5, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        onnx.helper.make_node("GRU", ["x", "W", "R", "", "", "h"], ["", "h_after"], hidden_size=4),
        onnx.helper.make_node("Squeeze", ["h_after"], ["state"]),
        onnx.helper.make_node("MatMul", ["state", "k"], ["y"]),
    ]
    ports = [("x", ["time", 1, 2]), ("h", [1, 1, 4])]
    inputs = [onnx.helper.make_tensor_value_info(name, F, shape) for name, shape in ports]
    outputs = [onnx.helper.make_tensor_value_info(name, F, None) for name in ("y", "h_after")]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, weights)
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_a_net_comes_in_and_streams(call, net, tmp_path):
    out = tmp_path / "m.unrolled"
    done = call("import-onnx", net, "-o", out, "--columns", "speed,load")
    assert (done.code, done.err) == (0, "")
    for told in (
        "row     2 columns: speed, load",
        "answer  1 number (y), after the last row of the net",
        "state   starts as zeros, kept by the stream: h",
        "stream  row by row",
        "parity  largest difference ",
        f"model   {out}\n",
    ):
        assert told in done.out, done.out
    assert Stream(out).step({"speed": 0.5, "load": 1.0}).shape == (1,)


def test_as_json(call, net, tmp_path):
    out = tmp_path / "m.unrolled"
    found = call("import-onnx", net, "-o", out, "--answer", "h_after", "--json").json()
    assert found["columns"] == ["x[0]", "x[1]"] and found["streamable"] and found["states"] == ["h"]
    assert found["answer"] == {"output": "h_after", "numbers": 4, "at_each_row": False}
    assert found["parity"]["share"] < 1e-6 and found["model"] == str(out) and out.exists()


@pytest.mark.parametrize("width", [80, 120])
def test_help_shows_an_example_that_is_understood(call, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = call("import-onnx", "--help")
    assert done.code == 0 and f"Example: {import_onnx.EXAMPLE}" in done.out
    assert max(len(line) for line in done.out.splitlines()) <= width
    get_command(app).commands["import-onnx"].make_context("import-onnx", import_onnx.EXAMPLE.split()[2:])


def test_mistakes_are_told_in_one_line_and_nothing_is_written(refused, net, tmp_path):
    out = tmp_path / "m.unrolled"
    assert "no such file" in refused(1, "import-onnx", tmp_path / "none.onnx", "-o", out)
    assert "which is read" in refused(2, "import-onnx", net, "-o", net)
    assert "answer: expected one of y, h_after" in refused(2, "import-onnx", net, "-o", out, "--answer", "z")
    assert "columns: expected 2 names" in refused(2, "import-onnx", net, "-o", out, "--columns", "a")
    (tmp_path / "text.onnx").write_text("no net")
    assert "expected an ONNX file" in refused(1, "import-onnx", tmp_path / "text.onnx", "-o", out)
    model = onnx.load(net)
    model.graph.node[1].op_type, model.graph.node[1].name = "Erf", "odd"
    onnx.save(model, net)
    assert "node 'odd' (Erf): expected an operator" in refused(1, "import-onnx", net, "-o", out)
    assert not out.exists()


def test_without_its_part_the_command_that_installs_it_is_named(call, monkeypatch, net, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = call("import-onnx", net, "-o", tmp_path / "m.unrolled")
    told = "expected the part 'unrolled[onnx]', got no such module. pip install 'unrolled[onnx]'"
    assert (done.code, done.lines) == (1, [f"unrolled: onnx: {told}"])
