"""What of an ONNX file cannot come in, told in one line that names it."""

import numpy as np
import onnx
import pytest
import torch
from onnx_files import FREE, Beside, F, graph_file, layer_weights, one_layer, write

from unrolled.deploy import import_onnx
from unrolled.errors import ArgumentError, ModelFileError, OutputError

REFUSED = {
    "clip": ({"clip": 1.0}, r"node 'y' \(LSTM\): expected no attribute clip, got 1"),
    "coupled gates": ({"input_forget": 1}, "expected no attribute input_forget, got 1"),
    "activations": (
        {"activations": ["HardSigmoid", "Tanh", "Tanh"]},
        "expected the activations sigmoid, tanh, tanh, got hardsigmoid, tanh, tanh",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_cell_here_cannot_do_is_refused_by_name(what, tmp_path):
    attributes, message = REFUSED[what]
    with pytest.raises(ModelFileError, match=message):
        import_onnx(one_layer(tmp_path / "net.onnx", **attributes))


def test_lengths_that_the_file_fixes_are_refused(tmp_path):
    path = one_layer(tmp_path / "net.onnx", "GRU", ["lens"], {"lens": np.array([3], np.int32)})
    with pytest.raises(ModelFileError, match=r"expected sequence_lens of the whole length.*, got \[3\]"):
        import_onnx(path)


TAILS = {
    "another operator": (
        ("Erf", ["y"], ["y_out"], {}),
        r"node 'y_out' \(Erf\): expected an operator that a Program",
    ),
    "attention": (
        ("Softmax", ["y"], ["y_out"], {"axis": 0}),
        "expected a softmax of the last axis, got axis 0",
    ),
    "a maximum over time": (("ReduceMax", ["y"], ["y_out"], {"axes": [0]}), r"\(ReduceMax\)"),
    "a row in the middle": (
        ("Gather", ["y", "two"], ["y_out"], {"axis": 0}),
        "expected the first row, the last one or all",
    ),
    "time in the batch": (
        ("Reshape", ["y", "mixed"], ["y_out"], {}),
        "expected a shape that keeps the time axis",
    ),
    "another domain": (
        ("Gelu", ["y"], ["y_out"], {"domain": "com.microsoft"}),
        "expected an operator of ONNX itself",
    ),
}


@pytest.mark.parametrize("what", TAILS)
def test_what_a_program_has_no_equal_of_is_refused_by_name(what, tmp_path):
    tail, message = TAILS[what]
    nodes = [
        ("Transpose", ["x"], ["turned"], {"perm": [1, 0, 2]}),
        ("RNN", ["turned", "W", "R", "B"], ["y"], {"hidden_size": 3}),
        tail,
    ]
    weights = layer_weights("RNN") | {"two": np.int64(2), "mixed": np.array([3, -1])}
    with pytest.raises(ModelFileError, match=message) as caught:
        import_onnx(graph_file(tmp_path / "net.onnx", nodes, FREE, ["y_out"], weights))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_value_of_all_rows_at_each_row_is_refused(tmp_path):
    free = {"x": {0: "batch", 1: "time"}, "z": {0: "batch"}}
    inputs = torch.randn(2, 6, 3), torch.randn(2, 4)
    path = write(Beside(late=True), tmp_path / "net.onnx", inputs, ["x", "z"], free)
    with pytest.raises(ModelFileError, match=r"\(Add\): expected a value known before the last row"):
        import_onnx(path)


def test_a_graph_without_a_recurrent_node_is_refused(tmp_path):
    path = graph_file(tmp_path / "net.onnx", [("Relu", ["x"], ["y"], {})], FREE, ["y"])
    with pytest.raises(ModelFileError, match="graph: expected an LSTM, GRU or RNN over the rows, got none"):
        import_onnx(path)


def test_a_size_that_is_not_known_is_refused(tmp_path):
    inputs = [("x", F, ["batch", "time", "features"])]
    with pytest.raises(ModelFileError, match=r"inputs: expected inputs with a time axis.*got x \['batch'"):
        import_onnx(one_layer(tmp_path / "net.onnx", inputs=inputs))


def damaged(path, change):
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)
    return path


DAMAGES = {
    "a value that nothing makes": (
        lambda graph: graph.node[1].input.__setitem__(0, "gone"),
        "expected values made before, got 'gone'",
    ),
    "a weight of another shape": (
        lambda graph: graph.initializer[0].dims.__setitem__(1, 6),
        "expected weight_ih|expected an array that fits its shape",
    ),
    "a batch beyond memory": (
        lambda graph: setattr(graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 1 << 40),
        "input 'x': expected at most 67108864 numbers",
    ),
    "a name with a line feed": (
        lambda graph: setattr(graph.node[1], "op_type", "LS\nTM"),
        r"\(LS TM\): expected an operator",
    ),
    "constants beyond memory": (
        lambda graph: graph.node.insert(
            0, onnx.helper.make_node("ConstantOfShape", ["huge"], ["x_of"], name="big")
        ),
        "node 'big' .*: expected at most 134217728 numbers, got 1.1e",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_graph_is_refused_in_one_line(what, tmp_path):
    change, message = DAMAGES[what]
    path = one_layer(tmp_path / "net.onnx", "GRU", ["", "x_of"], {"huge": np.array([1 << 20, 1 << 20])})
    if what != "constants beyond memory":
        onnx_path = damaged(path, lambda graph: graph.node[1].input.pop())
        path = damaged(onnx_path, change)
    else:
        path = damaged(path, change)
    with pytest.raises(ModelFileError, match=message) as caught:
        import_onnx(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not onnx", bytes(100), b"\x08\x08" * 40])
def test_what_is_no_onnx_file_is_told(content, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"net\.onnx: expected an ONNX file"):
        import_onnx(tmp_path / "net.onnx")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(OutputError, match=r"net\.onnx: no such file or directory"):
        import_onnx(tmp_path / "net.onnx")


def test_weights_that_are_not_beside_the_file_are_named(tmp_path):
    path = one_layer(tmp_path / "net.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="big.data", size_threshold=0)
    assert import_onnx(path).parity.share < 1e-6
    (tmp_path / "big.data").unlink()
    with pytest.raises(ModelFileError, match=r"net\.onnx: expected its weights in big\.data, got"):
        import_onnx(path)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_file_that_is_cut_short_is_refused_in_one_line(cut, tmp_path):
    path = one_layer(tmp_path / "net.onnx")
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(ModelFileError) as caught:
        import_onnx(path)
    assert "\n" not in str(caught.value)


def test_wrong_answers_and_columns_are_told(tmp_path):
    path = one_layer(tmp_path / "net.onnx", answers=["y", "y_h"])
    with pytest.raises(ArgumentError, match=r"answer: expected one of y, y_h, got 'yh'\. Did you mean 'y_h'"):
        import_onnx(path, "yh")
    with pytest.raises(ArgumentError, match=r"columns: expected 2 names \(x\[0\], x\[1\]\), got 3"):
        import_onnx(path, columns=["a", "b", "c"])
