"""How the format's errors are told: short values, one line, the file's name in front."""

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unrolled.errors import ModelFileError, explain

ANOTHER_COPY = "Take another copy of the file, or save the model again."

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlevel = 2


def shown(value: Any) -> str:
    """A value as one short line, however large it is.

    Example:
        >>> shown([0] * 1000)
        '[0, 0, 0, 0, 0, 0, ...]'
    """
    if isinstance(value, int) and value.bit_length() > 64:  # Python refuses to print the largest
        return f"a whole number of {value.bit_length()} bits"
    return " ".join(_short.repr(value).split())


def wrong(what: str, expected: str, got: Any, cure: str = ANOTHER_COPY) -> ModelFileError:
    """The error for a field whose value cannot be used, to be raised by the caller."""
    return ModelFileError(explain(what, expected, shown(got), cure))


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Put the file's name before every ModelFileError raised inside, and turn a failed read into one.

    Raises: ModelFileError.

    Example:
        >>> with naming("m.unrolled"):
        ...     raise wrong("card.kind", "a text", 3)
        Traceback (most recent call last):
        unrolled.errors.ModelFileError: m.unrolled, card.kind: expected a text, got 3. Take another copy ...
    """
    name = str(path) if str(path).isprintable() else repr(str(path))
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{name}, {error}") from None
    except OSError as error:
        got = (error.strerror or str(error)).lower()
        raise ModelFileError(explain(name, "a model file", got, "Check the path.")) from None
    except MemoryError:
        cure = "Close other programs, or use a machine with more memory."
        raise ModelFileError(explain(name, "memory for the file", "too little", cure)) from None
