"""Rate sequences, or each of their steps, with a recurrent network, beside plain baselines."""

from typing import Any

from sklearn.base import RegressorMixin

from unrolled.metrics.regression import r2
from unrolled.tasks.sequence.answers import Numbers
from unrolled.tasks.sequence.task import SequenceTask


class SequenceRegressor(RegressorMixin, SequenceTask):
    """Tell a number of a sequence, or of each of its steps, such as a remaining life.

    `head` is "last" (the state after the last step), "mean" (over the steps) or "every" (an answer a step).
    `cell` is "elman", "lstm", "gru" or "gru2014", or to compare with "transformer" or "feed-forward".
    A stream of it answers the number, in the labels' unit.

    Example:
        >>> import numpy as np
        >>> sequences = [np.full((n, 1), n / 10) for n in range(4, 34)]
        >>> model = SequenceRegressor(hidden_size=4, epochs=2, device="cpu")
        >>> model.fit(sequences, [x.sum() for x in sequences]).predict(sequences[:3]).shape
        (3,)
    """

    answers_kind = Numbers

    def score(self, X: Any, y: Any = None, lengths: Any = None) -> float:
        """The share of the labels' variance that is explained, R2, over sequences or over steps."""
        outputs, truth = self._outputs_and_truth(X, y, lengths)
        return r2(truth, outputs)
