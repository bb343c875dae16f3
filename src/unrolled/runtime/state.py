"""The state of a stream as bytes, bound to its program.

    magic         17 bytes, "unrolled state 1" and a line feed
    fingerprint   32 bytes, of the program
    rows          8 bytes, how many have come
    series        8 bytes, the row of the target scaler
    arrays        float32, in the program's order
    digest        32 bytes, SHA-256 of all before

Numbers are little endian.
"""

import hashlib
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, explain
from unrolled.runtime.program import Program

MAGIC = b"unrolled state 1\n"
HEAD = struct.Struct("<17s32sQQ")
DIGEST = 32


class StreamState(NamedTuple):
    """What a stream knows after some rows."""

    rows: int
    series: int
    arrays: Mapping[str, NDArray]


def fresh_state(program: Program, series: int) -> StreamState:
    """The state before the first row: zeros."""
    return StreamState(
        0, series, {name: np.zeros(spec.shape, np.float32) for name, spec in program.states.items()}
    )


def raw_state(program: Program, state: StreamState) -> bytes:
    """The arrays of a state one after another, as the native stream holds them."""
    return b"".join(np.ascontiguousarray(state.arrays[name], "<f4").tobytes() for name in program.states)


def arrays_of(program: Program, raw: bytes) -> dict[str, NDArray]:
    """The arrays that `raw_state` put together."""
    arrays, place = {}, 0
    for name, spec in program.states.items():
        flat = np.frombuffer(raw, "<f4", spec.size, place)
        arrays[name] = flat.reshape(spec.shape).astype(np.float32)
        place += spec.nbytes
    return arrays


def dump_state(program: Program, state: StreamState) -> bytes:
    """The state as bytes."""
    head = HEAD.pack(MAGIC, program.fingerprint, state.rows, state.series)
    body = head + raw_state(program, state)
    return body + hashlib.sha256(body).digest()


def load_state(program: Program, blob: bytes) -> StreamState:
    """The state out of bytes.

    Raises: ArgumentError for what is no state, is cut short or altered, or belongs to another model.
    """
    cure = "Pass what `stream.state` of the same model gave."
    if not isinstance(blob, bytes | bytearray | memoryview):
        raise ArgumentError(explain("state", "bytes", type(blob).__name__, cure))
    blob = bytes(blob)
    if len(blob) < HEAD.size + DIGEST or not blob.startswith(MAGIC):
        raise ArgumentError(explain("state", "the state of a stream", f"{len(blob)} other bytes", cure))
    _, fingerprint, rows, series = HEAD.unpack_from(blob)
    if fingerprint != program.fingerprint:
        raise ArgumentError(explain("state", "a state of this model", "another model's", cure))
    size = HEAD.size + program.state_bytes + DIGEST
    if len(blob) != size:
        raise ArgumentError(explain("state", f"{size} bytes", len(blob), "It was cut or added to. " + cure))
    if hashlib.sha256(blob[:-DIGEST]).digest() != blob[-DIGEST:]:
        raise ArgumentError(explain("state", "the bytes that were saved", "altered ones", cure))
    return StreamState(rows, series, arrays_of(program, blob[HEAD.size : -DIGEST]))
