"""Predict what comes next in a text, and write on."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from os import PathLike
from typing import Any, Self

from unrolled.models import LanguageNetwork
from unrolled.runtime import Sampling, TextGenerator
from unrolled.tasks.language.summary import candidate_frame
from unrolled.tasks.language.task import LanguageTask
from unrolled.training import Reporter, Watch, watching


@dataclass(eq=False, repr=False)
class LanguageModel(LanguageTask):
    r"""A left-to-right language model of characters, words or pieces of words (BPE).

    `tokenizer` is "characters", "words", "spaces" or "bpe". What is None is chosen: `embedding_size` 64 for
    characters, else 256; `tied` (one table for reading and answering), `min_count` 2 (rarer words are
    unknown) and no `vocabulary_size` where it is not characters; `learning_rate` 0.002 and `average` 0.999
    (of the weights) with AdamW, 30 and none with `optimizer="nt-asgd"`.

    `dropout` (between layers and before the answer), `input_dropout`: locked over the steps of a batch;
    `embedding_dropout`: of whole words; `weight_drop`: of recurrent weights; `ar`, `tar`: penalties of the
    last layer's output and of its change. `bptt`: steps of truncated BPTT.

    Source: Merity et al. 2018, arXiv:1708.02182.

    Example:
        >>> text = "to be or not to be that is the question\n" * 50
        >>> model = LanguageModel(hidden_size=16, epochs=1, device="cpu").fit([text])
        >>> len(model.generate("to be", length=10))
        15
    """

    task = "lm"
    network_: LanguageNetwork = field(init=False)

    _: KW_ONLY
    ar: float = 0.0
    tar: float = 0.0

    def fit(
        self,
        data: Any,
        *,
        lines: bool = False,
        text: str | None = None,
        split: Sequence[float] = (0.9, 0.05, 0.05),
        encoding: str = "utf-8",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Learn a text: train on one part, stop by the second, judge on the third.

        `data`: a file, a folder or a pattern of files, or a list of texts: one running text, whose state is
        carried on. With `lines` each line, or each text of a list, is one of its own, from a fresh state; so
        are the texts of a table's column `text`. `split`: shares or counts (of characters, or of texts), in
        this order of the text; with two there is no test part, and the model is judged on the second. With
        `checkpoint` a killed run goes on where it was (`resume=True`).
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baselines and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        return self._fit(data, lines, text, split, encoding, checkpoint, resume, reporter)

    def predict(self, texts: Any, top: int = 5, text: str | None = None) -> Any:
        """The likeliest tokens after each text: of a list, a file of a text a line, or a table.

        Returns: a polars frame of `top` rows a text: text, rank, token, p.
        """
        generator, listed = self.generator(), self._texts(texts, text)
        return candidate_frame(listed, [generator.candidates(one, top) for one in listed], {})

    def generate(
        self,
        prompt: str = "",
        length: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """The prompt, and at most `length` tokens more. The options are those of `runtime.Sampling`.

        Raises: ArgumentError for a prompt of tokens that the model knows nothing of.
        """
        return prompt + "".join(self.pieces(prompt, length, temperature, top_k, top_p, seed))

    def pieces(
        self,
        prompt: str = "",
        length: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """What `generate` adds to the prompt, piece by piece as it is drawn."""
        return self.generator().pieces(prompt, length, Sampling(temperature, top_k, top_p, seed))

    def generator(self) -> TextGenerator:
        """The generator that needs no PyTorch, as `runtime.TextGenerator.load` makes it of a file."""
        return TextGenerator(self.program(), self.codec_)
