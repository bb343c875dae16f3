import json

import numpy as np
import pytest

import unrolled
from unrolled import SearchOptions, Translator
from unrolled.deploy import BOUND, OnnxDecoding
from unrolled.errors import ArgumentError, DataError, ModelFileError
from unrolled.format import read_model, write_model
from unrolled.runtime import TextTranslator
from unrolled.training import SilentReporter

SYLLABLES = {"ka": "K A", "lo": "L O", "mi": "M I", "ra": "R A"}


def spoken(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Words of syllables and how they are said, backwards."""
    random = np.random.default_rng(seed)
    words = [random.choice(list(SYLLABLES), random.integers(1, 5)) for _ in range(count)]
    return ["".join(word) for word in words], [
        " ".join(SYLLABLES[part] for part in word[::-1]) for word in words
    ]


SMALL = {
    "tokenizer": "characters",
    "target_tokenizer": "spaces",
    "hidden_size": 24,
    "embedding_size": 16,
    "epochs": 1,
    "batch_tokens": 300,
    "device": "cpu",
}


def fitted(epochs: int = 1, pairs: int = 60, **options) -> Translator:
    return Translator(**SMALL | {"epochs": epochs} | options).fit(*spoken(pairs), reporter=SilentReporter())


@pytest.fixture(scope="module")
def good() -> Translator:
    return fitted(8, 600, learning_rate=1e-2, average=0.9, dropout=0.0, smoothing=0.0)


def test_it_learns_to_write_backwards(good):
    source, target = spoken(50, seed=1)
    assert np.mean([a == b for a, b in zip(good.predict(source), target, strict=True)]) > 0.9
    found = good.evaluate(source, target)
    assert found.verdict.kind == "better" and found.model.metrics["token errors"] < 0.1
    assert found.scores[1].name == "word by word" and found.scores[1].metrics["exact"] < 0.6
    assert sum(lines for _, lines, _ in found.by_length) == 50


def test_it_looks_where_it_reads(good):
    source, target, weights = good.attention_of("kalomi")
    assert (source, target) == (list("kalomi"), ["M", "I", "L", "O", "K", "A", "</s>"])
    assert weights.sum(1) == pytest.approx(np.ones(7), abs=1e-5)
    assert weights[0, 4:].sum() > weights[0, :2].sum() and weights[5, :2].sum() > weights[5, 4:].sum()


def test_candidates_come_likeliest_first(good):
    for row in good.candidates(["kalo", "mi"], SearchOptions(beam=4, best=3)):
        assert len(row) == 3 and [a.score for a in row] == sorted((a.score for a in row), reverse=True)
        assert row[0].log_probability > -1.0


def test_a_beam_of_one_is_greedy(good):
    source, _ = spoken(20, seed=2)
    one = good.candidates(source, SearchOptions(beam=1))
    assert [row[0].text for row in one] == good.predict(source, SearchOptions(beam=1, length_penalty=0.0))


def test_a_saved_one_answers_the_same(good, tmp_path):
    good.save(tmp_path / "m.unrolled")
    again = unrolled.load(tmp_path / "m.unrolled")
    source, target = spoken(30, seed=3)
    assert again.candidates(source) == good.candidates(source)
    assert again.summary() == good.summary() and again.get_params() == good.get_params()
    assert str(again.evaluate(source, target)) == str(good.evaluate(source, target))
    again.save(tmp_path / "again.unrolled")
    assert (tmp_path / "m.unrolled").read_bytes() == (tmp_path / "again.unrolled").read_bytes()


def test_the_same_seed_the_same_file(tmp_path):
    for name in ("a", "b"):
        fitted(2, sampling=0.5).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    fitted(2, sampling=0.5, seed=1).save(tmp_path / "c")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("tokens", ["words", "bpe"])
def test_an_unknown_word_is_what_was_looked_at(tokens, tmp_path):
    source = [f"{a} {b}" for a in ("red", "blue", "old", "new") for b in ("house", "tree", "dog", "car")] * 4
    options = SMALL | {
        "tokenizer": tokens,
        "target_tokenizer": None,
        "vocabulary_size": 300,
        "min_count": 5 if tokens == "words" else 1,
    }
    source += ["red xylophone"] * 2
    model = Translator(**options).fit(source, source, reporter=SilentReporter())
    assert "xylophone" not in model.sides_.target.vocabulary.words
    for text in model.predict(["red xylophone", "red zebra"]):
        assert "<unk>" not in text


def test_parts_that_are_given_are_used(tmp_path):
    train, held, last = spoken(60), spoken(12, seed=5), spoken(15, seed=6)
    paths = []
    for name, lines in zip(("train.a", "train.b"), train, strict=True):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        paths.append(tmp_path / name)
    model = Translator(**SMALL).fit(*paths, validation=held, test=last, reporter=SilentReporter())
    assert model.summary()["data"] == "60 training, 12 validation, 15 test pairs"
    assert model.evaluation_.title == "15 lines"
    model = Translator(**SMALL).fit(*train, test=last, reporter=SilentReporter())
    assert model.summary()["data"] == "57 training, 3 validation, 15 test pairs"


def test_pairs_from_a_table(tmp_path):
    source, target = spoken(60)
    (tmp_path / "pairs.tsv").write_text(
        "\n".join(["w\ts", *map("\t".join, zip(source, target, strict=True))])
    )
    model = Translator(**SMALL).fit("w", "s", table=tmp_path / "pairs.tsv", reporter=SilentReporter())
    by_lists = fitted()
    assert model.predict(source[:9]) == by_lists.predict(source[:9])


def test_bad_input_is_one_line(tmp_path, good):
    source, target = spoken(40)
    (tmp_path / "a").write_text("\n".join(source))
    (tmp_path / "b").write_text("\n".join(target[:-2]))
    with pytest.raises(DataError, match=r"equally many lines, got 40 in .*a and 38 in .*b\. Line 39 of"):
        Translator(**SMALL).fit(tmp_path / "a", tmp_path / "b")
    with pytest.raises(DataError, match="test: expected pairs that training has not seen"):
        Translator(**SMALL).fit(source, target, test=(source[:5], target[:5]))
    with pytest.raises(DataError, match=r"texts\[1\]: expected a text, got an empty one"):
        good.predict(["ka", ""])
    with pytest.raises(DataError, match=r"texts\[0\]: expected a text of at most 10,000 tokens, got 100,000"):
        good.predict(["ka" * 50_000])
    with pytest.raises(
        ArgumentError, match="tokenizer: expected one of words, spaces, characters, bpe, got 'bits'"
    ):
        Translator(**SMALL | {"tokenizer": "bits"}).fit(source, target)
    with pytest.raises(ArgumentError, match="Translator: expected a fitted one"):
        Translator().predict(["ka"])
    with pytest.raises(ArgumentError, match="model: expected one with attention, got a fixed context vector"):
        fitted(attention="none").attention_of("ka")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card, _: card["target"]["vocabulary"]["words"].pop(), "card.network.shape"),
        (lambda card, _: card["source"].update(kind="bits"), "tokenizer: expected a tokenizer's card"),
        (lambda _, tensors: tensors.update({"plain.table": np.full(9, 99)}), "plain.table"),
        (lambda _, tensors: tensors.pop("plain.table"), "plain.table"),
        (lambda card, _: card["network"].update(attention="none"), "array"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, good, change, message):
    good.save(tmp_path / "m")
    file = read_model(tmp_path / "m")
    card, tensors = json.loads(json.dumps(file.card)), dict(file.tensors)
    change(card, tensors)
    write_model(tmp_path / "m", card, tensors)
    with pytest.raises(ModelFileError, match=message):
        unrolled.load(tmp_path / "m")


@pytest.mark.parametrize("options", [{}, {"attention": "bahdanau", "cell": "gru", "coverage": True}])
def test_what_is_exported_writes_what_predict_writes(options, tmp_path):
    model = fitted(4, 300, learning_rate=1e-2, **options)
    held, _ = spoken(40, seed=7)
    done = model.export(tmp_path / "out", texts=held)
    assert done.parity.share <= BOUND and done.parity.answers > 10_000
    model.export(tmp_path / "out", "program", held)
    rules = SearchOptions(beam=3, best=2, no_repeat=3, maximum=12)
    wanted = model.candidates(held, rules)
    through = {
        "onnx": TextTranslator(*OnnxDecoding.load(tmp_path / "out")),
        "program": TextTranslator.load(tmp_path / "out" / "out.unrolled"),
    }
    for name, other in through.items():
        found = other.candidates(held, rules)
        assert [[one.text for one in row] for row in found] == [
            [one.text for one in row] for row in wanted
        ], name
        assert found[0][0].score == pytest.approx(wanted[0][0].score, abs=1e-5)


def test_a_model_file_writes_without_torch_what_predict_writes(good, tmp_path):
    good.save(tmp_path / "m.unrolled")
    source, _ = spoken(30, seed=8)
    assert TextTranslator.load(tmp_path / "m.unrolled").predict(source) == good.predict(source)


def test_it_says_why_it_does_not_stream_and_what_to_do(good, tmp_path):
    with pytest.raises(ArgumentError, match=r"stream: .*row by row, got an encoder-decoder.*Use predict"):
        good.stream()
    with pytest.raises(ArgumentError, match=r"node 'weights' \(attention\).*Export it to onnx"):
        good.export(tmp_path / "out", "c")
    with pytest.raises(ModelFileError, match=r"card.kind: expected 'model', got 'program'.*unrolled predict"):
        good.export(tmp_path / "out", "program")
        unrolled.load(tmp_path / "out" / "out.unrolled")
