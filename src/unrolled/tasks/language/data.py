"""From a source to texts, to three parts, to codes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data import check_lengths, read_corpus, read_texts
from unrolled.errors import ArgumentError, DataError, explain
from unrolled.preprocess import TextCodec

PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Corpus:
    """Texts as they are read (a running text is one), where each stands, how many empty ones are left out."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    by_text: bool
    empty: int = 0

    @property
    def digest(self) -> str:
        """Of all texts together."""
        return hashlib.blake2b("\0".join(self.texts).encode("utf-8", "replace"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class TextParts:
    """The texts of the three parts; `test` is empty where the split has two. `cuts` are where parts begin
    and end: texts, or characters of a running text.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    cuts: tuple[int, int, int, int]

    @property
    def judged(self) -> tuple[str, ...]:
        """The part that scores are taken on: the last one."""
        return self.test or self.validation


@dataclass(frozen=True)
class Coded:
    """Texts as codes, each with its ends, and how many characters they stand for."""

    codes: tuple[np.ndarray, ...]
    characters: int

    @classmethod
    def of(cls, codec: TextCodec, texts: Iterable[str]) -> "Coded":
        """The codes of some texts."""
        listed = list(texts)
        return cls(tuple(map(codec.encode, listed)), sum(map(codec.characters, listed)))

    @property
    def tokens(self) -> int:
        """How many tokens there are, ends included."""
        return sum(map(len, self.codes))


def read_language(source: Any, lines: bool, column: str | None = None, encoding: str = "utf-8") -> Corpus:
    """A running text, or with `lines` the texts of a list, of a table's `column`, or one a line of a file.

    Empty lines are left out and counted. Raises: ArgumentError, DataError naming the line.
    """
    if not lines and column is None:
        return Corpus((read_corpus(source, encoding),), ("text",), by_text=False)
    found = read_texts(source, text=column, encoding=encoding)
    kept = [(text, name) for text, name in zip(found.texts, found.names, strict=True) if text.strip()]
    if not kept:
        cure = "Is it the right source?"
        raise DataError(explain("data", "text", "nothing but white space", cure))
    texts, names = zip(*kept, strict=True)
    return Corpus(texts, names, by_text=True, empty=len(found.texts) - len(kept))


def is_table(source: Any) -> bool:
    """Whether a source has columns: a frame, a dict, or a file of one."""
    if isinstance(source, str | Path):
        return Path(source).suffix.lower() in (".csv", ".tsv", ".parquet", ".pq")
    return isinstance(source, dict) or hasattr(source, "columns")


def split_language(corpus: Corpus, split: Any, tokenizer: str) -> TextParts:
    """Cut a corpus into training, validation and test part, in this order of the text.

    `split` is three shares or counts (of texts, or of a running text's characters), or two: then there is no
    test part. A cut never goes through a word.
    Raises: ArgumentError for numbers that cannot be used; DataError where a part stays empty.
    """
    whole = corpus.texts[0] if not corpus.by_text else ""
    total = len(corpus.texts) if corpus.by_text else len(whole)
    cuts = cut_places(split, total)
    if not corpus.by_text and tokenizer != "characters":
        cuts = [next_space(whole, cut) for cut in cuts]
    spans = [slice(a, b) for a, b in pairwise(cuts)]
    parts = [corpus.texts[span] if corpus.by_text else (whole[span],) for span in spans]
    for name, part in zip(PARTS, parts, strict=False):
        if not "".join(part).strip():
            cure = "Take more text, or give this part more."
            raise DataError(
                explain("split", f"some text for {name}", f"none with split {tuple(split)}", cure)
            )
    parts += [()] * (3 - len(parts))
    cuts += [cuts[-1]] * (4 - len(cuts))
    return TextParts(parts[0], parts[1], parts[2], (cuts[0], cuts[1], cuts[2], cuts[3]))


def cut_places(split: Any, total: int) -> list[int]:
    """Where the parts begin and end.

    Example:
        >>> cut_places((0.9, 0.1), 101), cut_places((5, 2, 3), 20)
        ([0, 90, 101], [0, 5, 7, 10])
    """
    expected = "two or three shares above 0 with a sum of at most 1, or counts"
    cure = "For example split=(0.9, 0.05, 0.05)."
    try:
        numbers = [float(number) for number in split]
    except (TypeError, ValueError):
        raise ArgumentError(explain("split", expected, repr(split), cure)) from None
    counts = all(number >= 1 and number % 1 == 0 for number in numbers)
    shares = all(0 < number < 1 for number in numbers) and sum(numbers) <= 1 + 1e-9
    if len(numbers) not in (2, 3) or not (counts or shares) or (counts and sum(numbers) > total):
        raise ArgumentError(explain("split", expected, repr(split), cure))
    if counts:
        return [int(place) for place in np.cumsum([0, *numbers])]
    places = [int(share * total) for share in np.cumsum([0.0, *numbers])]
    return [*places[:-1], total if abs(sum(numbers) - 1) < 1e-9 else places[-1]]


def next_space(text: str, place: int) -> int:
    """The place behind the next white space; a text may end before."""
    if place in (0, len(text)):
        return place
    found = next((at for at in range(place, len(text)) if text[at].isspace()), len(text))
    return min(found + 1, len(text))


def fit_codec(settings: Any, corpus: Corpus, train: Sequence[str]) -> TextCodec:
    """The tokens of the training part. Raises: DataError for an endless text or one without variety."""
    codec = TextCodec.fit(
        train,
        settings.tokenizer,
        by_text=corpus.by_text,
        lowercase=settings.lowercase,
        min_count=settings.min_count,
        size=settings.vocabulary_size,
    )
    if len(codec.tokenizer.vocabulary.words) < 2:
        cure = "A text of one token needs no model. Is it the right source, and min_count low enough?"
        raise DataError(explain("data", "at least two different tokens", "fewer", cure))
    return codec


def code_texts(codec: TextCodec, texts: Sequence[str], names: Sequence[str] = ()) -> Coded:
    """The codes of texts; of texts of their own none may be endless. Raises: DataError naming the text."""
    coded = Coded.of(codec, texts)
    if codec.by_text:
        places = names or [f"text {number}" for number in range(1, len(texts) + 1)]
        check_lengths([len(codes) for codes in coded.codes], places)
    return coded


def text_digests(texts: Sequence[str]) -> np.ndarray:
    """A number for each text, uint64 (texts,): the same for the same words."""
    found = [
        hashlib.blake2b(text.strip().encode("utf-8", "replace"), digest_size=8).digest() for text in texts
    ]
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)
