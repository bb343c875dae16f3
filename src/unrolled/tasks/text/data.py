"""From what a person has to labelled texts in three parts."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from unrolled.data import TaggedSet, TextSet, check_lengths, read_texts
from unrolled.errors import ArgumentError, DataError, explain
from unrolled.format import field
from unrolled.preprocess import Tokenizer
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.data import SequenceSplit, split_sequences
from unrolled.tasks.text.batches import CodedTexts

Source = TypeVar("Source", TextSet, TaggedSet)


@dataclass(frozen=True)
class TextColumns:
    """The columns of a table that hold the text and its label; None where the source was no table."""

    text: str | None = None
    target: str | None = None

    def read(self, source: Any, y: Any, encoding: str, labelled: bool) -> TextSet:
        """Texts, with their labels where they are asked for. Raises: ArgumentError, DataError."""
        data = read_texts(
            source, y, text=self.text, label=self.target if labelled else None, encoding=encoding
        )
        if labelled and data.labels is None:
            cure = "Pass y, name the label's column with target=, or give a file for each class."
            raise ArgumentError(explain("y", "a label for each text", None, cure))
        return data

    @property
    def label(self) -> str:
        """What messages call the labels."""
        return self.target or "y"

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {"text": self.text, "target": self.target}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "TextColumns":
        """From JSON. Raises: ModelFileError."""
        names = ("text", "target")
        return cls(*(None if card.get(n) is None else field(card, n, str, "card.columns") for n in names))


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with the codes of their labels, dealt into three parts. Shapes: labels int64 (texts,)."""

    data: TextSet
    answers: Classes
    labels: np.ndarray
    parts: SequenceSplit

    def texts_of(self, part: np.ndarray) -> list[str]:
        """The texts of a part."""
        return [self.data.texts[i] for i in part]

    def picked(self, part: np.ndarray) -> TextSet:
        """The texts of a part with their names, without their labels."""
        return picked(self.data, part)


def read_labelled(
    columns: TextColumns,
    X: Any,
    y: Any,
    validation: Any,
    test: Any,
    split: Any,
    seed: int,
    encoding: str,
) -> LabelledTexts:
    """What `fit` of a classifier was given, read and dealt into parts. Raises: ArgumentError, DataError."""
    read = partial(columns.read, encoding=encoding, labelled=True)
    sources, sizes = read_parts(read, X, y, validation, test)
    data = joined(sources)
    assert data.labels is not None and sources[0].labels is not None
    answers = Classes.fit(sources[0].labels, columns.label)
    labels = answers.encode(data.labels, columns.label)
    return LabelledTexts(data, answers, labels, dealt(sizes, split, seed, labels))


def picked(data: TextSet, indices: np.ndarray) -> TextSet:
    """Some of the texts, without their labels."""
    return TextSet(tuple(data.texts[i] for i in indices), tuple(data.names[i] for i in indices))


def encode_texts(texts: TextSet, tokenizer: Tokenizer) -> CodedTexts:
    """The tokens of texts as numbers. Raises: DataError naming a text without a token, or an endless one."""
    codes = [tokenizer.encode(text) for text in texts.texts]
    lengths = np.array([len(code) for code in codes], np.int64)
    check_lengths(lengths, texts.names)
    return CodedTexts({"words": np.concatenate(codes)}, np.append(0, np.cumsum(lengths)).astype(np.int64))


def read_parts(
    read: Callable[[Any, Any], Source], X: Any, y: Any, validation: Any, test: Any
) -> tuple[list[Source], list[int | None]]:
    """What `fit` was given, read: the sources that there are, and the size of each part, None without one.

    `validation` and `test` are sources, or pairs of a source and its answers.
    """
    sources = [read(X, y)]
    sizes: list[int | None] = [len(sources[0])]
    for given in (validation, test):
        if given is None:
            sizes.append(None)
            continue
        sources.append(read(*given) if isinstance(given, tuple) else read(given, None))
        sizes.append(len(sources[-1]))
    return sources, sizes


def joined(parts: Sequence[TextSet]) -> TextSet:
    """Texts of several sources, one after the other."""
    labels = [part.labels for part in parts]
    return TextSet(
        tuple(text for part in parts for text in part.texts),
        tuple(name for part in parts for name in part.names),
        None if any(label is None for label in labels) else np.concatenate([np.asarray(x) for x in labels]),
    )


def dealt(
    sizes: Sequence[int | None], split: Any, seed: int, classes: np.ndarray | None = None
) -> SequenceSplit:
    """Which texts are in which part. `sizes`: how many came as training, validation and test source.

    What came without a source of its own (None) is dealt out of the training source, by the shares of
    `split`.
    Shapes: classes, codes of all texts, the training source's first.
    """
    count, validation, test = (size or 0 for size in sizes)
    offsets = np.cumsum([0, count, validation, test])
    own = [np.arange(offsets[part], offsets[part + 1]) for part in range(3)]
    if sizes[1] is not None and sizes[2] is not None:
        return SequenceSplit(*own)
    codes = None if classes is None else classes[:count]
    if sizes[1] is None and sizes[2] is None:
        return split_sequences(count, split, seed, codes)
    share = float(tuple(split)[1 if sizes[1] is None else 2])
    if count < 2:
        cure = "Collect more: one part is to learn from, one to stop by, one to judge by."
        raise DataError(explain("texts", "at least 2", count, cure))
    taken = min(max(1, round(share if share >= 1 else share * count)), count - 1)
    order = split_sequences(
        count + 1, (taken, 1, count - taken), seed, None if codes is None else np.append(codes, 0)
    )
    first = order.train[order.train < count][:taken]
    rest = np.setdiff1d(np.arange(count), first)
    return SequenceSplit(rest, first, own[2]) if sizes[1] is None else SequenceSplit(rest, own[1], first)


def text_digests(texts: Sequence[str]) -> np.ndarray:
    """64 bits of BLAKE2b of each text, uint64 (texts,)."""
    found = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.array([int.from_bytes(digest, "little") for digest in found], np.uint64)
