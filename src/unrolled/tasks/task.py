"""What every task is: an estimator by scikit-learn's conventions that knows whether it is fitted."""

from sklearn.base import BaseEstimator

from unrolled.errors import ArgumentError, explain


class Task(BaseEstimator):
    """An estimator whose `fit` leaves a `network_`."""

    def _check_fitted(self) -> None:
        """Raise ArgumentError before `fit`."""
        if not hasattr(self, "network_"):
            cure = "Call fit first, or unrolled.load a model file."
            raise ArgumentError(explain(type(self).__name__, "a fitted one", "one that is not", cure))
