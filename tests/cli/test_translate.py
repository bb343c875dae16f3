"""A translator from the shell: train, predict, evaluate, and what is refused."""

import json
import sys

import pytest

SMALL = "--tokenizer characters --target-tokenizer spaces --hidden 12 --embedding 8 --epochs 1".split()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Words and how they are spelled, in two files of a line each; a model that has seen them."""
    folder = tmp_path_factory.mktemp("translate")
    words = [a + b + c for a in "kmt" for b in "aeiou" for c in ("n", "ra", "so")]
    (folder / "words").write_text("".join(f"{word}\n" for word in words))
    (folder / "said").write_text("".join(f"{' '.join(word.upper())}\n" for word in words))
    return folder


@pytest.fixture(scope="module")
def model(files):
    from unrolled.cli.main import status

    path = str(files / "m.unrolled")
    assert status(["train", "translate", str(files / "words"), str(files / "said"), *SMALL, "-o", path]) == 0
    return path


def test_training_says_what_it_learned(call, files, tmp_path):
    more = ["--test", files / "words", files / "said", "--attention", "none", "-o", tmp_path / "m", "--json"]
    done = call("train", "translate", files / "words", files / "said", *SMALL, *more)
    assert done.code == 1  # every test pair is a training pair
    assert "test: expected pairs that training has not seen" in done.err
    done = call("train", "translate", files / "words", files / "said", *SMALL, "-o", tmp_path / "m", "--json")
    found = json.loads(done.out)
    assert [score["name"] for score in found["evaluation"]["scores"]][1:] == [
        "word by word",
        "the source itself",
    ]
    assert (tmp_path / "m").exists()


def test_predict_writes_a_line_for_each_line(call, files, model, tmp_path):
    out, picture = tmp_path / "out.txt", tmp_path / "look.png"
    done = call(
        "predict", model, files / "words", "-o", out, "--plot", picture, "--beam", "1", "--maximum", "6"
    )
    assert done.code == 0 and "45 lines" in done.out and picture.exists()
    lines = out.read_text().splitlines()
    assert len(lines) == 45 and all(len(line.split()) <= 6 for line in lines)
    assert call("predict", model, files / "words", "--beam", "1", "--maximum", "6").out.splitlines() == lines
    rows = json.loads(call("predict", model, files / "words", "--best", "2", "--maximum", "6", "--json").out)
    assert len(rows) == 45 and all(len(row["answers"]) == 2 for row in rows)


def test_evaluate_scores_two_files(call, files, model):
    found = json.loads(call("evaluate", model, files / "words", files / "said", "--json").out)
    assert found["title"] == "45 lines" and "BLEU by sacrebleu" in found["notes"][-1]


def test_what_is_refused(call, files, model, home, tmp_path):
    def line(*given):
        done = call(*given)
        assert done.code == 2 and done.out == ""
        return done.lines[-1]

    assert "TARGET: expected the file of the true texts, got nothing." in line(
        "evaluate", model, files / "words"
    )
    told = line("predict", home / "m.unrolled", home / "data.csv", "--beam", "2")
    assert told.startswith("unrolled: --beam: expected the model of a translator, got a Forecaster.")
    told = line("predict", model, files / "words", "--future", files / "said")
    assert told.startswith("unrolled: --future: expected the model of a forecast, got a Translator.")
    told = line("predict", model, files / "words", "--beam", "2", "--best", "3")
    assert "best: expected at most beam (2), got 3" in told
    told = line("evaluate", home / "m.unrolled", home / "data.csv", files / "said")
    assert told.startswith("unrolled: TARGET: expected a translator's true texts")


def test_export_writes_two_graphs_and_tries_them_on_lines(call, files, model, tmp_path):
    done = call("export", model, "--to", "onnx", "-o", tmp_path / "net", "--rows", files / "words", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [path.rsplit("/", 1)[1] for path in found["files"]] == ["net_decoder.onnx", "net_encoder.onnx"]
    assert found["parity"]["share"] <= 1e-5 and found["parity"]["rows"] == str(files / "words")
    told = call("export", model, "--to", "program", "-o", tmp_path / "small")
    assert told.code == 0 and "drawn texts" in told.out


def test_a_program_alone_writes_and_needs_no_torch(call, files, model, tmp_path, monkeypatch):
    rules = ["--beam", "2", "--maximum", "6"]
    wanted = call("predict", model, files / "words", *rules).out
    assert call("export", model, "--to", "program", "-o", tmp_path / "small").code == 0
    small = tmp_path / "small" / "small.unrolled"
    assert call("predict", small, files / "words", *rules).out == wanted
    monkeypatch.setitem(sys.modules, "torch", None)
    assert call("predict", model, files / "words", *rules).out == wanted
    told = call("predict", small, files / "words", "--plot", tmp_path / "a.png")
    assert told.code == 2 and "--plot: expected a model that has it, got the programs of a" in told.err
    (tmp_path / "bad").write_bytes(b"gr\xfc\xdf")
    told = call("predict", small, tmp_path / "bad")
    assert told.code == 1 and "expected a text file in utf-8" in told.err


def test_what_a_translator_is_not_exported_to(call, files, model, tmp_path):
    done = call("export", model, "--to", "c", "-o", tmp_path / "net")
    assert done.code == 2 and "node 'weights' (attention): expected an operation that C can run" in done.err
    done = call("export", model, "--to", "onnx", "-o", tmp_path / "net", "--int8", files / "words")
    assert done.code == 2 and "--int8: expected a model that answers row by row" in done.err
    done = call("stream", model)
    assert done.code == 2 and "got an encoder-decoder" in done.err and done.err.count("\n") == 1
    assert not (tmp_path / "net").exists()
