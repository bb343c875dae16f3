"""The recurrence itself: the equations, the fast ways to run them, and the choice among these."""

from unrolled.kernels.call import ACTIVATIONS, GATES, NO_MASKS, PRECISIONS, Cell, Masks, Weights
from unrolled.kernels.dispatch import Backend, chosen, current, has_bf16, names, run, use
