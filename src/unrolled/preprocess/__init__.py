"""What must also run where the model runs: scalers, vocabulary, tokenisers, time features. numpy only."""

from unrolled.preprocess.byte_pairs import BytePairs as BytePairs
from unrolled.preprocess.lengths import check_lengths as check_lengths
from unrolled.preprocess.scalers import StandardScaler as StandardScaler
from unrolled.preprocess.sides import Sides as Sides
from unrolled.preprocess.tag_schemes import Span as Span
from unrolled.preprocess.tag_schemes import allowed_moves as allowed_moves
from unrolled.preprocess.tag_schemes import convert as convert
from unrolled.preprocess.tag_schemes import first_invalid as first_invalid
from unrolled.preprocess.tag_schemes import scheme_of as scheme_of
from unrolled.preprocess.tag_schemes import spans_of as spans_of
from unrolled.preprocess.tag_schemes import tags_of as tags_of
from unrolled.preprocess.text_codec import TextCodec as TextCodec
from unrolled.preprocess.time_features import TimeFeatures as TimeFeatures
from unrolled.preprocess.tokenizers import Tokenizer as Tokenizer
from unrolled.preprocess.vocabulary import Vocabulary as Vocabulary
from unrolled.preprocess.word_shapes import encode_characters as encode_characters
from unrolled.preprocess.word_shapes import word_shape as word_shape
