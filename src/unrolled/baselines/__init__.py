"""The plain methods that a model must beat."""

from unrolled.baselines.ets import ETS
from unrolled.baselines.forecast import Plain, plain_forecasts
from unrolled.baselines.naive import LastValue, SeasonalNaive
from unrolled.baselines.ngrams import NGrams, choose_order
from unrolled.baselines.past import ForecastBaseline, Rowed
from unrolled.baselines.ridge import RidgeWindow
from unrolled.baselines.sequences import (
    ClassBaseline,
    LogisticStatistics,
    MajorityClass,
    MeanValue,
    RidgeStatistics,
    ValueBaseline,
    plain_classifiers,
    plain_regressions,
    statistics,
    unpadded,
)
from unrolled.baselines.translation import WordByWord

__all__ = [
    "ETS",
    "ClassBaseline",
    "ForecastBaseline",
    "LastValue",
    "LogisticStatistics",
    "MajorityClass",
    "MeanValue",
    "NGrams",
    "Plain",
    "RidgeStatistics",
    "RidgeWindow",
    "Rowed",
    "SeasonalNaive",
    "ValueBaseline",
    "WordByWord",
    "choose_order",
    "plain_classifiers",
    "plain_forecasts",
    "plain_regressions",
    "statistics",
    "unpadded",
]
