"""A translator's file at work without PyTorch."""

import json
import subprocess
import sys

import numpy as np
import pytest

from unrolled.errors import ArgumentError, DataError, ModelFileError
from unrolled.format import new_card, read_model, write_model
from unrolled.models import build
from unrolled.preprocess import Sides, Tokenizer
from unrolled.preprocess.sides import SPECIALS
from unrolled.runtime import SearchOptions, Stream, TextTranslator

WITHOUT_TORCH = """
import json, sys
from unrolled.runtime import SearchOptions, TextTranslator
model, rules = TextTranslator.load(sys.argv[1]), SearchOptions(best=2, maximum=5)
found = model.candidates(["red house", "old zebra"], rules)
heavy = [name for name in ("torch", "polars", "sklearn", "tokenizers") if name in sys.modules]
print(json.dumps([[[one.text, one.score] for one in row] for row in found] + [heavy]))
"""


def sides(kind: str = "words") -> Sides:
    texts = ["red house", "old dog", "new tree"]
    return Sides(*(Tokenizer.fit(texts, kind, specials=SPECIALS) for _ in range(2)))


@pytest.fixture
def path(tmp_path):
    own = sides()
    shape = {"source_words": len(own.source), "target_words": len(own.target)}
    programs = build({"kind": "translation", "shape": shape, "embedding": 6, "hidden": 8}).eval().lower()
    card = new_card("program", "translate", {"programs": programs.to_card(), **own.card()})
    write_model(tmp_path / "m.unrolled", card, dict(programs.weights))
    return tmp_path / "m.unrolled"


def test_it_translates_without_torch(path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(path)], capture_output=True, text=True, check=True
    )
    *rows, heavy = json.loads(done.stdout)
    assert heavy == []
    found = TextTranslator.load(path).candidates(["red house", "old zebra"], SearchOptions(best=2, maximum=5))
    assert rows == [[[one.text, one.score] for one in row] for row in found]
    assert [len(row) for row in rows] == [2, 2]


def test_an_unknown_word_is_the_one_it_looked_at(path):
    class Echo:
        """Writes an unknown word twice, looking at the last word first."""

        attention, together = True, 1

        def start(self, sources):
            return np.array([[len(sources[0]), 0]])

        def advance(self, tokens, state):
            scores = np.full((len(tokens), 8), -9.0, np.float32)
            scores[:, 2 if state[0, 1] == 2 else 0] = -0.1
            looks = np.zeros((len(tokens), state[0, 0]), np.float32)
            looks[:, (-1, 0, 0)[state[0, 1]]] = 1
            return scores, looks, state + np.array([0, 1])

        def select(self, state, places):
            return state[places]

    assert TextTranslator(Echo(), sides()).predict(["big zebra"], SearchOptions(beam=1)) == ["zebra big"]


def test_what_is_refused_is_told(path, tmp_path):
    model = TextTranslator.load(path)
    with pytest.raises(DataError, match=r"texts\[1\]: expected a text, got an empty one"):
        model.predict(["red", " "])
    with pytest.raises(ArgumentError, match="texts: expected a list of texts, got one text"):
        model.predict("red house")
    with pytest.raises(ArgumentError, match=r"model: .*row by row, got an encoder-decoder.*TextTranslator"):
        Stream(path)
    file = read_model(path)
    card = json.loads(json.dumps(file.card))
    card["target"]["vocabulary"]["words"].pop()
    write_model(tmp_path / "n", card, dict(file.tensors))
    with pytest.raises(ModelFileError, match=r"card\.programs: expected scores of 8 tokens, got 9"):
        TextTranslator.load(tmp_path / "n")
    del card["programs"]
    write_model(tmp_path / "n", card, {})
    with pytest.raises(ModelFileError, match="model: expected a translator's, got one without programs"):
        TextTranslator.load(tmp_path / "n")
