"""Every kind of model as C: equal to the stream, no warning from any compiler, the self-test passes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_programs import PLAIN, lowered, sequence, text

from unrolled.deploy import draw_rows, export, quantize
from unrolled.errors import ArgumentError, ExportError, MissingPartError
from unrolled.runtime import Program
from unrolled.runtime import operations as ops


def in_int8(program: Program) -> Program:
    """With int8 weights, the ranges taken from drawn rows."""
    return quantize(program, draw_rows(program, 40)[0]).program


STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
M7 = ["-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-mthumb"]
KINDS: dict[str, Callable[[], Program]] = {
    "scores_lstm": lambda: sequence({"features": 3, "classes": 4}, hidden=8, cell="lstm"),
    "number_elman": lambda: sequence(
        {"features": 3, "targets": 2, "masked": True}, hidden=5, cell="elman", head="mean"
    ),
    "direct_gru": lambda: lowered("direct", cell="gru"),
    "direct_lstm": lambda: lowered("direct", cell="lstm", layers=2),
    "segment_gru": lambda: lowered("segment", cell="gru", segment=5),
    "segment_elman": lambda: lowered("segment", PLAIN, cell="elman", segment=4),
    "int8_segment": lambda: in_int8(lowered("segment", PLAIN, cell="lstm", segment=5, layers=2)),
    "int8_scores": lambda: in_int8(sequence({"features": 3, "classes": 4}, hidden=40, layers=2)),
    "recursive_gru": lambda: lowered("recursive", cell="gru", layers=2),
    "recursive_lstm": lambda: lowered("recursive", cell="lstm"),
    "text_max": lambda: text("text classifier", pool="max", bidirectional=False),
    "text_attention": lambda: text("text classifier", pool="attention", bidirectional=False),
    "tagger_cnn": lambda: text("tagger", spelling="cnn", bidirectional=False),
    "tagger_lstm": lambda: text("tagger", spelling="lstm", bidirectional=False),
}


def build(folder: Path, name: str, compiler: list[str]) -> str:
    """Compile the self-test, every warning an error, and run it."""
    files = [f"{name}.c", f"{name}_test.c"]
    subprocess.run([*compiler, *STRICT, *files, "-o", "selftest", "-lm"], cwd=folder, check=True)
    done = subprocess.run([folder / "selftest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_answers_as_the_stream_and_compiles_without_a_warning(kind, tmp_path):
    done = export(KINDS[kind](), tmp_path / kind, to="c")
    assert done.parity.share == 0 and done.parity.answers > 60  # the native stream's bits, sample paths too
    assert [file.name for file in done.files] == [f"{kind}.c", f"{kind}.h", f"{kind}_test.c"]
    assert "passed" in build(tmp_path / kind, kind, ["gcc", "-O3", "-march=native"])
    assert "passed" in build(tmp_path / kind, kind, ["clang", "-O1", "-DUNROLLED_NO_LIBM"])
    command = ["arm-none-eabi-gcc", "-O2", *M7, *STRICT, "-c", f"{kind}.c", "-o", "model.o"]
    subprocess.run(command, cwd=tmp_path / kind, check=True)


def test_a_wrong_answer_fails_the_self_test(tmp_path):
    export(KINDS["scores_lstm"](), tmp_path / "m", to="c")
    source = (tmp_path / "m" / "m.c").read_text()
    (tmp_path / "m" / "m.c").write_text(source.replace("FMA(f, c[j], i * g)", "FMA(f, c[j], -i * g)"))
    with pytest.raises(AssertionError, match="FAILED"):
        build(tmp_path / "m", "m", ["gcc", "-O1"])


def test_a_model_that_cannot_stream_says_what_can_be_done(tmp_path):
    program = sequence({"features": 2, "classes": 3}, hidden=4, bidirectional=True)
    with pytest.raises(ArgumentError, match=r"node .*backward.* needs the whole sequence.*export it to onnx"):
        export(program, tmp_path / "out", to="c")
    assert list(tmp_path.iterdir()) == []


def test_an_operation_without_words_in_c_is_named(tmp_path, monkeypatch):
    from unrolled.deploy.c.operations import WRITERS

    monkeypatch.delitem(WRITERS, ops.QuantileHead)
    with pytest.raises(
        ArgumentError, match=r"node 'rising': expected .* got 'quantile_head'\. Export it to program"
    ):
        export(KINDS["direct_gru"](), tmp_path / "out", to="c")
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_the_cure_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"cc: expected a C compiler, got none.*unrolled\[wasm\]"):
        export(KINDS["scores_lstm"](), tmp_path / "out", to="c")
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ExportError, match="false: expected C that it can compile, got exit code 1"):
        export(KINDS["scores_lstm"](), tmp_path / "out", to="c")
    assert list(tmp_path.iterdir()) == []
