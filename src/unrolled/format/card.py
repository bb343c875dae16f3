"""The card: what every model file says of itself, and small checks for the fields that other rooms add.

Every check returns the checked value and raises a ModelFileError that names the field.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from unrolled import __version__
from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format.told import ANOTHER_COPY, shown, wrong

T = TypeVar("T")

FORMAT = 1
KINDS = ("model", "program", "checkpoint")

_NAMES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def new_card(kind: str, task: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    """A card with the four required fields filled in, and the rest as given.

    Raises: ArgumentError if `rest` has a required field.

    Example:
        >>> new_card("model", "forecast", {"horizon": 24})["format"]
        1
    """
    required = {"format": FORMAT, "unrolled": __version__, "kind": kind, "task": task}
    for name in required.keys() & rest.keys():
        raise ArgumentError(explain("rest", "no required field", repr(name), "Choose another name."))
    return required | dict(rest)


def check_card(card: Any) -> dict[str, Any]:
    """The card, if it has the required fields and a format this version can read."""
    if not isinstance(card, dict):
        raise wrong("card", "an object", card)
    check_format(card)
    if not field(card, "unrolled", str):
        raise wrong("card.unrolled", "a version", "")
    choice(card, "kind", KINDS)
    field(card, "task", str)
    return card


def check_format(card: dict[str, Any]) -> None:
    """Refuse a newer format; nothing else in the card is believed before."""
    number = whole(card, "format", minimum=1)
    if number > FORMAT:
        made_by = shown(card.get("unrolled", "?"))
        got = f"{number} (made by unrolled {made_by})"
        cure = "It needs a newer unrolled: pip install -U unrolled"
        raise ModelFileError(explain("card.format", f"at most {FORMAT}", got, cure))


def field(card: Mapping[str, Any], name: str, kind: type[T], where: str = "card") -> T:
    """The value of a field, if it is there and of this type; a bool is not a whole number.

    Raises: ModelFileError.

    Example:
        >>> field({"scalers": [1]}, "scalers", dict)
        Traceback (most recent call last):
        unrolled.errors.ModelFileError: card.scalers: expected an object, got [1]. Take another copy ...
    """
    if name not in card:
        raise ModelFileError(explain(f"{where}.{name}", _NAMES[kind], "no such field", ANOTHER_COPY))
    value = card[name]
    if type(value) is not kind:
        raise wrong(f"{where}.{name}", _NAMES[kind], value)
    return value


def entries(card: Mapping[str, Any], name: str, kind: type[T], where: str = "card") -> list[T]:
    """The value of a field that is a list of values of one type.

    Example:
        >>> entries({"known": ["holiday", 3]}, "known", str)
        Traceback (most recent call last):
        unrolled.errors.ModelFileError: card.known[1]: expected a text, got 3. Take another copy ...
    """
    listed = field(card, name, list, where)
    for index, value in enumerate(listed):
        if type(value) is not kind:
            raise wrong(f"{where}.{name}[{index}]", _NAMES[kind], value)
    return listed


def whole(
    card: Mapping[str, Any],
    name: str,
    minimum: int | None = None,
    maximum: int | None = None,
    where: str = "card",
) -> int:
    """The value of a field that is a whole number from `minimum` to `maximum`."""
    value = field(card, name, int, where)
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        limits = (f" >= {minimum}" if minimum is not None else "") + (
            f" <= {maximum}" if maximum is not None else ""
        )
        raise wrong(f"{where}.{name}", "a whole number" + limits, value)
    return value


def real(
    card: Mapping[str, Any],
    name: str,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    where: str = "card",
) -> float:
    """The value of a field that is a number, whole or not, from `minimum` to `maximum`."""
    value = field(card, name, int if type(card.get(name)) is int else float, where)
    if not minimum <= value <= maximum:
        raise wrong(f"{where}.{name}", f"a number from {minimum:g} to {maximum:g}", value)
    return float(value)


def choice(card: Mapping[str, Any], name: str, options: Iterable[str], where: str = "card") -> str:
    """The value of a field that is one of a few words."""
    value = field(card, name, str, where)
    options = list(options)
    if value not in options:
        raise wrong(f"{where}.{name}", f"one of {', '.join(options)}", value)
    return value


def array(
    tensors: Mapping[str, np.ndarray],
    name: str,
    dtype: str,
    shape: Sequence[int | None],
) -> np.ndarray:
    """The array of this name, if it has this dtype and shape; None in `shape` stands for any size.

    Raises: ModelFileError.

    Example:
        >>> array({"w": np.zeros((3, 2), np.float32)}, "w", "float32", (3, None)).shape
        (3, 2)
    """
    expected = f"{dtype} {_told(shape)}"
    if name not in tensors:
        raise ModelFileError(explain(f"array {shown(name)}", expected, "no such array", ANOTHER_COPY))
    found = tensors[name]
    fits = len(found.shape) == len(shape) and all(
        size in (None, have) for size, have in zip(shape, found.shape, strict=True)
    )
    if not fits or found.dtype != np.dtype(dtype):
        got = f"{found.dtype} {_told(found.shape)}"
        raise ModelFileError(explain(f"array {shown(name)}", expected, got, ANOTHER_COPY))
    return found


def _told(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
