"""Sentiment of film reviews (rt-polarity), ten folds: a recurrent network beside TF-IDF with logistic
regression.

Line i of each class is in fold i mod 10. In each fold a tenth of the other nine parts stops the training and
chooses the baseline's penalty; the fold itself is only scored. One seed a fold; no vectors from elsewhere.
"""

import sys

import numpy as np

from benchmarks.language.data import read
from unrolled import TextClassifier

FOLDS = 10


def main(folds: tuple[int, ...] = tuple(range(FOLDS)), seed: int = 0) -> None:
    """Print the accuracy of each fold, the means, and what each verdict says."""
    texts, labels, fold = reviews()
    print(f"rt-polarity, {len(texts):,} sentences, accuracy in folds {', '.join(map(str, folds))} of {FOLDS}")
    rows, verdicts = [], []
    for number in folds:
        here = fold == number
        model = TextClassifier(tokenizer="spaces", seed=seed, device="cpu")
        test = (texts[here].tolist(), labels[here].tolist())
        model.fit(texts[~here].tolist(), labels[~here].tolist(), test=test, split=(0.9, 0.1, 0.0))
        found = model.evaluation_
        rows.append([score.metrics["accuracy"] for score in found.scores])
        verdicts.append(found.verdict.kind)
        listed = "  ".join(f"{score.name} {score.metrics['accuracy']:.1%}" for score in found.scores)
        print(f"  fold {number}  {listed}  {found.verdict.text}", flush=True)
    table = np.array(rows)
    for place, score in enumerate(found.scores):
        error = table[:, place].std(ddof=1) / np.sqrt(len(table)) if len(table) > 1 else np.nan
        print(f"  {score.name:<30} mean {table[:, place].mean():.2%}, standard error {error:.2%}")
    print(f"  verdicts: {', '.join(f'{kind} {verdicts.count(kind)}' for kind in dict.fromkeys(verdicts))}")


def reviews() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sentences, labels and folds, each (sentences,)."""
    texts, labels, folds = [], [], []
    for name in ("neg", "pos"):
        lines = read(f"sentiment/rt-polarity.{name}")
        texts += lines
        labels += [name] * len(lines)
        folds += [number % FOLDS for number in range(len(lines))]
    return np.array(texts, object), np.array(labels, object), np.array(folds)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or tuple(range(FOLDS)))
