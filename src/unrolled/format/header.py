"""The safetensors header: where each array lies, and of what type and shape it is."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from unrolled.errors import ModelFileError, explain
from unrolled.format import digest, strict_json
from unrolled.format.card import entries, field
from unrolled.format.told import ANOTHER_COPY, shown, wrong

MAX_HEADER = 16 * 2**20
MAX_DIMENSIONS = 8
METADATA = "__metadata__"

# safetensors' name -> numpy's, little-endian. BF16 has no type in numpy.
DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_READABLE = ", ".join(DTYPES)


class Place(NamedTuple):
    """Where an array lies: bytes `begin` to `end` after the header."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def storable(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays in the order of the file, little-endian and C-ordered; copied only where they are not.

    Raises: ModelFileError that names the array.
    """
    ready = {}
    for name, value in tensors.items():
        what = f"array {shown(name)}"
        if not isinstance(name, str) or name in ("", METADATA):
            raise wrong("tensors", f"names that are texts other than '' and {METADATA}", name, "Rename it.")
        strict_json.check(name, "name of an array")
        if not isinstance(value, np.ndarray):
            raise wrong(what, "a numpy array", value, "Pass numpy.asarray(...).")
        little = value.dtype.newbyteorder("<")
        if little not in _CODES:
            known = ", ".join(dtype.name for dtype in _CODES)
            raise ModelFileError(explain(what, f"one of {known}", value.dtype, "Write it as float32."))
        if value.ndim > MAX_DIMENSIONS:
            cure = "Reshape it first."
            raise ModelFileError(explain(what, f"at most {MAX_DIMENSIONS} dimensions", value.ndim, cure))
        ready[name] = np.asarray(value, dtype=little, order="C")
    return dict(sorted(ready.items(), key=lambda item: (-item[1].itemsize, item[0])))


def build(card: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The first bytes of a file, up to the arrays, with a blank digest.

    Raises: ModelFileError if the header is too long.
    """
    fields: dict[str, Any] = {METADATA: {"sha256": digest.BLANK.decode(), "unrolled": card}}
    begin = 0
    for name, array in arrays.items():
        end = begin + array.nbytes
        fields[name] = {
            "data_offsets": [begin, end],
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
        }
        begin = end
    text = json.dumps(fields, separators=(",", ":"))
    text += " " * (-len(text) % 8)  # so that the arrays begin at a multiple of 8
    _check_length(len(text), "Put large lists of the card into arrays.")
    return len(text).to_bytes(8, "little") + text.encode("ascii")


def length_of(first: bytes, size: int) -> int:
    """The header's length from a file's first bytes, for a file that looks like ours.

    Raises: ModelFileError that says what the file is instead.
    """
    if len(first) < digest.END or first[8 : digest.BEGIN] != digest.PREFIX:
        cure = "Only files saved by unrolled can be read."
        raise ModelFileError(explain("header", "a model file of unrolled", _likely(first), cure))
    length = int.from_bytes(first[:8], "little")
    _check_length(length, ANOTHER_COPY)
    if length % 8 or 8 + length <= digest.END:
        raise wrong("length of the header", f"a multiple of 8 above {digest.END - 8}", length)
    if 8 + length > size:
        got = f"a file of {size} bytes"
        raise ModelFileError(
            explain("header", f"{8 + length} bytes", got, "The file is incomplete: copy it again.")
        )
    return length


def parse(header: memoryview) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata and the fields of the arrays, as strict JSON and no more."""
    try:
        text = str(header, "ascii")
    except UnicodeDecodeError as error:
        raise wrong("header", "ASCII characters", header[error.start : error.start + 1].tobytes()) from None
    fields = strict_json.decode(text, "header")
    if not isinstance(fields, dict):
        raise wrong("header", "an object", fields)
    metadata = field(fields, METADATA, dict, "header")
    del fields[METADATA]
    return metadata, fields


def places(fields: Mapping[str, Any], length: int) -> list[Place]:
    """Where the arrays lie, if they fill the `length` bytes after the header without a gap.

    Raises: ModelFileError that names the array.
    """
    found = []
    end = 0
    for name, value in fields.items():
        place = _place(f"array {shown(name)}", name, value, end)
        found.append(place)
        end = place.end
    if end != length:
        cure = "The file is incomplete or has bytes that belong to nothing: copy it again."
        raise ModelFileError(explain("arrays", f"{end} bytes", length, cure))
    return found


def _place(what: str, name: str, value: Any, begin: int) -> Place:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong(what, "data_offsets, dtype and shape", value)
    if not name:
        raise wrong(what, "a name", name)
    code = field(value, "dtype", str, what)
    if code not in DTYPES:
        raise wrong(f"{what}.dtype", f"one of {_READABLE}", code)
    dtype = DTYPES[code]
    shape = tuple(entries(value, "shape", int, what))
    # Empty arrays too: numpy counts the other dimensions' bytes in 63 bits.
    if len(shape) > MAX_DIMENSIONS or min(shape, default=0) < 0 or _bytes(dtype, shape, empty=1) >= 2**63:
        raise wrong(f"{what}.shape", f"at most {MAX_DIMENSIONS} sizes, none below 0", list(shape))
    if begin % dtype.itemsize:
        raise wrong(f"{what}.dtype", "larger elements before smaller ones", code)
    end = begin + _bytes(dtype, shape, empty=0)
    if entries(value, "data_offsets", int, what) != [begin, end]:
        raise wrong(f"{what}.data_offsets", f"[{begin}, {end}]", value["data_offsets"])
    return Place(name, dtype, shape, begin, end)


def _bytes(dtype: np.dtype, shape: tuple[int, ...], empty: int) -> int:
    """The size of an array in bytes, with `empty` in place of a size of 0."""
    return dtype.itemsize * math.prod(size or empty for size in shape)


def _check_length(length: int, cure: str) -> None:
    if length > MAX_HEADER:
        raise wrong("length of the header", f"at most {MAX_HEADER} bytes", length, cure)


def _likely(first: bytes) -> str:
    """What a file that is not ours seems to be, from its first bytes."""
    if not first:
        return "an empty file"
    if first.startswith(b"PK"):
        return "a zip archive, such as torch.save writes"
    if first.startswith(b"\x80"):
        return "a Python pickle"
    if first[8:9] == b"{" and first[5:8] == bytes(3):
        return "a safetensors file that unrolled did not write"
    return f"the bytes {shown(first[:12])}"
