"""Between a frame and a network's batch: which column is what, how it is scaled, which words it may hold.

Fitted on the training rows alone, kept in the model file, and used the same way in training, `predict` and a
stream.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from unrolled.data import Codes, Roles, SeriesSet
from unrolled.errors import DataError, explain, nearest
from unrolled.format import entries, field
from unrolled.models import ForecastShape
from unrolled.preprocess import StandardScaler, TimeFeatures, Vocabulary

COVARIATES = ("past", "known", "static")
MASKABLE = ("target", "past", "static")  # a known column has no missing values
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class ForecastInputs:
    """The fitted preprocessing of a forecaster.

    Shapes: target_scaler (series, targets), or (1, targets) where one scale serves every series; each
    covariate scaler (1, columns).
    """

    roles: Roles
    series_names: tuple[str, ...]
    per_series: bool
    target_scaler: StandardScaler
    covariate_scalers: dict[str, StandardScaler]
    vocabularies: dict[str, Vocabulary]
    time_features: TimeFeatures | None
    masked: tuple[str, ...]  # the roles whose columns had missing values: they get a mask channel

    @classmethod
    def fit(
        cls, data: SeriesSet, train: np.ndarray, per_series: bool, time_features: bool = True, window: int = 0
    ) -> "ForecastInputs":
        """Fit on the training rows; time features are of cycles longer than `window` rows.

        Shapes: train int64 (series, 2), the first row and the row after the last of each series' part.
        """
        features = None
        if time_features and data.stamps is not None:
            features = TimeFeatures.choose(np.concatenate([data.stamps[a:b] for a, b in train]), window)
        numbers = {role: data.values[:, data.numeric(role)] for role in ("target", *COVARIATES)}
        return cls(
            roles=data.roles,
            series_names=data.names if per_series else (),
            per_series=per_series,
            target_scaler=fit_scaler(numbers["target"], train, per_series),
            covariate_scalers={
                role: fit_scaler(numbers[role], train, per_series=False)
                for role in COVARIATES
                if numbers[role].shape[1]
            },
            vocabularies={name: fit_vocabulary(codes, train) for name, codes in data.categories.items()},
            time_features=features,
            masked=tuple(role for role in MASKABLE if np.isnan(numbers[role]).any()),
        )

    @cached_property
    def kinds(self) -> dict[str, str]:
        """'number' or 'category' of each column, as `read_series` demands them of new data."""
        named = [name for role in ("target", *COVARIATES) for name in getattr(self.roles, role)]
        return {name: "category" if name in self.vocabularies else "number" for name in named}

    def numeric_names(self, role: str) -> tuple[str, ...]:
        """The columns of a role that hold numbers."""
        return tuple(name for name in getattr(self.roles, role) if name not in self.vocabularies)

    def code_names(self, role: str) -> tuple[str, ...]:
        """The columns of a role that hold words."""
        return tuple(name for name in getattr(self.roles, role) if name in self.vocabularies)

    @property
    def feature_count(self) -> int:
        """How many time features stand behind the known columns."""
        return len(self.time_features.names) if self.time_features else 0

    def shape(self, history: int, horizon: int, quantiles: tuple[float, ...]) -> ForecastShape:
        """What a network must know of its inputs."""
        columns = {role: len(self.numeric_names(role)) for role in COVARIATES}
        codes = {
            f"{role}_codes": tuple(len(self.vocabularies[name]) for name in self.code_names(role))
            for role in COVARIATES
        }
        return ForecastShape(
            targets=len(self.roles.target),
            series=len(self.target_scaler.mean),
            past=columns["past"],
            known=columns["known"] + self.feature_count,
            static=columns["static"],
            history=history,
            horizon=horizon,
            quantiles=quantiles,
            masked_target="target" in self.masked,
            masked_past="past" in self.masked,
            masked_static="static" in self.masked,
            **codes,
        )

    def scaling(self) -> dict[str, np.ndarray]:
        """The scalers as a network's buffers: `target_mean (series, targets)`, `known_scale (columns,)`..."""
        buffers = {"target_mean": self.target_scaler.mean, "target_scale": self.target_scaler.scale}
        for role in COVARIATES:
            scaler = self.covariate_scalers.get(role)
            mean = np.zeros(0, np.float32) if scaler is None else scaler.mean[0]
            scale = np.ones(0, np.float32) if scaler is None else scaler.scale[0]
            if role == "known":  # sines and cosines are on scale already
                mean = np.append(mean, np.zeros(self.feature_count, np.float32))
                scale = np.append(scale, np.ones(self.feature_count, np.float32))
            buffers |= {f"{role}_mean": mean, f"{role}_scale": scale}
        return buffers

    def batch(self, data: SeriesSet, rows: np.ndarray, known_rows: np.ndarray, series: np.ndarray) -> Batch:
        """Gather a batch in raw units. A row of -1 stands for no row: its numbers are NaN, its codes 0.

        Shapes: rows int64 (batch, time); known_rows int64 (batch, time + horizon); series int64 (batch,).
        """
        batch = {
            "target": take(data.values[:, data.numeric("target")], rows),
            "series": torch.from_numpy(self.scaler_rows(data)[series]),
        }
        first = data.offsets[series]  # any row of the series will do: a static column is constant in it
        for role, index in (("past", rows), ("known", known_rows), ("static", first)):
            if self.numeric_names(role):
                batch[role] = take(data.values[:, data.numeric(role)], index)
            if self.code_names(role):
                batch[f"{role}_codes"] = self._codes(data, role, index)
        if self.feature_count or "known" in batch:
            batch["known"] = self._known(data, batch.get("known"), known_rows)
        return batch

    def _codes(self, data: SeriesSet, role: str, index: np.ndarray) -> torch.Tensor:
        columns = []
        for name in self.code_names(role):
            column = data.categories[name]
            codes = np.where(index < 0, -1, column.codes[index])
            columns.append(Codes(codes, column.words).encode(self.vocabularies[name]))
        return torch.from_numpy(np.stack(columns, axis=-1))

    def _known(self, data: SeriesSet, numbers: torch.Tensor | None, index: np.ndarray) -> torch.Tensor:
        """The known columns with the time features behind them; 0 past the end, where no answer counts."""
        parts = [] if numbers is None else [numbers]
        if self.time_features and self.feature_count:
            assert data.stamps is not None
            parts.append(torch.from_numpy(self.time_features.encode(data.stamps[index])))
        there = torch.from_numpy(index >= 0)[..., None]
        return torch.where(there, torch.cat(parts, dim=-1), 0.0)

    def scaler_rows(self, data: SeriesSet) -> np.ndarray:
        """Which row of the target scaler serves each series of `data`, int64 (series,).

        Raises: DataError for a series the model was not trained on.
        """
        if not self.per_series:
            return np.zeros(len(data.names), np.int64)
        try:
            return np.array([self._scaler_row[name] for name in data.names], np.int64)
        except KeyError as error:
            (name,) = error.args
            listed = f"one of the {len(self._scaler_row)} series of the training data"
            cure = nearest(name, self._scaler_row) or "Train with it, or with scaling='global'."
            raise DataError(explain(f"series {name!r}", listed, "a new one", cure)) from None

    @cached_property
    def _scaler_row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.series_names)}

    def require(self, data: SeriesSet) -> None:
        """Refuse what the network has no mask for.

        Raises: DataError naming the column and the first row with a missing value.
        """
        for role in MASKABLE:
            if role in self.masked:
                continue
            block = data.numeric(role)
            missing = np.isnan(data.values[:, block])
            if missing.any():
                row, column = np.argwhere(missing)[0]
                source = int(row if data.order is None else data.order[row]) + 1
                name = data.columns[block.start + column]
                cure = "The model was trained on data without missing values: fill them, or train with some."
                raise DataError(explain(f"{name}, row {source}", "a number", "a missing value", cure))

    def card(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "roles": roles_card(self.roles),
            "series_names": list(self.series_names),
            "per_series": self.per_series,
            "target_scaler": self.target_scaler.card(),
            "covariate_scalers": {role: scaler.card() for role, scaler in self.covariate_scalers.items()},
            "vocabularies": {name: vocabulary.card() for name, vocabulary in self.vocabularies.items()},
            "time_features": self.time_features.card() if self.time_features else None,
            "masked": list(self.masked),
        }

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> "ForecastInputs":
        """From JSON. Raises: ModelFileError naming the field that is wrong."""
        scalers = field(card, "covariate_scalers", dict)
        vocabularies = field(card, "vocabularies", dict)
        time_features = card.get("time_features")
        return cls(
            roles=roles_from_card(field(card, "roles", dict)),
            series_names=tuple(entries(card, "series_names", str)),
            per_series=field(card, "per_series", bool),
            target_scaler=StandardScaler.from_card(field(card, "target_scaler", dict)),
            covariate_scalers={role: StandardScaler.from_card(scaler) for role, scaler in scalers.items()},
            vocabularies={name: Vocabulary.from_card(words) for name, words in vocabularies.items()},
            time_features=None if time_features is None else TimeFeatures.from_card(time_features),
            masked=tuple(entries(card, "masked", str)),
        )


def roles_card(roles: Roles) -> dict[str, Any]:
    """The roles as JSON."""
    lists = {name: list(getattr(roles, name)) for name in ("target", "time", *COVARIATES)}
    return {"series": roles.series} | lists


def roles_from_card(card: dict[str, Any]) -> Roles:
    """The roles from JSON. Raises: ModelFileError."""
    series = None if card.get("series") is None else field(card, "series", str, "card.roles")
    lists = {name: entries(card, name, str, "card.roles") for name in ("target", "time", *COVARIATES)}
    return Roles(series=series, **lists)


def fit_scaler(values: np.ndarray, train: np.ndarray, per_series: bool) -> StandardScaler:
    """A scaler of the training rows: one scale for all, or one for each series.

    A series without a training value takes the scale of all together.
    """
    rows = [values[start:stop] for start, stop in train]
    joined = rows[0] if len(rows) == 1 else np.concatenate(rows)
    if not per_series:
        return StandardScaler.fit(joined)
    own = StandardScaler.fit(joined, np.cumsum([0, *map(len, rows)]))
    unknown = np.array([np.isnan(part).all(axis=0) for part in rows])  # (series, columns)
    if not unknown.any():
        return own
    whole = StandardScaler.fit(joined)
    return StandardScaler(np.where(unknown, whole.mean, own.mean), np.where(unknown, whole.scale, own.scale))


def longest_stamps(data: SeriesSet) -> np.ndarray | None:
    """The stamps of the longest series, which show the step and the season best; None without stamps."""
    if data.stamps is None:
        return None
    series = int(np.diff(data.offsets).argmax())
    return data.stamps[data.offsets[series] : data.offsets[series + 1]]


def fit_vocabulary(column: Codes, train: np.ndarray) -> Vocabulary:
    """The words that a column holds in the training rows."""
    seen = np.zeros(len(column.words) + 1, bool)  # the last place is the missing word's
    for start, stop in train:
        seen[column.codes[start:stop]] = True
    return Vocabulary.fit([word for word, met in zip(column.words, seen[:-1], strict=True) if met])


def take(values: np.ndarray, index: np.ndarray) -> torch.Tensor:
    """Rows of `values`, NaN where the index is -1. values (rows, columns), index (...) -> (..., columns)."""
    taken = values[index]
    taken[index < 0] = np.nan
    return torch.from_numpy(taken)
