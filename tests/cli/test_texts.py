"""Texts from the shell: classify and tag, predict, evaluate, and what is refused."""

import json

import polars as pl
import pytest

from unrolled.cli.main import status

SMALL = "--hidden 6 --embedding 5 --epochs 1 --batch-tokens 60 --min-count 1 --device cpu".split()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with texts.csv, polarity.good and .bad, tags.conll, and a model of each."""
    folder = tmp_path_factory.mktemp("texts")
    texts = [f"the film number {n} was {'fine' if n % 2 else 'dull'}" for n in range(40)]
    labels = ["good" if n % 2 else "bad" for n in range(40)]
    pl.DataFrame({"review": texts, "mood": labels}).write_csv(folder / "texts.csv")
    for name in ("good", "bad"):
        own = [text for text, label in zip(texts, labels, strict=True) if label == name]
        (folder / f"polarity.{name}").write_text("\n".join(own) + "\n")
    rows = [f"Ann\tB-person\nsaw\tO\n{name}\tO\n\n" for name in ("it", "me", "him", "them")] * 10
    (folder / "tags.conll").write_text("".join(rows))
    call = ["train", "classify", str(folder / "texts.csv"), "--text", "review", "--target", "mood", *SMALL]
    assert status([*call, "-o", str(folder / "m.unrolled")]) == 0
    assert status(["train", "tag", str(folder / "tags.conll"), *SMALL, "-o", str(folder / "t.unrolled")]) == 0
    return folder


def test_classify_a_table_and_files_of_classes(call, home, tmp_path):
    out, picture = tmp_path / "m", tmp_path / "m.png"
    columns = ["--text", "review", "--target", "mood"]
    done = call("train", "classify", home / "texts.csv", *columns, *SMALL, "-o", out, "--plot", picture)
    assert done.code == 0 and "TF-IDF logistic" in done.out and "Verdict" in done.out and picture.exists()
    told = call("train", "classify", home / "polarity.*", *SMALL, "--one-way", "-o", out, "--json").json()
    assert told["evaluation"]["scores"][0]["name"] == "LSTM (max)"
    assert told["evaluation"]["classes"] == ["bad", "good"]


def test_compare_on_a_table_and_on_files_of_classes(call, home, tmp_path):
    quick = "--seeds 1 --seconds 0.1 --architectures gru,feed-forward --hidden 4 --embedding 4".split()
    page, columns = tmp_path / "c.html", ["--text", "review", "--target", "mood"]
    done = call("compare", "classify", home / "texts.csv", *columns, *quick, "--epochs", 1, "-o", page)
    assert done.code == 0 and page.read_text().startswith("<!doctype html>")
    assert "Telling apart 2 classes: 40 texts of 6 to 6 words" in done.out and "TF-IDF logistic" in done.out
    more = ["--test", home / "polarity.*", "--encoding", "latin-1", "--pool", "mean", "--epochs", 1, "--json"]
    found = call("compare", "classify", home / "polarity.*", *quick, *more).json()
    assert found["title"] == "Telling apart 2 classes: 80 texts of 6 to 6 words"
    assert [entry["variable_length"] for entry in found["entries"]] == [True, False]


def test_what_a_comparison_of_texts_refuses(refused, home):
    columns = ["--text", "review", "--target", "mood"]
    line = refused(2, "compare", "classify", home / "texts.csv", *columns, "--head", "last")
    assert "--head: expected an option of classify, got it here. Leave it out." in line
    line = refused(2, "compare", "classify", home / "texts.csv", *columns, "--series", "id")
    assert "--series: expected nothing with a TextClassifier, got 'id'. Leave it out." in line
    line = refused(2, "compare", "classify", home / "texts.csv", "--target", "mood", "--test", "t.csv")
    assert "--test: expected nothing with a SequenceClassifier, got 't.csv'. Leave it out." in line
    line = refused(2, "compare", "classify", home / "texts.csv", "--target", "mood", "--text", "words")
    assert "expected a column" in line and "'words'" in line


def test_tag_a_file(call, home, tmp_path):
    more = "--characters none --no-crf --cell gru".split()
    told = call("train", "tag", home / "tags.conll", *SMALL, *more, "-o", tmp_path / "t", "--json").json()
    assert [score["name"] for score in told["evaluation"]["scores"]] == ["BiGRU", "most frequent tag"]
    assert set(told["evaluation"]["scores"][0]) == {"name", "F1", "precision", "recall", "accuracy"}


def test_predict_and_evaluate(call, home, tmp_path):
    (tmp_path / "new.csv").write_bytes("review,mood\ncaf\xe9 fine,good\nthe dull one,bad\n".encode("latin-1"))
    done = call("predict", home / "m.unrolled", tmp_path / "new.csv", "--encoding", "latin-1", "--json")
    assert [row["review"] for row in json.loads(done.out)] == ["café fine", "the dull one"]
    found = call(
        "evaluate", home / "m.unrolled", tmp_path / "new.csv", "--encoding", "latin-1", "--json"
    ).json()
    assert found["title"] == "2 texts" and "mistakes" in found
    (tmp_path / "new.txt").write_text("Ann saw Bo.\n")
    rows = call("predict", home / "t.unrolled", tmp_path / "new.txt", "--json").json()
    assert [row["word"] for row in rows] == ["Ann", "saw", "Bo", "."]


def test_what_is_refused_is_one_line(refused, home, tmp_path):
    out, table = ["-o", tmp_path / "m"], home / "texts.csv"
    columns = ["--text", "review", "--target", "mood"]
    said = refused(2, "train", "classify", table, *columns, "--series", "id", *out)
    assert said.startswith(
        "--series: expected an option for this data, got one that a TextClassifier does not have"
    )
    said = refused(2, "train", "classify", table, "--text", "reviw", "--target", "mood", *out)
    assert said.startswith("--text: expected a column of the data, got 'reviw'. Did you mean 'review'?")
    (tmp_path / "latin.csv").write_bytes("review,mood\ncaf\xe9,good\n".encode("latin-1"))
    said = refused(1, "train", "classify", tmp_path / "latin.csv", *columns, *out)
    assert said.endswith("got byte 0xe9 in line 2. Name the file's encoding, such as --encoding latin-1.")
    said = refused(2, "train", "classify", table, *columns, "--encoding", "latin", "--pool", "sum", *out)
    assert said == "--pool: expected one of last, max, mean, attention, got 'sum'. Choose one of these."
    (tmp_path / "bad.conll").write_text("a\tO\nb\tI-x\n\nc\tB-x\n\nd\tO\n")
    said = refused(1, "train", "tag", tmp_path / "bad.conll", *SMALL, *out)
    assert said.endswith(
        "line 2: expected a tag that BIO allows, got 'I-x' after 'O'. Correct the line, or pass --repair."
    )
    assert refused(2, "evaluate", home / "t.unrolled", home / "none.conll").endswith(
        "Did you mean 'tags.conll'?"
    )


def test_an_export_is_tried_on_the_lines_of_a_text(call, home, tmp_path):
    for model, rows in (("m", "polarity.good"), ("t", "tags.conll")):
        done = call("export", home / f"{model}.unrolled", "--to", "onnx", "-o", tmp_path / model,
                    "--rows", home / rows, "--json")  # fmt: skip
        assert done.code == 0, done.err
        told = done.json()
        assert told["parity"]["share"] <= 1e-5 and told["parity"]["rows"] == str(home / rows)
