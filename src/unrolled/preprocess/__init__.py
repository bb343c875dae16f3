"""What must also run where the model runs: scalers, vocabulary, tokenisers, time features. numpy only."""

from unrolled.preprocess.byte_pairs import BytePairs as BytePairs
from unrolled.preprocess.scalers import StandardScaler as StandardScaler
from unrolled.preprocess.time_features import TimeFeatures as TimeFeatures
from unrolled.preprocess.tokenizers import Tokenizer as Tokenizer
from unrolled.preprocess.vocabulary import Vocabulary as Vocabulary
