"""Label sequences, or each of their steps, with a recurrent network, beside plain baselines."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from unrolled.metrics.classification import accuracy
from unrolled.tasks.sequence.answers import Classes
from unrolled.tasks.sequence.task import SequenceTask


@dataclass(eq=False, repr=False)
class SequenceClassifier(ClassifierMixin, SequenceTask):
    """Tell which class a sequence, or each of its steps, belongs to.

    `head` is "last" (the state after the last step), "mean" (over the steps) or "every" (an answer a step).
    `class_weight` is None, "balanced" or a weight by class. `cell` is "elman", "lstm", "gru" or "gru2014",
    or to compare with "transformer" or "feed-forward".
    A stream of it answers scores: their softmax are the probabilities of `classes_`.

    Example:
        >>> rising = [np.arange(n, dtype=float)[:, None] for n in range(4, 24)]
        >>> model = SequenceClassifier(hidden_size=4, epochs=2, device="cpu")
        >>> model = model.fit(rising + [-x for x in rising], ["up"] * 20 + ["down"] * 20)
        >>> model.classes_.tolist(), model.predict([rising[0]]).shape
        (['down', 'up'], (1,))
    """

    answers_kind = Classes
    answers_: Classes = field(init=False)

    _: KW_ONLY
    class_weight: str | Mapping[Any, float] | None = None

    @property
    def classes_(self) -> np.ndarray:
        """The classes in sorted order, in their own type."""
        if not hasattr(self, "answers_"):  # an AttributeError, as scikit-learn expects of a fitted attribute
            raise AttributeError("classes_: a classifier has them once it is fitted. Call fit first.")
        return self.answers_.array

    def predict_proba(self, X: Any, lengths: Any = None) -> Any:
        """The probability of each class, in the order of `classes_`.

        Returns: (batch, classes), or with `head="every"` a list of arrays (time, classes), for a table too.
        """
        _, data = self._read(X, lengths)
        return self._by_sequence(self._outputs(data, np.arange(len(data))), data)

    def score(self, X: Any, y: Any = None, lengths: Any = None) -> float:
        """The share of right answers, over sequences or over steps."""
        outputs, truth = self._outputs_and_truth(X, y, lengths)
        return accuracy(truth, outputs.argmax(axis=-1))
