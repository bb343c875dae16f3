"""Forecast one or many series: from a frame to a judged model file, and back."""

from unrolled.tasks.forecast.evaluation import Evaluation as Evaluation
from unrolled.tasks.forecast.forecaster import Forecaster as Forecaster
