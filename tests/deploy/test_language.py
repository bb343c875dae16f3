"""Language models through every runtime: the causal ones row by row, the masked ones as whole texts."""

import pytest
from drawn_programs import draw_weights

from unrolled.deploy import BOUND, export
from unrolled.models import build

OPTIONS = {
    "lstm": {"cell": "lstm"},
    "gru tied, residual": {"cell": "gru", "tied": True, "layers": 2, "residual": True},
    "elman, layer norm": {"cell": "elman", "layer_norm": True, "tied": True, "embedding": 3},
}


def lowered(kind, options):
    network = build({"kind": kind, "shape": {"tokens": 9}, "hidden": 6, "embedding": 6} | options).eval()
    draw_weights(network)
    return network.lower()


@pytest.mark.parametrize("to", ["program", "c", "onnx"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
def test_a_language_model_answers_as_its_stream(options, to, tmp_path):
    done = export(lowered("language", options), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers > 100


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
def test_a_masked_language_model_answers_as_a_whole_text(options, tmp_path):
    done = export(lowered("masked", options), tmp_path / "net", to="onnx")
    assert done.parity.share <= BOUND and [file.name for file in done.files] == ["net_sequence.onnx"]
