"""Tasks built of another architecture: trained, saved, loaded, and what they refuse."""

import numpy as np
import pytest

import unrolled as ur
from unrolled.errors import ArgumentError, DataError

CELLS = ("transformer", "feed-forward")
cells = pytest.mark.parametrize("cell", CELLS)
SMALL = {"hidden_size": 6, "epochs": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def waves():
    """A sine with a little noise: rows (300, 1)."""
    steps = np.arange(300)
    return np.sin(steps / 4)[:, None] + 0.05 * np.random.default_rng(1).standard_normal((300, 1))


@pytest.fixture(scope="module")
def ramps():
    """Sequences of 8 steps that rise or fall."""
    random = np.random.default_rng(2)
    x = random.standard_normal((60, 8, 2)) + np.linspace(-2, 2, 8)[:, None]
    x[30:] = x[30:, ::-1]
    return x, np.repeat(["up", "down"], 30)


@cells
def test_a_forecaster_of_it_is_trained_saved_and_loaded(cell, waves, tmp_path):
    model = ur.Forecaster(horizon=4, history=16, cell=cell, **SMALL).fit(waves)
    assert model.evaluation_.model.name == f"{cell.upper()} (segment)"
    model.save(tmp_path / "m.unrolled")
    loaded = ur.load(tmp_path / "m.unrolled")
    assert loaded.predict(waves).equals(model.predict(waves))
    loaded.save(tmp_path / "again.unrolled")
    assert (tmp_path / "again.unrolled").read_bytes() == (tmp_path / "m.unrolled").read_bytes()


@cells
def test_a_classifier_of_it_is_trained_saved_and_loaded(cell, ramps, tmp_path):
    x, y = ramps
    settings = SMALL | {"epochs": 4, "learning_rate": 0.01}
    model = ur.SequenceClassifier(cell=cell, **settings).fit(x, y)
    assert model.score(x, y) > 0.9
    model.save(tmp_path / "m.unrolled")
    loaded = ur.load(tmp_path / "m.unrolled")
    assert (loaded.predict(x) == model.predict(x)).all()
    assert np.isfinite(list(loaded.evaluate(x, y).model.metrics.values())).all()


@pytest.fixture(scope="module")
def reviews():
    """Sixty texts of 3 to 8 words, one of which tells their class."""
    random = np.random.default_rng(3)
    lengths = 3 + np.arange(60) % 6
    texts = [list(random.choice(["it", "was", "so", "the", "day"], length)) for length in lengths]
    for place, text in enumerate(texts):
        text[random.integers(len(text))] = "dull" if place % 2 else "fine"
    return [" ".join(text) for text in texts], np.where(np.arange(60) % 2, "-", "+")


TEXTS = SMALL | {"embedding_size": 8, "bidirectional": False, "dropout": 0.0, "input_dropout": 0.0}


@pytest.mark.parametrize(("cell", "pool"), [("transformer", "max"), ("feed-forward", "last")])
def test_a_classifier_of_texts_of_it_is_trained_saved_and_loaded(cell, pool, reviews, tmp_path):
    texts, y = reviews
    settings = TEXTS | {"epochs": 12, "learning_rate": 0.01, "word_dropout": 0.0, "batch_tokens": 50}
    model = ur.TextClassifier(cell, pool=pool, **settings).fit(texts, y)
    assert model.score(texts, y) > 0.9
    assert model.evaluation_.model.name == f"{cell.upper()} ({pool})"
    assert model.network_.steps == (8 if cell == "feed-forward" else 0)
    model.save(tmp_path / "m.unrolled")
    loaded = ur.load(tmp_path / "m.unrolled")
    new = ["fine", " ".join(texts[:3])]  # shorter and longer than any
    assert np.array_equal(loaded.predict_proba(new), model.predict_proba(new))
    loaded.save(tmp_path / "again.unrolled")
    assert (tmp_path / "again.unrolled").read_bytes() == (tmp_path / "m.unrolled").read_bytes()
    for refused in (loaded.stream, lambda: loaded.export(tmp_path / "out")):
        with pytest.raises(ArgumentError, match=r"program: expected .*, got a .*cell='gru' to stream or exp"):
            refused()
    with pytest.raises(ArgumentError, match=r"m\.unrolled: expected a model that streams, got a "):
        ur.runtime.Stream(tmp_path / "m.unrolled")


@cells
def test_other_architectures_read_texts_one_way(cell, reviews):
    model = ur.TextClassifier(cell, pool="last", **TEXTS | {"bidirectional": True})
    with pytest.raises(ArgumentError, match=r"bidirectional: expected False .*, got True\. Read one way, or"):
        model.fit(*reviews)


def test_a_feed_forward_model_streams(waves, ramps, tmp_path):
    model = ur.Forecaster(horizon=4, history=16, cell="feed-forward", **SMALL).fit(waves)
    model.save(tmp_path / "m.unrolled")
    answer = ur.runtime.Stream(tmp_path / "m.unrolled").last(waves)
    np.testing.assert_allclose(answer[:, 0, 1], model.predict(waves)["x0"], atol=1e-4)
    x, y = ramps
    model = ur.SequenceClassifier(cell="feed-forward", **SMALL).fit(x, y)
    scores = model.stream().last(x[0])
    assert model.classes_[scores.argmax()] == model.predict(x[:1])[0]


def test_a_transformer_refuses_to_stream(waves, tmp_path):
    model = ur.Forecaster(horizon=4, history=16, cell="transformer", **SMALL).fit(waves)
    with pytest.raises(ArgumentError, match=r"got a Transformer, .*cell='gru' to stream or export"):
        model.stream()
    with pytest.raises(ArgumentError, match=r"got a Transformer, .*cell='gru' to stream or export"):
        model.export(tmp_path / "out")
    model.save(tmp_path / "m.unrolled")
    with pytest.raises(ArgumentError, match=r"m\.unrolled: expected a model that streams, got a Transformer"):
        ur.runtime.Stream(tmp_path / "m.unrolled")


def test_a_feed_forward_network_refuses_variable_length(ramps):
    x, y = ramps
    shorter = [row[: 5 + place % 4] for place, row in enumerate(x)]
    with pytest.raises(DataError, match=r"X: expected sequences of one length, got 5 to 8 steps\. A feed-fo"):
        ur.SequenceClassifier(cell="feed-forward", **SMALL).fit(shorter, y)
    model = ur.SequenceClassifier(cell="feed-forward", **SMALL).fit(x, y)
    with pytest.raises(ArgumentError, match=r"x: expected sequences of 8 steps, got one of 5\. A feed-for"):
        model.predict([x[0, :5]])
    assert ur.SequenceClassifier(cell="transformer", **SMALL).fit(shorter, y).predict(shorter).shape == (60,)


@cells
@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_only_a_recurrent_state_is_carried(cell, decoder, waves):
    with pytest.raises(
        ArgumentError, match=f"decoder: expected 'segment', got decoder '{decoder}' with cell"
    ):
        ur.Forecaster(horizon=4, decoder=decoder, cell=cell).fit(waves)
