"""Scores, their intervals, and the verdict.

Scores of one kind share one module, named after the kind: `metrics.forecast.mae`, `metrics.regression.mae`.
"""

from unrolled.metrics import (
    classification,
    conformal,
    forecast,
    language,
    regression,
    spans,
    translation,
)
from unrolled.metrics.bootstrap import block_bootstrap
from unrolled.metrics.conformal import apply_offsets, fit_offsets
from unrolled.metrics.verdict import Verdict, judge

__all__ = [
    "Verdict",
    "apply_offsets",
    "block_bootstrap",
    "classification",
    "conformal",
    "fit_offsets",
    "forecast",
    "judge",
    "language",
    "regression",
    "spans",
    "translation",
]
