"""`python -m benchmarks.stream.long MODEL DATA.csv [--steps N]`: a very long stream, and the same in float64.

The rows of the file come again and again. Printed: memory at the start and at the end, and the largest
distance of the answers of the last round from a float64 run over all steps, relative to the larger of the
answer and the target's standard deviation. For programs with one recurrent layer over the rows, such as
those of `decoder="direct"`.
"""

import argparse
import resource
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from unrolled.runtime import Input, Program, Stream, load_program
from unrolled.runtime import operations as ops
from unrolled.runtime.interpreter import evaluate
from unrolled.runtime.stream import Stream as AnyStream

Arrays = dict[str, np.ndarray]


def resident() -> float:
    """MiB in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def final_states(op: Any, weights: Arrays, x: np.ndarray, rounds: int) -> np.ndarray:
    """The h after each row of the last round, in float64. Shapes: x (rows, I) -> (rows, H)."""
    W, U = weights[op.weight_ih], weights[op.weight_hh]
    a_all = x @ W.T + weights[op.bias_ih]
    b, H = weights[op.bias_hh], U.shape[1]
    h, c, last = np.zeros(H), np.zeros(H), np.empty((len(x), H))
    for _ in range(rounds):
        for t, a in enumerate(a_all):
            u = U @ h + b
            if op.cell == "lstm":
                gates = sigmoid(s := a + u)
                c = gates[H : 2 * H] * c + gates[:H] * np.tanh(s[2 * H : 3 * H])
                h = gates[3 * H :] * np.tanh(c)
            else:
                r, z = np.split(sigmoid(a[: 2 * H] + u[: 2 * H]), 2)
                h = (1 - z) * np.tanh(a[2 * H :] + r * u[2 * H :]) + z * h
            last[t] = h
    return last


def in_float64(program: Program, rows: np.ndarray, rounds: int) -> np.ndarray:
    """The answers of the last round: the interpreter in float64 before and behind the one recurrent layer."""
    weights = {name: array.astype(np.float64) for name, array in program.weights.items()}
    inputs = {n: a.astype(np.float64) for n, a in AnyStream(program, runtime="numpy").inputs(rows).items()}
    (place,) = [i for i, n in enumerate(program.graph.nodes) if isinstance(n.operation, ops.Recurrent)]
    cell = program.graph.nodes[place]
    front = replace(program.graph, nodes=program.graph.nodes[:place], outputs={"x": cell.inputs[0]})
    states: dict[str, Arrays] = {}
    for name, spec in program.states.items():
        node, own = name.rsplit(".", 1)
        if node != cell.name:
            states.setdefault(node, {})[own] = np.zeros(spec.shape)
    x = evaluate(front, inputs, states, weights)[0]["x"]
    h = final_states(cell.operation, weights, x, rounds)
    entry = Input(cell.name, program.resolved.values[cell.name])
    whole = replace(
        program.graph,
        inputs=(*program.graph.inputs, entry),
        nodes=tuple(n for n in program.graph.nodes if n is not cell),
    )
    return evaluate(whole, {**inputs, cell.name: h}, states, weights)[0][program.output]


def rows_of(path: str, stream: Stream) -> np.ndarray:
    """The file as rows of numbers: float64, which holds a stamp, where there is one."""
    table = pl.read_csv(path, try_parse_dates=True).select(stream.columns)
    columns = [
        column.cast(pl.Datetime("us")).to_physical() if column.dtype.is_temporal() else column
        for column in table
    ]
    dtype = np.float64 if any(column.dtype.is_temporal() for column in table) else np.float32
    return np.stack([column.to_numpy().astype(dtype) for column in columns], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=10_000_000)
    given = parser.parse_args()
    program = load_program(given.model)
    stream = Stream(program)
    rows = rows_of(given.data, stream)
    rounds = -(-given.steps // len(rows))
    out = np.empty((len(rows), *program.output_shape), np.float32)
    stream.step(rows[0], out=out[0])
    stream.reset()
    before, is_finite = resident(), True
    step = stream.step
    for _ in range(rounds):
        for t, row in enumerate(rows):
            step(row, None, out[t])
        is_finite = is_finite and bool(np.isfinite(out).all())
    after = resident()
    wanted = in_float64(program, rows, rounds)
    deviation = np.nanstd(rows[:, 0].astype(np.float64))
    distance = (np.abs(out - wanted) / np.maximum(np.abs(wanted), deviation)).max()
    print(f"{stream.rows:,} steps, finite: {is_finite}, memory {before:.1f} -> {after:.1f} MiB")
    print(f"largest distance from float64: {distance:.1e} of max(|answer|, deviation)")


if __name__ == "__main__":
    main()
