"""What labelling and rating sequences have in common: fit, predict, judge, stream, save."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from unrolled.data import Frame, SequenceSet
from unrolled.deploy import Exported, export, replays_of
from unrolled.errors import DataError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.nn import parameter_count
from unrolled.runtime import Column, Columns, Program, Stream
from unrolled.tasks.sequence import files as sequence_files
from unrolled.tasks.sequence.answers import Classes, Numbers
from unrolled.tasks.sequence.data import SequenceSplit, digests, encode_labels, read_training, split_sequences
from unrolled.tasks.sequence.evaluation import SequenceEvaluation
from unrolled.tasks.sequence.fit import fit_sequences
from unrolled.tasks.sequence.frames import prediction_frame
from unrolled.tasks.sequence.run import answers_of, scores_of
from unrolled.tasks.sequence.scoring import evaluate_sequences
from unrolled.tasks.sequence.settings import settle
from unrolled.tasks.task import CellStartParameters, Task
from unrolled.tasks.unseen import unseen
from unrolled.training import Reporter, Watch, watching

Names = str | Sequence[str] | None


@dataclass(eq=False, repr=False)
class SequenceTask(CellStartParameters, Task):
    """The shared half of `SequenceClassifier` and `SequenceRegressor`, which say what is answered.

    `forget_bias`, `memory` (of an LSTM), `orthogonal` and `layer_norm` are those of `models.CellStart`.

    Scikit-learn's conventions hold: nothing is checked before `fit`, and what `fit` finds ends in an
    underscore.
    """

    answers_kind: ClassVar[type[Classes] | type[Numbers]]

    cell: str = "gru"
    hidden_size: int = 64
    _: KW_ONLY
    layers: int = 1
    bidirectional: bool = False
    head: str = "last"
    dropout: float = 0.1
    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-3
    patience: int = 10

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        lengths: Any = None,
        series: str | None = None,
        time: Names = None,
        target: str | None = None,
        past: Names = None,
        split: Sequence[float] = (0.7, 0.1, 0.2),
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> Self:
        """Train on one part of the sequences, stop by the second, judge on the third.

        Arrays: X (batch, time, features) with `lengths` (batch,), or a list of arrays (time, features); y has
        a label a sequence, or with `head="every"` a label a step; `past` may name the features. A table (a
        frame or a path): `series` names the column that tells sequences apart, `target` the label's, `time`
        their order, `past` the features; without it they are all other number columns. `split` gives the
        three parts as fractions or as counts of sequences; a sequence is never in two of them. With
        `checkpoint` a killed run goes on where it was (`resume=True`).
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baselines and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        settings = settle(self.get_params())
        if checkpoint is not None:
            check_output(Path(checkpoint))
        columns, data = read_training(X, y, lengths, series=series, time=time, target=target, past=past)
        assert data.labels is not None
        answers = self.answers_kind.fit(data.labels, columns.label)
        data = encode_labels(data, answers, settings.every, columns.label)
        by_class = data.labels if isinstance(answers, Classes) and not settings.every else None
        parts = split_sequences(len(data), split, settings.training.seed, by_class)
        weight = getattr(self, "class_weight", None)
        fitted = fit_sequences(settings, answers, data, parts, weight, checkpoint, resume, reporter)
        self.columns_, self.answers_ = columns, answers
        self.network_, self.history_, self.baselines_ = fitted.network, fitted.history, fitted.baselines
        self.seen_ = digests(data, parts.left, named=columns.series is not None)
        self.evaluation_ = self._judge(data, parts.test, repeated(data, parts))
        self.summary_ = self._summarise(data, parts)
        self.card_ = sequence_files.to_card(self)
        return self

    def predict(self, X: Any, lengths: Any = None) -> Any:
        """The label of each sequence, or with `head="every"` of each step.

        Returns: for arrays an array (batch,), or a list of arrays (time,), one a sequence; for a table a
        frame of the kind that came in (polars for a path): the series, of a step its time, the label, and
        `p_<class>` for each class.
        """
        source, data = self._read(X, lengths)
        outputs = self._outputs(data, np.arange(len(data)))
        every = self.network_.pool == "every"
        if isinstance(source, Frame):
            return prediction_frame(source, self.columns_, self.answers_, outputs, every)
        return self._by_sequence(self.answers_.points(outputs), data)

    def evaluate(self, X: Any, y: Any = None, lengths: Any = None) -> SequenceEvaluation:
        """Score the model on labelled sequences beside the baselines it was trained with.

        Sequences of a table that the model was trained on, known by name and values, are left out. Arrays are
        scored as they are, with a note where the model has seen some of them.

        Raises: DataError for a label that training has not seen, or where no new sequence is left.
        """
        source, data = self._read_labelled(X, y, lengths)
        known = np.isin(digests(data, range(len(data)), self.columns_.series is not None), self.seen_)
        return self._judge(data, *unseen(known, "sequences", isinstance(source, Frame)))

    def stream(self) -> Stream:
        """A fresh stream of this model: one row in, the scores of the sequence so far out, state kept.

        Raises: ArgumentError for a bidirectional model, which needs the whole sequence.
        """
        return Stream(self.program())

    def program(self) -> Program:
        """The model lowered to the Program that every runtime runs."""
        self._check_fitted()
        masked = self.network_.shape.masked
        columns = tuple(Column(name, "x", masked) for name in self.columns_.features)
        own = Columns(columns, series_column=self.columns_.series, unread=self.columns_.unread)
        return self.network_.lower().with_columns(own)

    def export(
        self, folder: str | PathLike[str], to: str = "c", rows: Any = None, name: str | None = None
    ) -> Exported:
        """Write the model for another runtime: "c", "wasm", "onnx" or "program".

        `rows` is a table of held-out sequences that the export is tried on; without it rows are drawn.
        Returns: the files, their sizes, the difference from the stream.
        Raises: ExportError, ArgumentError, as `deploy.export`; nothing is written then.
        """
        program = self.program()
        return export(
            program, folder, to, name=name, replays=None if rows is None else replays_of(program, rows)
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write one `.unrolled` file: weights, columns, baselines, scores; no pickle. Raises: OutputError."""
        self._check_fitted()
        write_model(Path(path), self.card_, sequence_files.to_arrays(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The fitted task of a model file. Raises: ModelFileError."""
        return sequence_files.from_file(cls, file)

    def _outputs(self, data: SequenceSet, indices: np.ndarray) -> np.ndarray:
        return self.answers_.outputs(scores_of(self.network_, data, indices))

    def _judge(self, data: SequenceSet, indices: np.ndarray, notes: list[str]) -> SequenceEvaluation:
        return evaluate_sequences(self.network_, self.answers_, self.baselines_, data, indices, notes)

    def _read(self, X: Any, lengths: Any = None) -> tuple[Any, SequenceSet]:
        self._check_fitted()
        source = self.columns_.open(X)
        source = X if source is None else source
        data = self.columns_.read(source, lengths)
        self._refuse_missing(data)
        return source, data

    def _read_labelled(self, X: Any, y: Any, lengths: Any) -> tuple[Any, SequenceSet]:
        self._check_fitted()
        source = self.columns_.open(X)
        source = X if source is None else source
        data = self.columns_.read(source, lengths, y, labelled=True)
        self._refuse_missing(data)
        every = self.network_.pool == "every"
        return source, encode_labels(data, self.answers_, every, self.columns_.label)

    def _by_sequence(self, values: np.ndarray, data: SequenceSet) -> Any:
        """Values (answers, ...) as they are, or one array a sequence where each step is answered."""
        return np.split(values, data.offsets[1:-1]) if self.network_.pool == "every" else values

    def _outputs_and_truth(self, X: Any, y: Any, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
        """What the network answers and the encoded labels, for `score`."""
        _, data = self._read_labelled(X, y, lengths)
        indices = np.arange(len(data))
        assert data.labels is not None
        return self._outputs(data, indices), data.labels[answers_of(data, indices)[0]]

    def _refuse_missing(self, data: SequenceSet) -> None:
        missing = np.isnan(data.values)
        if not self.network_.shape.masked and missing.any():
            row, column = np.argwhere(missing)[0]
            index = int(np.searchsorted(data.offsets, row, "right")) - 1
            where = f"{data.columns[column]}, step {row - data.offsets[index] + 1} of {data.names[index]!r}"
            cure = "The model was trained on data without missing values: fill them, or train with some."
            raise DataError(explain(where, "a number", "a missing value", cure))

    def _summarise(self, data: SequenceSet, parts: SequenceSplit) -> dict[str, str]:
        network, history, lengths = self.network_, self.history_, data.lengths
        count = parameter_count(network)
        assert data.labels is not None
        sizes = [len(part) for part in (parts.train, parts.validation, parts.test)]
        ways = "bidirectional " if network.bidirectional else ""
        best = (
            f"best {history.best_epoch}"
            if history.best_epoch
            else "nothing learned beats the untrained network"
        )
        lines = {
            "data": f"{len(data):,} sequences of {lengths.min():,} to {lengths.max():,} steps,"
            f" {len(data.columns)} features" + (", some values missing" if network.shape.masked else ""),
            "labels": self.answers_.told(data.labels) + (", one a step" if data.every_step else ""),
            "split": "{:,} training, {:,} validation, {:,} test sequences".format(*sizes),
            "model": f"{ways}{network.cell.upper()} {network.hidden} x {network.layers}, head {network.pool}",
            "size": f"{count:,} parameters, {network.cost():,} multiply-adds per step",
            "training": f"{len(history.epochs)} epochs, {best}",
        }
        left = [f"{len(data) - sum(sizes):,} sequences beyond the split"] if len(data) > sum(sizes) else []
        left += [f"columns {', '.join(self.columns_.left_out)}"] if self.columns_.left_out else []
        return lines | ({"left out": "; ".join(left)} if left else {})


def repeated(data: SequenceSet, parts: SequenceSplit) -> list[str]:
    """A note where test sequences have the same values as some that were learned from."""
    seen = digests(data, parts.left, named=False)
    count = int(np.isin(digests(data, parts.test, named=False), seen).sum())
    return [f"{count} test sequences are equal to some that it was trained or stopped on."] if count else []
