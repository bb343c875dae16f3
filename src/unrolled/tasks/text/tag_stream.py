"""A tagger that takes one word at a time, keeps its state, and answers its tag."""

import numpy as np

from unrolled.errors import ArgumentError, explain
from unrolled.preprocess.tag_schemes import OUTSIDE, parted
from unrolled.runtime import Program, Stream
from unrolled.tasks.text.tagging import greedy_codes
from unrolled.tasks.text.tagging_data import TagSet, WordCodes

MARK = b"unrolled tags\0"


class TagStream:
    """One word in, its tag out; `reset` begins a new sentence. What it answers is what `predict` does.

    Raises: ArgumentError for a model that needs the whole sentence.
    """

    def __init__(
        self, program: Program, words: WordCodes, tags: TagSet, moves: tuple[np.ndarray, np.ndarray]
    ) -> None:
        self._stream = Stream(program)
        self._words, self._tags, self._moves = words, tags, moves
        self._as_iob1 = tags.written == "iob1"
        self._before = -1  # the code of the tag before; -1 at the start of a sentence

    def step(self, word: str) -> str:
        """Take a word and answer its tag."""
        if not isinstance(word, str):
            raise ArgumentError(explain("word", "a text", repr(word), "Pass one word."))
        scores = self._stream.step(self._words.rows([word])[0])
        assert scores is not None
        start, follow = self._moves
        last = self._before
        self._before = int(
            greedy_codes(scores[None, None], (start if last < 0 else follow[last], follow))[0, 0]
        )
        tag = self._tags.values[self._before]
        return _iob1(tag, self._tags.values[last] if last >= 0 else OUTSIDE) if self._as_iob1 else tag

    def reset(self) -> None:
        """Begin a new sentence."""
        self._stream.reset()
        self._before = -1

    @property
    def state(self) -> bytes:
        """The state as bytes, for `restore` on a stream of the same model."""
        return MARK + self._before.to_bytes(4, "little", signed=True) + self._stream.state

    def restore(self, blob: bytes) -> None:
        """Go on from a saved state. Raises: ArgumentError if it is altered or of another model."""
        if not blob.startswith(MARK) or len(blob) < len(MARK) + 4:
            raise ArgumentError(
                explain("state", "one that .state gave", f"{len(blob)} bytes", "Save it anew.")
            )
        before = int.from_bytes(blob[len(MARK) : len(MARK) + 4], "little", signed=True)
        if not -1 <= before < len(self._tags.values):
            raise ArgumentError(explain("state", "one that .state gave", f"tag {before}", "Save it anew."))
        self._stream.restore(blob[len(MARK) + 4 :])
        self._before = before


def _iob1(tag: str, before: str) -> str:
    """A BIO tag as IOB1 writes it: B- only behind a span of the same type."""
    (prefix, kind), (_, kind_before) = parted(tag), parted(before)
    return f"I-{kind}" if prefix == "B" and kind != kind_before else tag
