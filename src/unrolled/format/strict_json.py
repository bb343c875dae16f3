"""JSON without its loose ends: one text for one value, and no text that surprises the reader.

Python's own parser accepts repeated keys, NaN and half surrogate pairs, and recurses as deep as it is told.
Here they are refused, and so is a text whose objects would take far more memory than they should.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from unrolled.format.told import ANOTHER_COPY, shown, wrong

MAX_DEPTH = 64
MAX_MARKS = 2_000_000  # quotes, commas, opening brackets: every JSON value needs one of them
LOWEST, HIGHEST = -(2**63), 2**64 - 1

_WHOLE = "a whole number from -2**63 to 2**64 - 1"
_CURE = "Put a large list of numbers into an array."
_TOKENS = re.compile(r'\\.|["[\]{}]', re.DOTALL)  # an escape and what it escapes, a quote, a bracket


def encode(value: Any, where: str) -> str:
    r"""The one JSON text of a value: sorted keys, no white space, ASCII.

    Raises: ModelFileError that names the place of what JSON, or this format, cannot hold.

    Example:
        >>> encode({"b": [1, 2.5, None], "a": "é"}, "card")
        '{"a":"\\u00e9","b":[1,2.5,null]}'
    """
    check(value, where)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    _check_size(text, where)
    return text


def decode(text: str, where: str) -> Any:
    """The value of a JSON text from a source that is not trusted.

    Raises: ModelFileError that names the place.
    """
    if not text.isascii():
        raise wrong(where, "ASCII characters", text)
    _check_size(text, where)
    _check_depth(text, where)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_real
        )
    except _UnfitError as error:
        raise wrong(where, error.expected, error.got) from None
    except ValueError as error:
        raise wrong(where, "JSON", str(error)) from None
    except RecursionError:  # the caller has used the stack up already
        raise wrong(where, f"brackets nested at most {MAX_DEPTH} deep", "a full stack") from None
    check(value, where)
    return value


def check(value: Any, where: str) -> None:
    """Refuse what the format does not hold: other types, numbers not finite, half surrogate pairs.

    Raises: ModelFileError that names the place, such as `card.scalers.mean[3]`.
    """
    try:
        _walk(value, 0)
    except _UnfitError as error:
        place = where + "".join(reversed(error.trail))
        raise wrong(place, error.expected, error.got, error.cure) from None


class _UnfitError(ValueError):
    """A value that the format does not hold, and the way from it up to the whole."""

    def __init__(self, expected: str, got: Any, cure: str = ANOTHER_COPY) -> None:
        super().__init__(expected)
        self.expected, self.got, self.cure = expected, got, cure
        self.trail: list[str] = []


def _walk(value: Any, depth: int) -> None:
    if not isinstance(value, dict | list | tuple):
        _check_leaf(value)
        return
    if depth == MAX_DEPTH:
        raise _UnfitError(f"values nested at most {MAX_DEPTH} deep", value)
    pairs: Iterable[tuple[Any, Any]] = enumerate(value)
    if isinstance(value, dict):
        pairs = value.items()
        for key in value:
            _check_key(key)
    for step, item in pairs:
        try:
            _walk(item, depth + 1)
        except _UnfitError as error:
            # The place is put together only now: a name for every leaf would cost long keys many copies.
            error.trail.append(f".{shown(step).strip(chr(39))}" if isinstance(step, str) else f"[{step}]")
            raise


def _check_leaf(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if not LOWEST <= value <= HIGHEST:
            raise _UnfitError(_WHOLE, value)
    elif not isinstance(value, float):
        expected = "an object, a list, a text, a number, true, false or null"
        raise _UnfitError(expected, value, "Turn it into one of these first.")
    elif not math.isfinite(value):
        raise _UnfitError("a finite number", value, "Write null, or keep it in an array.")


def _check_key(key: Any) -> None:
    if not isinstance(key, str):
        raise _UnfitError("keys that are texts", key, "Write the key as a text.")
    _check_text(key)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _UnfitError("a text of whole characters", text) from None


def _check_size(text: str, where: str) -> None:
    marks = sum(text.count(mark) for mark in '",[{')
    if marks > MAX_MARKS:
        raise wrong(where, f"at most {MAX_MARKS:,} quotes, commas and opening brackets", marks, _CURE)


def _check_depth(text: str, where: str) -> None:
    """Refuse deep nesting before the recursive parser meets it, whatever the recursion limit is."""
    depth = 0
    inside = False  # a text in quotes
    for found in _TOKENS.finditer(text):
        token = found[0]
        if token == '"':
            inside = not inside
        elif not inside and token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise wrong(where, f"brackets nested at most {MAX_DEPTH} deep", "more")
        elif not inside and token in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _UnfitError("each key once", f"{shown(twice)} again")
    return fields


def _constant(text: str) -> NoReturn:
    raise _UnfitError("a finite number", text)


def _integer(text: str) -> int:
    if len(text) > len(str(LOWEST)) + 1:  # Python's conversion takes quadratic time for long ones
        raise _UnfitError(_WHOLE, text)
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _UnfitError("a finite number", text)
    return value
