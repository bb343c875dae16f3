"""How a network becomes its Program: the builder of graphs, and the stacks that every network has.

Weights keep their names from the network's `state_dict`.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn as torch_nn

from unrolled.models.feed_forward import FeedForward
from unrolled.nn import Bidirectional, Stack
from unrolled.nn.recurrent import Recurrent as RecurrentLayer
from unrolled.runtime import Graph, Input, Node, Program
from unrolled.runtime import operations as ops


class Builder:
    """A graph in the making: inputs and nodes in running order. Each method returns the name of a value."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []

    def input(self, name: str, shape: tuple[int, ...], dtype: str = "float32", missing: bool = False) -> str:
        """A value that comes with each row."""
        self.inputs.append(Input(name, ops.Spec(shape, dtype), missing))
        return name

    def add(self, name: str, operation: ops.Operation, *inputs: str) -> str:
        """An operation; a name that is taken gets a number."""
        taken = {node.name for node in self.nodes} | {entry.name for entry in self.inputs}
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        unique = name if name not in taken else next(other for other in numbered if other not in taken)
        self.nodes.append(Node(unique, operation, inputs))
        return unique

    def constant(self, weight: str) -> str:
        """A weight as a value."""
        return self.add(weight, ops.Constant(weight), self.inputs[0].name)

    def dense(self, weight: str, x: str, bias: bool = True) -> str:
        """A Linear of the network."""
        return self.add(weight, ops.Dense(f"{weight}.weight", f"{weight}.bias" if bias else None), x)

    def concat(self, name: str, parts: Sequence[str]) -> str:
        """Features side by side; one part alone stays as it is."""
        return parts[0] if len(parts) == 1 else self.add(name, ops.Concat(), *parts)

    def sum(self, name: str, a: str, b: str) -> str:
        """Two values added."""
        return self.add(name, ops.Combine("add"), a, b)

    def program(self, network: torch_nn.Module, output: str, value: str, **rest: Any) -> Program:
        """The finished Program, with the weights it names out of the network's state."""
        return self.finish(network, {output: value}, **rest)

    def finish(self, network: torch_nn.Module, outputs: dict[str, str], **rest: Any) -> Program:
        """The finished Program with several outputs."""
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
        return Program(Graph(tuple(self.inputs), tuple(self.nodes), outputs), weights, **rest)


def cell_attributes(layer: Any, prefix: str) -> dict[str, Any]:
    """A cell's attributes, as every recurrent operation has them."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "gain_ih", "gain_hh")
    return {
        "cell": layer.cell.kind,
        "activation": layer.cell.activation,
        "reset_after": layer.cell.reset_after,
        "keep_h": layer.options.zoneout,
        "keep_c": layer.options.zoneout_cell,
        **{name: f"{prefix}.{name}" if getattr(layer, name) is not None else None for name in names},
    }


def layers_of(stack: Stack) -> list[tuple[Any, str]]:
    """The layers of a network's stack and the prefix of their weights."""
    return [(layer, f"recurrent.layers.{number}") for number, layer in enumerate(stack.layers)]


def hidden_of(b: Builder, layer: RecurrentLayer, state: str) -> str:
    """The hidden part of a full state: all of it, but for an LSTM."""
    if layer.cell.kind != "lstm":
        return state
    return b.add(f"{state}_h", ops.Slice(0, layer.hidden_size), state)


def run_stack(b: Builder, stack: Stack, x: str, layers: int | None = None) -> str:
    """The output at each row of the stack's last layer, or of its first `layers`."""
    for layer, prefix in layers_of(stack)[:layers]:
        x = b.concat(f"{prefix}.both", _run_layer(b, layer, prefix, x))
    return x


def _run_layer(b: Builder, layer: Any, prefix: str, x: str) -> list[str]:
    """One value for a layer, or the forward and the backward one."""
    if not isinstance(layer, Bidirectional):
        return [b.add(prefix, ops.Recurrent(**cell_attributes(layer, prefix)), x)]
    forward, backward = f"{prefix}.layer_forward", f"{prefix}.layer_backward"
    return [
        b.add(forward, ops.Recurrent(**cell_attributes(layer.layer_forward, forward)), x),
        b.add(
            backward,
            ops.Recurrent(**cell_attributes(layer.layer_backward, backward), direction="backward"),
            x,
        ),
    ]


def run_top(b: Builder, stack: Stack, x: str) -> list[str]:
    """The outputs at each row of the stack's last layer, of a bidirectional one the forward and the
    backward.
    """
    layer, prefix = layers_of(stack)[-1]
    return _run_layer(b, layer, prefix, run_stack(b, stack, x, layers=-1))


def both_ends(b: Builder, stack: Stack, x: str) -> str:
    """The last states of a bidirectional stack's top layer, the forward one's at the last row."""
    forward, backward = run_top(b, stack, x)
    ends = [b.add("end", ops.Pool("last"), forward), b.add("start", ops.Pool("first"), backward)]
    return b.concat("pooled", ends)


def dense_layers(b: Builder, stack: FeedForward, x: str) -> str:
    """The dense layers of a feed-forward network, each with its relu."""
    for number in range(len(stack.layers)):
        name = f"recurrent.layers.{number}"
        x = b.add(f"{name}.relu", ops.Activation("relu"), b.dense(name, x))
    return x
