"""What the letters of a word say beside the word itself: its shape, and its characters as numbers."""

from collections.abc import Sequence

import numpy as np

from unrolled.preprocess.vocabulary import Vocabulary

LONGEST = 24  # characters of a word that are read: its first half and its last


def word_shape(word: str) -> str:
    """A word's shape: X for capital letters, x for small ones, d for digits, other signs as they are.

    Equal neighbours are written once, with a + behind.

    Example:
        >>> [word_shape(word) for word in ("Paris", "IBM", "U.S.", "1984", "iPhone7", "@you")]
        ['Xx+', 'X+', 'X.X.', 'd+', 'xXx+d', '@x+']
    """
    shape: list[str] = []
    for character in word:
        sign = _sign(character)
        if shape and shape[-1].rstrip("+") == sign:
            shape[-1] = sign + "+"
        else:
            shape.append(sign)
    return "".join(shape[:8])


def encode_characters(words: Sequence[str], characters: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The characters of some words as numbers. Of a long word the middle is left out.

    Returns: codes int64 (words, characters), 0 past the length, and lengths int64 (words,), each at least 1.
    """
    cut = [word if len(word) <= LONGEST else word[: LONGEST // 2] + word[-LONGEST // 2 :] for word in words]
    lengths = np.array([max(1, len(word)) for word in cut], np.int64)
    codes = np.zeros((len(cut), int(lengths.max(initial=1))), np.int64)
    for row, word in enumerate(cut):
        codes[row, : len(word)] = characters.encode(word)
    return codes, lengths


def _sign(character: str) -> str:
    if character.isdigit():
        return "d"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return character
