"""Tagged sentences: a word and its tag a line, an empty line between sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.text import read_lines
from unrolled.errors import ArgumentError, DataError, explain

CONLLU = 10  # columns of the CoNLL-U form: the word is the second, its part of speech the fourth
_SPACE = " \t\r\f\v\ufeff"


@dataclass(frozen=True)
class TaggedSet:
    """Sentences end to end: sentence i is words[offsets[i]:offsets[i + 1]], and so its tags.

    Shapes: offsets int64 (sentences + 1,); lines int64 (words,), the line each word came from, from 1;
    tags has one text a word, or is None. `source` names where they came from.
    """

    words: tuple[str, ...]
    offsets: np.ndarray
    lines: np.ndarray
    tags: tuple[str, ...] | None = None
    source: str = "sentences"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """How many words each sentence has, int64 (sentences,)."""
        return np.diff(self.offsets)

    def sentence(self, index: int) -> tuple[str, ...]:
        """The words of a sentence."""
        return self.words[self.offsets[index] : self.offsets[index + 1]]

    def sentence_tags(self, index: int) -> tuple[str, ...]:
        """The tags of a sentence."""
        assert self.tags is not None
        return self.tags[self.offsets[index] : self.offsets[index + 1]]

    def where(self, word: int) -> str:
        """Where a word stands, for messages."""
        return f"{self.source}, line {self.lines[word]}"


def read_conll(
    path: str | Path, encoding: str = "utf-8", word: int | None = None, tag: int | None = None
) -> TaggedSet:
    """Sentences of a CoNLL file. Columns are parted by tabs where a line has one, else by spaces.

    A line of nothing but white space ends a sentence, a lone tab too, and so does -DOCSTART-. `word` and
    `tag` are the numbers of their columns from 0 on, negative ones from the end: the first and the last
    without them, in CoNLL-U (10 columns) the second and the fourth, its comments and joined words left out. A
    file of one column has no tags.

    Raises: DataError naming the line with another number of columns or an empty field.
    """
    sentences: list[list[tuple[int, list[str]]]] = [[]]
    width = 0
    for number, line in enumerate(read_lines(path, encoding), start=1):
        fields = _fields(line)
        if not fields or fields[0] == "-DOCSTART-":
            sentences.append([])
        elif width in (0, CONLLU) and line.startswith("#") and _is_comment(fields):
            continue
        elif not (width == CONLLU and not fields[0].isdigit()):
            width = width or len(fields)
            _check_fields(f"{path}: line {number}", fields, width)
            sentences[-1].append((number, fields))
    filled = [sentence for sentence in sentences if sentence]
    if not filled:
        raise DataError(explain(str(path), "sentences", "none", "Is it the right file?"))
    return _collect(filled, str(path), *_columns(width, word, tag))


def read_sentences(words: Iterable[Sequence[str]], tags: Iterable[Sequence[str]] | None = None) -> TaggedSet:
    """Sentences given as lists of words, with their lists of tags.

    Raises: ArgumentError for a sentence that is one text; DataError for one without words or with too few
    tags.
    """
    listed = list(words)
    labels = None if tags is None else list(tags)
    if labels is not None and len(labels) != len(listed):
        raise DataError(
            explain("tags", f"{len(listed)} sentences", len(labels), "Give tags for each sentence.")
        )
    for place, sentence in enumerate(listed):
        where = f"sentences[{place}]"
        if isinstance(sentence, str) or not all(isinstance(word, str) for word in sentence):
            cure = "Cut the text into words, as in [['A', 'text']]."
            raise ArgumentError(explain(where, "a list of words", repr(sentence)[:40], cure))
        if not len(sentence):
            raise DataError(explain(where, "at least one word", "none", "Drop the empty sentence."))
        if labels is not None and len(labels[place]) != len(sentence):
            got = f"{len(labels[place])} tags"
            raise DataError(explain(where, f"{len(sentence)} tags", got, "Give one tag a word."))
    if not listed:
        raise DataError(explain("sentences", "at least one", "none", "Is it the right source?"))
    flat = tuple(str(word) for sentence in listed for word in sentence)
    offsets = np.append(0, np.cumsum([len(sentence) for sentence in listed])).astype(np.int64)
    told = None if labels is None else tuple(str(tag) for sentence in labels for tag in sentence)
    return TaggedSet(flat, offsets, np.arange(1, len(flat) + 1), told)


def write_conll(path: str | Path, data: TaggedSet, columns: Sequence[Sequence[str]]) -> None:
    """Write sentences with some columns beside the word, tabs between, an empty line after each sentence."""
    from unrolled.format import write_atomically

    text = []
    for start, stop in zip(data.offsets[:-1], data.offsets[1:], strict=True):
        for place in range(start, stop):
            text.append("\t".join([data.words[place], *(column[place] for column in columns)]) + "\n")
        text.append("\n")
    write_atomically(Path(path), [("".join(text)).encode()])


def _fields(line: str) -> list[str]:
    """The columns of a line; white space around them goes. None where there is nothing else."""
    if not line.strip(_SPACE):
        return []
    if "\t" in line.strip(" \r"):
        return [field.strip(_SPACE) for field in line.strip(" \r").split("\t")]
    return [field for field in line.strip(_SPACE).split(" ") if field]


def _is_comment(fields: list[str]) -> bool:
    """Whether a line that begins with # is a comment, as in CoNLL-U, rather than the word "#" with a tag."""
    return len(fields) != 2 and (fields[0] == "#" or "=" in fields)


def _check_fields(where: str, fields: list[str], width: int) -> None:
    if len(fields) != width:
        cure = "Correct the line: a word, its columns, and an empty line between sentences."
        raise DataError(explain(where, f"{width} columns, as in the first line", len(fields), cure))
    if "" in fields:
        cure = "Correct the line: a word and its tag, with a tab or a space between."
        raise DataError(explain(where, "no empty column", f"column {fields.index('') + 1} empty", cure))


def _columns(width: int, word: int | None, tag: int | None) -> tuple[int, int | None]:
    usual: tuple[int, int | None] = (1, 3) if width == CONLLU else (0, width - 1 if width > 1 else None)
    chosen = (usual[0] if word is None else word, usual[1] if tag is None else tag)
    for name, column in zip(("word", "tag"), chosen, strict=True):
        if column is not None and not -width <= column < width:
            cure = "Count columns from 0."
            raise ArgumentError(explain(name, f"a column from 0 to {width - 1}", column, cure))
    return chosen


def _collect(sentences: list[Any], source: str, word: int, tag: int | None) -> TaggedSet:
    rows = [row for sentence in sentences for row in sentence]
    offsets = np.append(0, np.cumsum([len(sentence) for sentence in sentences])).astype(np.int64)
    lines = np.array([number for number, _ in rows], np.int64)
    tags = None if tag is None else tuple(fields[tag] for _, fields in rows)
    return TaggedSet(tuple(fields[word] for _, fields in rows), offsets, lines, tags, source)
