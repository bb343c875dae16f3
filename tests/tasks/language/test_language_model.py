"""A language model as a user holds it."""

import math

import numpy as np
import pytest
import torch

import unrolled
from unrolled.errors import ArgumentError, DataError, ModelFileError
from unrolled.format import read_model, write_model
from unrolled.metrics import language
from unrolled.runtime import TextGenerator
from unrolled.tasks import LanguageModel
from unrolled.tasks.language.data import Coded
from unrolled.tasks.language.scoring import score_texts
from unrolled.training import SilentReporter


class Killed(BaseException):
    """Stands for a power cut."""


class Dying(SilentReporter):
    """Dies after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def step(self, sums):
        self.left -= 1
        if self.left < 0:
            raise Killed


def test_the_table_holds_the_scores_of_the_tokens(characters, lines):
    text = "\n".join(lines) + "\n"
    start = characters.corpus_["cuts"][2]
    assert start == int(0.95 * len(text)) and characters.corpus_["cuts"][3] == len(text)
    coded = Coded.of(characters.codec_, [text[start:]])
    found = score_texts(characters.network_, coded.codes, characters.codec_.end)
    told = characters.evaluation_.model.metrics
    assert told["nats"] == pytest.approx(found.nats.mean())
    assert told["perplexity"] == pytest.approx(math.exp(told["nats"]))
    assert told["bits/char"] == pytest.approx(told["nats"] / math.log(2))
    assert told["accuracy"] == (found.guesses == coded.codes[0]).mean()
    assert [score.name for score in characters.evaluation_.scores][:2] == ["LSTM language model", "unigram"]
    assert characters.evaluation_.verdict.baseline.endswith("-gram")


def test_bits_of_words_are_counted_over_characters(words, lines):
    evaluation = words.evaluation_
    characters = sum(len(line) + 1 for line in judged_lines(words, lines))
    total = evaluation.model.metrics["nats"] * evaluation.tokens / math.log(2)
    assert evaluation.model.metrics["bits/char"] == pytest.approx(total / characters)
    assert language.bits_per_character([math.log(2)], 1) == 1


def judged_lines(model, lines):
    start, stop = model.corpus_["cuts"][2:]
    return lines[start:stop]


def test_surprises_are_the_greatest_losses(characters):
    found = characters.evaluation_.surprises
    assert 0 < len(found) <= 10
    assert [s.nats for s in found] == sorted((s.nats for s in found), reverse=True)
    assert found[0].nats == pytest.approx(characters.evaluation_.losses["LSTM language model"].max())
    assert all(s.token != s.expected for s in found)
    (detail,) = characters.evaluation_.details()
    head, rows = detail.columns, detail.rows
    assert head[1:] == ("came", "expected", "nats") and len(rows) == len(found)


def test_predict_is_the_softmax_of_the_streams_last_answer(characters):
    codec, stream = characters.codec_, characters.stream()
    for code in codec.encode_prompt("the c"):
        scores = stream.step([code])
    shares = np.exp(scores - scores.max()).astype(np.float64)
    frame = characters.predict(["the c"], top=3)
    assert frame.columns == ["text", "rank", "token", "p"] and frame["rank"].to_list() == [1, 2, 3]
    assert frame["token"][0] == codec.word(int(scores.argmax()))
    assert frame["p"][0] == pytest.approx((shares / shares.sum()).max(), rel=1e-5)
    tokens = torch.from_numpy(codec.encode_prompt("the c"))[None]
    expected = characters.network_.scores({"tokens": tokens})[0][0, -1].detach().numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_generate_repeats_with_a_seed_and_streams_piece_by_piece(characters):
    text = characters.generate("the", length=30, seed=4)
    assert text.startswith("the") and len(text) == 33
    assert text == characters.generate("the", length=30, seed=4) != characters.generate("the", 30, seed=5)
    assert "the" + "".join(characters.pieces("the", 30, seed=4)) == text
    cold = characters.generate("the", 30, temperature=0)
    assert cold == characters.generate("the", 30, temperature=0, seed=9)
    assert cold == characters.generate("the", 30, top_k=1, seed=9)


def test_a_file_generates_the_same_without_the_task(words, tmp_path):
    words.save(tmp_path / "m.unrolled")
    text = words.generate("the cat", length=20, seed=1)
    assert TextGenerator.load(tmp_path / "m.unrolled").generate("the cat", 20, sampling(1)) == text
    loaded = unrolled.load(tmp_path / "m.unrolled")
    assert loaded.generate("the cat", length=20, seed=1) == text


def sampling(seed):
    from unrolled.runtime import Sampling

    return Sampling(seed=seed)


@pytest.mark.parametrize("to", ["c", "onnx", "program"])
def test_an_export_answers_held_out_texts_as_the_stream(words, lines, tmp_path, to):
    done = words.export(tmp_path / "out", to=to, texts=lines[-3:])
    tokens = sum(len(words.codec_.encode(line)) + 1 for line in lines[-3:])
    assert done.parity.share <= 1e-5 and done.parity.answers == tokens * len(words.codec_)
    assert all(path.exists() for path in done.files)


def test_an_unknown_character_in_a_prompt_is_one_clear_line(characters):
    expected = r"^prompt: expected characters of the training text, got 'Ж'\. Leave it out\.$"
    with pytest.raises(ArgumentError, match=expected):
        characters.generate("the Ж")


def test_evaluate_scores_the_test_part_of_its_own_source_and_all_of_another(characters, words, lines):
    own = characters.evaluate(lines)
    assert own.model == characters.evaluation_.model and "its last part alone" in own.notes[0]
    other = characters.evaluate(["the cat saw the corn"])
    assert other.tokens == 21 and other.notes == ()
    new = ["a brown cow took it", "the fish ate the dog"]
    judged = words.evaluate([*new, lines[0], lines[1]])
    assert judged.title.endswith("of 2 texts") and "2 texts that the model was trained" in judged.notes[0]
    with pytest.raises(DataError, match=r"data: expected texts that the model has not seen, got only 2 it"):
        words.evaluate(lines[:2])


def test_two_parts_are_judged_on_the_second_and_say_so(lines, small):
    model = LanguageModel(**small).fit(lines, split=(0.9, 0.1), reporter=SilentReporter())
    assert "no test part" in model.evaluation_.notes[0]
    assert model.evaluate(lines).model == model.evaluation_.model


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "nt-asgd", "learning_rate": 1.0}], ids=["adamw", "asgd"]
)
@pytest.mark.parametrize("by_line", [False, True], ids=["running", "lines"])
def test_killed_and_resumed_is_the_same_file(lines, small, tmp_path, options, by_line):
    settings = (
        small | options | {"dropout": 0.4, "weight_drop": 0.3, "tokenizer": "words", "embedding_dropout": 0.1}
    )

    def train(**rest):
        model = LanguageModel(**settings)
        return model.fit(lines, lines=by_line, **({"reporter": SilentReporter()} | rest))

    train().save(tmp_path / "whole.unrolled")
    keep = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        train(checkpoint=keep, reporter=Dying(25))
    train(checkpoint=keep, resume=True).save(tmp_path / "resumed.unrolled")
    assert (tmp_path / "whole.unrolled").read_bytes() == (tmp_path / "resumed.unrolled").read_bytes()
    with pytest.raises(ArgumentError, match=r"checkpoint: expected the run it was begun for, with .*bptt=16"):
        LanguageModel(**(settings | {"bptt": 8})).fit(lines, lines=by_line, checkpoint=keep, resume=True)


def test_penalties_and_options_reach_the_network(lines, small):
    settings = small | {
        "ar": 2.0,
        "tar": 1.0,
        "tied": True,
        "layers": 2,
        "residual": True,
        "layer_norm": True,
    }
    model = LanguageModel(cell="gru", **settings).fit(lines, reporter=SilentReporter())
    network = model.network_
    assert (network.ar, network.tar) == (2.0, 1.0) and network.head.weight is None
    assert network.recurrent.residual and network.recurrent.layers[0].options.layer_norm
    assert "GRU 12 x 2, embedding 8, tied" in model.summary()["model"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"tokenizer": "char"},
            r"tokenizer: expected one of words, spaces, characters, bpe, got 'char'.",
        ),
        ({"cell": "lstn"}, r"cell: expected one of .*got 'lstn'. Did you mean 'lstm'"),
        ({"hidden_size": 0}, r"hidden_size: expected a whole number >= 1, got 0"),
        ({"bptt": 1}, r"bptt: expected a whole number >= 2, got 1"),
        ({"weight_drop": 1.0}, r"weight_drop: expected a number >= 0 and < 1"),
        ({"optimizer": "sgd"}, r"optimizer: expected one of adamw, nt-asgd, got 'sgd'"),
        ({"optimizer": "nt-asgd", "average": 0.9}, r"average: expected none with optimizer='nt-asgd'"),
        ({"tar": -1}, r"tar: expected a number >= 0, got -1. 0 is off"),
        ({"vocabulary_size": 1}, r"vocabulary_size: expected a whole number >= 2, got 1"),
    ],
)
def test_wrong_parameters_are_refused_before_any_work(lines, options, message):
    with pytest.raises(ArgumentError, match=message):
        LanguageModel(**options).fit(lines)


def test_bad_texts_are_one_clear_line(tmp_path, small):
    model = LanguageModel("words", **small)
    (tmp_path / "latin.txt").write_bytes("gar\xe7on\n".encode("latin-1") * 40)
    with pytest.raises(DataError, match=r"latin.txt: expected text in utf-8, got byte 0xe7 in line 1\."):
        model.fit(tmp_path / "latin.txt")
    (tmp_path / "endless.txt").write_text("a b\n" * 50 + "word " * 100_000 + "\n")
    expected = (
        r"endless.txt, line 51: expected a text of at most 10,000 tokens, got 100,00\d. Does the file lack"
    )
    with pytest.raises(DataError, match=expected):
        model.fit(tmp_path / "endless.txt", lines=True)
    with pytest.raises(DataError, match=r"data: expected at least two different tokens, got fewer"):
        model.fit(["a a a a a a a a a a a a a a a a a a a a\n"] * 9)


def test_a_file_whose_parts_do_not_fit_is_refused(characters, tmp_path):
    characters.save(tmp_path / "m")
    file = read_model(tmp_path / "m")
    changes = {
        "card.corpus.cuts": {"corpus": file.card["corpus"] | {"cuts": [3, 2, 1, 0]}},
        "card.text": {"text": {}},
        "card.network": {"network": file.card["network"] | {"hidden": 7}},
        "tokens": {"network": file.card["network"] | {"shape": {"tokens": 9}}},
    }
    for name, change in changes.items():
        write_model(tmp_path / "bad", file.card | change, file.tensors)
        with pytest.raises(ModelFileError) as caught:
            unrolled.load(tmp_path / "bad")
        assert name.split(".")[-1] in str(caught.value) or "array" in str(caught.value)
    tensors = {name: array for name, array in file.tensors.items() if name != "grams.left"}
    write_model(tmp_path / "bad", file.card, tensors)
    with pytest.raises(ModelFileError, match=r"grams\.left"):
        unrolled.load(tmp_path / "bad")
