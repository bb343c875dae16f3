"""See inside: a trained network, looked into, as a page and as JSON."""

from unrolled.insight.inspection import Inspection, inspect
from unrolled.insight.page import Figure, Page, Section, Table, render
