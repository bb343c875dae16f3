import numpy as np
import pandas as pd
import polars as pl
import pytest

from unrolled import TextClassifier
from unrolled.errors import ArgumentError, DataError
from unrolled.tasks.text.data import dealt
from unrolled.training import SilentReporter

SMALL = {"hidden_size": 8, "embedding_size": 8, "min_count": 1, "device": "cpu", "batch_tokens": 60}
DRAW = np.random.default_rng(0)
FILLER = "the a film plot it was and with of story".split()


def told(count, noise=0.0, seed=0):
    """Texts whose class is told by one word among others."""
    draw = np.random.default_rng(seed)
    labels = ["good" if place % 2 else "bad" for place in range(count)]
    words = {"good": ["fine", "great", "lovely"], "bad": ["dull", "poor", "awful"]}
    texts = []
    for label in labels:
        text = [str(word) for word in draw.choice(FILLER, draw.integers(2, 8))]
        text.insert(int(draw.integers(0, len(text))), str(draw.choice(words[label])))
        texts.append(" ".join(text))
    return texts, labels


def quick(**options):
    return TextClassifier(**(SMALL | {"epochs": 6, "learning_rate": 0.02, "dropout": 0.0} | options))


def fit(model, *data, **options):
    return model.fit(*data, reporter=SilentReporter(), **options)


@pytest.fixture(scope="module")
def model():
    return fit(quick(), *told(200))


def test_what_one_word_tells_is_learned(model):
    texts, labels = told(40, seed=1)
    assert model.score(texts, labels) == 1.0
    assert model.predict(["a great film", "a dull film"]).tolist() == ["good", "bad"]
    found = model.evaluate(texts, labels)
    assert found.model.metrics["accuracy"] == 1.0 and found.confusion.tolist() == [[20, 0], [0, 20]]
    assert [score.name for score in found.scores] == [
        "bidirectional LSTM (max)", "most frequent class", "TF-IDF logistic",
    ]  # fmt: skip
    assert found.score("most frequent class").metrics["accuracy"] == 0.5


@pytest.mark.parametrize("options", [{"tokenizer": "characters", "pool": "mean"}, {"tokenizer": "bpe"}])
def test_every_tokenizer_goes_through(options):
    model = fit(quick(epochs=1, **options), *told(60))
    assert model.predict_proba(["a great film"]).sum() == pytest.approx(1.0)


def test_probabilities_are_calibrated_by_the_validation_part():
    texts, labels = told(300)
    wrong = np.random.default_rng(1).random(300) < 0.25
    labels = [
        ("bad" if y == "good" else "good") if flip else y for y, flip in zip(labels, wrong, strict=True)
    ]
    model = fit(quick(epochs=8), texts, labels)
    more, truth = told(300, seed=5)
    p = model.predict_proba(more).max(1)
    assert 0.65 < p.mean() < 0.85  # three quarters of the labels are right
    assert float(model.network_.sharpness) != 1.0 and model.score(more, truth) > 0.95


def test_a_table_comes_back_as_it_came(tmp_path):
    texts, labels = told(60)
    table = {"said": texts, "mood": labels}
    model = fit(quick(epochs=1), pd.DataFrame(table), text="said", target="mood")
    found = model.predict(pd.DataFrame(table))
    assert isinstance(found, pd.DataFrame) and list(found) == ["said", "mood", "p_bad", "p_good"]
    path = tmp_path / "data.csv"
    pl.DataFrame(table).write_csv(path)
    again = fit(quick(epochs=1), str(path), text="said", target="mood")
    assert again.predict(path)["p_good"].to_list() == found["p_good"].tolist()
    with pytest.raises(DataError, match="data: expected texts that the model has not seen, got only the"):
        again.evaluate(
            pl.DataFrame({n: [c[i] for i in range(60) if texts[i] in texts[:2]] for n, c in table.items()})
        )


def test_files_of_classes_and_given_parts(tmp_path):
    for name, seed in (("train", 0), ("dev", 1), ("test", 2)):
        texts, labels = told(40, seed=seed)
        (tmp_path / name).mkdir()
        for label in ("good", "bad"):
            own = [t for t, y in zip(texts, labels, strict=True) if y == label]
            (tmp_path / name / f"{label}.txt").write_text("\n".join(own) + "\n")
    model = fit(quick(epochs=1), tmp_path / "train", validation=tmp_path / "dev", test=tmp_path / "test")
    assert "40 training, 40 validation, 40 test texts" in model.summary()["split"]
    assert model.classes_.tolist() == ["bad", "good"]


def test_the_parts_are_dealt():
    both = dealt([100, None, None], (0.8, 0.1, 0.1), 0, np.arange(100) % 2)
    assert [len(part) for part in (both.train, both.validation, both.test)] == [80, 10, 10]
    one = dealt([100, None, 7], (0.9, 0.1, 0.0), 0, np.append(np.arange(100) % 2, np.zeros(7, int)))
    assert [len(part) for part in (one.train, one.validation, one.test)] == [90, 10, 7]
    assert (one.validation % 2).sum() == 5 and one.test.tolist() == list(range(100, 107))
    assert not set(one.train) & set(one.validation)


def test_pretrained_vectors_start_the_words(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"{w} 1 2 3 4\n" for w in ("great", "dull", "unused")))
    frozen = fit(quick(epochs=1, frozen=True), *told(60), vectors=path)
    number = frozen.tokenizer_.encode("great")[0]
    assert frozen.network_.inputs.words.weight[number].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert frozen.summary()["vectors"].startswith("4 numbers each, ")
    tuned = fit(quick(patience=0), *told(200), vectors=path)
    number = tuned.tokenizer_.encode("great")[0]
    assert tuned.network_.inputs.words.weight[number].tolist() != [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ArgumentError, match="frozen: expected pretrained vectors to freeze, got none"):
        fit(quick(frozen=True), *told(60))


def test_the_surest_mistakes_are_told():
    texts, labels = told(200)
    model = fit(quick(), texts, labels)
    found = model.evaluate(["a great film", "a dull plot"], ["bad", "bad"])
    (mistake,) = found.mistakes
    assert (mistake.text, mistake.truth, mistake.answered) == ("a great film", "bad", "good")
    assert mistake.probability > 0.5 and "Surest and wrong" in str(found)
    assert "a great film" not in str(model.card_["evaluation"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((["a", "b"], ["x", "x"]), r"y: expected two classes or more, got only 'x'\. Add"),
        ((["a", "b"], None), r"y: expected a label for each text, got None\. Pass y, name"),
        ((["a", "", "c"], ["x", "y", "x"]), r"texts\[1\]: expected a text, got an empty one\. Fill it in"),
        (
            (["a", "b " * 100_000, "c"], ["x", "y", "x"]),
            r"texts\[1\]: expected a text of at most 10,000 tokens, got",
        ),
    ],
)
def test_bad_data_is_one_line(data, message):
    with pytest.raises((ArgumentError, DataError), match=message) as caught:
        fit(quick(epochs=1), *data)
    assert "\n" not in str(caught.value)


def test_a_label_that_training_has_not_seen(model):
    with pytest.raises(
        DataError, match=r"y: expected a class of the training data \('bad', 'good'\), got 'so-so'"
    ):
        model.evaluate(["a film"], ["so-so"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": "sum"}, "pool: expected one of last, max, mean, attention, got 'sum'"),
        ({"tokenizer": "word"}, r"tokenizer: expected one of .*, got 'word'. Did you mean 'words'"),
        ({"word_dropout": 0.99}, "word_dropout: expected a number from 0 to 0.95, got 0.99"),
        ({"prior": 1}, "prior: expected True or False, got 1"),
        ({"batch_tokens": 0}, "batch_tokens: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ArgumentError, match=message):
        fit(quick(**options), *told(20))
