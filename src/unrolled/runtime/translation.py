"""Texts written by an encoder-decoder: searched, then from codes to text. Nothing here needs PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import read_model
from unrolled.preprocess.sides import BEGIN, END, UNKNOWN, Sides
from unrolled.runtime.encoder_decoder import EncoderDecoder
from unrolled.runtime.search import Hypothesis, SearchOptions, search

Array = NDArray
Codes = Sequence[Array]


class Decoding(Protocol):
    """An encoder-decoder, whatever runs it.

    Shapes: tokens (N,) -> log-probabilities (N, V), weights of the source (N, S) or None.
    """

    @property
    def attention(self) -> bool:
        """Whether it tells where it looks."""

    @property
    def together(self) -> int:
        """About how many hypotheses a call advances."""

    def start(self, sources: Codes) -> Any:
        """Read some sources; the state before the first token."""

    def advance(self, tokens: Array, state: Any) -> tuple[Array, Array | None, Any]:
        """Read a token of each hypothesis."""

    def select(self, state: Any, places: Array) -> Any:
        """The state of the hypotheses at some places."""


@dataclass(frozen=True)
class Written:
    """One answer: its text, how many tokens (the end counted), log-probability, what it is ordered by."""

    text: str
    tokens: int
    log_probability: float
    score: float


class TextTranslator:
    """Writes one text from another by the two Programs of a translator.

    `decoding` is an EncoderDecoder, or another that runs it, such as ONNX Runtime.

    Example: `TextTranslator.load("m.unrolled").predict(["ein Haus"])`
    """

    def __init__(self, decoding: Decoding, sides: Sides) -> None:
        self.decoding, self.sides = decoding, sides

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "TextTranslator":
        """The translator of a model file. Raises: ModelFileError if it holds none."""
        file = read_model(path)  # type: ignore[arg-type]
        if "programs" not in file.card:
            got, cure = f"one of task '{file.card['task']}'", "`unrolled train translate` makes one."
            if file.card["task"] == "translate":
                got, cure = "one without programs", "Save it again with this version of unrolled."
            raise ModelFileError(explain("model", "a translator's", got, cure))
        programs = EncoderDecoder.from_card(file.card["programs"], file.tensors)
        sides = Sides.from_card(file.card)
        if programs.words != len(sides.target):
            got, cure = f"{programs.words}", "Take another copy of the file."
            raise ModelFileError(explain("card.programs", f"scores of {len(sides.target)} tokens", got, cure))
        return cls(programs, sides)

    def predict(self, texts: Sequence[str], search: SearchOptions | None = None) -> list[str]:
        """The likeliest answer to each text. Raises: DataError naming a text that is empty or endless."""
        return [row[0].text for row in self.candidates(texts, search)]

    def candidates(
        self, texts: Sequence[str], search: SearchOptions | None = None, names: Sequence[str] | None = None
    ) -> list[list[Written]]:
        """For each text the `best` answers with their log-probabilities, likeliest first.

        `names` says where each text stands, for an error.
        """
        if isinstance(texts, str):
            raise ArgumentError(explain("texts", "a list of texts", "one text", "Pass [text]."))
        lines = list(texts)
        where = [f"texts[{place}]" for place in range(len(lines))] if names is None else names
        source = self.sides.read(lines, where)
        return write(self.decoding, self.sides, source, lines, search or SearchOptions())


def write(
    decoding: Decoding, sides: Sides, source: Codes, texts: Sequence[str], options: SearchOptions
) -> list[list[Written]]:
    """The best answers to source texts, read as codes, likeliest first.

    Where the target has unknown tokens, one that is written is replaced by the source token that the decoder
    looked at most; without attention none is written.
    """
    never = (BEGIN,) if decoding.attention and sides.can_replace else (UNKNOWN, BEGIN)
    found = search_texts(decoding, source, options, never)
    return [
        [_written(decoding, sides, codes, text, answer) for answer in row]
        for codes, text, row in zip(source, texts, found, strict=True)
    ]


def search_texts(
    decoding: Decoding, source: Codes, options: SearchOptions, never: tuple[int, ...]
) -> list[list[Hypothesis]]:
    """The hypotheses of each source, those of like length searched together."""

    def step(tokens: Array, state: Any) -> tuple[Array, Any]:
        log_probabilities, _, after = decoding.advance(tokens, state)
        return log_probabilities, after

    order = np.argsort([len(row) for row in source], kind="stable")
    found: list[list[Hypothesis]] = [[] for _ in source]
    rows = max(1, decoding.together // options.beam)
    for start in range(0, len(order), rows):
        places = order[start : start + rows]
        state = decoding.start([source[place] for place in places])
        answers = search(step, decoding.select, state, len(places), BEGIN, END, options, never)
        for place, answer in zip(places, answers, strict=True):
            found[place] = answer
    return found


def looks_of(decoding: Decoding, source: Array, target: Array) -> Array:
    """Where the decoder looks as it writes a target: (target tokens and the end, source tokens)."""
    state, looks = decoding.start([source]), []
    for token in (BEGIN, *target):
        _, weights, state = decoding.advance(np.array([token]), state)
        assert weights is not None
        looks.append(weights[0])
    return np.stack(looks)


def _written(decoding: Decoding, sides: Sides, source: Array, text: str, answer: Hypothesis) -> Written:
    """A hypothesis as text."""
    own = _text_of(decoding, sides, source, text, answer)
    return Written(own, len(answer.tokens) + 1, answer.log_probability, answer.score)


def _text_of(decoding: Decoding, sides: Sides, source: Array, text: str, answer: Hypothesis) -> str:
    """An answer as text, unknown tokens replaced by what was looked at."""
    codes = list(answer.tokens)
    if UNKNOWN not in codes:
        return sides.write(codes)
    tokens, looks = sides.split_source(text), looks_of(decoding, source, np.array(codes, np.int64))
    words = sides.target.vocabulary.decode(codes)
    chosen = [
        tokens[int(looks[place].argmax())] if word is None else word for place, word in enumerate(words)
    ]
    return sides.target.splitter.join(chosen)
