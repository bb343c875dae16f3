"""See inside: a trained network, looked into; architectures, compared; each as a page and as JSON."""

from unrolled.insight.compare import compare
from unrolled.insight.compare_synthetic import SyntheticComparison, compare_synthetic
from unrolled.insight.comparison import Comparison, Entry
from unrolled.insight.fix import Fixed, fix
from unrolled.insight.inspection import Inspection, inspect
from unrolled.insight.page import Figure, Page, Section, Table, render
