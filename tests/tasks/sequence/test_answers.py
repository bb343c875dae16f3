import numpy as np
import pytest

from unrolled.errors import ArgumentError, DataError, ModelFileError
from unrolled.tasks.sequence.answers import Classes, Numbers


@pytest.mark.parametrize(
    "labels",
    [np.array(["b", "a", "b"], object), np.array([7, -3, 7]), np.array([1.0, 0.0, 1.0])],
)
def test_labels_come_back_in_their_own_type(labels):
    classes = Classes.fit(labels, "y")
    codes = classes.encode(labels, "y")
    assert codes.tolist() == [1, 0, 1] and codes.dtype == np.int64
    back = classes.decode(codes)
    assert back.tolist() == labels.tolist() and type(back.tolist()[0]) is type(labels.tolist()[0])
    assert Classes.from_card(classes.card()) == classes


def test_labels_that_are_no_classes():
    with pytest.raises(DataError, match=r"y: expected two classes or more, got only 'a'. Add sequences of"):
        Classes.fit(np.array(["a", "a"], object), "y")
    with pytest.raises(DataError, match=r"rul: expected classes.*got 0.5. .*Use SequenceRegressor"):
        Classes.fit(np.array([0.5, 1.0]), "rul")
    with pytest.raises(
        DataError, match=r"kind: expected a class of the training data.*got 'wlak'. Did you mean 'walk'"
    ):
        Classes(("run", "walk")).encode(np.array(["run", "wlak"], object), "kind")
    with pytest.raises(DataError, match=r"got 9. Train with sequences of this class, or leave it out."):
        Classes((0, 1)).encode(np.array([0, 9]), "kind")


def test_class_weights():
    classes, codes = Classes((3, 5, 8)), np.array([0, 0, 0, 1])
    weights = lambda asked: classes.buffers(codes, asked)["class_weights"].tolist()  # noqa: E731
    assert weights(None) == [1, 1, 1]
    # 4 labels over 2 classes that occur: each weighs 2 in all; the third never counts.
    np.testing.assert_allclose(weights("balanced"), [2 / 3, 2, 1])
    assert weights({5: 4}) == [1, 4, 1]
    for wrong, message in (
        ({6: 1}, "class_weight: expected only 3, 5, 8, got 6. Leave it out."),
        ({5: -1}, r"class_weight\[5\]: expected a number >= 0, got -1. 1 is the usual weight."),
        ("even", "class_weight: expected 'balanced' or a mapping, got 'even'. Leave it out for equal"),
    ):
        with pytest.raises(ArgumentError, match=message):
            weights(wrong)


def test_probabilities_losses_and_metrics():
    classes = Classes(("a", "b"))
    outputs = classes.outputs(np.array([[0.0, np.log(3.0)], [1000.0, 0.0]]))
    np.testing.assert_allclose(outputs, [[0.25, 0.75], [1.0, 0.0]])
    assert classes.points(outputs).tolist() == ["b", "a"]
    truth = np.array([0, 0])
    np.testing.assert_allclose(classes.losses(truth, outputs), [np.log(4), 0.0])
    metrics = classes.metrics(truth, outputs)
    assert metrics["accuracy"] == 0.5 and metrics["macro-F1"] == pytest.approx((2 / 3 + 0) / 2)
    assert metrics["log loss"] == pytest.approx(np.log(4) / 2)
    assert classes.confusion(truth, outputs).tolist() == [[1, 1], [0, 0]]


def test_numbers():
    numbers = Numbers.fit(np.array([1, 2, 6]), "y")
    assert numbers.encode(np.array([1, 2]), "y").dtype == np.float64
    scaling = numbers.buffers(np.array([1.0, 3.0]))
    assert scaling["target_mean"].tolist() == [2.0] and scaling["target_scale"].tolist() == [1.0]
    assert numbers.tensor(np.array([1.0, 3.0])).shape == (2, 1)
    assert numbers.losses(np.array([1.0]), np.array([3.0])).tolist() == [4.0]
    assert numbers.metrics(np.array([0.0, 2.0]), np.array([1.0, 1.0])) == {"MAE": 1.0, "RMSE": 1.0, "R2": 0.0}
    with pytest.raises(DataError, match=r"kind: expected numbers, got 'a'. Classes. Use SequenceClassifier"):
        Numbers.fit(np.array(["a", "b"], object), "kind")
    with pytest.raises(DataError, match=r"y: expected numbers that differ, got only 3. A constant needs no"):
        Numbers.fit(np.array([3.0, 3.0]), "y")


@pytest.mark.parametrize(
    "classes", [[], ["a"], ["a", "a"], ["a", 1], [True, False], [None, None], "ab", [[], []]]
)
def test_a_card_of_no_classes(classes):
    with pytest.raises(ModelFileError, match=r"card.answers.classes"):
        Classes.from_card({"classes": classes})
