"""Forecast one or many series with a recurrent network, beside plain baselines, with calibrated intervals."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data import Frame, SeriesSet, Split, read_frame, read_series, split_rows, step_of
from unrolled.deploy import Exported, export, replays_of
from unrolled.errors import DataError, explain
from unrolled.format import ModelFile, check_output, write_model
from unrolled.runtime import Program, Stream
from unrolled.tasks.forecast import files as forecast_files
from unrolled.tasks.forecast.backtest import backtest
from unrolled.tasks.forecast.checks import check_parts
from unrolled.tasks.forecast.evaluation import Evaluation
from unrolled.tasks.forecast.fit import fit_forecaster
from unrolled.tasks.forecast.frames import extend, roles_of, to_frame
from unrolled.tasks.forecast.inputs import longest_stamps
from unrolled.tasks.forecast.leak_test import Leak, leak_test
from unrolled.tasks.forecast.periods import Periods
from unrolled.tasks.forecast.program import program_of
from unrolled.tasks.forecast.run import ForecastRunner, ends_of
from unrolled.tasks.forecast.scoring import evaluate, naive_scales
from unrolled.tasks.forecast.settings import settle
from unrolled.tasks.forecast.summary import summarise
from unrolled.tasks.task import CellStartParameters, Task
from unrolled.training import Loss, Reporter, Watch, network_loss, watching

Names = str | Sequence[str] | None


@dataclass(eq=False, repr=False)
class Forecaster(CellStartParameters, Task):
    """Forecast the next `horizon` rows of one or many series.

    `decoder` is "segment" (segments of the last `history` rows through one recurrent network, all of the
    horizon at once), "direct" (a step a row with carried state, all of the horizon at once) or "recursive"
    (one row ahead at a time, sample paths). `cell` is "elman", "lstm", "gru" or "gru2014"; to compare with,
    the segments may also go through a "transformer" or "feed-forward" layers. `forget_bias`, `memory` (of an
    LSTM), `orthogonal` and `layer_norm` are those of `models.CellStart`. Scikit-learn's conventions hold:
    nothing is checked before `fit`, and what `fit` finds ends in an underscore.

    Source: segment decoder, Lin et al. 2023, arXiv:2308.11200; recursive decoder, Salinas et al. 2017,
    arXiv:1704.04110.
    """

    horizon: int = 24
    history: int | None = None
    _: KW_ONLY
    decoder: str = "segment"
    cell: str = "gru"
    hidden_size: int = 128
    layers: int = 1
    quantiles: Sequence[float] = (0.1, 0.5, 0.9)
    segment: int | None = None
    dropout: float = 0.2
    scaling: str = "auto"
    time_features: bool = True
    paths: int = 200
    epochs: int = 15
    batch_size: int = 128
    learning_rate: float | None = None
    bptt: int = 64
    patience: int = 6

    def fit(
        self,
        frame: Any,
        target: Names = None,
        *,
        time: Names = None,
        series: str | None = None,
        known: Names = None,
        past: Names = None,
        static: Names = None,
        split: Sequence[float] = (0.7, 0.1, 0.2),
        checkpoint: str | Path | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        watch: Watch | int | None = None,
    ) -> "Forecaster":
        """Train on the first part of the frame, stop and calibrate on the second, judge on the third.

        `target` is a column, several, or None for every number column that has no other role. `split` gives
        the three parts as fractions or as row counts. With `checkpoint` a killed run goes on where it was
        (`resume=True`).
        `watch`: every how many steps to look inside while it trains, or a `training.Watch`.

        Returns: self; `evaluation_` holds the scores beside the baselines and the verdict.
        Raises: ArgumentError, DataError: one line each, before anything is trained.
        """
        reporter = watching(watch, reporter)
        if checkpoint is not None:
            check_output(checkpoint)
        opened = read_frame(frame, text=() if series is None else {series})
        roles = roles_of(opened, target, time, series, known=known, past=past, static=static)
        data = read_series(opened, roles)
        return self.fit_series(data, split_rows(data, split), checkpoint, resume, reporter)

    def fit_series(
        self,
        data: SeriesSet,
        split: Split,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        reporter: Reporter | None = None,
        loss: Loss = network_loss,
    ) -> "Forecaster":
        """Fit on data that is read and split already; `loss` is the loop's seam."""
        settings = settle(self.get_params(), data, split.train)
        check_parts(settings, data, split)
        fitted = fit_forecaster(settings, data, split, checkpoint, resume, reporter, loss)
        self.settings_, self.inputs_ = settings, fitted.inputs
        self.network_, self.history_, self.kept_ = fitted.network, fitted.history, fitted.kept
        self.periods_ = Periods.of(data, split)
        self.naive_ = naive_scales(data, split)
        self.split_, self.rows_ = split, data.rows
        stamps = longest_stamps(data)
        self.step_ = None if stamps is None else step_of(stamps)
        self.__dict__.pop("card_", None)  # of the file that an earlier model was loaded from
        self.evaluation_ = evaluate(self.runner(), data, split)
        self.summary_ = summarise(self, data, split)
        return self

    def predict(self, frame: Any, future: Any = None) -> Any:
        """Forecast the `horizon` rows after the last row of each series.

        `future` holds the `known` columns of those rows; it is needed only where the model was trained with
        such columns.

        Returns: a frame of the kind that came in (polars for a path or an array): the series and time
        columns, and for each target its median forecast and a column a quantile, such as `OT`, `OT_q0.1`,
        `OT_q0.9`.
        """
        opened = self._open(frame)
        data = self._read(opened)
        extended = extend(data, future, self.inputs_, self.step_, self.network_.shape.horizon)
        quantiles = self.runner().at(extended, ends_of(extended, self.network_))
        return to_frame(opened, extended, quantiles, self.network_.shape.quantiles)

    def evaluate(self, frame: Any) -> Evaluation:
        """Score the model on the rows of a frame after its training period, beside the baselines.

        Raises: DataError if no row lies after the training period.
        """
        data = self._read(frame)
        mean = self.naive_mean
        naive = np.stack([self.naive_.get(name, mean) for name in data.names])
        split = self.periods_.split(data)
        return evaluate(self.runner(), data, split, naive, season=self.periods_.season)

    def backtest(
        self,
        frame: Any,
        target: Names = None,
        *,
        folds: int = 3,
        reporter: Reporter | None = None,
        **columns: Any,
    ) -> Evaluation:
        """Roll the origin forward: before each piece of the test part train anew, score on the piece.

        `folds` is the number of pieces; `columns` are the `time`, `series`, `known`, `past`, `static` and
        `split` of `fit`.
        """
        return backtest(self, frame, target, folds, reporter, **columns)

    def leak_test(self, frame: Any, reporter: Reporter | None = None) -> list[Leak]:
        """Look for leaks in the windows, the labels and the known columns. `frame` is the one of `fit`."""
        data = self._read(frame)
        own = hasattr(self, "split_") and data.rows == self.rows_ and len(data.names) == len(self.naive_)
        return leak_test(self, data, self.split_ if own else self.periods_.split(data), reporter)

    def stream(self, series: str | int | None = None) -> Stream:
        """A fresh stream of this model: one row in, one forecast out, state kept.

        `series` says whose rows will come, where each series has its own scale.
        """
        return Stream(self.program(), series)

    def program(self) -> Program:
        """The model lowered to the Program that every runtime runs."""
        self._check_fitted()
        return program_of(self.network_, self.inputs_, self.step_, self.paths, self.seed)

    def export(
        self, folder: str | Path, to: str = "c", rows: Any = None, name: str | None = None
    ) -> Exported:
        """Write the model for another runtime: "c", "wasm", "onnx" or "program".

        `rows` is a table of held-out rows that the export is tried on; without it rows are drawn.
        Returns: the files, their sizes, the difference from the stream.
        Raises: ExportError, ArgumentError, as `deploy.export`; nothing is written then.
        """
        program = self.program()
        return export(
            program, folder, to, name=name, replays=None if rows is None else replays_of(program, rows)
        )

    def save(self, path: str | Path) -> None:
        """Write one `.unrolled` file: weights, scalers, vocabularies, scores; no pickle.

        Raises: OutputError.
        """
        self._check_fitted()
        write_model(path, *forecast_files.to_card(self))

    @classmethod
    def from_file(cls, file: ModelFile) -> "Forecaster":
        """The fitted forecaster of a model file. Raises: ModelFileError."""
        return forecast_files.from_file(cls, file)

    def runner(self) -> ForecastRunner:
        """The network ready to forecast at any origin."""
        self._check_fitted()
        return ForecastRunner(self.network_, self.inputs_, self.paths, self.seed)

    @property
    def naive_mean(self) -> np.ndarray:
        """The mean denominator of MASE, for a series that was not in the training data."""
        scales = np.stack(list(self.naive_.values()))
        count = np.isfinite(scales).sum(axis=0)
        return np.where(count > 0, np.nansum(scales, axis=0) / np.maximum(count, 1), np.nan)

    def _open(self, frame: Any) -> Frame:
        """A frame whose words are read as they are written, such as a series called 007."""
        self._check_fitted()
        words = {name for name, kind in self.inputs_.kinds.items() if kind == "category"}
        series = self.inputs_.roles.series
        return read_frame(frame, text=words if series is None else words | {series})

    def _read(self, frame: Frame | Any) -> SeriesSet:
        data = read_series(self._open(frame), self.inputs_.roles, kinds=self.inputs_.kinds)
        self.inputs_.require(data)
        if self.step_ is not None and data.stamps is None:
            cure = "Write dates and times as in the training data."
            raise DataError(explain(",".join(self.inputs_.roles.time), "stamps", "plain numbers", cure))
        return data
