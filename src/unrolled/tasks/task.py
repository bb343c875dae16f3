"""What every task is: an estimator by scikit-learn's conventions that knows whether it is fitted.

Parameters are declared as the fields of a dataclass, once each, with their defaults; what several tasks
share is declared in the class that they share.
"""

from dataclasses import KW_ONLY, dataclass, field

from sklearn.base import BaseEstimator

from unrolled.errors import ArgumentError, explain


@dataclass(eq=False, repr=False)
class Task(BaseEstimator):
    """An estimator whose `fit` leaves a `network_` and a `summary_`.

    `clip`, `precision`, `seed` and `device` are those of `training.TrainingOptions`.
    """

    summary_: dict[str, str] = field(init=False)

    _: KW_ONLY
    clip: float = 1.0
    precision: str = "fp32"
    seed: int = 0
    device: str = "auto"

    def summary(self) -> dict[str, str]:
        """What was learned from what, in a few lines."""
        self._check_fitted()
        return self.summary_

    def _check_fitted(self) -> None:
        """Raise ArgumentError before `fit`."""
        if not hasattr(self, "network_"):
            cure = "Call fit first, or unrolled.load a model file."
            raise ArgumentError(explain(type(self).__name__, "a fitted one", "one that is not", cure))


@dataclass(eq=False, repr=False)
class CellStartParameters:
    """How the cells of a network start, as `models.CellStart` has it; `memory` is that of an LSTM."""

    _: KW_ONLY
    forget_bias: float | None = None
    memory: int | None = None
    orthogonal: bool = False
    layer_norm: bool = False
