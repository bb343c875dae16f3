"""Every kind of network through every runtime: within the bound of the Program's stream, or refused by name.

A kind that `models.build` knows and this file does not fails the first test.
"""

import pytest
from drawn_programs import WORDS, draw_weights, lowered, sequence, text

from unrolled.deploy import BOUND, TARGETS, compare, export, export_translator
from unrolled.deploy.export import replay_drawn
from unrolled.errors import ArgumentError
from unrolled.models.build import KINDS, build
from unrolled.preprocess import Sides, Tokenizer
from unrolled.preprocess.sides import SPECIALS
from unrolled.runtime import Stream, TextTranslator

ROW = ("program", "onnx", "c", "wasm", "numpy")  # what streams goes everywhere
WHOLE = ("program", "onnx")


def translator() -> TextTranslator:
    sides = Sides(*(Tokenizer.fit(WORDS, "words", specials=SPECIALS) for _ in range(2)))
    shape = {"source_words": len(sides.source), "target_words": len(sides.target)}
    options = {"embedding": 5, "hidden": 6, "attention": "bahdanau", "coverage": True}
    network = build({"kind": "translation", "shape": shape} | options).eval()
    draw_weights(network)
    return TextTranslator(network.lower(), sides)


NUMBERS = {"features": 3, "classes": 4, "masked": True}
MODELS = {
    "segment": (lambda: lowered("segment", cell="gru", segment=5), ROW),
    "direct": (lambda: lowered("direct", cell="lstm", layers=2), ROW),
    "recursive": (lambda: lowered("recursive", cell="elman"), ROW),
    "sequence": (lambda: sequence(NUMBERS, hidden=6, head="mean"), ROW),
    "sequence, both ways": (lambda: sequence(NUMBERS, hidden=6, bidirectional=True), WHOLE),
    "language": (lambda: text("language", embedding=5), ROW),
    "masked": (lambda: text("masked", embedding=5), WHOLE),
    "text classifier": (lambda: text("text classifier", pool="attention", bidirectional=False), ROW),
    "text classifier, max": (lambda: text("text classifier", pool="max", bidirectional=False), ROW),
    "text classifier, both ways": (lambda: text("text classifier", pool="max"), WHOLE),
    "tagger": (lambda: text("tagger", spelling="cnn", bidirectional=False), ROW),
    "tagger, lstm": (lambda: text("tagger", spelling="lstm", bidirectional=False), ROW),
    "tagger, both ways": (lambda: text("tagger", spelling="lstm"), WHOLE),
    "translation": (translator, WHOLE),
}


def test_no_kind_is_forgotten():
    assert {name.split(",")[0] for name in MODELS} == set(KINDS)
    assert set(ROW) == {*TARGETS, "numpy"}


@pytest.mark.parametrize("to", ROW)
@pytest.mark.parametrize("name", MODELS)
def test_every_runtime_answers_alike_or_says_why_not(name, to, tmp_path):
    make, targets = MODELS[name]
    model, write = make(), export_translator if name == "translation" else export
    if to not in targets:
        if to == "numpy":
            check_it_does_not_stream(model)
            return
        with pytest.raises(ArgumentError, match=r"node '.*' .*(onnx|program)"):
            write(model, tmp_path / "net", to)
        assert list(tmp_path.iterdir()) == []
        return
    if to == "numpy":
        one = replay_drawn(model)  # by the native core
        parity = compare(
            [one], lambda _: Stream(model, one.series, runtime="numpy").run(one.rows, one.future)
        )
    else:
        parity = write(model, tmp_path / "net", to).parity
    assert parity.share <= BOUND and parity.answers >= 3


def check_it_does_not_stream(model) -> None:
    parts = [model.decoding.encoder, model.decoding.decoder] if isinstance(model, TextTranslator) else [model]
    for program in parts:
        with pytest.raises(ArgumentError, match="program: expected one that runs row by row, got "):
            Stream(program)
