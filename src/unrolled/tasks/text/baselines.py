"""The plain baselines of a text classifier, small enough for its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unrolled.baselines.text import TfidfLogistic
from unrolled.format import array
from unrolled.preprocess import Tokenizer
from unrolled.tasks.text.data import LabelledTexts

MAJORITY = "most frequent class"
Tokens = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TextBaselines:
    """The most frequent class, by the logarithm of each class's share, and logistic regression on TF-IDF.

    Shapes: shares float32 (classes,), logarithms.
    """

    shares: np.ndarray
    logistic: TfidfLogistic

    @classmethod
    def fit(
        cls,
        train: Tokens,
        labels: np.ndarray,
        validation: Tokens,
        validation_labels: np.ndarray,
        classes: int,
    ) -> "TextBaselines":
        """Both, the second chosen by the validation texts and learned from both parts."""
        counts = np.bincount(np.concatenate([labels, validation_labels]), minlength=classes)
        shares = np.log(np.maximum(counts, 1e-6) / counts.sum()).astype(np.float32)
        logistic = TfidfLogistic.fit(train, labels, validation, validation_labels, classes)
        return cls(shares, logistic)

    @classmethod
    def of_texts(cls, texts: LabelledTexts, tokenizer: Tokenizer) -> "TextBaselines":
        """Both, of the parts that a classifier learns from."""
        train, validation = texts.parts.train, texts.parts.validation
        tokens = [[tokenizer.split(texts.data.texts[i]) for i in part] for part in (train, validation)]
        labels = texts.labels
        return cls.fit(tokens[0], labels[train], tokens[1], labels[validation], len(texts.answers.values))

    def scores(self, texts: Tokens) -> dict[str, np.ndarray]:
        """Scores (texts, classes) of each baseline, by name."""
        majority = np.tile(self.shares.astype(np.float64), (len(texts), 1))
        return {MAJORITY: majority, self.logistic.name: self.logistic.scores(texts)}

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays of a model file."""
        return {"plain.shares": self.shares} | self.logistic.arrays("plain.logistic")

    @classmethod
    def from_arrays(cls, tensors: Mapping[str, np.ndarray], classes: int) -> "TextBaselines":
        """From a model file. Raises: ModelFileError naming the array."""
        shares = array(tensors, "plain.shares", "float32", (classes,))
        return cls(shares, TfidfLogistic.from_arrays(tensors, "plain.logistic", classes))
