"""Drawn rows through an imported Program and, by ONNX Runtime, through the file it came from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from unrolled.arguments import part
from unrolled.deploy.onnx_import_file import OnnxFile, Reading
from unrolled.deploy.onnx_import_graph import STAND_IN, Array
from unrolled.deploy.onnx_session import open_session
from unrolled.deploy.parity import Parity
from unrolled.errors import MissingPartError, ModelFileError, explain
from unrolled.runtime import Program, Stream
from unrolled.runtime.operations import Embed
from unrolled.runtime.stream import run_sequence

LENGTHS = (17, 5)  # rows of the sequences that are tried where the file fixes no length


Run = Callable[[str, Mapping[str, Array]], Array]  # an output of the file for some inputs


def check_import(
    file: OnnxFile,
    program: Program,
    readings: Sequence[Reading],
    output: tuple[str, tuple[int, ...]],
    bound: float,
) -> Parity:
    """The largest difference between the Program's answers and the file's own, on some drawn sequences.

    `output` is the file's output and its sizes at a batch of 1. Where the file fixes another batch, all of it
    is the same sequence.
    """
    run = _runner(file)
    lengths = [one.length for one in readings if one.length is not None]
    largest = share = 0.0
    answers = 0
    for number, length in enumerate(lengths[:1] or LENGTHS):
        drawn = draw_inputs(program, readings, length, number)
        rows = _rows(program, readings, drawn, length)
        got = Stream(program).run(rows) if program.streamable else run_sequence(program, rows)
        batch = {one.source.name: _whole_batch(one, drawn[one.source.name]) for one in readings}
        wanted = run(output[0], batch | _unseen(file, length)).astype(np.float64)
        wanted = _by_row(file, wanted, output, length).reshape(-1, got.shape[1])  # of the last row, or of all
        distance = np.abs(got[-len(wanted) :] - wanted)
        distance = np.where(np.isnan(distance), np.inf, distance)
        largest = max(largest, float(distance.max()))
        share = max(share, float((distance / np.maximum(np.abs(wanted), 1)).max()))
        answers += wanted.size
    return Parity(largest, share, answers, bound)


def _by_row(file: OnnxFile, answers: Array, output: tuple[str, tuple[int, ...]], length: int) -> Array:
    """The file's answers to the first sequence of the batch, rows first. Raises: ModelFileError."""
    name, sizes = output
    dims = [length if size == STAND_IN else size for size in sizes]
    if answers.ndim != len(dims) or any(have < size for have, size in zip(answers.shape, dims, strict=True)):
        raise ModelFileError(explain(f"{file.path}: output '{name}'", f"sizes {dims}", answers.shape, ""))
    first = answers[tuple(slice(0, size) for size in dims)]
    return np.moveaxis(first, sizes.index(STAND_IN), 0) if STAND_IN in sizes else first


def draw_inputs(program: Program, readings: Sequence[Reading], length: int, seed: int) -> dict[str, Array]:
    """Standard normal numbers, and codes that every table has, in the sizes and types of the file."""
    rng = np.random.default_rng(seed)
    tables = [n.operation.table for n in program.graph.nodes if isinstance(n.operation, Embed)]
    most = min((len(program.weights[table]) for table in tables), default=2)
    drawn = {}
    for one in readings:
        shape = [length if size == STAND_IN else size for size in one.dims]
        values = rng.integers(0, most, shape) if one.source.is_code else rng.normal(size=shape)
        drawn[one.source.name] = values.astype(one.source.dtype)
    return drawn


def _rows(program: Program, readings: Sequence[Reading], drawn: Mapping[str, Array], length: int) -> Array:
    """The drawn inputs as rows of the Program, (rows, columns)."""
    parts = []
    for key in ("x", "static", "x_codes", "static_codes"):
        for one in readings:
            if one.key == key and key in program.inputs:
                values = np.asarray(drawn[one.source.name], np.float64)
                if one.time is None:
                    values = np.broadcast_to(values.reshape(1, -1), (length, one.width))
                else:
                    values = np.moveaxis(values, one.time, 0).reshape(length, -1)
                parts.append(values)
    return np.concatenate(parts, axis=1)


def _whole_batch(one: Reading, values: Array) -> Array:
    """The same sequence as often as the file's batch is large."""
    if one.batch is None:
        return values
    size = one.source.dims[one.batch]
    if not isinstance(size, int) or values.shape[one.batch] == size:
        return values
    return np.repeat(values, size, axis=one.batch)


def _unseen(file: OnnxFile, length: int) -> dict[str, Array]:
    """The inputs that a stream has no columns for: states of zeros, lengths, what was given as constants."""
    feeds = {
        entry.name: file.constants[entry.name] for entry in file.model.graph.input if entry.name in file.given
    }
    for entry in file.inputs:
        if entry.name in file.zeros:
            feeds[entry.name] = np.zeros(entry.least, entry.dtype)
        elif entry.name in file.lengths:
            feeds[entry.name] = np.full(entry.least, length, entry.dtype)
    return feeds


def _runner(file: OnnxFile) -> Run:
    """ONNX Runtime on the file, or onnx's reference where that lacks an operator's form, such as layout 1."""
    reference = part("onnx.reference", "onnx")
    try:
        session: Any = open_session(file.model.SerializeToString())
    except MissingPartError:
        raise
    except Exception as error:  # ONNX Runtime's own classes
        try:
            session = reference.ReferenceEvaluator(file.model)
        except Exception:  # what ONNX Runtime said tells more
            raise _cannot_run(file, error) from None

    def run(output: str, feeds: Mapping[str, Array]) -> Array:
        try:
            return np.asarray(session.run([output], dict(feeds))[0])
        except Exception as error:  # of the file's own making: the two have classes of their own
            raise _cannot_run(file, error) from None

    return run


def _cannot_run(file: OnnxFile, error: Exception) -> ModelFileError:
    got = " ".join(str(error).split())[:160]
    expected = "a file that ONNX Runtime can run"
    return ModelFileError(explain(str(file.path), expected, got, "Is it damaged?"))
