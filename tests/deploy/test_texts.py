"""Classifiers of texts and taggers through every runtime: the causal ones row by row, the others whole."""

import pytest
from drawn_programs import draw_weights

from unrolled.deploy import BOUND, export
from unrolled.errors import ArgumentError
from unrolled.models import build
from unrolled.preprocess.word_shapes import LONGEST
from unrolled.runtime import Column, Columns

KINDS = {
    "classifier, last": {"kind": "text classifier", "pool": "last", "cell": "gru"},
    "classifier, mean, two layers": {"kind": "text classifier", "pool": "mean", "layers": 2},
    "tagger": {"kind": "tagger", "cell": "lstm", "crf": False},
}
OTHERS = {
    "classifier, max": {"kind": "text classifier", "pool": "max"},
    "classifier, attention": {"kind": "text classifier", "pool": "attention", "cell": "gru"},
    "tagger, characters by cnn": {"kind": "tagger", "spelling": "cnn"},
    "tagger, characters by lstm": {"kind": "tagger", "spelling": "lstm", "cell": "elman"},
}


def lowered(options, bidirectional=False):
    shape = {"words": 9, "answers": 3, "shapes": 4, "characters": 7}
    sizes = {"hidden": 6, "width": 5, "spelling_size": 6, "bidirectional": bidirectional}
    network = build(options | sizes | {"shape": shape}).eval()
    draw_weights(network)
    columns = [Column("word", "x", words=tuple("abcdefgh")), Column("shape", "x", words=tuple("xyz"))]
    if network.inputs.spelling is not None:
        columns.append(Column("length", "x", words=tuple(f"{n:02}" for n in range(1, LONGEST + 1))))
        columns += [Column(f"character {n}", "x", words=tuple("abcdef")) for n in range(LONGEST)]
    return network.lower().with_columns(Columns(tuple(columns)))


@pytest.mark.parametrize("to", ["program", "c", "onnx"])
@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_a_causal_network_answers_as_its_stream(options, to, tmp_path):
    done = export(lowered(options), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers > 100


@pytest.mark.parametrize("to", ["program", "onnx"])
@pytest.mark.parametrize("options", OTHERS.values(), ids=list(OTHERS))
def test_what_pools_and_spells_answers_as_its_stream(options, to, tmp_path):
    done = export(lowered(options), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers > 100
    names = {"program": ["net.unrolled"], "onnx": ["net_sequence.onnx", "net_step.onnx"]}
    assert [file.name for file in done.files] == names[to]


@pytest.mark.parametrize("to", ["program", "onnx"])
@pytest.mark.parametrize("options", (KINDS | OTHERS).values(), ids=list(KINDS | OTHERS))
def test_one_that_reads_both_ways_answers_as_a_whole_text(options, to, tmp_path):
    done = export(lowered(options, bidirectional=True), tmp_path / "net", to=to)
    assert done.parity.share <= BOUND and done.parity.answers >= 3


@pytest.mark.parametrize(
    ("options", "node"),
    [
        ("classifier, max", "node 'pooled': .* got 'pool_max'"),
        ("classifier, attention", "node 'pooled': .* got 'pool_attention'"),
        ("tagger, characters by cnn", "node 'spelled_cut': .* got 'cut'"),
    ],
)
def test_what_c_has_no_words_for_is_refused_by_its_node(options, node, tmp_path):
    with pytest.raises(ArgumentError, match=node):
        export(lowered(OTHERS[options]), tmp_path / "net", to="c")
    assert list(tmp_path.iterdir()) == []
