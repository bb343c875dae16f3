import numpy as np
import polars as pl
import pytest
import torch
from sklearn.base import is_regressor

from unrolled.errors import DataError
from unrolled.tasks import SequenceClassifier, SequenceRegressor, load
from unrolled.training import SilentReporter

QUIET = {"reporter": SilentReporter()}


def small(**changes):
    return SequenceRegressor(**{"hidden_size": 5, "epochs": 1, "device": "cpu"} | changes)


def counts(count=40, seed=0):
    """A feature of noise with pulses; how many there are is the answer, far from 0."""
    draw, x, y = np.random.default_rng(seed), [], []
    for _ in range(count):
        piece = draw.normal(size=(int(draw.integers(8, 20)), 1)).astype(np.float32)
        pulses = int(draw.integers(0, 6))
        piece[:pulses] += 8
        x.append(draw.permuted(piece, axis=0))
        y.append(1000.0 + 10 * pulses)
    return x, y


@pytest.fixture(scope="module")
def every():
    torch.set_num_threads(1)
    x, _ = counts(30)
    y = [np.cumsum(piece[:, 0] > 4) for piece in x]
    return small(head="every", hidden_size=12, epochs=6, learning_rate=0.01).fit(x, y, **QUIET), x, y


def test_it_learns_a_number_in_its_own_unit():
    x, y = counts(160)
    model = small(hidden_size=12, epochs=8, learning_rate=0.01).fit(x, y, **QUIET)
    found = model.evaluation_
    assert found.model.metrics["R2"] > 0.9 and found.model.metrics["MAE"] < 5
    assert found.score("mean").metrics["R2"] < 0.1 and found.table()[0] == ["", "MAE", "RMSE", "R2"]
    fresh, truth = counts(40, seed=5)
    predicted = model.predict(fresh)
    expected = 1 - ((predicted - truth) ** 2).sum() / ((truth - np.mean(truth)) ** 2).sum()
    assert model.score(fresh, truth) == pytest.approx(expected) and expected > 0.9


def test_every_step(every, tmp_path):
    model, x, y = every
    assert model.evaluation_.verdict.kind == "better" and model.evaluation_.confusion is None
    predicted = model.predict(x)
    assert [len(p) for p in predicted] == [len(p) for p in x]
    stream = model.stream()
    streamed = np.concatenate([stream.step(row) for row in x[0]])
    np.testing.assert_allclose(streamed, predicted[0], atol=1e-4)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert type(loaded) is SequenceRegressor
    assert all(a.tobytes() == b.tobytes() for a, b in zip(predicted, loaded.predict(x), strict=True))
    assert loaded.evaluate(x, y).scores == model.evaluate(x, y).scores


def test_a_table():
    x, y = counts(20)
    frame = pl.concat(
        pl.DataFrame({"unit": i, "u": piece[:, 0], "life": value})
        for i, (piece, value) in enumerate(zip(x, y, strict=True))
    )
    model = small().fit(frame, series="unit", target="life", **QUIET)
    found = model.predict(frame.drop("life"))
    assert found.columns == ["unit", "life"] and found["unit"].to_list() == list(range(20))
    np.testing.assert_allclose(found["life"], small().fit(x, y, **QUIET).predict(x))
    assert "numbers from 1000 to 1050" in model.summary()["labels"]


def test_what_cannot_be_learned_from():
    x, _ = counts(10)
    with pytest.raises(DataError, match=r"y: expected numbers, got 'a'. Classes\? Use SequenceClassifier"):
        small().fit(x, ["a"] * 10, **QUIET)
    with pytest.raises(
        DataError, match=r"y: expected numbers that differ, got only 2. A constant needs no model"
    ):
        small().fit(x, [2.0] * 10, **QUIET)
    with pytest.raises(DataError, match=r"y\[3\]: expected a label, got .*nan"):
        small().fit(x, np.where(np.arange(10) == 3, np.nan, np.arange(10)), **QUIET)


def test_it_is_a_regressor():
    assert is_regressor(small()) and not is_regressor(SequenceClassifier())
    assert "class_weight" not in small().get_params()
