"""What a user holds: a task reads the data, trains, judges, saves, predicts and streams."""

from unrolled.tasks.forecast_evaluation import Evaluation as Evaluation
from unrolled.tasks.forecaster import Forecaster as Forecaster
from unrolled.tasks.loading import load as load
from unrolled.tasks.sequence_classifier import SequenceClassifier as SequenceClassifier
from unrolled.tasks.sequence_regressor import SequenceRegressor as SequenceRegressor
