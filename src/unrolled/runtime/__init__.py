"""A model without its training: the Program, a small graph of operations, and the Stream that runs it."""

from unrolled.runtime.columns import Column as Column
from unrolled.runtime.columns import Columns as Columns
from unrolled.runtime.columns import Interval as Interval
from unrolled.runtime.encoder_decoder import EncoderDecoder as EncoderDecoder
from unrolled.runtime.graph import Graph as Graph
from unrolled.runtime.graph import Input as Input
from unrolled.runtime.graph import Node as Node
from unrolled.runtime.pool import StreamPool as StreamPool
from unrolled.runtime.program import Program as Program
from unrolled.runtime.sampling import Sampling as Sampling
from unrolled.runtime.search import Hypothesis as Hypothesis
from unrolled.runtime.search import SearchOptions as SearchOptions
from unrolled.runtime.search import search as search
from unrolled.runtime.stream import Stream as Stream
from unrolled.runtime.stream import load_program as load_program
from unrolled.runtime.text import BlankFiller as BlankFiller
from unrolled.runtime.text import Candidate as Candidate
from unrolled.runtime.text import TextGenerator as TextGenerator
from unrolled.runtime.translation import TextTranslator as TextTranslator
from unrolled.runtime.translation import Written as Written
