"""A Program: a model as a small graph of typed operations, with its weights and the columns it reads.

Everything a runtime needs is here, and nothing else: static shapes per row, an explicit state, weights by
name. The inputs have fixed names:

    x, x_codes                              a row of a sequence to label or rate: numbers, codes of words
    target, past, known, static             the numbers of a row, raw units; NaN = missing
    past_codes, known_codes, static_codes   the words of a row as codes; 0 = unknown or missing
    future_known, future_known_codes        the same columns of the next `horizon` rows
    stamp, future_stamp                     microseconds since 1970
    series                                  the row of the target scaler
    noise                                   standard normal numbers: Philox(seed, rows seen so far)

and the one output is "quantiles" (horizon, targets, levels) or "scores".

The two programs of an encoder-decoder hand values on: what the encoder answers by a name is the decoder's
input of that name, and the decoder's outputs "state", "fed" and "covered" are its inputs at the next token.

    memory, keys (steps, ...)               of each source token, what is looked at and what is compared
    memory_length                           how many of the steps count
    summary                                 the source as one vector, where nothing is looked at
    state                                   the full states of the decoder's layers, side by side
    fed, covered                            the output before, the weights so far
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.runtime import operations
from unrolled.runtime.card import Card, graph_from_card, graph_to_card, typed, wrong
from unrolled.runtime.columns import FUTURE, Column, Columns, optional
from unrolled.runtime.graph import Graph, Input, Node, Resolved, resolve, rows_needed
from unrolled.runtime.operations.base import ANY, Array, Arrays, Spec

VERSION = 1
INPUTS = {
    **dict.fromkeys(("x", "target", "past", "known", "static", "future_known", "noise"), "float32"),
    **dict.fromkeys(
        ("x_codes", "past_codes", "known_codes", "static_codes", "future_known_codes", "series"), "int64"
    ),
    **dict.fromkeys(("stamp", "future_stamp"), "int64"),
    # the numeric columns of `known` where time features are the rest of it
    **dict.fromkeys(("known_columns", "future_known_columns"), "float32"),
}
ANSWERS = ("quantiles", "scores")
CARRIED = {"state": 1, "fed": 1, "covered": 1}  # from token to token of a decoder, and how many axes
MEMORY = {"memory": 2, "keys": 2, "summary": 1, "memory_length": 0}  # what a decoder sees of the source
OPEN = ("memory", "keys", "covered")  # their first axis is as long as the source
ENCODED = ("memory", "keys", "summary", "state")  # what an encoder may answer
DECODED = ("scores", "weights", *CARRIED)  # what a decoder may answer
INPUTS |= dict.fromkeys((*CARRIED, *MEMORY), "float32") | {"memory_length": "int64"}


@dataclass(frozen=True, eq=False)
class Program:
    """A checked graph with its weights.

    `levels` are the quantile levels of a forecast, `seed` draws its noise. Where no columns are given, they
    are named after their input and place, such as `target[0]`.

    Raises: ArgumentError or ShapeError that names the node, the input or the column that does not fit.
    """

    graph: Graph
    weights: Arrays
    levels: tuple[float, ...] = ()
    seed: int = 0
    columns: Columns = field(default=Columns(()))
    resolved: Resolved = field(init=False, repr=False)

    def __post_init__(self) -> None:
        integer("seed", self.seed, 0)
        object.__setattr__(self, "resolved", resolve(self.graph, self.weights))
        used = {name for node in self.graph.nodes for name in node.operation.weights}
        object.__setattr__(self, "weights", {name: _frozen(self.weights[name]) for name in sorted(used)})
        _check_interface(self)
        if not self.columns.columns:
            object.__setattr__(self, "columns", _plain_columns(self.inputs, self.columns))
        _check_columns(self)

    @cached_property
    def inputs(self) -> Mapping[str, Input]:
        """The inputs by name."""
        return {entry.name: entry for entry in self.graph.inputs}

    @property
    def output(self) -> str:
        """What it answers: "quantiles" or "scores"; of an encoder "memory", or "summary" without one."""
        return next(name for name in (*ANSWERS, *ENCODED) if name in self.graph.outputs)

    @property
    def is_encoder(self) -> bool:
        """Whether it reads a source for a decoder."""
        return self.output in ENCODED

    @property
    def is_decoder(self) -> bool:
        """Whether it writes what an encoder has read, one token a row."""
        return "state" in self.inputs

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one answer: (horizon, targets, levels), or (scores,)."""
        return self.resolved.values[self.graph.outputs[self.output]].shape

    @property
    def horizon(self) -> int:
        """How many rows ahead it answers; 0 for a program that does not forecast."""
        return self.output_shape[0] if self.output == "quantiles" else 0

    @cached_property
    def history(self) -> int:
        """How many rows must have come before the first answer: the longest window, else 1."""
        windows = [
            n.operation.history for n in self.graph.nodes if isinstance(n.operation, operations.Window)
        ]
        return max(windows, default=1)

    @cached_property
    def series_count(self) -> int:
        """How many series have a row of their own in the target scaler; 1 where one scale serves all."""
        tables = [name for n in self.graph.nodes if _looks_up_series(n) for name in n.operation.weights]
        return min((len(self.weights[table]) for table in tables), default=1)

    @property
    def streamable(self) -> bool:
        """Whether it can answer row by row."""
        return self.not_streamable is None

    @property
    def not_streamable(self) -> str | None:
        """Why it cannot answer row by row, or None."""
        if self.is_decoder:
            return "it is the decoder of an encoder-decoder, which looks at a whole text"
        for node in self.graph.nodes:
            if node.operation.whole_sequence:
                return f"node '{node.name}' needs the whole sequence: {node.operation.whole_sequence}"
        if self.is_encoder:
            return "it is the encoder of an encoder-decoder: its answer is for a decoder"
        return None

    @cached_property
    def states(self) -> Mapping[str, Spec]:
        """The state between rows: named float32 arrays, in the order in which they are laid out."""
        return {
            f"{node}.{name}": spec for node, own in self.resolved.states.items() for name, spec in own.items()
        }

    @property
    def state_bytes(self) -> int:
        """How many bytes the state takes."""
        return sum(spec.nbytes for spec in self.states.values())

    @property
    def parameter_bytes(self) -> int:
        """How many bytes the weights take."""
        return sum(array.nbytes for array in self.weights.values())

    @property
    def multiply_adds(self) -> int:
        """Multiplications with addition that one row costs."""
        return self.resolved.multiply_adds

    @cached_property
    def every_row(self) -> frozenset[str]:
        """The values that are needed at every row when only the last answer is wanted."""
        return rows_needed(self.graph, self.resolved)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the card and the weights: two programs with one fingerprint answer alike."""
        digest = hashlib.sha256(json.dumps(self.to_card(), sort_keys=True).encode())
        for name, array in self.weights.items():
            digest.update(f"{name} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return digest.digest()

    def to_card(self) -> Card:
        """The graph as JSON with the names of its weights; the weights themselves are in `weights`."""
        return {
            "version": VERSION,
            **graph_to_card(self.graph),
            "levels": list(self.levels),
            "seed": self.seed,
            "columns": self.columns.card(),
            "weights": list(self.weights),
        }

    @classmethod
    def from_card(cls, card: Any, tensors: Mapping[str, Array]) -> "Program":
        """The program that `to_card` described, with its weights out of a file's tensors.

        Raises: ModelFileError that names the node or the field, for anything that is not as it must be.
        """
        try:
            version = typed(card, "version", int, "program")
            if version != VERSION:
                got = f"{version}"
                raise ArgumentError(
                    explain("program.version", str(VERSION), got, "Use the unrolled that wrote it.")
                )
            levels = typed(card, "levels", list, "program")
            if not all(type(level) is float for level in levels):
                raise wrong("program.levels", "numbers", levels)
            return cls(
                graph=graph_from_card(card),
                weights=_weights_from(card, tensors),
                levels=tuple(levels),
                seed=typed(card, "seed", int, "program"),
                columns=Columns.from_card(optional(card, "columns", dict, "program")),
            )
        except ArgumentError as error:
            raise ModelFileError(str(error)) from None

    def with_columns(self, columns: Columns, phases: tuple[str, ...] = ()) -> "Program":
        """The same program with named columns. With phases, it makes the last columns of `known` from the
        stamp.

        Raises: ArgumentError where the columns do not fit the inputs.
        """
        graph = self.graph
        if phases:
            for known, stamp in (("known", "stamp"), (f"{FUTURE}known", f"{FUTURE}stamp")):
                graph = _with_time_features(graph, known, stamp, phases)
        return replace(self, graph=graph, columns=columns)


def _looks_up_series(node: Node) -> bool:
    return isinstance(node.operation, operations.Embed) and node.inputs == ("series",)


def _frozen(array: Array) -> Array:
    copy = np.array(array, np.int8 if array.dtype == np.int8 else np.float32, order="C")
    copy.flags.writeable = False
    return copy


def _weights_from(card: Any, tensors: Mapping[str, Array]) -> dict[str, Array]:
    weights = {}
    for name in typed(card, "weights", list, "program"):
        if not isinstance(name, str) or name not in tensors:
            raise wrong("program.weights", "names of the file's tensors", name)
        weights[name] = tensors[name]
    return weights


def _check_interface(program: Program) -> None:
    """Inputs and the output have the names and types that a stream can serve."""
    for name, entry in program.inputs.items():
        if name not in INPUTS or entry.spec.dtype != INPUTS[name]:
            expected = f"a float32 or int64 input among {', '.join(INPUTS)}"
            raise ArgumentError(
                explain(f"input '{name}'", expected, entry.spec, "These are the inputs of a row.")
            )
    _check_outputs(program)
    shape = program.output_shape
    if program.output == "quantiles" and (len(shape) != 3 or shape[2] != len(program.levels)):
        expected = f"(horizon, targets, {len(program.levels)} levels)"
        raise ArgumentError(
            explain("output 'quantiles'", expected, shape, "Give the levels of its last axis.")
        )
    for name, entry in program.inputs.items():
        _check_input_shape(program, name, entry.spec.shape)


def _check_outputs(program: Program) -> None:
    """One answer; of an encoder what a decoder reads, of a decoder what it carries to the next token too."""
    outputs, cure = program.graph.outputs, "An encoder-decoder is two programs, docs/program.md."
    names = set(outputs)
    encoder = "state" in names and not names - set(ENCODED) and names & {"memory", "summary"}
    decoder = "state" in program.inputs and {"scores", "state"} <= names <= set(DECODED)
    if not encoder and not decoder and (len(names) != 1 or not names <= set(ANSWERS)):
        told = ", ".join(sorted(names)) or "none"
        raise ArgumentError(explain("outputs", "one of quantiles, scores", told, cure))
    if not decoder:
        return
    for name in CARRIED:
        given, made = program.inputs.get(name), outputs.get(name)
        if (given is None) != (made is None) or (
            given is not None and made is not None and given.spec != program.resolved.values[made]
        ):
            got = "none" if made is None else program.resolved.values[made]
            wanted = "none" if given is None else str(given.spec)
            raise ArgumentError(explain(f"output '{name}'", f"as the input, {wanted}", got, cure))


def _check_input_shape(program: Program, name: str, shape: tuple[int, ...]) -> None:
    """A row's input is (columns,); a future one (horizon, columns); a stamp or a series one number."""
    if name == "noise":
        return
    handed = CARRIED | MEMORY
    if name in handed:
        wanted = [name in OPEN and axis == 0 for axis in range(len(shape))]
        is_open = [size == ANY for size in shape] == wanted
        if len(shape) != handed[name] or not is_open:
            expected = f"{handed[name]} axes" + (", the first of any length" if name in OPEN else "")
            raise ArgumentError(explain(f"input '{name}'", expected, Spec(shape), ""))
        return
    if ANY in shape:
        raise ArgumentError(explain(f"input '{name}'", "a known shape", Spec(shape), ""))
    leading = (program.horizon,) if name.startswith(FUTURE) else ()
    axes = len(leading) + (0 if name in ("series", "stamp", "future_stamp") else 1)
    if len(shape) != axes or shape[: len(leading)] != leading:
        expected = f"{axes} axes" + (f", the first {program.horizon} rows" if leading else "")
        raise ArgumentError(explain(f"input '{name}'", expected, shape, ""))


def column_key(name: str) -> str:
    """The key of the columns that an input is made of."""
    return name.removeprefix(FUTURE).replace("known_columns", "known")


def _column_inputs(inputs: Mapping[str, Input]) -> dict[str, Input]:
    others = {"series", "stamp", "future_stamp", "noise", *CARRIED, *MEMORY}
    return {name: i for name, i in inputs.items() if name not in others}


def _plain_columns(inputs: Mapping[str, Input], given: Columns) -> Columns:
    """Columns named after their place. The vocabulary of a text column is not known: codes only."""
    found: dict[str, Column] = {}
    for name, entry in _column_inputs(inputs).items():
        key = column_key(name)
        role = key.removesuffix("_codes")
        for place in range(entry.spec.shape[-1]):
            words = () if key.endswith("_codes") else None
            column = Column(f"{key}[{place}]", role, entry.missing, words)
            found.setdefault(column.name, column)
    stamp = given.stamp or ("stamp" if "stamp" in inputs or "future_stamp" in inputs else None)
    return replace(given, columns=tuple(found.values()), stamp=stamp)


def _check_columns(program: Program) -> None:
    """Each input of columns is as wide as there are columns for it, and each column has its input."""
    keys = {column_key(name) for name in _column_inputs(program.inputs)}
    for name, entry in _column_inputs(program.inputs).items():
        columns = program.columns.of(column_key(name))
        if len(columns) != entry.spec.shape[-1]:
            got = ", ".join(column.name for column in columns) or "none"
            raise ArgumentError(
                explain(f"columns: {name}", f"{entry.spec.shape[-1]} columns", got, "Name each one.")
            )
    for column in program.columns.ordered:
        if column.key not in keys:
            raise ArgumentError(
                explain(f"column '{column.name}'", "a role the model reads", repr(column.role), "")
            )
    series = program.columns.series
    if series and "series" in program.inputs and len(series) != program.series_count:
        cure = "Name each row of the target scaler."
        raise ArgumentError(explain("columns: series", f"{program.series_count} names", len(series), cure))
    needs_stamp = "stamp" in program.inputs or "future_stamp" in program.inputs
    if needs_stamp and program.columns.stamp is None:
        raise ArgumentError(
            explain("columns: stamp", "the column of stamps", "None", "Time features need it.")
        )


def _with_time_features(graph: Graph, known: str, stamp: str, phases: tuple[str, ...]) -> Graph:
    """Make the last columns of an input from a stamp; the others stay an input."""
    if known not in [entry.name for entry in graph.inputs]:
        return graph
    old = next(entry for entry in graph.inputs if entry.name == known)
    count = old.spec.shape[-1] - 2 * len(phases)
    if count < 0:
        cure = "The network was made for other time features."
        raise ArgumentError(explain("phases", f"at most {old.spec.shape[-1] // 2}", len(phases), cure))
    leading = old.spec.shape[:-1]
    inputs = [entry for entry in graph.inputs if entry.name != known]
    inputs.append(Input(stamp, Spec(leading, "int64")))
    parts = [f"{known}_time"]
    if count:
        inputs.append(Input(f"{known}_columns", Spec((*leading, count)), old.missing))
        parts.insert(0, f"{known}_columns")
    made = (
        Node(f"{known}_time", operations.TimeFeatures(phases), (stamp,)),
        Node(known, operations.Concat(), tuple(parts)),
    )
    return Graph(tuple(inputs), made + graph.nodes, graph.outputs)
