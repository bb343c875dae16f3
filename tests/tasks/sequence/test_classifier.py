import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.model_selection import cross_val_score

from unrolled.errors import ArgumentError, DataError, ShapeError
from unrolled.runtime.stream import run_sequence
from unrolled.tasks import SequenceClassifier, load
from unrolled.training import SilentReporter

HEADS = ("last", "mean", "every")
QUIET = {"reporter": SilentReporter()}


def small(**changes):
    return SequenceClassifier(**{"hidden_size": 5, "epochs": 1, "device": "cpu"} | changes)


def pulses(count=40, seed=0, missing=False):
    """Two features of noise, each with a pulse; the class says whose comes first. Statistics cannot tell."""
    draw, x, y = np.random.default_rng(seed), [], []
    for _ in range(count):
        piece = draw.normal(size=(int(draw.integers(8, 14)), 2))
        first, turned = int(draw.integers(1, len(piece) - 2)), int(draw.integers(2))
        piece[first, turned] += 6
        piece[first + 1, 1 - turned] += 6
        x.append(piece.astype(np.float32))
        y.append(("ab", "ba")[turned])
    if missing:
        for piece in x:
            piece[draw.random(piece.shape) < 0.1] = np.nan
    return x, y


def table(x, y, label="kind"):
    """The sequences one row a step, the rows of two sequences shuffled into one another."""
    frames = [
        pl.DataFrame(
            {"id": f"s{i:02}", "at": np.arange(len(p)), "u": p[:, 0], "v": p[:, 1], label: k, "note": "-"}
        )
        for i, (p, k) in enumerate(zip(x, y, strict=True))
    ]
    mixed = pl.concat(frames[:2]).with_row_index().sort("at", "id").drop("index")
    return pl.concat([mixed, *frames[2:]])


@pytest.fixture(scope="module")
def fitted():
    """One model of each head on sequences with missing values, and what it was fitted on."""
    torch.set_num_threads(1)
    x, y = pulses(missing=True)
    return {head: small(head=head).fit(x, y, **QUIET) for head in HEADS}, x, y


def test_it_learns_an_order_that_statistics_do_not_tell():
    x, y = pulses(240)
    model = small(hidden_size=12, epochs=8, learning_rate=0.01).fit(x, y, **QUIET)
    found = model.evaluation_
    assert found.model.metrics["accuracy"] > 0.9
    assert found.score("logistic regression on statistics").metrics["accuracy"] < 0.75
    assert found.verdict.kind == "better"
    fresh, labels = pulses(60, seed=9)
    assert model.score(fresh, labels) > 0.9
    assert model.score(fresh, labels) == np.mean(model.predict(fresh) == labels)


@pytest.mark.parametrize("head", HEADS)
def test_save_and_load_predict_to_the_bit(fitted, head, tmp_path):
    models, x, _ = fitted
    models[head].save(tmp_path / "one.unrolled")
    loaded = load(tmp_path / "one.unrolled")
    for own, other in zip(models[head].predict_proba(x), loaded.predict_proba(x), strict=True):
        assert own.tobytes() == other.tobytes()
    loaded.save(tmp_path / "two.unrolled")
    assert (tmp_path / "one.unrolled").read_bytes() == (tmp_path / "two.unrolled").read_bytes()
    assert loaded.get_params() == models[head].get_params() and loaded.classes_.tolist() == ["ab", "ba"]
    assert loaded.summary() == models[head].summary()


@pytest.mark.parametrize("head", HEADS)
def test_the_stream_answers_as_predict_does(fitted, head):
    models, x, _ = fitted
    probabilities = models[head].predict_proba(x)
    for place in (0, 3):
        stream = models[head].stream()
        scores = np.stack([stream.step(row) for row in x[place]])
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        found = powers / powers.sum(-1, keepdims=True)
        expected = probabilities[place] if head == "every" else probabilities[place][None]
        np.testing.assert_allclose(found[-len(expected) :], expected, atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_neighbours_and_padding_change_nothing(fitted, head):
    models, x, _ = fitted
    together, alone = models[head].predict_proba(x), models[head].predict_proba(x[5:6])
    np.testing.assert_allclose(together[5], alone[0], atol=1e-6)
    time = max(map(len, x)) + 40
    padded = np.full((len(x), time, 2), 1e9, np.float32)
    for place, piece in enumerate(x):
        padded[place, : len(piece)] = piece
    lengths = np.array([len(piece) for piece in x])
    for own, other in zip(together, models[head].predict_proba(padded, lengths), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)
    assert models[head].score(x, fitted[2]) == models[head].score(padded, fitted[2], lengths)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    x, y = pulses(20)
    small().fit(x, y, **QUIET).save(tmp_path / "one")
    torch.manual_seed(99)  # nothing outside counts
    small().fit(x, y, **QUIET).save(tmp_path / "two")
    small(seed=1).fit(x, y, **QUIET).save(tmp_path / "three")
    one, two, three = ((tmp_path / name).read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def test_a_killed_run_goes_on_to_the_same_file(tmp_path):
    class Killer(SilentReporter):
        def epoch(self, number, history):
            if number == 1:
                raise InterruptedError

    x, y = pulses(20)
    small(epochs=2).fit(x, y, **QUIET).save(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        small(epochs=2).fit(x, y, checkpoint=tmp_path / "run", reporter=Killer())
    small(epochs=2).fit(x, y, checkpoint=tmp_path / "run", resume=True, **QUIET).save(tmp_path / "resumed")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "resumed").read_bytes()


def test_inputs_stay_as_they_were():
    x, y = pulses(20, missing=True)
    before = pickle.dumps((x, y))
    small().fit(x, y, **QUIET).predict(x)
    assert pickle.dumps((x, y)) == before
    frame = table(x, y)
    copy = frame.clone()
    small().fit(frame, series="id", target="kind", **QUIET).predict(frame)
    assert frame.equals(copy, null_equal=True)


def test_missing_values_are_masked_and_refused_where_training_had_none(fitted):
    models, x, _ = fitted
    assert models["last"].network_.shape.masked
    filled = [np.nan_to_num(piece) for piece in x]
    assert not np.allclose(models["last"].predict_proba(x), models["last"].predict_proba(filled))
    model = small().fit(*pulses(20), **QUIET)
    with pytest.raises(
        DataError, match=r"x1, step 3 of '1': expected a number, got a missing value. The model"
    ):
        model.predict([filled[0], np.where(np.arange(8)[:, None] == 2, [[0.0, np.nan]], 1.0)])


def test_a_table_in_a_frame_out(tmp_path):
    x, y = pulses(20)
    frame = table(x, y)
    model = small().fit(frame, series="id", time="at", target="kind", **QUIET)
    assert model.columns_.features == ("u", "v") and "columns note" in model.summary()["left out"]
    found = model.predict(frame.drop("kind"))
    assert isinstance(found, pl.DataFrame) and found.columns == ["id", "kind", "p_ab", "p_ba"]
    assert found["id"].to_list() == [f"s{i:02}" for i in range(20)]
    np.testing.assert_allclose(found["p_ab"] + found["p_ba"], 1.0)
    np.testing.assert_allclose(found["p_ba"], small().fit(x, y, past="u,v", **QUIET).predict_proba(x)[:, 1])
    pandas = model.predict(frame.to_pandas())
    assert isinstance(pandas, pd.DataFrame) and pandas["kind"].tolist() == found["kind"].to_list()
    frame.write_csv(tmp_path / "data.csv")
    assert model.predict(str(tmp_path / "data.csv"))["kind"].equals(found["kind"])
    np.testing.assert_array_equal(model.predict(x), found["kind"])  # arrays of the same features
    with pytest.raises(ArgumentError, match="past: expected a column of the data, got 'u'"):
        model.predict(frame.drop("u"))


def test_every_step_of_a_table():
    x, y = pulses(12)
    steps = [np.where(np.arange(len(p)) < 4, "early", "late") for p in x]
    frame = table(x, y).with_columns(
        kind=pl.when(pl.col("at") < 4).then(pl.lit("early")).otherwise(pl.lit("late"))
    )
    model = small(head="every").fit(frame, series="id", time="at", target="kind", **QUIET)
    found = model.predict(frame)
    assert found.columns == ["id", "at", "kind", "p_early", "p_late"] and len(found) == len(frame)
    assert found["at"].to_list() == [t for p in x for t in range(len(p))]
    without = small(head="every").fit(frame, series="id", target="kind", past="u,v", **QUIET).predict(frame)
    assert without["step"].to_list() == [t + 1 for p in x for t in range(len(p))]
    arrays = small(head="every").fit(x, steps, past="u,v", **QUIET)
    np.testing.assert_array_equal(np.concatenate(arrays.predict(x)), found["kind"])
    assert [len(p) for p in arrays.predict_proba(x)] == [len(p) for p in x]


def test_a_stream_takes_the_rows_of_the_table():
    x, y = pulses(20)
    frame = table(x, y)
    model = small().fit(frame, series="id", time="at", target="kind", **QUIET)
    stream = model.stream()
    scores = [stream.step(row) for row in frame.filter(pl.col("id") == "s03").to_dicts()][-1]
    found = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(found, model.predict_proba(frame)[3], atol=1e-5)


def test_a_bidirectional_model_runs_whole_sequences():
    x, y = pulses(20)
    model = small(bidirectional=True, layers=2).fit(x, y, **QUIET)
    with pytest.raises(ArgumentError, match="program: expected one that runs row by row"):
        model.stream()
    scores = run_sequence(model.program(), x[0])[-1]
    np.testing.assert_allclose(
        np.exp(scores) / np.exp(scores).sum(), model.predict_proba(x[:1])[0], atol=1e-5
    )


def test_the_file_it_was_trained_from_is_judged_by_its_test_part(tmp_path):
    x, y = pulses(30)
    frame = table(x, y)
    model = small().fit(frame, series="id", target="kind", past="u,v", **QUIET)
    model.save(tmp_path / "model")
    for asked in (model, load(tmp_path / "model")):
        found = asked.evaluate(frame)
        assert found.scores == model.evaluation_.scores and found.verdict == model.evaluation_.verdict
        assert found.notes[0] == "24 sequences that the model was trained or stopped on are left out."
    fresh, labels = pulses(8, seed=5)
    assert model.evaluate(table(fresh, labels)).sequences == 8
    seen = [name for i, name in enumerate(frame["id"].unique(maintain_order=True)) if i in (0, 1, 2)]
    with pytest.raises(DataError, match="data: expected sequences that the model has not seen, got only the"):
        while True:  # rows of sequences that were learned from, one by one
            only = frame.filter(pl.col("id") == seen.pop())
            model.evaluate(only)
    arrays = small().fit(x, y, **QUIET)
    assert "trained or stopped on 24 of these sequences" in arrays.evaluate(x, y).notes[0]


def test_equal_sequences_in_training_and_test_are_told():
    x, y = pulses(10)
    model = small().fit(x * 3, y * 3, split=(10, 10, 10), **QUIET)
    assert "test sequences are equal to some that it was trained or stopped on." in model.evaluation_.notes[0]


@pytest.mark.parametrize("labels", [(3, -7), (0.0, 1.0), ("1", "2")])
def test_labels_come_back_in_their_own_type(labels, tmp_path):
    x, y = pulses(20)
    y = [labels[word == "ba"] for word in y]
    small(class_weight={labels[0]: 2.0}).fit(x, y, **QUIET).save(tmp_path / "model")
    model = load(tmp_path / "model")
    assert model.classes_.tolist() == sorted(labels) and model.class_weight == {labels[0]: 2.0}
    assert {type(label) for label in model.predict(x).tolist()} == {type(labels[0])}
    assert 0 <= model.score(x, pd.Series(y, index=range(5, 25))) <= 1


def test_class_weights_are_learned_with():
    x, y = pulses(40)
    y = ["ba"] * 36 + ["ab"] * 4
    even, weighed = (
        small(class_weight=w, epochs=2, learning_rate=0.01).fit(x, y, **QUIET) for w in (None, "balanced")
    )
    assert weighed.network_.class_weights.tolist() == pytest.approx([5.0, 5 / 9], rel=0.1)
    assert weighed.predict_proba(x)[:, 0].mean() > even.predict_proba(x)[:, 0].mean() + 0.1
    assert any("Class weights" in note for note in weighed.evaluation_.notes)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"y": ["a"] * 20}, DataError, "y: expected two classes or more, got only 'a'."),
        ({"y": None}, ArgumentError, "y: expected a label for each sequence, got None."),
        ({"y": ["a"] * 19 + [None]}, DataError, "y[19]: expected a label, got None. Fill it in"),
        ({"y": np.arange(20) / 3}, DataError, "y: expected classes: text or whole numbers, got 0.33"),
        ({"y": ["a", "b"]}, ShapeError, "y: expected 20 labels, got 2."),
        ({"split": (0.9, 0.2, 0.1)}, ArgumentError, "split: expected three fractions"),
        ({"target": "kind"}, ArgumentError, "target: expected None: arrays have no columns"),
        ({"resume": True}, ArgumentError, "resume: expected a checkpoint to go on from"),
    ],
)
def test_what_cannot_be_learned_from(given, kind, message):
    x, y = pulses(20)
    with pytest.raises(kind) as error:
        small().fit(x, **{"y": y} | given, **QUIET)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_one_sequence_or_an_unseen_label():
    x, y = pulses(20)
    with pytest.raises(DataError, match="X: expected at least 3 sequences, got 2"):
        small().fit(x[:2], ["a", "b"], **QUIET)
    model = small().fit(x, y, **QUIET)
    for ask in (model.evaluate, model.score):
        with pytest.raises(
            DataError, match=r"y: expected a class of the training data \('ab', 'ba'\), got 'cb'"
        ):
            ask(x, ["cb"] * 20)
    with pytest.raises(
        ArgumentError, match=r"y: expected a label for each sequence, got None. Pass the true"
    ):
        model.evaluate(x)


def test_not_fitted():
    with pytest.raises(ArgumentError, match=r"SequenceClassifier: expected a fitted one.*Call fit first"):
        small().predict([np.zeros((2, 2))])
    assert not hasattr(small(), "classes_")


def test_scikit_learn_conventions():
    x, y = pulses(24)
    model = small(epochs=0, cell="lstm")
    assert is_classifier(model) and clone(model).get_params() == model.get_params()
    assert model.set_params(head="mean").head == "mean"
    scores = cross_val_score(model.set_params(head="last"), x, y, cv=2, params=QUIET)
    assert len(scores) == 2 and np.isfinite(scores).all()
    assert model.fit(x, y, **QUIET).fit(x[:10], ["u", "v"] * 5, **QUIET).classes_.tolist() == ["u", "v"]
