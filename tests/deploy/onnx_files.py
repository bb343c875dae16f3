"""ONNX files for the tests: hand-made graphs, and networks that PyTorch exports."""

import warnings

import numpy as np
import onnx
import torch
from torch import nn

F = onnx.TensorProto.FLOAT


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


def graph_file(path, nodes, inputs, outputs, weights=None, opset=17):
    """A file of hand-made nodes: (operator, inputs, outputs, attributes)."""
    made = [onnx.helper.make_node(op, ins, outs, **rest) for op, ins, outs, rest in nodes]
    ports = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    ends = [onnx.helper.make_tensor_value_info(name, F, None) for name in outputs]
    held = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(made, "net", ports, ends, held),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=8,
    )
    onnx.save(model, path)
    return path


CELLS = {"RNN": 1, "GRU": 3, "LSTM": 4}
FREE = [("x", F, ["batch", "time", 2])]


def layer_weights(kind, directions=1, hidden=3, inputs=2):
    rows = CELLS[kind] * hidden
    return {
        "W": draw(1, directions, rows, inputs),
        "R": draw(2, directions, rows, hidden),
        "B": draw(3, directions, 2 * rows),
    }


def one_layer(path, kind="LSTM", extra=(), weights=None, inputs=FREE, answers=("y",), **attributes):
    """x (batch, time, 2) -> one recurrent node of 3 units, time first."""
    operands = ["turned", "W", "R", "B", *extra]
    nodes = [
        ("Transpose", ["x"], ["turned"], {"perm": [1, 0, 2]}),
        (kind, operands, list(answers), {"hidden_size": 3, **attributes}),
    ]
    own = layer_weights(kind, 2 if attributes.get("direction") == "bidirectional" else 1)
    return graph_file(path, nodes, inputs, [a for a in answers if a], own | (weights or {}))


def write(net, path, arguments, names, free, outputs=("y",), opset=17):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, on lengths and batches that are fixed
        torch.onnx.export(
            net.eval(),
            arguments,
            str(path),
            dynamo=False,
            input_names=list(names),
            output_names=list(outputs),
            dynamic_axes=free,
            opset_version=opset,
        )
    return path


class Beside(nn.Module):
    """Numbers that belong to the whole sequence: they make the first state and join the last one."""

    def __init__(self, late=False):
        super().__init__()
        self.rnn, self.start, self.head = nn.GRU(3, 8, batch_first=True), nn.Linear(4, 8), nn.Linear(12, 2)
        self.norm, self.late = nn.BatchNorm1d(12), late
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x, z):
        y, h = self.rnn(x, torch.tanh(self.start(z))[None])
        if self.late:
            return (y + h[-1][:, None]).mean(1)
        return self.head(self.norm(torch.cat([h[-1], torch.relu(z) * 2 - 1], 1)))
