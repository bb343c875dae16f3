"""Tag the words of sentences with a recurrent network, beside each word's most frequent tag."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from unrolled.baselines.tagging import MostFrequentTag
from unrolled.data import TaggedSet
from unrolled.data.vectors import Vectors
from unrolled.deploy import Exported, export, replay
from unrolled.errors import ArgumentError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.models import TaggerNetwork
from unrolled.preprocess import convert
from unrolled.runtime import Columns, Program
from unrolled.tasks.sequence.data import SequenceSplit
from unrolled.tasks.text import files
from unrolled.tasks.text.data import TextColumns, dealt, read_parts, text_digests
from unrolled.tasks.text.settings import settle
from unrolled.tasks.text.tag_evaluation import TagEvaluation, evaluate_tags
from unrolled.tasks.text.tag_stream import TagStream
from unrolled.tasks.text.tagging import (
    FittedTagger,
    best_codes,
    best_lists,
    fit_tagger,
    marginals_of,
    moves_of,
)
from unrolled.tasks.text.tagging_data import (
    TagSet,
    WordCodes,
    encode_tags,
    read_untagged,
    read_with_tags,
    refuse_invalid,
)
from unrolled.tasks.text.task import TextTask
from unrolled.tasks.unseen import unseen
from unrolled.training import Reporter, Watch, watching


@dataclass(eq=False, repr=False)
class Tagger(TextTask):
    """Tell a tag of each word: names of persons and places as spans (IOB1, BIO or BIOES), or parts of speech.

    A tag that may not follow the one before is never answered: it is on no path, in training and in decoding.
    `characters` is "lstm", "cnn" or "none": how a word is read letter by letter. With `crf=False` each word
    is learned by itself. With `bidirectional=False` it streams: each tag is decided when its word comes.
    `scheme` is that of the data, "auto" finds it. Words rarer than `min_count` are unknown. `forget_bias`,
    `memory` (of an LSTM), `orthogonal` and `layer_norm` are those of `models.CellStart`.

    Example:
        >>> words = [["in", "Rome"], ["Rome", "sleeps"], ["it", "sleeps"]] * 8
        >>> tags = [["O", "B-place"], ["B-place", "O"], ["O", "O"]] * 8
        >>> model = Tagger(hidden_size=4, embedding_size=4, epochs=1, device="cpu").fit(words, tags)
        >>> len(model.predict([["in", "Rome"]])[0])
        2
    """

    task: ClassVar[str] = "tag"

    cell: str = "lstm"
    hidden_size: int = 128
    _: KW_ONLY
    crf: bool = True
    characters: str = "cnn"
    embedding_size: int = 100
    scheme: str = "auto"
    dropout: float = 0.3
    input_dropout: float = 0.3
    word_dropout: float = 0.1
    epochs: int = 30
    batch_tokens: int = 500
    learning_rate: float = 5e-3
    patience: int = 10

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        test: Any = None,
        split: Sequence[float] = (0.8, 0.1, 0.1),
        column: int | None = None,
        repair: bool = False,
        vectors: str | PathLike[str] | None = None,
        encoding: str = "utf-8",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Train on one part of the sentences, stop by the second, judge on the third.

        `X` is a CoNLL file, whose tags stand in its last column or in `column` (from 0 on), or a list of
        lists of words, with lists of tags `y`. `validation` and `test` are sources of the same kind, for
        lists pairs (words, tags); what is not given is dealt out of `X` by the shares of `split`. Invalid
        tags are refused; with `repair=True` they are read as the CoNLL shared tasks read them. `vectors`
        names a file of pretrained word vectors in text form; with `frozen=True` they are not tuned.
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baseline and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        settings = settle(self.get_params())
        if checkpoint is not None:
            check_output(Path(checkpoint))
        read = partial(read_with_tags, encoding=encoding, column=column)
        sources, sizes = read_parts(read, X, y, validation, test)
        tags, truth = self._tags_of(sources, repair)
        data = joined_sentences(sources)
        parts = dealt(sizes, split, settings.training.seed)
        words = self._words_of([word for i in parts.train for word in data.sentence(i)])
        pretrained = self._pretrained(words.words.words, vectors, encoding)
        fitted = fit_tagger(
            settings.reading(pretrained), tags, words, words.encode(data), truth, parts, pretrained,
            checkpoint, resume, reporter,
        )  # fmt: skip
        self.columns_, self.tags_, self.words_ = TextColumns(), tags, words
        self.network_, self.history_ = fitted.network, fitted.history
        learned = [list(data.sentence(i)) for i in parts.left]
        self.baseline_ = MostFrequentTag.fit(learned, [data.sentence_tags(i) for i in parts.left])
        self.seen_ = np.unique(sentence_digests(learned))
        self.evaluation_ = self._judge(data, parts.test, [])
        self.summary_ = self._summarise(data, parts, fitted, pretrained)
        own = {"words": words.card(), "tags": tags.card(), "baseline": self.baseline_.card()}
        self.card_ = files.to_card(self, own)
        return self

    def predict(self, X: Any, encoding: str = "utf-8") -> Any:
        """The tag of each word.

        `X` is a list of lists of words, a CoNLL file, or a .txt file with a sentence a line, which is cut
        into words.
        Returns: for a list a list of lists of tags; for a file a frame: sentence (from 1), word, tag.
        """
        self._check_fitted()
        data = read_untagged(X, encoding)
        found = self._tags(data, np.arange(len(data)))
        if not isinstance(X, str | Path):
            return found
        sentence = np.repeat(np.arange(1, len(data) + 1), data.lengths)
        flat = [tag for tags in found for tag in tags]
        return pl.DataFrame({"sentence": sentence, "word": list(data.words), "tag": flat})

    def predict_best(
        self, X: Any, count: int, encoding: str = "utf-8"
    ) -> list[list[tuple[float, list[str]]]]:
        """The `count` best tag sequences of each sentence with their probabilities, the best first.

        Raises: ArgumentError for a causal tagger or one without a chain, which know no other paths.
        """
        self._check_chain()
        data = read_untagged(X, encoding)
        found = best_lists(self.network_, self.words_.encode(data), count)
        return [[(share, self.tags_.decode(path)) for share, path in paths] for paths in found]

    def predict_proba(self, X: Any, encoding: str = "utf-8") -> list[np.ndarray]:
        """The probability of each tag of `tags_.values` at each word: (words, tags) a sentence, over all
        paths.
        """
        self._check_chain()
        return marginals_of(self.network_, self.words_.encode(read_untagged(X, encoding)))

    def evaluate(
        self, X: Any, y: Any = None, column: int | None = None, encoding: str = "utf-8"
    ) -> TagEvaluation:
        """Score the model on tagged sentences beside the baseline: span F1 as conlleval counts, or accuracy.

        Sentences of a file that the model was trained or stopped on are left out.
        Raises: DataError for a tag that training has not seen, or where no new sentence is left.
        """
        self._check_fitted()
        data = read_with_tags(X, y, encoding, column)
        encode_tags(data, self.tags_)  # a tag that training has not seen is refused
        known = np.isin(sentence_digests([data.sentence(i) for i in range(len(data))]), self.seen_)
        kept, notes = unseen(known, "sentences", isinstance(X, str | Path), or_equal=", or equal ones,")
        return self._judge(data, kept, notes)

    def score(self, X: Any, y: Any = None, encoding: str = "utf-8") -> float:
        """Span F1, or of plain tags the share of right ones."""
        return next(iter(self.evaluate(X, y, encoding=encoding).model.metrics.values()))

    def stream(self) -> TagStream:
        """A fresh stream: one word in, its tag out. Raises: ArgumentError for a model that is not causal."""
        self._check_fitted()
        if self.network_.bidirectional:
            cure = "Train with bidirectional=False, or tag whole sentences by predict."
            raise ArgumentError(explain("stream", "a causal tagger", "a bidirectional one", cure))
        return TagStream(self.program(), self.words_, self.tags_, moves_of(self.network_))

    def program(self) -> Program:
        """The network lowered to the Program that every runtime runs: the scores of the tags, before the
        chain.
        """
        self._check_fitted()
        return self.network_.lower().with_columns(Columns(self.words_.columns))

    def export(
        self,
        folder: str | PathLike[str],
        to: str = "c",
        sentences: Sequence[Sequence[str]] | None = None,
        name: str | None = None,
    ) -> Exported:
        """Write the model for another runtime: "onnx" or "program", a causal one as "c" or "wasm" too.

        What is written reads numbers of words.

        `sentences` are held-out ones that the export is tried on; without them rows are drawn.
        Returns: the files, their sizes, the difference from the stream.
        Raises: ExportError, ArgumentError, as `deploy.export`; nothing is written then.
        """
        program = self.program()
        replays = [replay(program, self.words_.rows(words)) for words in sentences or ()] or None
        return export(program, folder, to, name=name, replays=replays)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.unrolled` file: weights, vocabularies, baseline; no pickle. Raises: OutputError."""
        self._check_fitted()
        write_model(Path(path), self.card_, files.tagger_arrays(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The fitted task of a model file. Raises: ModelFileError."""
        return files.restore_tagger(cls(), file, TaggerNetwork)

    def _tags_of(self, sources: Sequence[TaggedSet], repair: bool) -> tuple[TagSet, np.ndarray]:
        """The tags of the first source, and the codes of all, end to end. Raises: DataError."""
        first = [sources[0].sentence_tags(index) for index in range(len(sources[0]))]
        tags = TagSet.fit(first, self.bidirectional, self.scheme)
        for source in () if repair else sources:
            refuse_invalid(source, tags.written)
        return tags, np.concatenate([encode_tags(source, tags) for source in sources])

    def _words_of(self, words: Sequence[str]) -> WordCodes:
        return WordCodes.fit(words, self.min_count, self.lowercase, self.characters != "none")

    def _tags(self, data: TaggedSet, indices: np.ndarray) -> list[list[str]]:
        found = best_codes(self.network_, self.words_.encode(data), indices)
        return [self.tags_.decode(codes) for codes in found]

    def _judge(self, data: TaggedSet, indices: np.ndarray, notes: Sequence[str]) -> TagEvaluation:
        sentences = [data.sentence(i) for i in indices]
        plain = self.baseline_.predict(sentences)
        if self.tags_.has_spans:
            plain = [convert(tags, self.tags_.written) for tags in plain]
        answers = {self._name(): self._tags(data, indices), self.baseline_.name: plain}
        truth = [list(data.sentence_tags(i)) for i in indices]
        return evaluate_tags(answers, truth, sentences, self.tags_.has_spans, notes)

    def _name(self) -> str:
        network = self.network_
        return f"{'Bi' if network.bidirectional else ''}{network.cell.upper()}{'-CRF' if network.crf else ''}"

    def _check_chain(self) -> None:
        self._check_fitted()
        if not (self.network_.bidirectional and self.network_.crf):
            cure = "Train with bidirectional=True and crf=True."
            raise ArgumentError(explain("model", "one that weighs whole paths", self._name(), cure))

    def _summarise(
        self, data: TaggedSet, parts: SequenceSplit, fitted: FittedTagger, vectors: Vectors | None
    ) -> dict[str, str]:
        network, words = fitted.network, self.words_
        letters = "" if network.inputs.spelling is None else f", characters by {network.inputs.spelling_kind}"
        model = f"{self._name()} {network.hidden} x {network.layers}{letters}"
        return {
            "data": f"{len(data):,} sentences, {len(data.words):,} words, {len(words.words):,} known",
            "tags": f"{len(self.tags_.values)} of {self.tags_.learned}, written as {self.tags_.written}",
        } | self._told("sentences", parts, model, fitted, vectors)


def sentence_digests(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """A digest of the words of each sentence, uint64 (sentences,)."""
    return text_digests(["\n".join(words) for words in sentences])


def joined_sentences(parts: Sequence[TaggedSet]) -> TaggedSet:
    """Sentences of several sources, one after the other."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.append(0, np.cumsum(np.concatenate([part.lengths for part in parts]))).astype(np.int64)
    words = tuple(word for part in parts for word in part.words)
    tags = tuple(tag for part in parts for tag in part.tags or ())
    return TaggedSet(words, offsets, np.concatenate([part.lines for part in parts]), tags, parts[0].source)
