"""Write one string from another: translate, spell, pronounce."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from unrolled.data import ParallelSet, read_lines, read_pairs, read_parallel
from unrolled.data.text import plain_texts
from unrolled.deploy import Exported, export_translator
from unrolled.errors import ArgumentError, DataError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.nn import parameter_count
from unrolled.runtime import EncoderDecoder, SearchOptions, TextTranslator, Written
from unrolled.runtime.translation import looks_of, write
from unrolled.tasks.sequence.data import split_sequences
from unrolled.tasks.task import Task
from unrolled.tasks.translation import files
from unrolled.tasks.translation.data import picked, readable
from unrolled.tasks.translation.decoding import NetworkDecoding
from unrolled.tasks.translation.evaluation import TranslationEvaluation, evaluate_lines
from unrolled.tasks.translation.fit import Fitted, fit_translation
from unrolled.tasks.translation.settings import settle
from unrolled.training import Reporter, Watch, watching

Texts = str | PathLike[str] | Sequence[str]
Paired = tuple[Texts, Texts]


@dataclass(eq=False, repr=False)
class Translator(Task):
    """Writes one text from another by an encoder-decoder, with attention or with one vector between them.

    `attention`: "luong" (after the recurrent step, with `input_feeding` or without), "bahdanau" (before it,
    with `coverage` or without), or "none": the fixed context vector. `tokenizer`, and `target_tokenizer`
    where the target's differs: "bpe" (`vocabulary_size` pieces of words), "words", "spaces" (the text is cut
    already) or "characters". `sampling` is the share of tokens that the decoder reads from its own answers by
    the last epoch (scheduled sampling); `smoothing` the share of label smoothing.

    Example:
        >>> from unrolled import Translator
        >>> Translator(tokenizer="characters", target_tokenizer="spaces").get_params()["cell"]
        'lstm'
    """

    cell: str = "lstm"
    hidden_size: int = 256
    _: KW_ONLY
    embedding_size: int = 256
    layers: int = 1
    attention: str = "luong"
    input_feeding: bool = False
    coverage: bool = False
    tied: bool = True
    tokenizer: str = "bpe"
    target_tokenizer: str | None = None
    vocabulary_size: int = 6000
    min_count: int = 1
    lowercase: bool = False
    dropout: float = 0.3
    smoothing: float = 0.1
    sampling: float = 0.0
    epochs: int = 20
    batch_tokens: int = 1500
    learning_rate: float = 2e-3
    patience: int = 5
    average: float = 0.999

    def fit(
        self,
        source: Texts,
        target: Texts,
        *,
        table: Any = None,
        validation: Paired | None = None,
        test: Paired | None = None,
        split: Sequence[float] = (0.9, 0.05, 0.05),
        encoding: str = "utf-8",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Train on pairs of texts, stop by others, judge on a third part.

        `source` and `target` are paths of files with a text a line, or lists of texts; with `table` they are
        names of its columns. `validation` and `test` are pairs (source, target) of the same kind; where they
        are not given, they are drawn from the pairs by `split`. With `checkpoint` a killed run goes on where
        it was (`resume=True`).
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the plain ways and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        settings = settle(self.get_params())
        if checkpoint is not None:
            check_output(Path(checkpoint))
        pairs = _read(source, target, table, encoding)
        train, held, last = _parts(pairs, validation, test, split, self.seed, encoding)
        fitted = fit_translation(settings, train, held, checkpoint, resume, reporter)
        self.network_, self.sides_ = fitted.network, fitted.sides
        self.history_, self.plain_ = fitted.history, fitted.plain
        count = repeated(last, train, held)
        notes = (
            [f"{count:,} test pairs are equal to some that it was trained or stopped on."] if count else []
        )
        self.evaluation_ = self._judge(last, SearchOptions(), notes)
        self.summary_ = self._summarise(fitted, len(train), len(held), len(last))
        self.card_ = files.to_card(self)
        return self

    def predict(
        self, texts: Texts, search: SearchOptions | None = None, *, encoding: str = "utf-8"
    ) -> list[str]:
        """The likeliest answer to each text, a path or a list; `search` has the rules, such as the beam.

        Raises: DataError naming a text that is empty or endless; ArgumentError.
        """
        return [row[0].text for row in self.candidates(texts, search, encoding=encoding)]

    def candidates(
        self, texts: Texts, search: SearchOptions | None = None, *, encoding: str = "utf-8"
    ) -> list[list[Written]]:
        """For each text the `best` answers with their log-probabilities, likeliest first."""
        self._check_fitted()
        lines, names = _lines(texts, encoding)
        source, decoding = self.sides_.read(lines, names), NetworkDecoding(self.network_)
        return write(decoding, self.sides_, source, lines, search or SearchOptions())

    def evaluate(
        self,
        source: Texts,
        target: Texts,
        search: SearchOptions | None = None,
        *,
        table: Any = None,
        encoding: str = "utf-8",
    ) -> TranslationEvaluation:
        """Score the model on pairs it has not seen, beside the plain ways, with the verdict."""
        self._check_fitted()
        return self._judge(_read(source, target, table, encoding), search or SearchOptions())

    def attention_of(self, text: str, written: str | None = None) -> tuple[list[str], list[str], np.ndarray]:
        """Where the decoder looks: source tokens, target tokens and the end, weights (target, source).

        Raises: ArgumentError for a model without attention.
        """
        self._check_fitted()
        if self.network_.decoder.attention == "none":
            cure = "Train one with attention='luong' or 'bahdanau'."
            raise ArgumentError(explain("model", "one with attention", "a fixed context vector", cure))
        written = self.predict([text])[0] if written is None else written
        source = self.sides_.read([text], ["text"])[0]
        tokens = self.sides_.split_target(written)
        written_codes = self.sides_.target.vocabulary.encode(tokens)
        looks = looks_of(NetworkDecoding(self.network_), source, written_codes)
        read = readable(self.sides_.source, self.sides_.split_source(text))
        return read, [*readable(self.sides_.target, tokens), "</s>"], looks

    def stream(self) -> Any:
        """Refused: it reads a whole text before it writes its first token. Raises: ArgumentError."""
        self._check_fitted()
        got = "an encoder-decoder, which reads the whole text before it writes"
        cure = "Use predict, or runtime.TextTranslator without PyTorch; a causal Tagger answers word by word."
        raise ArgumentError(explain("stream", "a model that answers row by row", got, cure))

    def programs(self) -> EncoderDecoder:
        """The model lowered to its two Programs, which every runtime runs: encoder and decoder."""
        self._check_fitted()
        return self.network_.lower()

    def export(
        self,
        folder: str | PathLike[str],
        to: str = "onnx",
        texts: Texts | None = None,
        name: str | None = None,
        *,
        encoding: str = "utf-8",
    ) -> Exported:
        """Write the model for another runtime: "onnx" (two graphs), or "program" (both Programs in one file).

        `texts` are held-out source texts that the export is tried on; without them tokens are drawn.
        Returns: the files, their sizes, the difference from the Programs.
        Raises: ExportError, ArgumentError for "c" and "wasm", as `deploy.export_translator`; nothing is
        written then.
        """
        lines = None if texts is None else _lines(texts, encoding)[0]
        model = TextTranslator(self.programs(), self.sides_)
        return export_translator(model, folder, to, texts=lines, name=name)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.unrolled` file: weights, tokens, scores; no pickle. Raises: OutputError."""
        self._check_fitted()
        write_model(Path(path), self.card_, files.to_arrays(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The translator of a model file. Raises: ModelFileError."""
        return files.from_file(cls, file)

    def _judge(
        self, pairs: ParallelSet, options: SearchOptions, notes: Sequence[str] = ()
    ) -> TranslationEvaluation:
        source = self.sides_.read(pairs.source, pairs.names)
        decoding = NetworkDecoding(self.network_)
        found = [row[0] for row in write(decoding, self.sides_, source, pairs.source, options)]
        written = {
            self._name(options): [answer.text for answer in found],
            self.plain_.name: [self.sides_.write(codes) for codes in self.plain_.write(source)],
            "the source itself": list(pairs.source),
        }
        sides = (self.sides_.split_source, self.sides_.split_target)
        surety = [answer.log_probability / answer.tokens for answer in found]
        return evaluate_lines(pairs.source, pairs.target, written, *sides, surety, notes)

    def _name(self, options: SearchOptions) -> str:
        network = self.network_
        between = "no attention" if network.decoder.attention == "none" else network.decoder.attention
        how = "greedy" if options.beam == 1 else f"beam {options.beam}"
        return f"{network.cell.upper()}, {between} ({how})"

    def _summarise(self, fitted: Fitted, *counts: int) -> dict[str, str]:
        network, history, sides = fitted.network, fitted.history, fitted.sides
        between = (
            "a fixed context vector" if network.decoder.attention == "none" else network.decoder.attention
        )
        best = f"best {history.best_epoch}" if history.best_epoch else "no epoch beats the untrained network"
        return {
            "data": "{:,} training, {:,} validation, {:,} test pairs".format(*counts),
            "tokens": f"{len(sides.source):,} source ({sides.source.kind}), "
            f"{len(sides.target):,} target ({sides.target.kind})",
            "model": f"{network.cell.upper()} {network.hidden} x {network.layers}, {between}",
            "size": f"{parameter_count(network):,} parameters",
            "training": f"{len(history.epochs)} epochs, {best}, {fitted.waste:.1%} of the batches is padding",
        }


def _read(source: Texts, target: Texts, table: Any, encoding: str) -> ParallelSet:
    if table is None:
        return read_parallel(source, target, encoding)
    return read_pairs(table, str(source), str(target), encoding)


def _lines(texts: Texts, encoding: str) -> tuple[list[str], list[str]]:
    """Texts, and where each stands."""
    if isinstance(texts, PathLike) or (isinstance(texts, str) and "\n" not in texts):
        lines = read_lines(str(texts), encoding)
        return lines, [f"{texts}, line {number}" for number in range(1, len(lines) + 1)]
    lines = plain_texts(texts, "texts")
    return lines, [f"texts[{place}]" for place in range(len(lines))]


def _parts(
    pairs: ParallelSet, validation: Paired | None, test: Paired | None, split: Any, seed: int, encoding: str
) -> tuple[ParallelSet, ParallelSet, ParallelSet]:
    """Training, validation and test pairs; what is not drawn for the other two is trained on.

    Raises: DataError where the other two have every pair of a given `test`.
    """
    drawn = split_sequences(len(pairs), split, seed)
    held = picked(pairs, drawn.validation) if validation is None else read_parallel(*validation, encoding)
    last = picked(pairs, drawn.test) if test is None else read_parallel(*test, encoding)
    kept = [drawn.train]
    kept += [] if validation is None else [drawn.validation]
    kept += [] if test is None else [drawn.test]
    train = picked(pairs, np.sort(np.concatenate(kept)))
    if test is not None and repeated(last, train, held) == len(last):
        cure = "Give others: scores on what it was trained on would say nothing."
        raise DataError(explain("test", "pairs that training has not seen", "only such as it has", cure))
    return train, held, last


def repeated(pairs: ParallelSet, *others: ParallelSet) -> int:
    """How many pairs are among some others too."""
    seen = {pair for other in others for pair in zip(other.source, other.target, strict=True)}
    return sum(pair in seen for pair in zip(pairs.source, pairs.target, strict=True))
