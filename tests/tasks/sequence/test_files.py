import copy

import numpy as np
import pytest
import torch

from unrolled.errors import ModelFileError, UnrolledError
from unrolled.format import ModelFile, read_model
from unrolled.runtime import Stream
from unrolled.tasks import SequenceClassifier
from unrolled.training import SilentReporter


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    x = [draw.normal(size=(5, 2)) for _ in range(12)]
    model = SequenceClassifier(hidden_size=3, epochs=1, device="cpu", class_weight={"a": 2})
    where = tmp_path_factory.mktemp("model") / "m.unrolled"
    model.fit(x, ["a", "b"] * 6, reporter=SilentReporter()).save(where)
    return where


def damaged(file, *keys, value):
    card = copy.deepcopy(file.card)
    inner = card
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return ModelFile(card, file.tensors)


def test_what_is_in_the_file(path):
    card, tensors = read_model(path)
    assert card["kind"] == "model" and card["task"] == "classify"
    assert card["answers"] == {"classes": ["a", "b"]} and card["columns"]["features"] == ["x0", "x1"]
    assert card["parameters"]["class_weight"] == [["a", 2]] and card["parameters"]["hidden_size"] == 3
    assert card["baselines"] == ["commonest class", "logistic regression on statistics"]
    assert [row["name"] for row in card["evaluation"]["scores"]] == ["GRU (last)", *card["baselines"]]
    assert len(card["training"]["epochs"]) == 1 and set(card["program"]["weights"]) <= tensors.keys()
    assert tensors["seen"].dtype == np.uint64 and len(tensors["seen"]) == 10
    text = path.read_bytes()
    assert str(path.parent).encode() not in text


def test_a_stream_needs_the_file_alone(path):
    stream = Stream(path)
    assert stream.columns == ("x0", "x1") and stream.step([0.5, 1.0]).shape == (2,)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("answers", "classes"), ["a", "b", "c"], "card.network.shape"),
        (("answers", "classes"), ["a"], "card.answers.classes"),
        (("answers",), [], "card.answers: expected an object"),
        (("columns", "features"), ["u"], "card.network.shape"),
        (("columns", "features"), [1, 2], r"card.columns.features\[0\]: expected a text, got 1"),
        (("columns", "series"), 5, "card.columns.series: expected a text, got 5"),
        (("task",), "regress", "card.network.shape"),
        (("network", "kind"), "segment", "card.network"),
        (("network", "hidden"), 4, "array"),
        (("network", "layers"), 10**9, "card.network.layers"),
        (("network", "head"), "first", "card.network"),
        (("baselines",), ["one", "two", "three"], "array 'plain.2.mean'"),
        (("baselines",), "none", "card.baselines: expected a list"),
        (("parameters",), None, "card.parameters: expected an object"),
        (("parameters", "class_weight"), [["a"]], "card.parameters.class_weight: expected pairs"),
        (("summary", "data"), 3, "card.summary.data: expected a text, got 3"),
    ],
)
def test_a_damaged_card(path, keys, value, message):
    with pytest.raises(ModelFileError, match=message):
        SequenceClassifier.from_file(damaged(read_model(path), *keys, value=value))


@pytest.mark.parametrize("name", ["seen", "plain.1.weight", "plain.0.bias", "head.weight", "mean"])
@pytest.mark.parametrize("change", ["missing", "kind", "shape"])
def test_a_damaged_array(path, name, change):
    card, tensors = read_model(path)
    tensors = dict(tensors)
    if change == "missing":
        del tensors[name]
    else:
        tensors[name] = tensors[name].astype(np.int32) if change == "kind" else tensors[name][None]
    with pytest.raises(ModelFileError, match=name):
        SequenceClassifier.from_file(ModelFile(card, tensors))


def test_a_field_that_is_not_there(path):
    """Whatever is left out is named, or not needed: nothing else is raised."""
    file = read_model(path)
    for name in file.card:
        card = {key: value for key, value in file.card.items() if key != name}
        try:
            model = SequenceClassifier.from_file(ModelFile(card, file.tensors))
        except ModelFileError as error:
            assert f"card.{name}" in str(error)
        else:
            assert name in ("format", "unrolled", "kind", "training", "evaluation", "program")
            assert model.predict([np.zeros((2, 2))]).shape == (1,)


def test_a_setting_that_cannot_be_is_refused_when_it_is_used(path):
    model = SequenceClassifier.from_file(damaged(read_model(path), "parameters", "epochs", value="many"))
    assert model.predict([np.zeros((2, 2))]).shape == (1,)
    with pytest.raises(UnrolledError, match="epochs"):
        model.fit([np.zeros((2, 2))] * 4, ["a", "b"] * 2)
