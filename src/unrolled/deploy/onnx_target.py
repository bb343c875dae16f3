"""The target "onnx" of an export: the graphs as files, and both of them run through ONNX Runtime."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.deploy.onnx_export import (
    BY_ROW,
    NEXT,
    STATE,
    answers_each_row,
    check_expressible,
    is_once,
    sequence_model,
    step_model,
)
from unrolled.deploy.onnx_session import open_session
from unrolled.deploy.parity import Array, Replay
from unrolled.deploy.target import Made
from unrolled.runtime import Program

PREFIXES = 8  # how many beginnings of a replay go through the graph of whole sequences, as one ragged batch


def export_onnx(program: Program, replays: Sequence[Replay], folder: Path, name: str) -> Made:
    """Write `NAME_sequence.onnx` and, of a program that runs row by row, `NAME_step.onnx`.

    The runner answers each row by the step graph and beginnings of the rows by the sequence graph; of a row
    that both have answered it returns the answer that is further from the stream's.
    Raises: ArgumentError that names a node which ONNX cannot express; MissingPartError.
    """
    check_expressible(program)
    models = {"sequence": sequence_model(program)}
    if program.streamable:
        models["step"] = step_model(program)
    sizes = {"weights": program.parameter_bytes, "state": program.state_bytes}
    for kind, model in models.items():
        data = model.SerializeToString()
        (folder / f"{name}_{kind}.onnx").write_bytes(data)
        sizes[kind] = len(data)
    sessions = {kind: open_session(folder / f"{name}_{kind}.onnx") for kind in models}

    def run(one: Replay) -> Array:
        found = [run_sequences(sessions["sequence"], one)]
        if "step" in sessions:
            found.append(run_steps(sessions["step"], one))
        return _furthest(found, one.answers)

    return Made(sizes, run)


def run_steps(session: Any, one: Replay) -> Array:
    """The answers of the step graph, row by row, with the state carried. Shapes: (rows, ...)."""
    program, answers = one.program, []
    names = [output.name for output in session.get_outputs()]
    state = {STATE + name: np.zeros((1, *spec.shape), np.float32) for name, spec in program.states.items()}
    for row in range(len(one.rows)):
        feeds = {name: values[row : row + 1] for name, values in one.inputs.items()}
        made = dict(zip(names, session.run(names, feeds | state), strict=True))
        answers.append(made[program.output][0])
        state = {STATE + name: made[NEXT + name] for name in program.states}
    return np.stack(answers)


def run_sequences(session: Any, one: Replay) -> Array:
    """The answers of the sequence graph at some rows, NaN at the others. Shapes: (rows, ...)."""
    program, rows = one.program, len(one.rows)
    answers = np.full(one.answers.shape, np.nan, np.float32)
    first = min(program.history, rows)
    whole = not program.streamable and not answers_each_row(program)
    lengths = np.unique(np.linspace(rows if whole else first, rows, PREFIXES).astype(np.int64))
    names = [program.output] + ([program.output + BY_ROW] if answers_each_row(program) else [])
    made = session.run(names, sequence_feeds(program.inputs, one.inputs, lengths))
    if not program.streamable:
        answers[-1] = made[0][-1]
    else:
        answers[lengths - 1] = made[0]
    if len(made) == 2:
        answers = _furthest([answers, made[1][-1]], one.answers)
    return answers


def sequence_feeds(names: Iterable[str], inputs: Mapping[str, Array], lengths: Array) -> dict[str, Array]:
    """What the sequence graph takes for beginnings of one series, as a ragged batch.

    Shapes: inputs, each input of the graph at every row, (rows, ...); lengths (batch,).
    """
    longest = int(lengths.max())
    feeds = {"lengths": lengths}
    for name in names:
        values = inputs[name]
        if is_once(name):
            feeds[name] = values[lengths - 1]
        else:
            feeds[name] = np.repeat(values[None, :longest], len(lengths), axis=0)
    return feeds


def _furthest(found: Sequence[Array], wanted: Array) -> Array:
    """Of several answers to a number the one furthest from the wanted; NaN where none has answered."""
    worst = found[0]
    for other in found[1:]:
        with np.errstate(invalid="ignore"):
            further = np.isnan(worst) | (np.abs(other - wanted) > np.abs(worst - wanted))
        worst = np.where(further & ~np.isnan(other), other, worst)
    return worst
