# ruff: noqa: D102 (infer, states, run and multiply_adds are told in base.py)
"""The loop of a decoder: a body that runs step after step and hands values on to its next step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unrolled.arguments import integer, one_of
from unrolled.errors import ArgumentError, explain, nearest
from unrolled.runtime.graph import Graph, resolve
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.operations.base import Array, Arrays, Operation, Spec, expect


@dataclass(frozen=True)
class Rollout(Operation):
    """A body run `steps` times at every row; the body itself remembers nothing between rows.

    `wiring` says for each input of the body what the node's input of the same place is: "fixed" (the same at
    each step), "each" (one slice of the first axis per step), or "carried" (the first step's value; each
    further step gets the body's output named as the input).
    Shapes: the body's output `result` (...) -> (steps, ...).
    """

    body: Graph
    steps: int
    wiring: tuple[str, ...]
    result: str = "result"
    kind: ClassVar = "rollout"
    arity: ClassVar = (1, 64)

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the weights the body reads."""
        return tuple(name for node in self.body.nodes for name in node.operation.weights)

    def infer(self, inputs: Sequence[Spec], weights: Arrays) -> Spec:
        integer("steps", self.steps, 1)
        places = len(self.body.inputs)
        expect(
            len(self.wiring) == places,
            "wiring",
            f"{places} words, one for each input of the body",
            self.wiring,
        )
        expect(len(inputs) == places, "inputs", f"{places}, one for each input of the body", len(inputs))
        for how, given, entry in zip(self.wiring, inputs, self.body.inputs, strict=True):
            one_of("wiring", how, ["fixed", "each", "carried"])
            shape = (self.steps, *entry.spec.shape) if how == "each" else entry.spec.shape
            wanted = Spec(shape, entry.spec.dtype)
            expect(given == wanted, f"the body's input '{entry.name}'", str(wanted), given)
        values = self._resolve_body(weights)
        return Spec((self.steps, *values[self._output(self.result)].shape))

    def _output(self, name: str) -> str:
        if name not in self.body.outputs:
            cure = nearest(name, self.body.outputs) or "The body must make it."
            raise ArgumentError(explain("body", f"an output '{name}'", ", ".join(self.body.outputs), cure))
        return self.body.outputs[name]

    def _resolve_body(self, weights: Arrays) -> Mapping[str, Spec]:
        for node in self.body.nodes:
            if isinstance(node.operation, Rollout):
                raise ArgumentError(explain("body", "no rollout inside a rollout", f"node '{node.name}'", ""))
        resolved = resolve(self.body, weights)
        for node in self.body.nodes:
            if resolved.states[node.name] or node.operation.whole_sequence:
                cure = "Carry its state as an input."
                raise ArgumentError(
                    explain("body", "operations without a memory", f"node '{node.name}'", cure)
                )
        for how, entry in zip(self.wiring, self.body.inputs, strict=True):
            if how == "carried":
                given = resolved.values[self._output(entry.name)]
                expect(given == entry.spec, f"the body's output '{entry.name}'", str(entry.spec), given)
        return resolved.values

    def run(self, inputs: Sequence[Array], states: Arrays, weights: Arrays) -> tuple[Array, dict[str, Array]]:
        places = list(zip(self.wiring, self.body.inputs, inputs, strict=True))
        carried = {entry.name: value for how, entry, value in places if how == "carried"}
        fixed = {entry.name: value for how, entry, value in places if how == "fixed"}
        results = []
        for step in range(self.steps):
            each = {entry.name: value[:, step] for how, entry, value in places if how == "each"}
            outputs, _ = evaluate(self.body, {**fixed, **each, **carried}, {}, weights)
            carried = {name: outputs[name] for name in carried}
            results.append(outputs[self.result])
        return np.stack(results, axis=1), {}

    def multiply_adds(self, inputs: Sequence[Spec], output: Spec, weights: Arrays) -> int:
        return self.steps * resolve(self.body, weights).multiply_adds
