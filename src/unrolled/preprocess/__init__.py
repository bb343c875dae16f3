"""What must also run where the model runs: scalers, vocabulary, time features. numpy only."""

from unrolled.preprocess.scalers import StandardScaler as StandardScaler
from unrolled.preprocess.time_features import TimeFeatures as TimeFeatures
from unrolled.preprocess.vocabulary import Vocabulary as Vocabulary
