"""Label texts with a recurrent network, beside TF-IDF and logistic regression."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin

from unrolled.data import Frame, TextSet
from unrolled.data.vectors import Vectors
from unrolled.deploy import Exported, export, replay
from unrolled.errors import ArgumentError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.metrics.classification import accuracy
from unrolled.models import TextClassifierNetwork
from unrolled.preprocess import Tokenizer
from unrolled.runtime import Column, Columns, Program, Stream
from unrolled.tasks.text import files
from unrolled.tasks.text.baselines import TextBaselines
from unrolled.tasks.text.data import (
    LabelledTexts,
    TextColumns,
    encode_texts,
    picked,
    read_labelled,
    text_digests,
)
from unrolled.tasks.text.evaluation import TextEvaluation, evaluate_texts
from unrolled.tasks.text.fit import Fitted, fit_classifier, scores_of
from unrolled.tasks.text.settings import settle
from unrolled.tasks.text.task import TextTask
from unrolled.tasks.unseen import unseen
from unrolled.training import Reporter, Watch, watching


@dataclass(eq=False, repr=False)
class TextClassifier(ClassifierMixin, TextTask):
    """Tell which class a text belongs to, such as a mood, a topic or a language.

    `tokenizer` is "words", "spaces" (the text is cut into words already), "characters" or "bpe"; words that
    are rarer than `min_count` are unknown. `pool` is "last", "max", "mean" or "attention". `cell` is "elman",
    "lstm", "gru" or "gru2014"; to compare with, a "transformer", or "feed-forward" layers over the last words
    of a text, as many as hold 95 % of the training texts; both read one way. `word_dropout`
    reads words as unknown, `input_dropout` leaves out features of their vectors, in training. `average` is
    the decay of the weights' moving average, 0 = off. `class_weight` is None, "balanced" or a weight by
    class.

    `forget_bias`, `memory` (of an LSTM), `orthogonal` and `layer_norm` are those of `models.CellStart`.

    With `prior` the words' vectors start with how much each speaks for each class (naive Bayes).

    Probabilities are calibrated by the validation part. Scikit-learn's conventions hold.

    Example:
        >>> texts = ["a fine day", "a bad day", "fine and good", "bad and sad"] * 10
        >>> model = TextClassifier(hidden_size=4, embedding_size=4, epochs=2, device="cpu")
        >>> model.fit(texts, ["+", "-", "+", "-"] * 10).classes_.tolist()
        ['+', '-']
    """

    task: ClassVar[str] = "classify text"

    cell: str = "lstm"
    hidden_size: int = 64
    _: KW_ONLY
    pool: str = "max"
    embedding_size: int = 64
    tokenizer: str = "words"
    dropout: float = 0.5
    input_dropout: float = 0.5
    word_dropout: float = 0.3
    prior: bool = True
    class_weight: str | Mapping[Any, float] | None = None
    epochs: int = 5
    batch_tokens: int = 600
    learning_rate: float = 2e-3
    patience: int = 3

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        text: str | None = None,
        target: str | None = None,
        validation: Any = None,
        test: Any = None,
        split: Sequence[float] = (0.8, 0.1, 0.1),
        vectors: str | PathLike[str] | None = None,
        encoding: str = "utf-8",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Train on one part of the texts, stop by the second, judge on the third.

        `X` is a list of texts with labels `y`; a table (a frame or a path) whose columns `text` and `target`
        name; or a file for each class: a folder, a pattern such as "polarity.*", or a mapping of class to
        path. `validation` and `test` may be sources of the same kind, for lists pairs (texts, labels); what
        is not given is dealt out of `X` by the shares of `split`, each class in proportion. `vectors` names a
        file of pretrained word vectors in text form; with `frozen=True` they are not tuned. With `checkpoint`
        a killed run goes on where it was (`resume=True`).
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baselines and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        settings = settle(self.get_params())
        if checkpoint is not None:
            check_output(Path(checkpoint))
        columns = TextColumns(text, target)
        seed = settings.training.seed
        given = read_labelled(columns, X, y, validation, test, split, seed, encoding)
        data, answers, labels, parts = given.data, given.answers, given.labels, given.parts
        tokenizer = self._tokens_of(given.texts_of(parts.train))
        pretrained = self._pretrained(tokenizer.vocabulary.words, vectors, encoding)
        fitted = fit_classifier(
            settings.reading(pretrained), answers, tokenizer, encode_texts(data, tokenizer), labels, parts,
            self.class_weight, pretrained, self.prior, checkpoint, resume, reporter,
        )  # fmt: skip
        self.columns_, self.answers_, self.tokenizer_ = columns, answers, tokenizer
        self.network_, self.history_ = fitted.network, fitted.history
        self.baselines_ = TextBaselines.of_texts(given, tokenizer)
        self.seen_ = np.unique(text_digests(given.texts_of(parts.left)))
        test_texts = given.picked(parts.test)
        self.evaluation_ = self._judge(test_texts, labels[parts.test], self._repeated(test_texts))
        self.summary_ = self._summarise(given, fitted, pretrained)
        own = {"tokenizer": tokenizer.card(), "answers": answers.card(), "baselines": ["plain"]}
        self.card_ = files.to_card(self, own)
        return self

    def predict(self, X: Any, encoding: str = "utf-8") -> Any:
        """The label of each text.

        Returns: for a list of texts an array (texts,); for a table a frame of the kind that came in (polars
        for a path): the text, the label, and `p_<class>` for each class.
        """
        data = self._read(X, encoding)
        outputs = self._outputs(data)
        if data.frame is None and not isinstance(X, str | Path):
            return self.answers_.points(outputs)
        table: dict[str, Any] = {self.columns_.text or "text": list(data.texts)}
        table[self.columns_.target or "label"] = self.answers_.points(outputs).tolist()
        table |= {f"p_{value}": outputs[:, code] for code, value in enumerate(self.answers_.values)}
        return (data.frame or _no_frame()).same_kind(table)

    def predict_proba(self, X: Any, encoding: str = "utf-8") -> np.ndarray:
        """The calibrated probability of each class, in the order of `classes_`, (texts, classes)."""
        return self._outputs(self._read(X, encoding))

    def evaluate(self, X: Any, y: Any = None, encoding: str = "utf-8") -> TextEvaluation:
        """Score the model on labelled texts beside the baselines it was trained with.

        Texts of a table or of files that the model was trained or stopped on are left out; those of a list
        are scored, with a note.
        Raises: DataError for a label that training has not seen, or where no new text is left.
        """
        self._check_fitted()
        data = self.columns_.read(X, y, encoding, labelled=True)
        assert data.labels is not None
        labels = self.answers_.encode(data.labels, self.columns_.label)
        known = np.isin(text_digests(data.texts), self.seen_)
        kept, notes = unseen(known, "texts", data.frame is not None or isinstance(X, str | Path | Mapping))
        return self._judge(picked(data, kept), labels[kept], notes)

    def score(self, X: Any, y: Any = None, encoding: str = "utf-8") -> float:
        """The share of right answers."""
        self._check_fitted()
        data = self.columns_.read(X, y, encoding, labelled=True)
        assert data.labels is not None
        truth = self.answers_.encode(data.labels, self.columns_.label)
        return accuracy(truth, self._outputs(data).argmax(1))

    @property
    def classes_(self) -> np.ndarray:
        """The classes in sorted order, in their own type."""
        if not hasattr(self, "answers_"):  # an AttributeError, as scikit-learn expects of a fitted attribute
            raise AttributeError("classes_: a classifier has them once it is fitted. Call fit first.")
        return self.answers_.array

    def stream(self) -> Stream:
        """A fresh stream: one word in (its token), the scores of the text so far out.

        Raises: ArgumentError for a bidirectional model, which needs the whole text.
        """
        program = self.program()
        if self.network_.bidirectional:
            cure = "Train with bidirectional=False, or label whole texts by predict."
            raise ArgumentError(explain("stream", "a causal classifier", "a bidirectional one", cure))
        return Stream(program)

    def program(self) -> Program:
        """The model lowered to the Program that every runtime runs."""
        self._check_fitted()
        words = self.tokenizer_.vocabulary.words
        return self.network_.lower().with_columns(Columns((Column("token", "x", words=words),)))

    def export(
        self,
        folder: str | PathLike[str],
        to: str = "c",
        texts: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Exported:
        """Write the model for another runtime: "onnx" or "program", a causal one as "c" or "wasm" too.

        What is written reads numbers of words.

        `texts` are held-out ones that the export is tried on; without them rows are drawn.
        Returns: the files, their sizes, the difference from the stream.
        Raises: ExportError, ArgumentError, as `deploy.export`; nothing is written then.
        """
        program = self.program()
        codes = [self.tokenizer_.encode(text) for text in texts or ()]
        replays = [replay(program, one[:, None]) for one in codes] or None
        return export(program, folder, to, name=name, replays=replays)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.unrolled` file: weights, vocabulary, baselines; no pickle. Raises: OutputError."""
        self._check_fitted()
        write_model(Path(path), self.card_, files.classifier_arrays(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The fitted task of a model file. Raises: ModelFileError."""
        return files.restore_classifier(cls(), file, TextClassifierNetwork)

    def _tokens_of(self, texts: list[str]) -> Tokenizer:
        return Tokenizer.fit(texts, self.tokenizer, lowercase=self.lowercase, min_count=self.min_count)

    def _judge(self, data: TextSet, truth: np.ndarray, notes: Sequence[str]) -> TextEvaluation:
        tokens = [self.tokenizer_.split(text) for text in data.texts]
        scores = {"": self._scores(data)} | self.baselines_.scores(tokens)
        return evaluate_texts(self._name(), self.answers_, scores, truth, data.texts, data.names, notes)

    def _name(self) -> str:
        network = self.network_
        ways = "bidirectional " if network.bidirectional else ""
        return f"{ways}{network.cell.upper()} ({network.pooling.kind})"

    def _scores(self, data: TextSet) -> np.ndarray:
        coded = encode_texts(data, self.tokenizer_)
        return scores_of(self.network_, coded, np.arange(len(coded)))

    def _outputs(self, data: TextSet) -> np.ndarray:
        return self.answers_.outputs(self._scores(data))

    def _read(self, X: Any, encoding: str) -> TextSet:
        self._check_fitted()
        return self.columns_.read(X, None, encoding, labelled=False)

    def _repeated(self, tested: TextSet) -> list[str]:
        count = int(np.isin(text_digests(tested.texts), self.seen_).sum())
        return [f"{count} test texts are equal to some that it was trained or stopped on."] if count else []

    def _summarise(self, given: LabelledTexts, fitted: Fitted, vectors: Vectors | None) -> dict[str, str]:
        model = f"{self._name()} {fitted.network.hidden} x {fitted.network.layers}"
        known = f"{len(self.tokenizer_):,} different {self.tokenizer_.kind} known"
        return {
            "data": f"{len(given.data):,} texts, {known}",
            "labels": self.answers_.told(given.labels),
        } | self._told("texts", given.parts, model, fitted, vectors)


def _no_frame() -> Any:
    return Frame((), 0, None, lambda name: None)  # type: ignore[arg-type, return-value]
