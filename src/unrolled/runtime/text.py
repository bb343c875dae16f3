"""Language models at work without PyTorch: texts that go on, and blanks that are filled."""

import re
from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.arguments import integer
from unrolled.errors import ArgumentError, ModelFileError, explain
from unrolled.format import ModelFile, read_model
from unrolled.preprocess.text_codec import SPACELESS, TextCodec
from unrolled.runtime.operations.dense import softmax
from unrolled.runtime.program import Program
from unrolled.runtime.sampling import Sampling
from unrolled.runtime.stream import Stream, run_sequence

BLANK = re.compile(r"_{3,}")
HALF = "\ufffd"  # a character whose bytes have not all come


class Candidate(NamedTuple):
    """A token and its probability."""

    token: str
    probability: float


class TextGenerator:
    """Goes on with a text, token by token, by the Program of a language model.

    Example: `for piece in TextGenerator.load("m.unrolled").pieces("ROMEO:"): print(piece, end="")`
    """

    def __init__(self, program: Program, codec: TextCodec) -> None:
        self.program, self.codec = program, codec

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "TextGenerator":
        """The generator of a model file. Raises: ModelFileError if it holds no language model."""
        return cls(*parts_of(read_model(path), "lm", "`unrolled train lm` makes one."))  # type: ignore[arg-type]

    def pieces(self, prompt: str = "", length: int = 200, sampling: Sampling | None = None) -> Iterator[str]:
        """What comes after the prompt, piece by piece: at most `length` tokens, less where the text ends.

        Raises: ArgumentError for a prompt of tokens that the model knows nothing of, before the first piece.
        """
        integer("length", length, 0, "200 is a paragraph.")
        codes = self.codec.encode_prompt(prompt)
        pieces = self._pieces(codes, length, Sampling() if sampling is None else sampling)
        spaced = prompt[-1:] == " " and self.codec.tokenizer.kind in SPACELESS
        return _without_space(pieces) if spaced else pieces

    def generate(self, prompt: str = "", length: int = 200, sampling: Sampling | None = None) -> str:
        """The prompt and what comes after it."""
        return prompt + "".join(self.pieces(prompt, length, sampling))

    def candidates(self, prompt: str, top: int = 5) -> list[Candidate]:
        """The likeliest tokens after a text. Raises: ArgumentError as `pieces`."""
        scores = Stream(self.program).last(self.codec.encode_prompt(prompt)[:, None])
        return likeliest(self.codec, softmax(np.asarray(scores, np.float64)), top, self.codec.never[1:])

    def _pieces(self, codes: NDArray, length: int, sampling: Sampling) -> Iterator[str]:
        stream, codec = Stream(self.program), self.codec
        by_line = codec.tokenizer.kind in SPACELESS  # a word's space depends on the one before it
        line = [int(code) for code in codes[last_end(codes, codec.end) :]] if by_line else []
        shown, scores = codec.decode(line), stream.last(codes[:, None])
        for place in range(length):
            code = sampling.choose(np.asarray(scores), place, codec.never)
            if codec.by_text and code == codec.end:
                return
            line.append(code)
            now = codec.decode(line)
            if not now.endswith(HALF):
                yield now[len(shown) :]
                line, shown = (line, now) if by_line and code != codec.end else ([], "")
            if place + 1 < length:
                scores = stream.step([code])


def _without_space(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, the first without the space that the prompt ends with already."""
    yield next(pieces, "").removeprefix(" ")
    yield from pieces


def last_end(codes: NDArray, end: int) -> int:
    """The place behind the last END: where the line that goes on begins."""
    ends = np.flatnonzero(codes == end)
    return int(ends[-1]) + 1 if len(ends) else 0


class BlankFiller:
    """Fills the blanks of a text, `___`, by the Program of a masked language model."""

    def __init__(self, program: Program, codec: TextCodec) -> None:
        self.program, self.codec = program, codec

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "BlankFiller":
        """The filler of a model file. Raises: ModelFileError if it holds no masked language model."""
        return cls(*parts_of(read_model(path), "mlm", "`unrolled train mlm` makes one."))  # type: ignore[arg-type]

    def fill(self, text: str, top: int = 5) -> list[list[Candidate]]:
        """The likeliest words for each blank; the others count as unknown words meanwhile.

        Raises: ArgumentError for a text without a blank, or of words that the model knows nothing of.
        """
        integer("top", top, 1, "5 is usual.")
        codes, blanks = self.encode(text)
        scores = run_sequence(self.program, codes[:, None])
        return [
            likeliest(self.codec, softmax(scores[place + 1].astype(np.float64)), top, (self.codec.end,))
            for place in blanks
        ]

    def encode(self, text: str) -> tuple[NDArray, list[int]]:
        """The codes of a text between its ends, 0 for a blank, and where the blanks are."""
        parts = BLANK.split(text)
        if len(parts) == 1:
            cure = "Write three underscores for the word to find: 'the ___ sat'."
            raise ArgumentError(explain("blank", "___ in the text", repr(shortened(text)), cure))
        codes: list[NDArray] = [np.array([self.codec.end])]
        blanks = []
        for number, part in enumerate(parts):
            found = self.codec.tokenizer.encode(part)
            self.codec.refuse_unknown(part, found, "words")
            if number:
                blanks.append(sum(map(len, codes)))
                codes.append(np.array([0]))
            codes.append(found)
        return np.concatenate([*codes, [self.codec.end]]).astype(np.int64), blanks


def likeliest(codec: TextCodec, shares: NDArray, top: int, never: tuple[int, ...] = ()) -> list[Candidate]:
    """The `top` likeliest tokens, none unknown; their probabilities are the model's own."""
    told = shares.copy()
    told[[0, *never]] = -1.0
    order = np.argsort(-told, kind="stable")[: min(top, len(told) - 1 - len(never))]
    return [Candidate(codec.word(int(code)), float(shares[code])) for code in order]


def parts_of(file: ModelFile, task: str, cure: str) -> tuple[Program, TextCodec]:
    """The Program and the codec of a model file. Raises: ModelFileError where it is another task's."""
    if file.card["task"] != task:
        got = f"one of task '{file.card['task']}'"
        raise ModelFileError(explain("model", f"a model of task '{task}'", got, cure))
    for name in ("program", "text"):
        if name not in file.card:
            again = "Save the model again with this version of unrolled."
            raise ModelFileError(explain(f"card.{name}", "an object", "no such field", again))
    codec = TextCodec.from_card(file.card["text"])
    program = Program.from_card(file.card["program"], file.tensors)
    if program.output_shape != (len(codec),) or "x_codes" not in program.inputs:
        got = f"{program.output_shape}"
        raise ModelFileError(
            explain("card.program", f"scores of {len(codec)} tokens", got, "Take another copy of the file.")
        )
    return program, codec


def shortened(text: str, most: int = 40) -> str:
    """The beginning of a long text."""
    return text if len(text) <= most else text[: most - 1] + "…"
