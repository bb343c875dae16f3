"""The interpreter: every operation in numpy float32, plainly. Faster runtimes are tested against it."""

from collections.abc import Mapping

import numpy as np

from unrolled.runtime.graph import EACH_ROW, Graph
from unrolled.runtime.operations.base import Array, Arrays

States = Mapping[str, Mapping[str, Array]]  # of each node, by its own names


def evaluate(
    graph: Graph,
    inputs: Arrays,
    states: States,
    weights: Arrays,
    every: frozenset[str] | None = None,
) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
    """Run a graph over some rows.

    With `every`, only the last row's outputs are wanted: values not named in it are then computed for that
    row alone, and inputs not named in it may hold that row alone.
    Shapes: inputs (rows, ...) -> outputs (rows, ...), or (1, ...) with `every`, but for a memory.
    Returns: the outputs by name, and the states after the last row. Nothing given is modified.
    """
    values = dict(inputs)
    after: dict[str, dict[str, Array]] = {}
    # a number too large becomes inf, as in every other runtime, and is no warning
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            own = states.get(node.name, {})
            reads = [values[name] for name in node.inputs]
            if every is not None and node.name not in every and not own and not node.operation.whole_sequence:
                reads = [value[-1:] for value in reads]
            values[node.name], changed = node.operation.run(reads, own, weights)
            if changed:
                after[node.name] = changed
    outputs = {name: values[value] for name, value in graph.outputs.items()}
    if every is not None:
        outputs = {name: v if name in EACH_ROW else v[-1:] for name, v in outputs.items()}
    return outputs, after
