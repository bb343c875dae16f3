"""Texts to numbers and back: cut into words, characters or learned pieces, each with its number."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from unrolled.arguments import flag, integer, one_of
from unrolled.errors import ModelFileError, explain
from unrolled.preprocess.byte_pairs import BytePairs
from unrolled.preprocess.vocabulary import Vocabulary

# A word with its inner apostrophes, hyphens, points and commas ("don't", "3.5"), or one other sign.
_WORD = re.compile(r"\w+(?:['\u2019.,\-]\w+)*|[^\w\s]")
_CLOSING = frozenset(".,;:!?%)]}…")
_OPENING = frozenset("([{")


class Splitter(Protocol):
    """Cuts a text into tokens and puts tokens together again."""

    def split(self, text: str) -> list[str]:
        """The tokens of a text."""

    def join(self, tokens: Iterable[str]) -> str:
        """The text of some tokens."""


class Words:
    """Words and signs. Joined again, spaces stand where English has them.

    Example:
        >>> Words().split("Don't go, it's 3.5 km (or so)!")
        ["Don't", 'go', ',', "it's", '3.5', 'km', '(', 'or', 'so', ')', '!']
        >>> Words().join(Words().split("Don't go, it's 3.5 km (or so)!"))
        "Don't go, it's 3.5 km (or so)!"
    """

    def split(self, text: str) -> list[str]:
        """The words and signs of a text."""
        return _WORD.findall(text)

    def join(self, tokens: Iterable[str]) -> str:
        """Tokens with spaces between, but none before closing signs nor after opening ones."""
        text = ""
        for token in tokens:
            close = not text or text[-1] in _OPENING or token in _CLOSING
            text += token if close else f" {token}"
        return text


class Spaces:
    """Whatever stands between white space, for texts that are cut into words already."""

    def split(self, text: str) -> list[str]:
        """The words of a text."""
        return text.split()

    def join(self, tokens: Iterable[str]) -> str:
        """Tokens with spaces between."""
        return " ".join(tokens)


class Characters:
    """Every character, spaces too."""

    def split(self, text: str) -> list[str]:
        """The characters of a text."""
        return list(text)

    def join(self, tokens: Iterable[str]) -> str:
        """Characters as a text."""
        return "".join(tokens)


SPLITTERS: dict[str, Any] = {"words": Words, "spaces": Spaces, "characters": Characters, "bpe": BytePairs}
KINDS = tuple(SPLITTERS)


class Tokenizer:
    """Texts to numbers and back, as a model file keeps it.

    `kind` is "words", "spaces" (the text is cut into words already), "characters" or "bpe". `vocabulary` has
    the numbers: 0 unknown, then the specials, then the tokens. With "bpe" no text is unknown.

    Example:
        >>> tokenizer = Tokenizer.fit(["to be", "or not to be"], "words", specials=["<end>"])
        >>> tokenizer.encode("not to see").tolist()
        [3, 5, 0]
        >>> tokenizer.decode([3, 5, 2])
        'not to be'
    """

    def __init__(
        self, kind: str, vocabulary: Vocabulary, merges: Iterable[Sequence[str]] = (), lowercase: bool = False
    ) -> None:
        self.kind = one_of("tokenizer", kind, KINDS)
        self.vocabulary = vocabulary
        self.lowercase = flag("lowercase", lowercase)
        self.splitter: Splitter = BytePairs(merges) if kind == "bpe" else SPLITTERS[kind]()

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        kind: str = "words",
        *,
        lowercase: bool = False,
        min_count: int = 1,
        size: int | None = None,
        specials: Iterable[str] = (),
    ) -> "Tokenizer":
        """Learn the tokens of some texts.

        `min_count`: tokens that occur more rarely are unknown. `size`: how many tokens at most; of "bpe" how
        many pieces (8,000 without it), 256 bytes among them.
        Raises: ArgumentError; MissingPartError for "bpe" without `unrolled[text]`.
        """
        one_of("tokenizer", kind, KINDS)
        texts = [text.lower() for text in texts] if lowercase else texts
        if kind == "bpe":
            integer("min_count", min_count, 1)
            pairs = BytePairs.fit(texts, 8000 if size is None else size)
            return cls(kind, Vocabulary(pairs.pieces, specials), pairs.merges, lowercase)
        splitter = SPLITTERS[kind]()
        tokens = (token for text in texts for token in splitter.split(text))
        return cls(kind, Vocabulary.fit(tokens, min_count, specials, size), (), lowercase)

    def __len__(self) -> int:
        """How many numbers there are: the rows of an embedding."""
        return len(self.vocabulary)

    def split(self, text: str) -> list[str]:
        """The tokens of a text, unknown ones as they are written."""
        return self.splitter.split(text.lower() if self.lowercase else text)

    def encode(self, text: str) -> np.ndarray:
        """The number of each token, int64 (tokens,)."""
        return self.vocabulary.encode(self.split(text))

    def decode(self, numbers: Iterable[int], unknown: str = "<unk>") -> str:
        """The text of some numbers; specials are left out, an unknown token is written as `unknown`."""
        last = len(self.vocabulary.specials)
        chosen = [int(number) for number in numbers]
        words = self.vocabulary.decode(number for number in chosen if not 0 < number <= last)
        if self.kind == "bpe":  # whatever is unknown there is not made of bytes
            return self.splitter.join(word for word in words if word is not None)
        return self.splitter.join(unknown if word is None else word for word in words)

    def card(self) -> dict[str, Any]:
        """What the model file keeps: JSON. The merges are told once: the words follow from them."""
        card: dict[str, Any] = {"kind": self.kind, "lowercase": self.lowercase}
        if isinstance(self.splitter, BytePairs):
            merges = [list(pair) for pair in self.splitter.merges]
            return card | {"merges": merges, "specials": list(self.vocabulary.specials)}
        return card | {"vocabulary": self.vocabulary.card()}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "Tokenizer":
        """The tokenizer that `card()` described. Raises: ModelFileError if it is not the card of one."""
        try:
            if card["kind"] != "bpe":
                return cls(card["kind"], Vocabulary.from_card(card["vocabulary"]), (), card["lowercase"])
            if not isinstance(card["merges"], list) or not isinstance(card["specials"], list):
                raise ValueError("merges or specials that are no lists")
            vocabulary = Vocabulary(BytePairs(card["merges"]).pieces, card["specials"])
            return cls("bpe", vocabulary, card["merges"], card["lowercase"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(explain("tokenizer", "a tokenizer's card", got, "Save it anew.")) from None
