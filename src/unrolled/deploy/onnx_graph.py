"""An ONNX graph in the making: records of nodes and weights, turned into ONNX's own objects at the end.

The package onnx is needed by `to_model` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled import __version__
from unrolled.arguments import part

Array = NDArray
OPSET = 17  # the first with LayerNormalization; ONNX Runtime reads it since 1.12
IR_VERSION = 8


@dataclass(frozen=True)
class OnnxNode:
    """One node; an attribute may be a `Body`."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Port:
    """An input or an output of the model: a size that is a text may be any."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Body:
    """The graph inside a Scan: its inputs and outputs have the types of `ports`."""

    nodes: tuple[OnnxNode, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass
class OnnxGraph:
    """Nodes in running order and weights by name; each method returns the name of what it makes.

    A graph inside a Scan shares the weights and the names of the one around it.
    """

    nodes: list[OnnxNode] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)
    scope: str = ""  # the Program's node whose emission is going on: in front of the names

    def inner(self) -> "OnnxGraph":
        """A graph for the body of a Scan."""
        return OnnxGraph([], self.weights, self.taken, self.known, self.scope)

    def unique(self, name: str) -> str:
        """A name that no other value has."""
        chosen = name
        numbers: Iterator[int] = count(2)
        while chosen in self.taken:
            chosen = f"{name}_{next(numbers)}"
        self.taken.add(chosen)
        return chosen

    def weight(self, array: Any, name: str = "constant") -> str:
        """An array of the model; equal arrays are kept once."""
        array = np.array(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = self.unique(name)
            self.weights[self.known[key]] = array
        return self.known[key]

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """A node with one output. `attributes` are ONNX's own."""
        return self.add_many(operator, inputs, [name or operator.lower()], attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], names: Sequence[str], attributes: Mapping[str, Any]
    ) -> list[str]:
        """A node with several outputs; an empty name is an output that is not wanted."""
        scope = f"{self.scope}/" if self.scope else ""
        outputs = [self.unique(scope + name) if name else "" for name in names]
        self.nodes.append(OnnxNode(operator, tuple(inputs), tuple(outputs), attributes))
        return outputs

    def output(self, name: str, value: str) -> None:
        """Give a value a name that was kept for an output."""
        self.nodes.append(OnnxNode("Identity", (value,), (name,), {}))


def to_model(
    graph: OnnxGraph, name: str, inputs: Sequence[Port], outputs: Sequence[Port], metadata: Mapping[str, str]
) -> Any:
    """The graph as an onnx.ModelProto, checked by onnx's own checker."""
    onnx = part("onnx", "onnx")
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in graph.weights.items()]
    proto = _graph(onnx, graph.nodes, name, inputs, outputs, tensors)
    model = onnx.helper.make_model(
        proto,
        producer_name="unrolled",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return model


def _graph(
    onnx: Any,
    nodes: Sequence[OnnxNode],
    name: str,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    tensors: Sequence[Any] = (),
) -> Any:
    return onnx.helper.make_graph(
        [_node(onnx, node) for node in nodes],
        name,
        [_port(onnx, port) for port in inputs],
        [_port(onnx, port) for port in outputs],
        list(tensors),
    )


def _node(onnx: Any, node: OnnxNode) -> Any:
    attributes = {
        key: _graph(onnx, value.nodes, key, value.inputs, value.outputs) if isinstance(value, Body) else value
        for key, value in node.attributes.items()
    }
    return onnx.helper.make_node(node.operator, node.inputs, node.outputs, **attributes)


def _port(onnx: Any, port: Port) -> Any:
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
    return onnx.helper.make_tensor_value_info(port.name, kind, port.shape)
