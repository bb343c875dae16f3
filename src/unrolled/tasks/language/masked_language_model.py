"""Find the word that stands in a blank, from what is before it and what is behind it."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from os import PathLike
from typing import Any, Self

from unrolled.errors import ArgumentError, explain
from unrolled.models import MaskedLanguageNetwork
from unrolled.runtime import BlankFiller, Candidate
from unrolled.tasks.language.summary import candidate_frame
from unrolled.tasks.language.task import LanguageTask
from unrolled.training import Reporter, Watch, watching


@dataclass(eq=False, repr=False)
class MaskedLanguageModel(LanguageTask):
    """A bidirectional language model: a state of all words before a blank, and one of all behind it.

    Each line of a file, each text of a list, is one of its own. The parameters are those of `LanguageModel`;
    `tokenizer` is "words", "spaces" or "characters". A batch holds `batch_size` times `bptt` tokens.

    Source: Peters et al. 2018, arXiv:1802.05365 (two language models that meet); the word is never seen.

    Example:
        >>> lines = [f"the {who} sat on the {what}" for who in ("cat", "dog") for what in ("mat", "rug")]
        >>> model = MaskedLanguageModel(hidden_size=8, epochs=1, device="cpu").fit(lines * 20)
        >>> [len(candidates) for candidates in model.fill("the ___ sat on the ___", top=3)]
        [3, 3]
    """

    task = "mlm"
    network_: MaskedLanguageNetwork = field(init=False)

    tokenizer: str = "words"
    cell: str = "lstm"
    hidden_size: int = 256
    _: KW_ONLY
    input_dropout: float = 0.1
    weight_drop: float = 0.0
    bptt: int = 35

    def fit(
        self,
        data: Any,
        *,
        text: str | None = None,
        split: Sequence[float] = (0.9, 0.05, 0.05),
        encoding: str = "utf-8",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Learn to fill blanks: train on the first texts, stop by the next, judge on the last.

        `data`: a file of a text a line, a list of texts, or a table with the texts in its column `text`.
        `split`: shares or counts of texts; with two there is no test part.
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baselines and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        if self.tokenizer == "bpe":
            cure = "Take words: a blank stands for one token."
            raise ArgumentError(explain("tokenizer", "one of words, spaces, characters", "'bpe'", cure))
        reporter = watching(watch, reporter)
        return self._fit(data, True, text, split, encoding, checkpoint, resume, reporter)

    def fill(self, text: str, top: int = 5) -> list[list[Candidate]]:
        """The likeliest words for each blank `___` of a text, with their probabilities.

        Raises: ArgumentError for a text without a blank.
        """
        return self.filler().fill(text, top)

    def predict(self, texts: Any, top: int = 5, text: str | None = None) -> Any:
        """The likeliest words for each blank of each text: of a list, a file of a text a line, or a table.

        Returns: a polars frame of `top` rows a blank: text, blank (from 1), rank, token, p.
        """
        filler, listed = self.filler(), self._texts(texts, text)
        found = [(one, filler.fill(one, top)) for one in listed]
        owners = [one for one, blanks in found for _ in blanks]
        numbers = [number for _, blanks in found for number in range(1, len(blanks) + 1)]
        return candidate_frame(owners, [one for _, blanks in found for one in blanks], {"blank": numbers})

    def filler(self) -> BlankFiller:
        """The filler that needs no PyTorch, as `runtime.BlankFiller.load` makes it of a file."""
        return BlankFiller(self.program(), self.codec_)
