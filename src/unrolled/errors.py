"""Every error a user can meet, one tree.

    UnrolledError
    ├── ArgumentError        an argument is wrong: the command line ends with 2
    │   └── ShapeError       an array does not fit
    ├── DataError            the data is wrong: a column, a stamp, a value
    ├── ModelFileError       a model file is damaged, foreign or too new
    ├── OutputError          a file could not be written
    ├── ExportError          an export differs from the model, or a compiler refused it
    ├── BackendError         a kernel backend or a device is not to be had here
    ├── MissingPartError     a part of unrolled is not installed
    ├── TrainingError        training cannot go on: the loss is not a number
    └── TrainingInterrupted  stopped by the user; the checkpoint stands

Every message is one line: `<what>: expected <...>, got <...>. <what to do>`.
"""

import difflib
from collections.abc import Iterable


class UnrolledError(Exception):
    """The root of the tree: catch this one to catch them all."""


class ArgumentError(UnrolledError, ValueError):
    """An argument has a value that cannot be used."""


class ShapeError(ArgumentError):
    """An array's shape does not fit what it is used with."""


class DataError(UnrolledError, ValueError):
    """The user's data cannot be used as it is."""


class ModelFileError(UnrolledError):
    """A model file is damaged, foreign, or of a newer version."""


class OutputError(UnrolledError, OSError):
    """A file could not be written; what was there before is unharmed."""


class ExportError(UnrolledError, RuntimeError):
    """An exported model does not answer as the model does, or could not be built; nothing was written."""


class BackendError(UnrolledError, RuntimeError):
    """A named kernel backend, precision or device cannot be used here."""


class MissingPartError(UnrolledError, ImportError):
    """A part of unrolled, such as `unrolled[train]`, is not installed."""


class TrainingError(UnrolledError, RuntimeError):
    """Training cannot go on: the loss or a gradient is not finite."""


class TrainingInterrupted(UnrolledError):
    """The user stopped the training; the message says how to go on."""


def explain(what: str, expected: str, got: object, cure: str) -> str:
    """The house's one form of a message.

    Example:
        >>> explain("horizon", "a whole number >= 1", 0, "Say how many steps to forecast.")
        'horizon: expected a whole number >= 1, got 0. Say how many steps to forecast.'
    """
    return f"{what}: expected {expected}, got {got}. {cure}".rstrip()


def nearest(name: str, names: Iterable[str]) -> str:
    """'Did you mean ...?' for a mistyped name, or '' where nothing is near.

    Example:
        >>> nearest("tempmax", ["temp_max", "wind"])
        "Did you mean 'temp_max'?"
    """
    options = [str(n) for n in names]
    folded = {n.lower(): n for n in options}
    near = difflib.get_close_matches(str(name).lower(), list(folded), n=1, cutoff=0.6)
    return f"Did you mean '{folded[near[0]]}'?" if near else ""
