"""What of some data a model has not learned from: only that tells how good it is."""

import numpy as np

from unrolled.errors import DataError, explain


def unseen(
    known: np.ndarray, what: str, leaves_out: bool, or_equal: str = ""
) -> tuple[np.ndarray, list[str]]:
    """The places of what is to be scored, and a note where the model has seen some.

    What is `known` is left out, or with `leaves_out=False` scored too. `what` names the things in messages.
    Shapes: known, bool (things,) -> int64 (kept,).
    Raises: DataError where nothing would be left.

    Example:
        >>> unseen(np.array([True, False]), "texts", leaves_out=True)
        (array([1]), ['1 texts that the model was trained or stopped on are left out.'])
    """
    count = int(known.sum())
    if not count:
        return np.arange(len(known)), []
    if not leaves_out:
        return np.arange(len(known)), [
            f"The model was trained or stopped on {count} of these {what}, or on equal ones."
        ]
    if count == len(known):
        cure = "Give others: scores on what it was trained on would say nothing."
        got = f"only the {count} it was trained or stopped on"
        raise DataError(explain("data", f"{what} that the model has not seen", got, cure))
    note = f"{count} {what} that the model was trained or stopped on{or_equal} are left out."
    return np.flatnonzero(~known), [note]
