"""How long a text may be."""

from collections.abc import Sequence

import numpy as np

from unrolled.errors import DataError, explain

MOST_TOKENS = 10_000  # of one text; a longer one is a file without line ends rather than a sentence


def check_lengths(lengths: Sequence[int] | np.ndarray, names: Sequence[str], most: int = MOST_TOKENS) -> None:
    """Refuse a text without a token, and one of more than `most`.

    `names` says where each text stands, such as "train.de, line 7". Raises: DataError naming the first.
    """
    found = np.asarray(lengths)
    for place in np.flatnonzero((found < 1) | (found > most)).tolist():
        if found[place] < 1:
            raise DataError(explain(names[place], "a text", "an empty one", "Fill it in, or drop it."))
        cure = "Does the file lack line ends? Cut the text into sentences."
        raise DataError(
            explain(names[place], f"a text of at most {most:,} tokens", f"{found[place]:,}", cure)
        )
