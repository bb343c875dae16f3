"""Every picture the tool draws."""

from unrolled.plots.attention import plot_attention
from unrolled.plots.classification import plot_confusion
from unrolled.plots.forecast import Panel, plot_forecast
from unrolled.plots.training import plot_training

__all__ = ["Panel", "plot_attention", "plot_confusion", "plot_forecast", "plot_training"]
