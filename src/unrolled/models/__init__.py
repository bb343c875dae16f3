"""A network for each kind of problem, put together from `nn`: raw units in, raw units out."""

from unrolled.models.architectures import ARCHITECTURES, FEED_FORWARD, TRANSFORMER
from unrolled.models.build import Network, build
from unrolled.models.direct import DirectNetwork
from unrolled.models.language import NO_TOKEN, LanguageShape
from unrolled.models.language_model import LanguageNetwork
from unrolled.models.masked_language_model import MaskedLanguageNetwork
from unrolled.models.recurrent import CELLS, CellStart
from unrolled.models.recursive import RecursiveNetwork, path_quantiles
from unrolled.models.segment import SegmentNetwork, default_segment
from unrolled.models.sequence import SequenceNetwork
from unrolled.models.shape import ForecastShape, SequenceShape, base_quantile
from unrolled.models.text import TextShape
from unrolled.models.text_classifier import TextClassifierNetwork
from unrolled.models.text_tagger import TaggerNetwork
from unrolled.models.translation import TranslationNetwork, TranslationShape
