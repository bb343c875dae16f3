"""Label or rate whole sequences, or every step of them."""

from unrolled.tasks.sequence.classifier import SequenceClassifier as SequenceClassifier
from unrolled.tasks.sequence.regressor import SequenceRegressor as SequenceRegressor
