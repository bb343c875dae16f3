import itertools

import numpy as np
import pytest

from unrolled import Tagger
from unrolled.data import read_sentences, write_conll
from unrolled.errors import ArgumentError, DataError
from unrolled.metrics.spans import score_spans
from unrolled.preprocess import first_invalid
from unrolled.tasks.text.tagging_data import TagSet
from unrolled.training import SilentReporter

FIRST, LAST, PLAIN = ["Ann", "Bo", "Cy"], ["Ray", "Lee", "Fox"], "saw met the a in old house".split()


def told(count, seed=0):
    """Sentences with names of one or two words, and their tags in BIO."""
    draw = np.random.default_rng(seed)
    sentences, tags = [], []
    for _ in range(count):
        words, own = [], []
        for _ in range(draw.integers(1, 5)):
            if draw.random() < 0.4:
                name = [str(draw.choice(FIRST)), *([str(draw.choice(LAST))] if draw.random() < 0.5 else [])]
                words += name
                own += ["B-person", "I-person"][: len(name)]
            words.append(str(draw.choice(PLAIN)))
            own.append("O")
        sentences.append(words)
        tags.append(own)
    return sentences, tags


def quick(**options):
    small = {
        "hidden_size": 10,
        "embedding_size": 8,
        "min_count": 1,
        "device": "cpu",
        "batch_tokens": 60,
        "epochs": 5,
    }
    return Tagger(**(small | {"dropout": 0.0, "input_dropout": 0.0, "learning_rate": 0.03} | options))


def fit(model, *data, **options):
    return model.fit(*data, reporter=SilentReporter(), **options)


@pytest.fixture(scope="module")
def model():
    return fit(quick(), *told(120))


def test_names_are_found(model):
    sentences, tags = told(40, seed=1)
    assert model.score(sentences, tags) > 0.97
    assert model.predict([["Ann", "Ray", "met", "Bo", "in"]]) == [
        ["B-person", "I-person", "O", "B-person", "O"]
    ]
    found = model.evaluate(sentences, tags)
    assert found.model.metrics["F1"] == score_spans(tags, model.predict(sentences))[0].f1
    assert found.by_kind[0].name == "person" and found.scores[1].name == "most frequent tag"


@pytest.mark.parametrize(
    "options",
    [
        {"characters": "lstm", "cell": "gru"},
        {"crf": False},
        {"bidirectional": False, "characters": "none"},
        {"bidirectional": False, "characters": "cnn", "crf": False},
    ],
)
def test_no_invalid_tags_come_out_however_little_was_learned(options):
    sentences, tags = told(60)
    model = fit(quick(epochs=0, **options), sentences, tags)
    with_noise = [[*words, "???", *words] for words in sentences]
    found = model.predict(with_noise)
    assert all(first_invalid(one, "bio") is None for one in found)
    assert any(tag != "O" for one in found for tag in one)  # an untrained network answers at random


def test_iob1_comes_back_as_iob1():
    sentences, tags = told(80)
    iob1 = [[tag.replace("B-", "I-") for tag in own] for own in tags]
    both = fit(quick(epochs=3), sentences, iob1)
    assert both.tags_.written == "iob1" and both.tags_.learned == "bioes"
    found = both.predict(sentences)
    assert {tag for own in found for tag in own} <= {"O", "I-person", "B-person"}
    assert all(first_invalid(own, "iob1") is None for own in found)
    causal = fit(quick(epochs=3, bidirectional=False, characters="none"), sentences, iob1)
    stream = causal.stream()
    assert [stream.step(word) for word in sentences[0]] == causal.predict(sentences[:1])[0]


def test_plain_tags_are_tagged_too():
    sentences, tags = told(80)
    parts = [["NAME" if tag != "O" else "REST" for tag in own] for own in tags]
    model = fit(quick(), sentences, parts)
    assert list(model.evaluation_.model.metrics) == ["accuracy"] and model.score(sentences, parts) > 0.95


def test_the_best_paths_and_the_probabilities_agree(model):
    sentences = [["Ann", "Ray", "met"], ["house"]]
    for words, paths, shares in zip(
        sentences, model.predict_best(sentences, 3), model.predict_proba(sentences), strict=True
    ):
        assert paths[0][1] == model.predict([words])[0]
        assert [share for share, _ in paths] == sorted((share for share, _ in paths), reverse=True)
        assert sum(share for share, _ in paths) <= 1.0 + 1e-9
        np.testing.assert_allclose(shares.sum(1), 1.0, rtol=1e-5)
        assert all(first_invalid(tags, "bio") is None for _, tags in paths)
    causal = fit(quick(epochs=0, bidirectional=False), *told(20))
    with pytest.raises(ArgumentError, match="model: expected one that weighs whole paths, got LSTM-CRF"):
        causal.predict_best(sentences, 2)


def test_files_go_in_and_frames_come_out(tmp_path):
    for name, seed in (("train", 0), ("dev", 1), ("test", 2)):
        data = read_sentences(*told(40, seed=seed))
        write_conll(tmp_path / f"{name}.conll", data, [data.tags])
    model = fit(
        quick(epochs=1),
        tmp_path / "train.conll",
        validation=tmp_path / "dev.conll",
        test=tmp_path / "test.conll",
    )
    assert "40 training, 40 validation, 40 test sentences" in model.summary()["split"]
    found = model.predict(tmp_path / "test.conll")
    assert found.columns == ["sentence", "word", "tag"] and found["sentence"].max() == 40
    (tmp_path / "plain.txt").write_text("Ann met Bo.\nThe house\n")
    assert model.predict(tmp_path / "plain.txt")["word"].to_list() == [
        "Ann",
        "met",
        "Bo",
        ".",
        "The",
        "house",
    ]
    with pytest.raises(DataError, match="expected sentences that the model has not seen"):
        model.evaluate(tmp_path / "train.conll")


def test_an_invalid_tag_is_named_and_repaired_only_when_asked(tmp_path):
    sentences, tags = told(40)
    tags[3][0] = "I-person" if tags[3][0] == "O" else "I-other"
    data = read_sentences(sentences, tags)
    path = tmp_path / "a.conll"
    write_conll(path, data, [tuple(itertools.chain(*tags))])
    line = sum(len(words) + 1 for words in sentences[:3]) + 1
    message = rf"a.conll, line {line}: expected a tag that BIO allows, got 'I-\w+' at the start of a sentence"
    with pytest.raises(DataError, match=message + r"\. Correct the line, or pass repair=True"):
        fit(quick(epochs=0), path, column=1)
    assert fit(quick(epochs=0), path, column=1, repair=True).tags_.written == "bio"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([["a"], ["b"]], [["O"], ["O"]]), "tags: expected two tags or more, got only 'O'"),
        (([["a"], ["b"]], None), "sentences: expected a tag for each word, got none"),
        (([["a"], ["b"]], [["O"]]), "tags: expected 2 sentences, got 1"),
        (
            ([["a"] * 20_000, ["b"], ["c"]], [["O"] * 20_000, ["B-x"], ["O"]]),
            "at most 10,000 tokens, got 20,000",
        ),
    ],
)
def test_bad_data_is_one_line(data, message):
    with pytest.raises((ArgumentError, DataError), match=message):
        fit(quick(epochs=0), *data)


def test_a_tag_that_training_has_not_seen(model):
    with pytest.raises(
        DataError, match=r"line 2: expected a tag of the training data \(O, B-person.*got 'S-city'"
    ):
        model.evaluate([["in", "Rome"]], [["O", "B-city"]])
    with pytest.raises(
        ArgumentError, match=r"stream: expected a causal tagger, got a bidirectional one\. Train"
    ):
        model.stream()


def test_tag_sets():
    tags = TagSet.fit([["B-x", "I-x", "O"], ["I-x"]], bidirectional=False)
    assert (tags.written, tags.learned) == ("bio", "bio") and tags.encode(["I-x", "O"]) == [1, 0]
    assert TagSet.fit([["S-x", "O"]], True).values == ("O", "B-x", "I-x", "E-x", "S-x")
