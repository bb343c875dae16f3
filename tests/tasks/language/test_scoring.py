"""Scores of a network and of the baselines: the same tokens, however they are batched."""

import numpy as np
import pytest
import torch

from unrolled.errors import ModelFileError
from unrolled.models import build
from unrolled.tasks.language import scoring
from unrolled.tasks.language.baselines import PlainTexts
from unrolled.tasks.language.scoring import quick_nats, score_masked, score_texts

END, TOKENS = 1, 12


def network(kind, grown=3):
    torch.manual_seed(0)
    built = build({"kind": kind, "shape": {"tokens": TOKENS}, "hidden": 6, "embedding": 5}).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(grown)
    return built


def texts(count=9, seed=0, longest=30):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, longest, count)
    return [np.append(random.integers(2, TOKENS, n), END) for n in lengths]


def alone(model, text):
    """The nats of a text, token by token, straight from the network."""
    tokens = torch.from_numpy(np.append(END, text[:-1]))[None]
    shares = model.scores({"tokens": tokens})[0][0].detach().log_softmax(-1)
    return -shares[torch.arange(len(text)), torch.from_numpy(text)].numpy(), shares.argmax(-1).numpy()


@pytest.mark.parametrize("steps", [5, 1024])
def test_texts_are_scored_as_each_alone(monkeypatch, steps):
    monkeypatch.setattr(scoring, "STEPS", steps)
    model, some = network("language"), texts()
    found = score_texts(model, some, END)
    expected = [alone(model, text) for text in some]
    np.testing.assert_allclose(found.nats, np.concatenate([nats for nats, _ in expected]), rtol=1e-4)
    np.testing.assert_array_equal(found.guesses, np.concatenate([guess for _, guess in expected]))


def test_blanks_are_scored_as_each_alone():
    model, some = network("masked"), texts()
    found = score_masked(model, some, END)
    expected = []
    for text in some:
        scores = model.scores({"tokens": torch.from_numpy(np.append(END, text))[None]})[0].detach()
        shares = scores.log_softmax(-1)
        expected.append(-shares[torch.arange(len(text) - 1), torch.from_numpy(text[:-1])].numpy())
    np.testing.assert_allclose(found.nats, np.concatenate(expected), rtol=1e-4)


def test_a_quick_score_is_near_the_whole_one(monkeypatch):
    monkeypatch.setattr(scoring, "PIECES", 4)
    monkeypatch.setattr(scoring, "RUN_UP", 40)
    model = network("language", grown=1)
    text = np.random.default_rng(1).integers(2, TOKENS, 1003)
    whole = score_texts(model, [text], END).nats.mean()
    assert quick_nats(model, text, END) == pytest.approx(whole, rel=1e-3)
    assert quick_nats(model, text[:50], END) == pytest.approx(
        score_texts(model, [text[:50]], END).nats.mean(), rel=1e-5
    )


def sentences(count, seed=0):
    """Texts of pairs: the word in the middle follows from both neighbours, not from one."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        left, right = random.integers(0, 2, 2)
        found.append(np.array([2 + left, 6 + (left + right) % 2 + 2 * left, 4 + right, END]))
    return found


def test_baselines_from_both_sides_know_more_than_from_one():
    train, validation, test = sentences(400), sentences(60, 1), sentences(100, 2)
    left = PlainTexts.fit(train, validation, TOKENS, END, masked=False)
    both = PlainTexts.fit(train, validation, TOKENS, END, masked=True)
    scores = both.scores(test)
    assert list(scores) == ["unigram", both.name] and both.name.endswith("from both sides")
    middle = np.arange(1, 300, 3)
    words = np.concatenate([text[:-1] for text in test])
    assert (scores[both.name].guesses == words)[middle].mean() > 0.95
    own = left.scores(test)[left.name]
    assert (own.guesses == np.concatenate(test))[np.arange(1, 400, 4)].mean() < 0.8
    assert own.nats.mean() < left.scores(test)["unigram"].nats.mean()


def test_baselines_come_back_from_their_arrays():
    plain = PlainTexts.fit(sentences(60), sentences(20, 1), TOKENS, END, masked=True)
    arrays = plain.arrays()
    assert {name: str(a.dtype) for name, a in arrays.items()} == {
        "grams.left": "uint8", "counts.left": "uint32", "grams.right": "uint8", "counts.right": "uint32",
    }  # fmt: skip
    again = PlainTexts.from_arrays(arrays, TOKENS, END, masked=True)
    for name, score in plain.scores(sentences(10, 3)).items():
        np.testing.assert_array_equal(again.scores(sentences(10, 3))[name].nats, score.nats)
    arrays["grams.left"] = arrays["grams.left"] + np.uint8(TOKENS)
    with pytest.raises(ModelFileError, match=r"array 'grams\.left': expected n-grams of 12 tokens"):
        PlainTexts.from_arrays(arrays, TOKENS, END, masked=True)
