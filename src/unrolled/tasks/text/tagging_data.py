"""From tagged sentences to codes: words, shapes, characters, tags of the scheme that is learned."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data import TaggedSet, check_lengths, read_conll, read_lines, read_sentences
from unrolled.errors import ArgumentError, DataError, explain, nearest
from unrolled.format import choice, entries, field
from unrolled.preprocess import (
    Tokenizer,
    Vocabulary,
    allowed_moves,
    convert,
    encode_characters,
    first_invalid,
    scheme_of,
    tags_of,
    word_shape,
)
from unrolled.preprocess.tag_schemes import SCHEMES, parted, spans_of
from unrolled.preprocess.word_shapes import LONGEST
from unrolled.runtime import Column
from unrolled.tasks.text.batches import CodedTexts


@dataclass(frozen=True)
class TagSet:
    """The tags of a task: those that are written, and those that are learned.

    `written` is the scheme of the data, `learned` the one the network answers in: "bioes" tells a span's end,
    which needs the words behind it; "plain" tags are learned as they are written.

    Example:
        >>> tags = TagSet.fit([["B-x", "I-x", "O"]], bidirectional=True)
        >>> tags.learned, tags.values
        ('bioes', ('O', 'B-x', 'I-x', 'E-x', 'S-x'))
        >>> tags.decode([1, 3, 0])
        ['B-x', 'I-x', 'O']
    """

    written: str
    learned: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, sentences: Sequence[Sequence[str]], bidirectional: bool, scheme: str = "auto") -> "TagSet":
        """The tags of some sentences. Raises: DataError where there is but one."""
        written = scheme_of(sentences) if scheme == "auto" else scheme
        found = sorted({tag for tags in sentences for tag in tags})
        if len(found) < 2:
            cure = "Add sentences with other tags: one alone cannot be told from anything."
            raise DataError(explain("tags", "two tags or more", f"only {', '.join(found)!r}", cure))
        if written == "plain":
            return cls(written, written, tuple(found))
        learned = "bioes" if bidirectional else "bio"
        kinds = {kind for tag in found if (kind := parted(tag)[1])}
        return cls(written, learned, tags_of(kinds, learned))

    @property
    def has_spans(self) -> bool:
        """Whether the tags are spans, rather than plain ones."""
        return self.written != "plain"

    def encode(self, tags: Sequence[str], where: Callable[[int], str] = "tags[{}]".format) -> list[int]:
        """The codes of a sentence's tags, as they are learned. Raises: DataError for an unknown tag.

        `where` says where the word at a place of the sentence stands.
        """
        learned = convert(tags, self.learned) if self.has_spans else tags
        codes = {tag: code for code, tag in enumerate(self.values)}
        for place, tag in enumerate(learned):
            if tag not in codes:
                known = ", ".join(self.values[:12]) + (", ..." if len(self.values) > 12 else "")
                cure = nearest(tag, self.values) or "Train with sentences that have it, or leave it out."
                raise DataError(
                    explain(where(place), f"a tag of the training data ({known})", repr(tag), cure)
                )
        return [codes[tag] for tag in learned]

    def decode(self, codes: Iterable[int]) -> list[str]:
        """The tags of a sentence as they are written."""
        tags = [self.values[code] for code in codes]
        return convert(tags, self.written) if self.has_spans else tags

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {"written": self.written, "learned": self.learned, "values": list(self.values)}

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "TagSet":
        """From JSON. Raises: ModelFileError."""
        where = "card.tags"
        values = tuple(entries(card, "values", str, where))
        tags = cls(choice(card, "written", SCHEMES, where), choice(card, "learned", SCHEMES, where), values)
        allowed_moves(values, tags.learned)
        return tags


@dataclass(frozen=True)
class WordCodes:
    """The vocabularies that a tagger reads a word by; `characters` is None where it does not read them."""

    words: Vocabulary
    shapes: Vocabulary
    characters: Vocabulary | None
    lowercase: bool

    @classmethod
    def fit(cls, words: Sequence[str], min_count: int, lowercase: bool, characters: bool) -> "WordCodes":
        """Learn the words, their shapes and their characters."""
        small = [word.lower() for word in words] if lowercase else words
        return cls(
            Vocabulary.fit(small, min_count),
            Vocabulary.fit((word_shape(word) for word in words), 2),
            Vocabulary.fit(character for word in words for character in word) if characters else None,
            lowercase,
        )

    def encode(self, data: TaggedSet) -> CodedTexts:
        """Sentences as numbers. Raises: DataError naming an endless one."""
        check_lengths(data.lengths, [data.where(start) for start in data.offsets[:-1]])
        different = sorted(set(data.words))
        place = {word: number for number, word in enumerate(different)}
        places = np.fromiter((place[word] for word in data.words), np.int64, len(data.words))
        codes = {"words": self.word_codes(different)[places], "shapes": self.shape_codes(different)[places]}
        if self.characters is None:
            return CodedTexts(codes, data.offsets)
        spelled, lengths = encode_characters(different, self.characters)
        return CodedTexts(codes | {"spelling": places}, data.offsets, spelled, lengths)

    def word_codes(self, words: Sequence[str]) -> np.ndarray:
        """The numbers of words, int64 (words,)."""
        return self.words.encode([word.lower() for word in words] if self.lowercase else words)

    def shape_codes(self, words: Sequence[str]) -> np.ndarray:
        """The numbers of their shapes, int64 (words,)."""
        return self.shapes.encode(word_shape(word) for word in words)

    def rows(self, words: Sequence[str]) -> np.ndarray:
        """Words as rows of the network's Program, int64 (words, columns): in the order of `columns`."""
        parts = [self.word_codes(words)[:, None], self.shape_codes(words)[:, None]]
        if self.characters is not None:
            spelled, lengths = encode_characters(words, self.characters)
            parts += [lengths[:, None], np.pad(spelled, ((0, 0), (0, LONGEST - spelled.shape[1])))]
        return np.concatenate(parts, axis=1)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row: word and shape; where characters are read, how many, and each."""
        found = [Column("word", "x", words=self.words.words), Column("shape", "x", words=self.shapes.words)]
        if self.characters is not None:
            places = range(1, LONGEST + 1)
            found.append(Column("length", "x", words=tuple(f"{place:02}" for place in places)))
            found += [Column(f"character {place}", "x", words=self.characters.words) for place in places]
        return tuple(found)

    def card(self) -> dict[str, Any]:
        """As JSON."""
        characters = None if self.characters is None else self.characters.card()
        return {
            "words": self.words.card(),
            "shapes": self.shapes.card(),
            "characters": characters,
            "lowercase": self.lowercase,
        }

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "WordCodes":
        """From JSON. Raises: ModelFileError."""
        where = "card.words"
        words, shapes = (Vocabulary.from_card(field(card, name, dict, where)) for name in ("words", "shapes"))
        characters = None
        if card.get("characters") is not None:
            characters = Vocabulary.from_card(field(card, "characters", dict, where))
        return cls(words, shapes, characters, field(card, "lowercase", bool, where))


def encode_tags(data: TaggedSet, tags: TagSet) -> np.ndarray:
    """The codes of all tags, int64 (words,). Raises: DataError naming the line of an unknown one."""
    codes: list[int] = []
    for index in range(len(data)):
        wheres = [data.where(word) for word in range(data.offsets[index], data.offsets[index + 1])]
        codes += tags.encode(data.sentence_tags(index), wheres.__getitem__)
    return np.array(codes, np.int64)


def read_tagged(source: Any, tags: Any, encoding: str, column: int | None = None) -> TaggedSet:
    """Sentences of a CoNLL file, or lists of words with lists of tags. Raises: ArgumentError, DataError."""
    if isinstance(source, TaggedSet):
        return source
    if isinstance(source, str | Path):
        if tags is not None:
            cure = "A file has its tags in a column."
            raise ArgumentError(explain("y", "None for a file", type(tags).__name__, cure))
        return read_conll(source, encoding, tag=column)
    return read_sentences(source, tags)


def read_with_tags(source: Any, tags: Any, encoding: str, column: int | None = None) -> TaggedSet:
    """As `read_tagged`, and each word has a tag. Raises: ArgumentError, DataError."""
    data = read_tagged(source, tags, encoding, column)
    if data.tags is None:
        cure = "Give a word and its tag a line, or pass y."
        raise DataError(explain(data.source, "a tag for each word", "none", cure))
    return data


def read_untagged(source: Any, encoding: str) -> TaggedSet:
    """Sentences without tags: lists of words, a CoNLL file, or a .txt file with a sentence a line."""
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".txt":
        words = Tokenizer("words", Vocabulary(()))
        lines = read_lines(source, encoding)
        check_lengths(
            [len(line.split()) for line in lines], [f"{source}, line {n + 1}" for n in range(len(lines))]
        )
        return read_sentences([words.split(line) for line in lines])
    return read_tagged(source, None, encoding)


def refuse_invalid(data: TaggedSet, scheme: str) -> None:
    """Refuse tags that may not stand where they do. Raises: DataError naming the line."""
    for index in range(len(data)):
        place = first_invalid(data.sentence_tags(index), scheme)
        if place is not None:
            tags, word = data.sentence_tags(index), int(data.offsets[index]) + place
            before = f" after {tags[place - 1]!r}" if place else " at the start of a sentence"
            cure = "Correct the line, or pass repair=True (--repair on the command line)."
            raise DataError(
                explain(
                    data.where(word), f"a tag that {scheme.upper()} allows", repr(tags[place]) + before, cure
                )
            )


def span_count(data: TaggedSet) -> int:
    """How many spans the sentences hold."""
    return sum(len(spans_of(data.sentence_tags(index))) for index in range(len(data)))
