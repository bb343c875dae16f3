"""The model that is streamed, for each contender from the same weights: one layer and one output.

Key: I input · H hidden · G gates.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from unrolled.deploy import quantize
from unrolled.runtime import Graph, Input, Node, Program
from unrolled.runtime import operations as ops

INPUTS = 8
GATES = {"lstm": 4, "gru": 3}
Step = Callable[[np.ndarray], object]


def weights_of(cell: str, hidden: int, inputs: int = INPUTS) -> dict[str, np.ndarray]:
    """Drawn as torch draws them; torch.nn's names and gate order."""
    rng, rows, most = np.random.default_rng(0), GATES[cell] * hidden, hidden**-0.5
    shapes = {
        "weight_ih": (rows, inputs),
        "weight_hh": (rows, hidden),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }
    shapes |= {"head": (1, hidden), "head_bias": (1,)}
    return {name: rng.uniform(-most, most, shape).astype(np.float32) for name, shape in shapes.items()}


def program_of(cell: str, hidden: int, is_int8: bool = False, with_head: bool = True) -> Program:
    """As a Program; int8 after calibration on the rows that are streamed. Without a head it answers h."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    graph = Graph(
        (Input("x", ops.Spec((INPUTS,))),),
        (
            Node("cell", ops.Recurrent(cell, *names), ("x",)),
            Node("scores", ops.Dense("head", "head_bias"), ("cell",)),
        ),
        {"scores": "scores" if with_head else "cell"},
    )
    if not with_head:
        graph = replace(graph, nodes=graph.nodes[:1])
    program = Program(graph, weights_of(cell, hidden))
    return quantize(program, rows_of(64)).program if is_int8 else program


def rows_of(count: int) -> np.ndarray:
    """Rows to stream."""
    return np.random.default_rng(1).normal(size=(count, INPUTS)).astype(np.float32)


def torch_step(cell: str, hidden: int) -> Step:
    """torch.nn in inference mode, its state carried."""
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    layer, head = kind(INPUTS, hidden), torch.nn.Linear(hidden, 1)
    drawn = {name: torch.from_numpy(array) for name, array in weights_of(cell, hidden).items()}
    layer.load_state_dict({f"{n}_l0": drawn[n] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
    head.load_state_dict({"weight": drawn["head"], "bias": drawn["head_bias"]})
    state = None

    @torch.inference_mode()
    def step(row: np.ndarray) -> object:
        nonlocal state
        y, state = layer(torch.from_numpy(row)[None], state)
        return head(y).numpy()

    return step


def onnx_step(cell: str, hidden: int) -> Step:
    """ONNX Runtime on one thread: its own operator over one step, the state an input and an output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx_model(cell, hidden), options, providers=["CPUExecutionProvider"]
    )
    states = [np.zeros((1, 1, hidden), np.float32) for _ in ("h", "c")[: 2 if cell == "lstm" else 1]]
    run = session.run

    def step(row: np.ndarray) -> object:
        feeds = {"x": row.reshape(1, 1, INPUTS), "h": states[0]}
        if len(states) == 2:
            feeds["c"] = states[1]
        answer, *states[:] = run(None, feeds)
        return answer

    return step


def onnx_model(cell: str, hidden: int) -> bytes:
    """The graph: one operator and the head. ONNX orders the gates i o f c, and z r h."""
    from onnx import TensorProto, helper, numpy_helper

    w = weights_of(cell, hidden)
    order = [0, 3, 1, 2] if cell == "lstm" else [1, 0, 2]

    def by_gate(name: str) -> np.ndarray:
        return w[name].reshape(GATES[cell], hidden, *w[name].shape[1:])[order].reshape(w[name].shape)

    constants = {
        "W": by_gate("weight_ih")[None],
        "R": by_gate("weight_hh")[None],
        "B": np.concatenate([by_gate("bias_ih"), by_gate("bias_hh")])[None],
        "head": w["head"].T.copy(),
        "head_bias": w["head_bias"],
    }
    states = ["h", "c"] if cell == "lstm" else ["h"]
    options = {"hidden_size": hidden} | ({} if cell == "lstm" else {"linear_before_reset": 1})
    nodes = [
        helper.make_node(
            cell.upper(), ["x", "W", "R", "B", "", *states], ["", *(f"{s}_next" for s in states)], **options
        ),
        helper.make_node("MatMul", ["h_next", "head"], ["product"]),
        helper.make_node("Add", ["product", "head_bias"], ["y"]),
    ]

    def value(name: str, *shape: int) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        cell,
        [value("x", 1, 1, INPUTS), *(value(s, 1, 1, hidden) for s in states)],
        [value("y", 1, 1, 1), *(value(f"{s}_next", 1, 1, hidden) for s in states)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()
