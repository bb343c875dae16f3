"""What a user holds: a task reads the data, trains, judges, saves, predicts and streams."""

from unrolled.tasks.forecast.evaluation import Evaluation as Evaluation
from unrolled.tasks.forecast.forecaster import Forecaster as Forecaster
from unrolled.tasks.language.language_model import LanguageModel as LanguageModel
from unrolled.tasks.language.masked_language_model import MaskedLanguageModel as MaskedLanguageModel
from unrolled.tasks.loading import load as load
from unrolled.tasks.sequence.classifier import SequenceClassifier as SequenceClassifier
from unrolled.tasks.sequence.regressor import SequenceRegressor as SequenceRegressor
from unrolled.tasks.text.classifier import TextClassifier as TextClassifier
from unrolled.tasks.text.tagger import Tagger as Tagger
from unrolled.tasks.translation.translator import Translator as Translator
