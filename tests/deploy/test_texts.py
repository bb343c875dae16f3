"""Classifiers of texts and taggers through every runtime that reads row by row."""

import pytest
from drawn_programs import draw_weights

from unrolled.deploy import BOUND, export
from unrolled.models import build

KINDS = {
    "classifier, last": {"kind": "text classifier", "pool": "last", "cell": "gru"},
    "classifier, mean, two layers": {"kind": "text classifier", "pool": "mean", "layers": 2},
    "tagger": {"kind": "tagger", "cell": "lstm", "crf": False},
}


@pytest.mark.parametrize("to", ["program", "c", "onnx"])
@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_a_causal_network_answers_as_its_stream(options, to, tmp_path):
    shape = {"words": 9, "answers": 3, "shapes": 4}
    network = build(options | {"shape": shape, "hidden": 6, "width": 5, "bidirectional": False}).eval()
    draw_weights(network)
    done = export(network.lower(), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers > 100
