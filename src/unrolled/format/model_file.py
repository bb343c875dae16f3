"""Read and write the model file: weights, a card, and a digest over both."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import digest, header, strict_json
from unrolled.format.atomic import write_atomically
from unrolled.format.card import check_card, check_format, field
from unrolled.format.told import ANOTHER_COPY, naming, shown, wrong

BLOCK = 2**20


class ModelFile(NamedTuple):
    """A verified model file: its card, and its arrays as views of one buffer."""

    card: dict[str, Any]
    tensors: dict[str, np.ndarray]


def write_model(path: str | Path, card: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Write a model file; the old one stays as it is until the new one is whole.

    Raises: ArgumentError for a card or array that the format cannot hold; OutputError.
    """
    write_atomically(path, dump_model(card, tensors))


def dump_model(card: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> list[memoryview]:
    """The bytes of a model file, in order; the arrays' part is memory shared with `tensors`.

    Raises: ArgumentError for a card or array that the format cannot hold.

    Example:
        >>> from unrolled.format import new_card
        >>> blocks = dump_model(new_card("model", "forecast", {}), {"w": np.zeros((2, 3), np.float32)})
        >>> sum(block.nbytes for block in blocks[1:])
        24
    """
    try:
        text = strict_json.encode(check_card(dict(card)), "card")
        arrays = header.storable(tensors)
        first = bytearray(header.build(text, arrays))
        strict_json.decode(first[8:].decode("ascii"), "header")  # so that what is written can be read
    except ModelFileError as error:
        raise ArgumentError(str(error).replace(ANOTHER_COPY, "Correct it before saving.")) from None
    blocks = [memoryview(first), *(_bytes_of(array) for array in arrays.values())]
    first[digest.BEGIN : digest.END] = digest.digest_of(blocks).encode()
    return blocks


def read_model(path: str | Path) -> ModelFile:
    """Read a model file, and believe nothing of it before its digest is verified.

    Returns: the card and the arrays. The file is read once, into one buffer that the arrays share; they can
    be written to, and one that is kept keeps the whole buffer.
    Raises: ModelFileError that names the file and the field.
    """
    with naming(path), _opened(path) as (file, size):
        first = file.read(digest.END)
        length = header.length_of(first, size)
        data = np.empty(size, np.uint8)
        file.seek(0)
        _fill(file, data.data)
        digest.verify([data.data], data[digest.BEGIN : digest.END].tobytes())
        if data[: digest.BEGIN].tobytes() != first[: digest.BEGIN]:
            raise _changed()
        card, places = _parse(data.data[8 : 8 + length], size - 8 - length)
        return ModelFile(card, {place.name: _view(place, data[8 + length :]) for place in places})


def read_card(path: str | Path) -> dict[str, Any]:
    """Read and verify a model file in little memory, for its card alone.

    Raises: ModelFileError that names the file and the field.
    """
    with naming(path), _opened(path) as (file, size):
        first = file.read(digest.END)
        length = header.length_of(first, size)
        start = bytearray(8 + length)
        start[: len(first)] = first
        _fill(file, memoryview(start)[len(first) :])
        written = bytes(start[digest.BEGIN : digest.END])
        digest.verify(chain([memoryview(start)], _blocks(file, size - len(start))), written)
        card, _ = _parse(memoryview(start)[8:], size - len(start))
        return card


def _parse(text: memoryview, length: int) -> tuple[dict[str, Any], list[header.Place]]:
    """The card, and the places of the arrays in the `length` bytes after the header."""
    metadata, fields = header.parse(text)
    card = strict_json.decode(field(metadata, "unrolled", str, f"header.{header.METADATA}"), "card")
    if isinstance(card, dict):
        check_format(card)  # first: a newer format may differ in everything else
    if metadata.keys() != {"sha256", "unrolled"}:
        raise wrong(f"header.{header.METADATA}", "the keys sha256 and unrolled", list(metadata))
    return check_card(card), header.places(fields, length)


def _view(place: header.Place, data: np.ndarray) -> np.ndarray:
    raw = data[place.begin : place.end]
    if place.dtype == bool and raw.size and raw.max() > 1:
        raise wrong(f"array {shown(place.name)}", "bytes 0 and 1, as its dtype is BOOL", int(raw.max()))
    return raw.view(place.dtype).reshape(place.shape)


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its size, if it is a regular file: a pipe would wait, a device might never end."""
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        raise wrong("path", "characters that a path can have", str(path), "Check the path.") from None
    if stat.S_ISDIR(mode):
        raise _no_file("a folder")
    with open(path, "rb", buffering=0, opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _no_file("a pipe or device")
        yield file, status.st_size


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _no_file(got: str) -> ModelFileError:
    return ModelFileError(explain("path", "a regular file", got, "Name the model file itself."))


def _fill(file: BinaryIO, view: memoryview) -> None:
    """Read until the view is full; one call may return less."""
    while view.nbytes:
        count = file.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise _changed()
        view = view[count:]


def _blocks(file: BinaryIO, length: int) -> Iterator[memoryview]:
    """The next `length` bytes of the file in blocks that share one buffer."""
    buffer = memoryview(bytearray(min(BLOCK, length)))
    for begin in range(0, length, BLOCK):
        block = buffer[: length - begin]
        _fill(file, block)
        yield block


def _changed() -> ModelFileError:
    got = "a file that changed while it was read"
    return ModelFileError(explain("file", "the same bytes to its end", got, "Read it again."))
