"""How large the values inside a program become on some rows."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.runtime.graph import Graph
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.program import Program
from unrolled.runtime.stream import Stream

CHUNK = 128  # rows that are looked at together: their windows must fit in memory


def largest(
    program: Program,
    rows: Any,
    names: Collection[str],
    future: Any = None,
    series: str | int | None = None,
) -> dict[str, float]:
    """The largest size that any number of some values takes on, rows and future as `Stream.run` takes them.

    Only what the values are made of is computed; they may depend on neither noise nor sample paths.
    """
    stream = Stream(program, series, runtime="numpy")
    inputs = stream.inputs(rows, future)
    graph = _pruned(program.graph, names)
    wanted = {entry.name for entry in graph.inputs}
    found = dict.fromkeys(names, 0.0)
    states: dict[str, dict[str, NDArray]] = {}
    for node in graph.nodes:
        own = {n.rsplit(".", 1)[1]: s for n, s in program.states.items() if n.rsplit(".", 1)[0] == node.name}
        if own:
            states[node.name] = {name: np.zeros(spec.shape, np.float32) for name, spec in own.items()}
    for start in range(0, len(next(iter(inputs.values()))), CHUNK):
        part = {name: array[start : start + CHUNK] for name, array in inputs.items() if name in wanted}
        outputs, states = evaluate(graph, part, states, program.weights)
        for name, values in outputs.items():
            found[name] = max(found[name], float(np.nanmax(np.abs(values))))
    return found


def _pruned(graph: Graph, names: Collection[str]) -> Graph:
    """The part of a graph that makes some values, which are its outputs."""
    needed, nodes = set(names), []
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
            nodes.append(node)
    inputs = tuple(entry for entry in graph.inputs if entry.name in needed)
    return replace(graph, inputs=inputs, nodes=tuple(reversed(nodes)), outputs={name: name for name in names})
