"""Translators through every runtime: two graphs in ONNX Runtime, two Programs in one file."""

import numpy as np
import onnx
import pytest
from drawn_programs import draw_weights

from unrolled.deploy import BOUND, OnnxDecoding, export_translator
from unrolled.errors import ArgumentError, DataError, ExportError, ModelFileError
from unrolled.models import build
from unrolled.preprocess import Sides, Tokenizer
from unrolled.preprocess.sides import SPECIALS
from unrolled.runtime import SearchOptions, TextTranslator

KINDS = {
    "none": {"attention": "none", "cell": "gru"},
    "none, lstm": {"attention": "none"},
    "luong": {"attention": "luong", "tied": False, "layers": 2},
    "luong, input feeding": {"attention": "luong", "input_feeding": True, "cell": "elman"},
    "bahdanau": {"attention": "bahdanau", "cell": "gru", "embedding": 6},
    "bahdanau, coverage": {"attention": "bahdanau", "coverage": True, "layers": 2},
}
WORDS = "red blue old new house tree dog car sees eats a the".split()


def texts(count: int = 12, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice([*WORDS, "zebra"], length)) for length in random.integers(1, 9, count)]


def drawn(**options) -> TextTranslator:
    sides = Sides(*(Tokenizer.fit(WORDS, "words", specials=SPECIALS) for _ in range(2)))
    shape = {"source_words": len(sides.source), "target_words": len(sides.target)}
    network = build({"kind": "translation", "shape": shape, "embedding": 5, "hidden": 6} | options).eval()
    draw_weights(network)
    return TextTranslator(network.lower(), sides)


@pytest.mark.parametrize("to", ["onnx", "program"])
@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_a_translator_answers_as_its_programs(options, to, tmp_path):
    model = drawn(**options)
    for tried in (texts(), None):
        done = export_translator(model, tmp_path / "net", to, texts=tried)
        assert done.parity.share <= BOUND and done.parity.answers > 1000
    names = ["net.unrolled"] if to == "program" else ["net_decoder.onnx", "net_encoder.onnx"]
    assert [file.name for file in done.files] == names


@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_what_is_written_through_onnx_runtime_is_what_predict_writes(options, tmp_path):
    model = drawn(**options)
    export_translator(model, tmp_path / "net", "onnx")
    other = TextTranslator(*OnnxDecoding.load(tmp_path / "net"))
    rules = SearchOptions(beam=4, best=2, no_repeat=3, minimum=1, maximum=9, length_penalty=0.8)
    for found, wanted in zip(other.candidates(texts(), rules), model.candidates(texts(), rules), strict=True):
        assert [one.text for one in found] == [one.text for one in wanted]
        assert [one.score for one in found] == pytest.approx([one.score for one in wanted], abs=1e-4)


def test_a_program_file_writes_the_same(tmp_path):
    model = drawn(attention="bahdanau")
    export_translator(model, tmp_path / "net", "program", name="small")
    again = TextTranslator.load(tmp_path / "net" / "small.unrolled")
    assert again.candidates(texts()) == model.candidates(texts())


def test_the_graphs_name_their_opset_and_take_any_batch_and_length(tmp_path):
    export_translator(drawn(attention="bahdanau", coverage=True), tmp_path / "net", "onnx")
    graphs = [onnx.load(tmp_path / "net" / f"net_{part}.onnx") for part in ("encoder", "decoder")]
    assert [(g.opset_import[0].domain, g.opset_import[0].version) for g in graphs] == [("", 17)] * 2
    sizes = {
        entry.name: [axis.dim_param or axis.dim_value for axis in entry.type.tensor_type.shape.dim]
        for graph in graphs
        for entry in (*graph.graph.input, *graph.graph.output)
    }
    assert sizes["lengths"] == ["batch"] and sizes["state"] == ["batch", 12]
    assert sizes["keys"] == ["batch", "steps", 6] and sizes["next.covered"] == ["batch", "steps"]
    assert {entry.name for entry in graphs[0].graph.output} == {"memory", "keys", "state"}
    assert {entry.name for entry in graphs[1].graph.output} == {
        "scores", "weights", "next.state", "next.covered",
    }  # fmt: skip


@pytest.mark.parametrize("to", ["c", "wasm"])
def test_what_has_no_words_is_refused_by_its_node(to, tmp_path):
    language = {"c": "C", "wasm": "WebAssembly"}[to]
    told = rf"node 'weights' \(attention\): expected an operation that {language} can run.*to onnx"
    with pytest.raises(ArgumentError, match=told):
        export_translator(drawn(), tmp_path / "net", to)
    with pytest.raises(ArgumentError, match=r"layer_backward' \(recurrent\): .*reads the sequence backward"):
        export_translator(drawn(attention="none"), tmp_path / "net", to)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_differs_leaves_nothing(tmp_path):
    with pytest.raises(ExportError, match="export to onnx: difference"):
        export_translator(drawn(), tmp_path / "net", "onnx", bound=1e-12)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_told(tmp_path):
    with pytest.raises(DataError, match=r"texts\[1\]: expected a text, got an empty one"):
        export_translator(drawn(), tmp_path / "net", texts=["red", ""])
    with pytest.raises(ArgumentError, match="texts: expected at least one text, got 0"):
        export_translator(drawn(), tmp_path / "net", texts=[])
    with pytest.raises(ArgumentError, match="Did you mean 'onnx'"):
        export_translator(drawn(), tmp_path / "net", "onxn")
    with pytest.raises(ModelFileError, match="expected one encoder and one decoder, got none"):
        OnnxDecoding.load(tmp_path)
