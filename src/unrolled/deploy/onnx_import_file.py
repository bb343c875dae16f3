"""An ONNX file, read: its nodes, its constants, and what its inputs are for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.arguments import part
from unrolled.deploy.onnx_import_graph import Array
from unrolled.errors import ModelFileError, OutputError, explain

RECURRENT = ("RNN", "GRU", "LSTM")
WHOLE, FLOATS = (2, 3, 4, 5, 6, 7), (1, 10, 11)  # ONNX's numbers of the types
INTEGER_CASTS = (6, 7)
MOVING = (
    "Identity",
    "Slice",
    "Split",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Reshape",
    "Gather",
    "Cast",
    "Expand",
)
MOST_NUMBERS = 1 << 26  # of one input
CURE = "Pass a file that an exporter of ONNX has written."


@dataclass(frozen=True)
class OnnxInput:
    """An input of the file: sizes as numbers where they are fixed, as texts where they are not."""

    name: str
    dims: tuple[int | str, ...]
    dtype: Any
    is_code: bool

    @property
    def least(self) -> tuple[int, ...]:
        """The sizes with 1 for each that is free."""
        return tuple(size if isinstance(size, int) else 1 for size in self.dims)


@dataclass(frozen=True)
class Reading:
    """How one input is read: its time axis and its batch axis, None where it has none, its sizes in use."""

    source: OnnxInput
    time: int | None
    batch: int | None
    dims: tuple[int, ...]

    @property
    def length(self) -> int | None:
        """The length that the file fixes, if it does."""
        size = None if self.time is None else self.source.dims[self.time]
        return size if isinstance(size, int) else None

    @property
    def key(self) -> str:
        """The Program's input that it becomes a part of."""
        role = "static" if self.time is None else "x"
        return f"{role}_codes" if self.source.is_code else role

    @property
    def width(self) -> int:
        """How many columns of a row it is."""
        return int(np.prod([size for axis, size in enumerate(self.dims) if axis != self.time]))


@dataclass(frozen=True)
class OnnxFile:
    """A parsed file with its weights."""

    path: Path
    model: Any
    constants: Mapping[str, Array]
    given: frozenset[str] = frozenset()  # constants that are inputs of the file

    @property
    def nodes(self) -> Any:
        """The nodes in running order."""
        return self.model.graph.node

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs."""
        return [entry.name for entry in self.model.graph.output]

    @cached_property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return max(
            (entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), default=1
        )

    @cached_property
    def inputs(self) -> tuple[OnnxInput, ...]:
        """The inputs that have no value in the file."""
        found = []
        for entry in self.model.graph.input:
            if entry.name in self.constants:
                continue
            tensor = entry.type.tensor_type
            dims = tuple(d.dim_value or d.dim_param or "any" for d in tensor.shape.dim)
            kind = tensor.elem_type
            if prod(size for size in dims if isinstance(size, int)) > MOST_NUMBERS:
                expected = f"at most {MOST_NUMBERS} numbers"
                raise ModelFileError(explain(f"{self.path}: input '{entry.name}'", expected, list(dims), ""))
            if kind not in (*WHOLE, *FLOATS):
                where, got = f"{self.path}: input '{entry.name}'", f"type {kind} of ONNX"
                raise ModelFileError(explain(where, "a tensor of floats or whole numbers", got, ""))
            onnx = part("onnx", "onnx")
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
            found.append(OnnxInput(entry.name, dims, dtype, kind in WHOLE or self._is_cast(entry.name)))
        return tuple(found)

    @cached_property
    def zeros(self) -> tuple[str, ...]:
        """The inputs that are states of a recurrent node: a stream starts from zeros and keeps its own."""
        return self._traced(range(5, 7))

    @cached_property
    def lengths(self) -> tuple[str, ...]:
        """The inputs that are lengths of sequences: a stream's sequence ends with its last row."""
        return self._traced(range(4, 5))

    @cached_property
    def rows(self) -> tuple[OnnxInput, ...]:
        """The other inputs: what a row is made of."""
        return tuple(entry for entry in self.inputs if entry.name not in (*self.zeros, *self.lengths))

    def attributes(self, node: Any) -> dict[str, Any]:
        """A node's attributes as Python values; a graph inside it stays one of onnx's objects."""
        onnx = part("onnx", "onnx")
        return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}

    def needed(self, output: str) -> list[Any]:
        """The nodes that an output needs, in running order."""
        wanted, kept = {output}, []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
        return kept[::-1]

    def _is_cast(self, name: str) -> bool:
        """Whether an input of numbers is only ever read as whole numbers: Keras writes codes so."""
        readers = [node for node in self.nodes if name in node.input]
        return bool(readers) and all(
            node.op_type == "Cast" and self.attributes(node).get("to") in INTEGER_CASTS for node in readers
        )

    def _traced(self, places: Iterable[int]) -> tuple[str, ...]:
        """The inputs of the file that reach these inputs of its recurrent nodes by moving alone."""
        makers = {name: node for node in self.nodes for name in node.output}
        named = {entry.name for entry in self.inputs}
        found = []
        for node in self.nodes:
            if node.op_type not in RECURRENT:
                continue
            for place in places:
                name = node.input[place] if place < len(node.input) else ""
                while name in makers and makers[name].op_type in MOVING:
                    name = makers[name].input[0]
                if name in named and name not in found:
                    found.append(name)
        return tuple(found)


def read_onnx(path: Path, constants: Mapping[str, Array]) -> OnnxFile:
    """Parse a file with its external data. Raises: ModelFileError, OutputError, MissingPartError."""
    onnx = part("onnx", "onnx")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # protobuf's own error, which is another class in each of its versions
        raise ModelFileError(explain(str(path), "an ONNX file", f"{len(data)} other bytes", CURE)) from None
    if not model.graph.node or not model.opset_import or not model.graph.output:
        raise ModelFileError(explain(str(path), "an ONNX file with a graph", "one without", CURE))
    _load_external(onnx, model, path)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    found = {tensor.name: _array(onnx, tensor, path) for tensor in model.graph.initializer}
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise ModelFileError(
            explain(f"{path}: '{name}'", "a dense weight", "a sparse one", "Export it dense.")
        )
    known = {entry.name for entry in model.graph.input}
    for name, array in constants.items():
        if name in known:
            found[name] = np.asarray(array)
    return OnnxFile(path, model, found, frozenset(constants) & known)


def _load_external(onnx: Any, model: Any, path: Path) -> None:
    """Read the weights that lie beside the file. Raises: ModelFileError that names what is missing."""
    outside = [t for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.resolve().parent))
    except Exception as error:  # OSError, or onnx's own for a path that leads out of the folder
        names = {
            entry.value for tensor in outside for entry in tensor.external_data if entry.key == "location"
        }
        expected = f"its weights in {', '.join(sorted(names))}"
        got = "no such file" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())[:120]
        raise ModelFileError(explain(str(path), expected, got, "Keep the files in one folder.")) from None


def _array(onnx: Any, tensor: Any, path: Path) -> Array:
    try:
        return onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        where, got = f"{path}: weight '{tensor.name}'", " ".join(str(error).split())[:80]
        raise ModelFileError(explain(where, "an array that fits its shape", got, CURE)) from None
