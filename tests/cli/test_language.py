"""The command line of language models: train, generate, fill; bad texts and prompts."""

import sys

import numpy as np
import pytest

from unrolled.cli.main import status

SMALL = "--hidden 8 --embedding 6 --epochs 1 --batch-size 4 --bptt 16".split()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with text.txt, a character model lm.unrolled and a masked one mlm.unrolled."""
    folder = tmp_path_factory.mktemp("language")
    random = np.random.default_rng(0)
    lines = [f"the {random.choice(['cat', 'dog', 'cow'])} sat" for _ in range(200)]
    (folder / "text.txt").write_text("\n".join(lines) + "\n")
    for task in ("lm", "mlm"):
        out = str(folder / f"{task}.unrolled")
        assert status(["train", task, str(folder / "text.txt"), *SMALL, "-o", out]) == 0
    return folder


def test_train_says_what_was_learned_and_what_was_least_expected(call, home, tmp_path):
    words = ["--tokenizer", "words", "--lines", "--tied", "--min-count", "1"]
    done = call("train", "lm", home / "text.txt", *SMALL, *words, "-o", tmp_path / "m.unrolled")
    assert done.code == 0 and (tmp_path / "m.unrolled").exists()
    assert "words, 5 different" in done.out and "embedding 6, tied" in done.out
    assert "unigram" in done.out and "Least expected" in done.out and "Verdict" in done.out
    told = call("train", "lm", home / "text.txt", *SMALL, "-o", tmp_path / "j.unrolled", "--json").json()
    names = [score["name"] for score in told["evaluation"]["scores"]]
    assert names[:2] == ["LSTM language model", "unigram"] and told["evaluation"]["surprises"]


def test_generate_prints_the_prompt_and_goes_on(call, home):
    model = home / "lm.unrolled"
    done = call("generate", model, "the", "--length", 20, "--seed", 1)
    assert done.code == 0 and done.out.startswith("the") and len(done.out) == 3 + 20 + 1
    assert call("generate", model, "the", "--length", 20, "--seed", 1).out == done.out
    told = call("generate", model, "the", "--length", 20, "--seed", 1, "--json").json()
    assert told == {"prompt": "the", "text": done.out[:-1]}
    options = "--temperature 0.5 --top-k 3 --top-p 0.9 --length 5".split()
    assert call("generate", model, *options).code == 0


def test_generate_and_fill_need_no_torch(call, home, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert call("generate", home / "lm.unrolled", "the", "--length", 5).code == 0
    assert call("fill", home / "mlm.unrolled", "the ___ sat").code == 0


def test_fill_shows_candidates_and_probabilities(call, home):
    done = call("fill", home / "mlm.unrolled", "the ___ sat", "--top", 2)
    assert done.code == 0 and len(done.out.splitlines()) == 2
    assert all(line.split()[0].endswith("%") for line in done.out.splitlines())
    told = call("fill", home / "mlm.unrolled", "___ cat ___", "--json").json()
    assert [len(blank) for blank in told["blanks"]] == [5, 5] and told["text"] == "___ cat ___"
    assert set(told["blanks"][0][0]) == {"token", "probability"}
    assert "Blank 2" in call("fill", home / "mlm.unrolled", "___ cat ___").out


def test_evaluate_and_predict(call, home, tmp_path):
    done = call("evaluate", home / "lm.unrolled", home / "text.txt")
    assert done.code == 0 and "its last part alone is scored" in done.out
    (tmp_path / "more.txt").write_text("the cat\nthe c\n")
    rows = call("predict", home / "lm.unrolled", tmp_path / "more.txt", "--json").json()
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5] * 2
    blanks = tmp_path / "blanks.txt"
    blanks.write_text("the ___ sat\n")
    assert len(call("predict", home / "mlm.unrolled", blanks, "--json").json()) == 5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["generate", "lm", "the é"],
            "prompt: expected characters of the training text, got 'é'. Leave it out.",
        ),
        (
            ["generate", "lm", "the", "--temperature", "-1"],
            "--temperature: expected a number >= 0, got -1.0.",
        ),
        (["generate", "lm", "the", "--top-p", "0"], "--top-p: expected a number > 0 and <= 1, got 0.0."),
        (["generate", "lm", "the", "--length", "-1"], "--length: expected a whole number >= 0, got -1."),
        (["fill", "mlm", "the cat sat"], "blank: expected ___ in the text, got 'the cat sat'. Write three"),
        (["fill", "mlm", "the ___ zebra"], "words: expected words of the training text, got 'zebra'."),
        (["fill", "mlm", "the ___", "--top", "0"], "--top: expected a whole number >= 1, got 0."),
    ],
)
def test_wrong_use_is_one_line(refused, home, arguments, line):
    command, model, *rest = arguments
    assert refused(2, command, home / f"{model}.unrolled", *rest).startswith(line)


def test_another_tasks_model_is_named(refused, home):
    line = refused(1, "fill", home / "lm.unrolled", "the ___ sat")
    assert "expected a model of task 'mlm', got one of task 'lm'. `unrolled train mlm` makes one." in line
    line = refused(1, "generate", home / "mlm.unrolled", "the")
    assert "expected a model of task 'lm', got one of task 'mlm'" in line


@pytest.mark.parametrize(
    ("content", "options", "code", "line"),
    [
        (b"", [], 1, "expected text, got nothing but white space"),
        (
            b"caf\xe9 au lait\n" * 30,
            [],
            1,
            "got byte 0xe9 in line 1. Name the file's encoding, such as --enc",
        ),
        (
            b"a b\n" * 50 + b"word " * 100_000,
            ["--lines"],
            1,
            "line 51: expected a text of at most 10,000 tok",
        ),
        (b"a b c\n" * 50, ["--split", "0.9,0.2"], 2, "--split: expected two or three shares"),
        (b"a b c\n" * 50, ["--tokenizer", "word"], 2, "--tokenizer: expected one of words, spaces, char"),
        (b"a b c\n" * 50, ["--encoding", "utf8x"], 2, "--encoding: expected a name such as 'utf-8', got"),
        (b"a b c\n" * 50, ["--embedding", "0"], 2, "--embedding: expected a whole number >= 1, got 0."),
    ],
)
def test_bad_texts_are_one_line(refused, tmp_path, content, options, code, line):
    (tmp_path / "bad.txt").write_bytes(content)
    words = ["--tokenizer", "words"] if "--tokenizer" not in options else []
    told = refused(
        code, "train", "lm", tmp_path / "bad.txt", *SMALL[4:], *words, *options, "-o", tmp_path / "m"
    )
    assert line in told and not (tmp_path / "m").exists()
