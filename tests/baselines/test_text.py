import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from unrolled.baselines.text import PENALTIES, TfidfLogistic, best_sharpness, softmax, terms_of
from unrolled.errors import ModelFileError
from unrolled.metrics.classification import log_loss

DRAW = np.random.default_rng(0)
WORDS = [f"w{number}" for number in range(30)]
LABELS = DRAW.integers(0, 3, 240)
TEXTS = [
    [*DRAW.choice(WORDS, DRAW.integers(3, 9)).tolist(), f"w{2 * label}", f"W{label}"] for label in LABELS
]
TRAIN, VALIDATION = slice(0, 160), slice(160, 200)


@pytest.fixture(scope="module")
def fitted():
    return TfidfLogistic.fit(TEXTS[TRAIN], LABELS[TRAIN], TEXTS[VALIDATION], LABELS[VALIDATION], 3)


def test_equal_to_scikit_learns_tfidf_and_regression(fitted):
    joined = [" ".join(text) for text in TEXTS]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+")
    x = vectorizer.fit_transform(joined[:200])
    rows = [terms_of(text) for text in TEXTS[:200]]
    mine = fitted.weights_of(rows)
    assert mine.shape == x.shape
    np.testing.assert_allclose(np.sort(mine.data), np.sort(x.data), rtol=1e-5)
    answers = []
    for penalty in PENALTIES:
        theirs = LogisticRegression(C=penalty, max_iter=1000).fit(x, LABELS[:200])
        answers.append(theirs.predict(vectorizer.transform(joined[200:])).tolist())
    assert fitted.scores(TEXTS[200:]).argmax(1).tolist() in answers


def test_the_sharpness_is_the_best_of_those_tried():
    scores, labels = np.array([[4.0, 0.0]] * 3 + [[0.0, 4.0]]), np.array([0, 0, 1, 1])
    sharpness, loss = best_sharpness(scores, labels)
    assert sharpness == pytest.approx(np.log(3) / 4, rel=0.05)  # three of four right: odds of 3
    assert loss == pytest.approx(log_loss(labels, softmax(scores * sharpness)))
    assert loss < log_loss(labels, softmax(scores))


def test_through_arrays_and_back(fitted):
    again = TfidfLogistic.from_arrays(fitted.arrays("plain"), "plain", 3)
    assert np.array_equal(again.scores(TEXTS[200:]), fitted.scores(TEXTS[200:]))
    with pytest.raises(ModelFileError, match=r"plain\.weight"):
        TfidfLogistic.from_arrays(fitted.arrays("plain"), "plain", 4)


def test_classes_that_training_has_not_seen_and_unknown_words():
    two = TfidfLogistic.fit([["a"], ["b"]] * 5, np.array([0, 2] * 5), [["a"]], np.array([0]), 3)
    scores = two.scores([["a"], ["b"], ["?"]])
    assert np.isneginf(scores[:, 1]).all() and scores.argmax(1)[:2].tolist() == [0, 2]
    assert np.isfinite(softmax(scores)).all()
