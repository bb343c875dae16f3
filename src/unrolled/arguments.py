"""Checks of arguments, in the house's form of an error. Each returns the value it has checked."""

import importlib
import math
import operator
from collections.abc import Iterable
from types import ModuleType
from typing import Any, TypeVar

from unrolled.errors import ArgumentError, MissingPartError, explain, nearest

T = TypeVar("T")


def one_of(name: str, value: T, options: Iterable[T]) -> T:
    """The value, if it is one of the options.

    Raises: ArgumentError that names the nearest option.

    Example:
        >>> one_of("cell", "gru", ["elman", "lstm", "gru"])
        'gru'
    """
    options = list(options)
    if value in options:
        return value
    listed = ", ".join(str(option) for option in options)
    cure = nearest(str(value), [str(o) for o in options]) or "Choose one of these."
    raise ArgumentError(explain(name, f"one of {listed}", repr(value), cure))


def integer(name: str, value: Any, minimum: int | None = None, cure: str = "") -> int:
    """The value as an int, if it is a whole number not below `minimum`. A bool is not a number here."""
    expected = "a whole number" + ("" if minimum is None else f" >= {minimum}")
    try:
        whole = operator.index(value)
    except TypeError:
        raise ArgumentError(explain(name, expected, repr(value), cure)) from None
    if isinstance(value, bool) or (minimum is not None and whole < minimum):
        raise ArgumentError(explain(name, expected, repr(value), cure))
    return whole


def number(
    name: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    cure: str = "",
) -> float:
    """The value as a float, if it is a finite number in [minimum, maximum]."""
    low = "" if minimum == -math.inf else f" >= {minimum:g}"
    high = "" if maximum == math.inf else f" <= {maximum:g}"
    expected = "a number" + low + (" and" if low and high else "") + high
    try:
        real = float(value)
    except (TypeError, ValueError):
        raise ArgumentError(explain(name, expected, repr(value), cure)) from None
    if isinstance(value, bool | str) or not math.isfinite(real) or not minimum <= real <= maximum:
        raise ArgumentError(explain(name, expected, repr(value), cure))
    return real


def flag(name: str, value: Any) -> bool:
    """The value, if it is True or False."""
    if not isinstance(value, bool):
        raise ArgumentError(explain(name, "True or False", repr(value), ""))
    return value


def names(name: str, value: Any) -> tuple[str, ...]:
    """Column names from None, one name, a comma-separated text, or a list; without repeats.

    Example:
        >>> names("time", "year,month , day")
        ('year', 'month', 'day')
    """
    if value is None:
        return ()
    listed = value.split(",") if isinstance(value, str) else list(value)
    cleaned = tuple(str(item).strip() for item in listed)
    if len(set(cleaned)) != len(cleaned) or "" in cleaned:
        raise ArgumentError(explain(name, "different column names", repr(value), "Name each column once."))
    return cleaned


def part(module: str, extra: str) -> ModuleType:
    """Import a module that belongs to an optional part.

    Raises: MissingPartError that names the command which installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingPartError(
            explain(
                module, f"the part 'unrolled[{extra}]'", "no such module", f"pip install 'unrolled[{extra}]'"
            )
        ) from None
