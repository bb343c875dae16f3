"""Exponential smoothing: level, damped trend and season, each an average that forgets.

    e = y - (l + phi b + s)        l' = l + phi b + alpha e        b' = phi b + beta e        s' = s + gamma e

s is the season's state from one season before. A missing y has e = 0: the states move on by what was
expected. Key: T rows of the longest series · K = series x targets, one smoother each · m season.
"""

import warnings
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from unrolled import arguments
from unrolled.baselines.past import (
    Origins,
    Rowed,
    Rows,
    Values,
    check_fitted,
    check_origins,
    check_ranges,
    check_series_count,
    check_table,
    interpolated,
    last_valid,
    training_mean,
)
from unrolled.baselines.windows import window_origins
from unrolled.metrics import forecast as scores

Array = NDArray[np.float64]

MOST_SMOOTHERS = 64  # series x targets: statsmodels fits each by itself
MOST_SEASON = 168
MOST_ROWS = 10_000  # the last training rows, on which the parameters are fitted
CHOICE_WINDOWS = 200


class Parameters(NamedTuple):
    """One smoother each: alpha, beta, gamma, phi and the first states, (K,), and the first season, (m, K)."""

    alpha: Array
    beta: Array
    gamma: Array
    phi: Array
    level: Array
    trend: Array
    season: Array

    @classmethod
    def last_value(cls, first: Array, season: int) -> "Parameters":
        """Smoothers that only repeat the last value: what remains where nothing can be fitted."""
        alpha, beta, gamma, phi, trend = np.zeros((5, first.size))
        return cls(alpha + 1, beta, gamma, phi, first, trend, np.zeros((season, first.size)))


class States(NamedTuple):
    """The states after each row: level and trend (T + 1, K), entry 0 the first; season (T + m, K)."""

    level: Array
    trend: Array
    season: Array


class ETS:
    """Exponential smoothing by statsmodels: fitted once to each series' training part, then run on with fixed
    parameters.

    Four forms are tried (with or without damped trend, with or without season; errors are additive), and each
    series and target keeps the one of least squared error on the validation rows, or of least AICc where
    there are none. Training gaps are interpolated for the fit; the filter skips missing values. A series too
    short to fit repeats its last value. The states follow the rows: forecast with the rows it was fitted on,
    or more of them at the end.

    Source: Hyndman, Koehler, Ord & Snyder 2008, "Forecasting with Exponential Smoothing".
    """

    name = "exponential smoothing"

    def __init__(self, season: int | None = None) -> None:
        self.season = None if season is None else arguments.integer("season", season, 2, "None: no season.")
        self.horizon = 0

    @classmethod
    def too_costly(cls, series: int, targets: int, season: int | None) -> str | None:
        """Why fitting would take too long, or None where it is cheap.

        Example:
            >>> ETS.too_costly(200, 1, None)
            'exponential smoothing is left out: 200 series x 1 targets would be fitted one by one, at most 64'
        """
        if series * targets > MOST_SMOOTHERS:
            count = f"{series} series x {targets} targets would be fitted one by one"
            return f"{cls.name} is left out: {count}, at most {MOST_SMOOTHERS}"
        if season is not None and season > MOST_SEASON:
            return f"{cls.name} is left out: its season would be {season} steps, at most {MOST_SEASON}"
        return None

    def fit(self, values: Values, offsets: Rows, train: Rows, validation: Rows, horizon: int) -> Self:
        """Fit every form to every series and target, keep the best of each."""
        values, offsets = check_table(values, offsets)
        train = check_ranges("train", train, offsets)
        validation = check_ranges("validation", validation, offsets)
        self.horizon = arguments.integer("horizon", horizon, 1, "Say how many steps to forecast.")
        self.mean = training_mean(values, train)
        # the row of each series, counted from its first, at which its filter starts
        self.starts = np.maximum(train[:, 0], train[:, 1] - MOST_ROWS) - offsets[:-1]
        known = interpolated(values, train).astype(np.float64)
        parts = [known[offsets[s] + self.starts[s] : stop] for s, stop in enumerate(train[:, 1])]
        columns = [part[:, target] for part in parts for target in range(values.shape[1])]
        seasons = [None] if self.season is None else [None, self.season]
        forms = [fit_form(columns, trend, season) for trend in (False, True) for season in seasons]
        self.parameters = [parameters for parameters, _ in forms]
        errors = self.errors(values, offsets, validation, self.parameters)  # (forms, K)
        criteria = np.stack([criterion for _, criterion in forms])
        self.best = np.where(np.isfinite(errors).all(0), errors, criteria).argmin(0)  # (K,)
        return self

    def errors(self, values: Values, offsets: Rows, validation: Rows, found: list[Parameters]) -> Array:
        """The mean squared error of each form on the validation rows, (forms, K); NaN where there is none."""
        origins = window_origins(validation, 0, self.horizon, CHOICE_WINDOWS * len(validation))
        shape = (len(validation), values.shape[1])
        errors = np.full((len(found), *shape), np.nan)
        if not origins.rows.size:
            return errors.reshape(len(found), -1)
        truth = values[origins.rows[:, None] + np.arange(self.horizon)]
        for form, parameters in enumerate(found):
            answer = self.run(values, offsets, origins, parameters)
            for series in range(shape[0]):
                mine = origins.series == series
                errors[form, series] = scores.mse(truth[mine], answer[mine], per="target")
        return errors.reshape(len(found), -1)

    def forecast(self, values: Values, offsets: Rows, origins: Origins) -> Values:
        """The forecast of each smoother's own form: (n, horizon, targets)."""
        check_fitted(self, self.horizon > 0)
        values, offsets = check_table(values, offsets)
        check_series_count(self.name, self.starts.size, offsets)
        where = Rowed(*check_origins(origins, offsets))
        best = self.best.reshape(-1, values.shape[1])[where.series]  # (n, targets)
        answer = np.empty((where.rows.size, self.horizon, values.shape[1]), np.float32)
        for form in np.unique(self.best):
            chosen = np.broadcast_to((best == form)[:, None], answer.shape)
            answer[chosen] = self.run(values, offsets, where, self.parameters[form])[chosen]
        return answer

    def run(self, values: Values, offsets: Rows, origins: Rowed, parameters: Parameters) -> Values:
        """Filter all rows by one form, and forecast from the state before each origin."""
        targets = values.shape[1]
        states = smooth(self.side_by_side(values, offsets), parameters)
        place = origins.rows - (offsets[:-1] + self.starts)[origins.series]  # rows the filter has seen
        column = origins.series[:, None] * targets + np.arange(targets)
        answer = extend(states, parameters, np.maximum(place, 0)[:, None], column, self.horizon)
        early = (place <= 0)[:, None, None]  # before the filter's first row
        last = last_valid(values, offsets, origins, self.mean)[:, None]
        return np.where(early, last, answer).astype(np.float32)

    def side_by_side(self, values: Values, offsets: Rows) -> Array:
        """Every series from its start on, (T, K), the short ones with NaN at the end."""
        firsts = offsets[:-1] + self.starts
        longest = int((offsets[1:] - firsts).max())
        table = np.full((longest, firsts.size, values.shape[1]), np.nan)
        for series, (first, stop) in enumerate(zip(firsts, offsets[1:], strict=True)):
            table[: stop - first, series] = values[first:stop]
        return table.reshape(longest, -1)


def fit_form(columns: list[Array], trend: bool, season: int | None) -> tuple[Parameters, Array]:
    """One form fitted to each column: its parameters and AICc, (K,); infinite where it cannot be fitted."""
    model = arguments.part("statsmodels.tsa.exponential_smoothing.ets", "train").ETSModel
    firsts = np.array([column[0] if column.size and np.isfinite(column[0]) else 0.0 for column in columns])
    parameters = Parameters.last_value(firsts, season or 1)
    criterion = np.full(len(columns), np.inf)
    least = 10 + 2 * ((season or 1) + 2)  # what the first states are estimated from
    for k, column in enumerate(columns):
        spread = column.std() if column.size >= least else 0.0
        if not np.isfinite(spread) or spread < 1e-6 * max(1e-30, float(np.abs(column).max(initial=0.0))):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a search that stops early still leaves usable parameters
            fitted = model(
                column / spread,  # the search's step does not suit every unit
                trend="add" if trend else None,
                damped_trend=trend,
                seasonal="add" if season else None,
                seasonal_periods=season,
                initialization_method="heuristic",
            ).fit(disp=False, maxiter=200)
        keep(parameters, k, fitted, spread)
        criterion[k] = fitted.aicc
    return parameters, criterion


def keep(parameters: Parameters, k: int, fitted: Any, spread: float) -> None:
    """Copy one fit into column k, back in raw units."""
    found = dict(zip(fitted.param_names, fitted.params, strict=True))
    parameters.alpha[k] = found["smoothing_level"]
    parameters.beta[k] = found.get("smoothing_trend", 0.0)
    parameters.gamma[k] = found.get("smoothing_seasonal", 0.0)
    parameters.phi[k] = found.get("damping_trend", 0.0)
    parameters.level[k] = fitted.initial_level * spread
    if "smoothing_trend" in found:
        parameters.trend[k] = fitted.initial_trend * spread
    if "smoothing_seasonal" in found:
        parameters.season[:, k] = np.asarray(fitted.initial_seasonal) * spread


def smooth(values: Array, parameters: Parameters) -> States:
    """Run the smoothers over all rows, (T, K): the equations on top of this file."""
    alpha, beta, gamma, phi, *_ = parameters
    rows, season = len(values), len(parameters.season)
    level, trend = np.empty((2, rows + 1, values.shape[1]))
    seasons = np.empty((rows + season, values.shape[1]))
    level[0], trend[0], seasons[:season] = parameters.level, parameters.trend, parameters.season
    for t in range(rows):
        slope = phi * trend[t]
        error = values[t] - (level[t] + slope + seasons[t])
        error[np.isnan(error)] = 0.0
        level[t + 1] = level[t] + slope + alpha * error
        trend[t + 1] = slope + beta * error
        seasons[t + season] = seasons[t] + gamma * error
    return States(level, trend, seasons)


def extend(states: States, parameters: Parameters, place: Rows, column: Rows, horizon: int) -> Array:
    """Forecasts from the states after `place` rows, (n, horizon, targets).

    Shapes: place (n, 1); column (n, targets), the smoother of each target.
    """
    season = len(parameters.season)
    damped = np.cumsum(parameters.phi ** np.arange(1, horizon + 1)[:, None], axis=0)  # phi + ... + phi^h
    level = states.level[place, column][:, None]
    trend = states.trend[place, column][:, None] * damped[:, column].transpose(1, 0, 2)
    ahead = place[..., None] + np.arange(horizon)[:, None] % season  # (n, horizon, 1)
    return level + trend + states.season[ahead, column[:, None]]
