"""A deliberately bad model, trained again with what was found inside it, is as good as one that was not."""

import json

import numpy as np
import pytest

import unrolled as ur
from unrolled.errors import ArgumentError
from unrolled.insight import fix
from unrolled.models import build
from unrolled.training import SilentReporter

QUIET = SilentReporter()
TIME = 16


def remembered(count=300, seed=0):
    """The sign of the first step has to be remembered to the last."""
    x = np.random.default_rng(seed).normal(size=(count, TIME, 1)).astype(np.float32)
    x[:, 0] = np.sign(x[:, 0]) * 2
    return x, x[:, 0, 0] > 0


def trained(x, y, **options):
    given = {"cell": "lstm", "hidden_size": 12, "epochs": 10, "dropout": 0.0, "patience": 0, "device": "cpu"}
    return ur.SequenceClassifier(**given | options).fit(x, y, reporter=QUIET)


@pytest.fixture(scope="module")
def fixed():
    x, y = remembered()
    good = trained(x, y, forget_bias=1.0, learning_rate=3e-3)
    bad = trained(x, y, forget_bias=-3.0, learning_rate=0.3)
    weights = {name: value.clone() for name, value in bad.network_.state_dict().items()}
    return good, bad, weights, fix(bad, x, y, rounds=2, reporter=QUIET)


def test_it_is_within_five_percent_of_a_good_one(fixed):
    good, bad, _, found = fixed
    assert bad.evaluation_.model.metrics["accuracy"] < 0.7
    assert found.metrics[1]["accuracy"] >= 0.95 * good.evaluation_.model.metrics["accuracy"] > 0.9
    assert found.better and found.losses[1] < found.losses[0]
    assert found.changes["learning_rate"] == 1e-3
    assert found.changes.get("forget_bias") == 1.0 or found.changes.get("memory") == TIME
    assert found.model.get_params()["learning_rate"] == 1e-3 and bad.get_params()["learning_rate"] == 0.3


def test_the_reach_tells_why(fixed):
    *_, found = fixed
    before, after = (one.finding("gradient reach") for one in (found.before, found.after))
    assert before.mark != "good" and after.mark == "good"
    assert found.before.finding("learning").mark == "bad"


def test_the_model_given_is_not_changed(fixed):
    _, bad, weights, _ = fixed
    assert all((value == weights[name]).all() for name, value in bad.network_.state_dict().items())


def test_it_is_told(fixed):
    *_, found = fixed
    page = found.html()
    assert "Before and after" in page and "learning_rate=0.001" in page and "What was tried" in page
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["metrics"]["after"]["accuracy"] == found.metrics[1]["accuracy"]
    assert str(found).startswith("Trained again with ")


def test_what_cannot_be_fixed():
    with pytest.raises(
        ArgumentError, match=r"model: expected a fitted task, got SequenceNetwork\. A network"
    ):
        fix(build({"kind": "sequence", "shape": {"features": 1, "classes": 2}}), {})


def test_a_forecaster_is_trained_on_the_same_columns():
    from unrolled.tasks.forecast import guard

    rng = np.random.default_rng(0)
    frame = {"y": np.sin(np.arange(300) / 3) + 0.1 * rng.normal(size=300), "x": rng.normal(size=300)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "helped", lambda gain: True)
        model = ur.Forecaster(3, 24, cell="elman", hidden_size=4, epochs=1, learning_rate=0.9, device="cpu")
        model.fit(frame, "y", past="x", reporter=QUIET)
        found = fix(model, frame, rounds=1, reporter=QUIET)
    assert found.model.inputs_.roles == model.inputs_.roles and found.changes["learning_rate"] is None
