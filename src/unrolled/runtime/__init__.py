"""A model without its training: the Program, a small graph of operations, and the Stream that runs it."""

from unrolled.runtime.columns import Column as Column
from unrolled.runtime.columns import Columns as Columns
from unrolled.runtime.columns import Interval as Interval
from unrolled.runtime.graph import Graph as Graph
from unrolled.runtime.graph import Input as Input
from unrolled.runtime.graph import Node as Node
from unrolled.runtime.program import Program as Program
from unrolled.runtime.stream import Stream as Stream
