"""What both language models have in common: fit, predict, judge, stream, save."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from unrolled.data import read_texts
from unrolled.deploy import Exported, export, replay
from unrolled.errors import DataError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.preprocess import TextCodec
from unrolled.runtime import Column, Columns, Program, Stream
from unrolled.tasks.language import files as language_files
from unrolled.tasks.language.data import (
    Coded,
    Corpus,
    TextParts,
    code_texts,
    fit_codec,
    is_table,
    read_language,
    split_language,
    text_digests,
)
from unrolled.tasks.language.evaluation import LanguageEvaluation
from unrolled.tasks.language.fit import fit_language
from unrolled.tasks.language.judge import evaluate_language
from unrolled.tasks.language.settings import settle
from unrolled.tasks.language.summary import summarise
from unrolled.tasks.task import Task
from unrolled.training import Reporter

TOKEN = Column("token", "x", words=())  # a row of a stream: the token's code


@dataclass(eq=False, repr=False)
class LanguageTask(Task):
    """The shared half of `LanguageModel` and `MaskedLanguageModel`, which say what is asked.

    Scikit-learn's conventions hold: nothing is checked before `fit`, and what `fit` finds ends in an
    underscore.
    """

    task: ClassVar[str]
    corpus_: dict[str, Any] = field(init=False)

    tokenizer: str = "characters"
    cell: str = "lstm"
    hidden_size: int = 512
    _: KW_ONLY
    layers: int = 1
    embedding_size: int | None = None
    tied: bool | None = None
    residual: bool = False
    layer_norm: bool = False
    lowercase: bool = False
    min_count: int | None = None
    vocabulary_size: int | None = None
    dropout: float = 0.3
    input_dropout: float = 0.0
    embedding_dropout: float = 0.0
    weight_drop: float = 0.2
    epochs: int = 20
    batch_size: int = 32
    bptt: int = 128
    optimizer: str = "adamw"
    learning_rate: float | None = None
    weight_decay: float = 0.01
    average: float | None = None
    patience: int = 5

    def _fit(
        self,
        source: Any,
        lines: bool,
        column: str | None,
        split: Sequence[float],
        encoding: str,
        checkpoint: str | PathLike[str] | None,
        resume: bool,
        reporter: Reporter | None,
    ) -> Self:
        settings = settle(self.get_params())
        if checkpoint is not None:
            check_output(Path(checkpoint))
        corpus = read_language(source, lines, column, encoding)
        parts = split_language(corpus, split, settings.tokenizer)
        codec = fit_codec(settings, corpus, parts.train)
        coded = code_parts(codec, corpus, parts)
        fitted = fit_language(
            settings, codec, coded[0], coded[1], self.task == "mlm", checkpoint, resume, reporter
        )
        self.codec_, self.network_, self.history_ = codec, fitted.network, fitted.history
        self.baselines_ = fitted.baselines
        seen = parts.train + parts.validation if parts.test else parts.train
        self.seen_ = text_digests(seen if corpus.by_text else ())
        self.corpus_ = {
            "digest": corpus.digest,
            "cuts": list(parts.cuts),
            "encoding": encoding,
            "column": column,
        }
        notes = [] if parts.test else ["There is no test part: the epoch was chosen on these tokens too."]
        self.evaluation_ = self._judge(coded[2] if parts.test else coded[1], notes)
        self.summary_ = summarise(codec, corpus, coded, fitted)
        self.card_ = language_files.to_card(self)
        return self

    def evaluate(self, data: Any, text: str | None = None, encoding: str | None = None) -> LanguageEvaluation:
        """Score the model on a text beside the baselines it was trained with.

        Of the source it was trained on, only the test part is scored. Of other sources, texts of their own
        that the model has seen are left out. `text`, a table's column, and `encoding` are those of the
        training where they are not given.

        Raises: DataError where nothing is left.
        """
        self._check_fitted()
        corpus = self._read(data, text, encoding)
        kept, notes = self._unseen(corpus)
        return self._judge(code_texts(self.codec_, kept.texts, kept.names), notes)

    def stream(self) -> Stream:
        """A fresh stream of this model: a token's code in, the score of every token to come next out.

        Raises: ArgumentError for a masked language model, which needs the whole text.
        """
        return Stream(self.program())

    def program(self) -> Program:
        """The model lowered to the Program that every runtime runs."""
        self._check_fitted()
        return self.network_.lower().with_columns(Columns((TOKEN,)))

    def export(
        self,
        folder: str | PathLike[str],
        to: str = "c",
        texts: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Exported:
        """Write the model for another runtime: "c", "wasm", "onnx" or "program"; a masked one as "onnx" only.

        `texts` are held-out texts that the export is tried on; without them tokens are drawn.
        Returns: the files, their sizes, the difference from the stream.
        Raises: ExportError, ArgumentError, as `deploy.export`; nothing is written then.
        """
        program = self.program()
        codes = [np.append(self.codec_.end, self.codec_.encode(text)) for text in texts or ()]
        replays = [replay(program, one[:, None]) for one in codes] or None
        return export(program, folder, to, name=name, replays=replays)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.unrolled` file: weights, tokens, baselines, scores; no pickle. Raises: OutputError."""
        self._check_fitted()
        write_model(Path(path), self.card_, language_files.to_arrays(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The fitted task of a model file. Raises: ModelFileError."""
        return language_files.from_file(cls, file)

    def _read(self, data: Any, column: str | None = None, encoding: str | None = None) -> Corpus:
        """A source as the one of the training was read."""
        where = self.corpus_["column"] if column is None and is_table(data) else column
        return read_language(data, self.codec_.by_text, where, encoding or self.corpus_["encoding"])

    def _texts(self, source: Any, column: str | None) -> list[str]:
        """The texts to answer for: of a list, of a file of a text a line, of a table's column."""
        self._check_fitted()
        where = self.corpus_["column"] if column is None and is_table(source) else column
        return list(read_texts(source, text=where, encoding=self.corpus_["encoding"]).texts)

    def _judge(self, data: Coded, notes: Sequence[str]) -> LanguageEvaluation:
        return evaluate_language(self.network_, self.codec_, self.baselines_, data, notes)

    def _unseen(self, corpus: Corpus) -> tuple[Corpus, list[str]]:
        """What the model has not learned from, and a note on the rest."""
        if corpus.digest == self.corpus_["digest"]:
            cuts = self.corpus_["cuts"]
            start, stop = cuts[2:] if cuts[2] < cuts[3] else cuts[1:3]
            span = slice(start, stop)
            note = "The model was trained on this source: its last part alone is scored."
            if not corpus.by_text:
                return Corpus((corpus.texts[0][span],), corpus.names, by_text=False), [note]
            return Corpus(corpus.texts[span], corpus.names[span], by_text=True), [note]
        if not corpus.by_text:
            return corpus, []
        new = np.flatnonzero(~np.isin(text_digests(corpus.texts), self.seen_)).tolist()
        left = len(corpus.texts) - len(new)
        if not new:
            cure = "Give others: scores on what it was trained on would say nothing."
            raise DataError(explain("data", "texts that the model has not seen", f"only {left} it has", cure))
        if not left:
            return corpus, []
        kept = Corpus(tuple(corpus.texts[i] for i in new), tuple(corpus.names[i] for i in new), by_text=True)
        return kept, [f"{left:,} texts that the model was trained or stopped on are left out."]


def code_parts(codec: TextCodec, corpus: Corpus, parts: TextParts) -> list[Coded]:
    """The codes of the three parts. Raises: DataError naming a text that is too long."""
    found, place = [], 0
    for texts in (parts.train, parts.validation, parts.test):
        found.append(code_texts(codec, texts, corpus.names[place : place + len(texts)]))
        place += len(texts)
    return found
