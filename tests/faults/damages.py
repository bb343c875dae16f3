"""Ways to damage a model file, and mutants: one damage to one file, drawn by a seed and a number."""

import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled.format import dump_model, new_card

DIGITS = slice(35, 99)  # of the digest

Damage = Callable[[random.Random, bytes], bytes]


# -- the files to damage


def own_files() -> list[bytes]:
    """Small files of every kind: all types of arrays, an empty file, a card with depth and many words."""
    draw = np.random.default_rng(0)
    types = "f8 f4 f2 i8 i4 i2 i1 u8 u4 u2 u1 ?".split()
    every = {f"a.{t}": (draw.random((3, 5)) * 9).astype(t) for t in types}
    every |= {"none": np.zeros((0, 4), np.float32), "one": np.array(2.5, np.float32)}
    card = {
        "columns": ["OT", "temp_max", "Größe"],
        "horizon": 24,
        "scalers": {"mean": [[1.5, -2e-7], [0.0, 3.25]], "scale": [[1, 1], [2.5, 1e300]]},
        "nested": {"a": [{"b": [[], {}, None, True]}]},
    }
    words = {"words": [f"word-{i}" for i in range(300)], "seed": 2**63}
    return [
        join(new_card("model", "forecast", card), every),
        join(new_card("checkpoint", "", words), {"state": np.arange(24, dtype=np.uint8)}),
        join(new_card("program", "tag", {"operations": []}), {}),
    ]


def join(card: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
    return b"".join(dump_model(card, tensors))


def digest(data: bytes) -> bytes:
    """The digest by docs/format.md, written anew: the reader's own is what is tested."""
    zeroed = data[: DIGITS.start] + b"0" * 64 + data[DIGITS.stop :]
    return hashlib.sha256(zeroed).hexdigest().encode()


def with_digest(data: bytes) -> bytes:
    return data[: DIGITS.start] + digest(data) + data[DIGITS.stop :]


# -- the damage


def flip_bits(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        damaged[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def truncate(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randrange(len(data))]


def insert(draw: random.Random, data: bytes) -> bytes:
    at = draw.choice((draw.randrange(len(data)), len(data)))
    return data[:at] + draw.randbytes(draw.choice((1, 8, 200))) + data[at:]


def delete(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.choice((1, 8, 64)) :]


def swap(draw: random.Random, data: bytes) -> bytes:
    size = draw.choice((1, 8, 32))
    a, b = sorted(draw.randrange(len(data) - size) for _ in range(2))
    if b < a + size:
        return data[:a] + data[a : b + size][::-1] + data[b + size :]
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def wrong_length(draw: random.Random, data: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    near = [length + step for step in (-8, -1, 1, 8, 64)]
    far = [0, 1, 8, len(data), len(data) - 8, 2**24, 2**24 + 8, 2**31, 2**32, 2**63, 2**64 - 8, 2**64 - 1]
    return draw.choice(near + far).to_bytes(8, "little") + data[8:]


def header_text(draw: random.Random, data: bytes) -> bytes:
    """Put a piece of JSON, or of something else, into the header's text."""
    text, rest = _split(data)
    pieces = [
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "NaN",
        "Infinity",
        "-0",
        "1e999",
        "9" * 400,
        "é",
    ]
    pieces += ["\\ud800", '\\"', "\x00", " " * 9, "/**/", "'", "\\u005b" * 40]
    at = draw.randrange(len(DIGITS_PREFIX), len(text))
    return _whole(text[:at] + draw.choice(pieces) + text[at + draw.choice((0, 1, 3)) :], rest)


def header_field(draw: random.Random, data: bytes) -> bytes:
    """Change one value anywhere in the header's JSON."""
    text, rest = _split(data)
    return _whole(_dumps(_changed(draw, json.loads(text))), rest)


def card_field(draw: random.Random, data: bytes) -> bytes:
    """Change one value anywhere in the card's JSON."""
    text, rest = _split(data)
    header = json.loads(text)
    card = json.loads(header["__metadata__"]["unrolled"])
    header["__metadata__"]["unrolled"] = _dumps(_changed(draw, card))
    return _whole(_dumps(header), rest)


def array_field(draw: random.Random, data: bytes) -> bytes:
    """Change a type, a shape or an offset."""
    text, rest = _split(data)
    header = json.loads(text)
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return _whole(text.rstrip()[:-1] + ',"x":{"data_offsets":[0,0],"dtype":"F32","shape":[0]}}', rest)
    place = header[draw.choice(names)]
    sizes = [0, 1, 2, 3, 5, 15, -1, 2**31, 2**62, 2**63, 2**64, 10**30, True, 1.0, "1", None]
    what = draw.choice(("dtype", "shape", "data_offsets", "data_offsets"))
    if what == "dtype":
        place[what] = draw.choice(("F64", "F32", "BF16", "F8_E4M3", "I8", "U8", "BOOL", "C64", "", None, 3))
    elif what == "shape":
        place[what] = [draw.choice(sizes) for _ in range(draw.choice((0, 1, 2, 2, 2, 3, 9, 40)))]
    else:
        place[what][draw.randrange(2)] = draw.choice([*sizes, place[what][0] + 1, place[what][1] - 1])
    return _whole(_dumps(header), rest)


def nest(draw: random.Random, data: bytes) -> bytes:
    """Nest brackets deeply, in the header or in the card, closed or not."""
    depth = draw.choice((60, 64, 65, 1_000, 20_000))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    value = opened * depth + draw.choice(("0", "")) + closed * draw.choice((depth, depth, 0))
    text, rest = _split(data)
    if draw.random() < 0.5:
        return _whole(text.rstrip()[:-1] + f',"x":{value}}}', rest)
    header = json.loads(text)
    header["__metadata__"]["unrolled"] = header["__metadata__"]["unrolled"][:-1] + f',"x":{value}}}'
    return _whole(_dumps(header), rest)


def repeat_key(draw: random.Random, data: bytes) -> bytes:
    text, rest = _split(data)
    header = json.loads(text)
    name = draw.choice(list(header))
    again = f",{json.dumps(name)}:{_dumps(header[name])}"
    return _whole(text.rstrip()[:-1] + again + "}", rest)


def other_data(draw: random.Random, data: bytes) -> bytes:
    """Keep the header and draw the arrays' bytes anew: NaN, infinities, booleans that are neither."""
    text, rest = _split(data)
    return _whole(text, draw.randbytes(len(rest)))


def noise(draw: random.Random, data: bytes) -> bytes:
    """No model file at all."""
    starts = (b"", b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY", b"{}", data[:8], data[:99])
    return draw.choice(starts) + draw.randbytes(draw.choice((0, 1, 50, 400)))


DIGITS_PREFIX = '{"__metadata__":{"sha256":"' + "0" * 64
DAMAGES: tuple[Damage, ...] = (
    *(flip_bits, truncate, insert, delete, swap, wrong_length, header_text, header_field, card_field),
    *(array_field, nest, repeat_key, other_data, noise),
)


def _split(data: bytes) -> tuple[str, bytes]:
    end = 8 + int.from_bytes(data[:8], "little")
    return data[8:end].decode("ascii"), data[end:]


def _whole(text: str, rest: bytes) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + rest


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _changed(draw: random.Random, value: Any) -> Any:
    """The value with one of its parts dropped, renamed or replaced by a value of any type."""
    spots: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        keys: Any = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            spots.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    node, key = draw.choice(spots)
    odd: tuple[Any, ...] = (
        None,
        True,
        0,
        -1,
        2,
        1.5,
        10**25,
        float("nan"),
        float("inf"),
        "",
        "x" * 500,
        "\ud800",
        [],
        {},
        [[1]],
    )
    action = draw.random()
    if action < 0.15:
        del node[key]
    elif action < 0.3 and isinstance(node, dict):
        node[draw.choice(("", "\ud800", "é", f"{key} ", "__metadata__"))] = node.pop(key)
    else:
        node[key] = draw.choice(odd)
    return value


def mutant(files: list[bytes], seed: int, number: int) -> tuple[str, bool, bytes]:
    """Mutant `number`: its kind of damage, whether its digest is made right again, and its bytes."""
    draw = random.Random(f"{seed} {number}")
    damage = DAMAGES[number // 2 % len(DAMAGES)]
    data = damage(draw, draw.choice(files))
    right = number % 2 == 0
    return damage.__name__, right, with_digest(data) if right and len(data) >= DIGITS.stop else data
