"""Running text to the codes a language model reads, and back: a tokeniser, and where texts and lines end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unrolled.arguments import flag
from unrolled.errors import ArgumentError, DataError, ModelFileError, explain, nearest
from unrolled.preprocess.tokenizers import Tokenizer

END = "<end>"
SPACELESS = ("words", "spaces")  # tokenisers that leave line ends out


@dataclass(frozen=True)
class TextCodec:
    r"""A tokeniser with the special END: what stands before a text, and behind each one or each line.

    - by_text: each text is one of its own, such as a sentence, and ends with END. Without it texts are parts
      of one running text; where the tokeniser leaves line ends out, END stands for them.
    - knows_unknown: the training text had unknown tokens, so the model has learned what they do.

    Example:
        >>> codec = TextCodec.fit(["to be\nor not to be"], "words")
        >>> codec.encode("be not\nto be").tolist()
        [2, 3, 1, 5, 2, 1]
        >>> codec.decode([2, 3, 1, 5])
        'be not\nto'
    """

    tokenizer: Tokenizer
    by_text: bool = False
    knows_unknown: bool = False

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        kind: str,
        *,
        by_text: bool = False,
        lowercase: bool = False,
        min_count: int = 1,
        size: int | None = None,
    ) -> "TextCodec":
        """Learn the tokens of the training texts. Raises: as `Tokenizer.fit`."""
        tokenizer = Tokenizer.fit(
            texts, kind, lowercase=lowercase, min_count=min_count, size=size, specials=[END]
        )
        unknown = any((tokenizer.encode(text) == 0).any() for text in texts)
        return cls(tokenizer, by_text, unknown)

    def __len__(self) -> int:
        """How many codes there are."""
        return len(self.tokenizer)

    @property
    def end(self) -> int:
        """The code of END."""
        return self.tokenizer.vocabulary.number(END)

    @property
    def marks_lines(self) -> bool:
        """Whether END stands for the line ends of a running text."""
        return not self.by_text and self.tokenizer.kind in SPACELESS

    @property
    def never(self) -> tuple[int, ...]:
        """Codes that a running text never holds: the unknown token, and END where nothing ends."""
        return (0,) if self.by_text or self.marks_lines else (0, self.end)

    def encode(self, text: str) -> np.ndarray:
        """The codes of a text, with its END or those of its lines, int64 (tokens,)."""
        if self.marks_lines:
            lines = text.removesuffix("\n").split("\n")
            return np.concatenate([part for line in lines for part in (self._codes(line), [self.end])])
        return np.append(self._codes(text), self.end) if self.by_text else self._codes(text)

    def encode_prompt(self, text: str) -> np.ndarray:
        """The codes to begin with: END, then those of an unfinished text.

        Raises: ArgumentError naming a token the model knows nothing of.
        """
        codes = self.encode(text) if text else np.array([self.end])
        if text and (self.by_text or (self.marks_lines and not text.endswith("\n"))):
            codes = codes[:-1]
        self.refuse_unknown(text, codes, "prompt")
        return np.append(self.end, codes) if text else codes

    def decode(self, codes: Iterable[int]) -> str:
        """The text of some codes; an END that marks lines is a line feed, any other is nothing."""
        listed = [int(code) for code in codes]
        if not self.marks_lines:
            return self.tokenizer.decode(listed)
        lines: list[list[int]] = [[]]
        for code in listed:
            if code == self.end:
                lines.append([])
            else:
                lines[-1].append(code)
        return "\n".join(self.tokenizer.decode(line) for line in lines)

    def word(self, code: int) -> str:
        """What a table writes for a code."""
        if code == self.end:
            return "\n" if self.marks_lines else END
        return self.tokenizer.decode([code], unknown="<unknown>")

    def characters(self, text: str) -> int:
        """How many characters the tokens of a text stand for, its end as one."""
        return len(text) + (self.by_text or (self.marks_lines and not text.endswith("\n")))

    def refuse_unknown(self, text: str, codes: np.ndarray, name: str) -> None:
        """Raise ArgumentError for an unknown token, where the training text had none."""
        if self.knows_unknown or (codes != 0).all():
            return
        known = self.tokenizer.vocabulary
        token = next(token for token in self.tokenizer.split(text) if known.encode([token])[0] == 0)
        what = "characters" if self.tokenizer.kind == "characters" else "words"
        cure = nearest(token, known.words) if what == "words" else ""
        raise ArgumentError(
            explain(name, f"{what} of the training text", repr(token), cure or "Leave it out.")
        )

    def card(self) -> dict[str, Any]:
        """What the model file keeps: JSON."""
        return {
            "tokenizer": self.tokenizer.card(),
            "by_text": self.by_text,
            "knows_unknown": self.knows_unknown,
        }

    @classmethod
    def from_card(cls, card: Any) -> "TextCodec":
        """The codec that `card()` described. Raises: ModelFileError if it is not the card of one."""
        cure = "Take another copy of the file."
        try:
            tokenizer = Tokenizer.from_card(card["tokenizer"])
            codec = cls(tokenizer, flag("by_text", card["by_text"]), flag("unknown", card["knows_unknown"]))
            codec.end  # noqa: B018 (raises where there is none)
        except (KeyError, TypeError, ArgumentError, DataError) as error:
            got = f"{type(error).__name__} {error}"
            raise ModelFileError(explain("card.text", "a text codec's card", got, cure)) from None
        return codec

    def _codes(self, text: str) -> np.ndarray:
        return self.tokenizer.encode(text)
