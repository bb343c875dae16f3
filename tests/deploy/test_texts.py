"""Classifiers of texts and taggers through every runtime: the causal ones row by row, the others whole."""

import pytest
from drawn_programs import text

from unrolled.deploy import BOUND, export

KINDS = {
    "classifier, last": {"kind": "text classifier", "pool": "last", "cell": "gru"},
    "classifier, mean, two layers": {"kind": "text classifier", "pool": "mean", "layers": 2},
    "tagger": {"kind": "tagger", "cell": "lstm", "crf": False},
    "classifier, max": {"kind": "text classifier", "pool": "max"},
    "classifier, attention": {"kind": "text classifier", "pool": "attention", "cell": "gru"},
    "tagger, characters by cnn": {"kind": "tagger", "spelling": "cnn"},
    "tagger, characters by lstm": {"kind": "tagger", "spelling": "lstm", "cell": "elman"},
}


def lowered(options, bidirectional=False):
    rest = {name: value for name, value in options.items() if name != "kind"}
    return text(options["kind"], bidirectional=bidirectional, **rest)


@pytest.mark.parametrize("to", ["program", "c", "onnx"])
@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_a_causal_network_answers_as_its_stream(options, to, tmp_path):
    done = export(lowered(options), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers > 100


@pytest.mark.parametrize("to", ["program", "onnx"])
@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_one_that_reads_both_ways_answers_as_a_whole_text(options, to, tmp_path):
    done = export(lowered(options, bidirectional=True), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers >= 3
