"""Architectures compared on texts: what is shared, what is measured, what the table claims, refusals."""

import sys

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.errors import ArgumentError, DataError
from unrolled.insight.architectures import CONTENDERS, bytes_per_stream
from unrolled.insight.compare import takes_any_length
from unrolled.insight.subjects import subject_of
from unrolled.models import build
from unrolled.training import SilentReporter

QUICK = {"seeds": 1, "seconds": 0.1}
SMALL = {"hidden_size": 8, "embedding_size": 6, "epochs": 1, "batch_tokens": 400, "device": "cpu"}
FILLERS = np.array(["it", "was", "so", "the", "day", "on", "and", "we"])


def reviews(count=120, longest=12):
    """Texts of 3 to `longest` words, one of which tells their class."""
    random = np.random.default_rng(0)
    texts = [list(random.choice(FILLERS, random.integers(3, longest + 1))) for _ in range(count)]
    for place, text in enumerate(texts):
        text[random.integers(len(text))] = "dull" if place % 2 else "fine"
    return [" ".join(text) for text in texts], np.where(np.arange(count) % 2, "-", "+")


@pytest.fixture(autouse=True, scope="module")
def short_runs():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["unrolled.insight.compare"], "PILOT", 4)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def found():
    return ur.compare(ur.TextClassifier(**SMALL), *reviews(), **QUICK)


def network(cell, pool="max", **options):
    steps = {"steps": 6} if cell == "feed-forward" else {}
    shape = {"words": 20, "answers": 2}
    options |= {"cell": cell, "pool": pool, "bidirectional": False, "hidden": 10, "width": 5}
    return build({"kind": "text classifier", "shape": shape, **options, **steps})


def test_all_take_part_beside_the_baselines_of_the_task(found):
    assert [entry.name for entry in found.trained] == list(CONTENDERS)
    assert set(found.baselines) == {"most frequent class", "TF-IDF logistic"}
    assert found.metrics == ("log loss", "accuracy") and found.loss_unit == "nats"
    assert found.title == "Telling apart 2 classes: 120 texts of 3 to 12 words"
    for entry in found.entries:  # the words' vectors are the same for all
        assert abs(entry.parameters / found.budget["parameters"] - 1) < 0.1, entry.title


def test_an_entry_is_what_the_task_itself_gives_when_it_reads_one_way():
    texts, y = reviews()
    task = ur.TextClassifier(**SMALL, cell="gru", pool="last")
    compared = ur.compare(task, texts, y, architectures=["gru"], seeds=1, seconds=60)
    model = ur.TextClassifier(**SMALL | {"epochs": 4}, cell="gru", pool="last", bidirectional=False)
    told = model.fit(texts, y, reporter=SilentReporter()).evaluation_
    entry = compared.entry("gru")
    own, *plain = told.scores
    assert entry.hidden == 8 and entry.parameters == compared.budget["parameters"]
    for metric in compared.metrics:
        assert entry.metrics[metric] == (own.metrics[metric],)
        assert all(compared.baselines[one.name][metric] == one.metrics[metric] for one in plain)


def test_words_and_baselines_come_from_the_training_part():
    texts, y = reviews(60)
    test = (["unheard words here, fine", "the unheard dull"], ["+", "-"])
    subject = subject_of(ur.TextClassifier(**SMALL), texts, {"y": y, "test": test})
    assert list(subject.judged.texts) == test[0] and "unheard" not in subject.tokenizer.vocabulary.words
    assert len(subject.parts.validation) == 6 and len(subject.parts.train) == 54
    assert all(len(scores) == 2 for scores in subject.plain.values())


def test_texts_of_every_class_are_looked_into():
    """Files of classes come one after the other; the past of a text is replaced by that of any class."""
    texts, y = reviews(600)
    order = np.argsort(y, kind="stable")
    test = ([texts[i] for i in order], y[order])
    subject = subject_of(ur.TextClassifier(**SMALL), texts, {"y": y, "test": test})
    looks = subject.train("gru", 4, 0, 1, SilentReporter()).looks
    assert len(looks["label"]) == 128 and 0.4 < looks["label"].float().mean() < 0.6


def test_the_claims_of_the_table(found):
    """The feed-forward network reads its window alone and says so; the others read all of a text."""
    rows = {row[0]: dict(zip(found.table()[0], row, strict=True)) for row in found.table()[1]}
    assert rows["Feed-forward"]["any length"] == "no"
    assert all(rows[name]["any length"] == "yes" for name in ("Elman", "LSTM", "GRU", "Transformer"))
    assert rows["Transformer"]["µs a step"].endswith("*") and rows["Transformer"]["stream"].endswith("+")
    assert rows["Feed-forward"]["µs a step"].endswith("*") and not rows["GRU"]["µs a step"].endswith("*")
    assert found.entry("gru").reach.direct and rows["GRU"]["gradient"] == "pool"
    assert not found.entry("feed-forward").reach.direct and rows["Feed-forward"]["gradient"] != "pool"
    assert any(note.startswith("pool: it reads every step itself") for note in found.notes)
    assert any(note.startswith("All read one way") for note in found.notes)
    window = "Feed-forward: it reads the last 12 words of a text; 95% of the training texts have no more."
    assert window in found.notes
    assert "A pool reads every step itself" in found.html()


def test_any_length_is_tried():
    assert not takes_any_length(network("feed-forward", "last"), {})
    assert all(takes_any_length(network(cell), {}) for cell in ("elman", "lstm", "gru", "transformer"))


@pytest.mark.parametrize("pool", ["last", "max", "mean", "attention"])
@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_what_is_kept_is_what_the_stream_keeps(cell, pool):
    one = network(cell, pool, layers=2)
    assert bytes_per_stream(one, 20) == one.lower().state_bytes


def test_what_others_keep():
    assert bytes_per_stream(network("feed-forward", "last"), 20) == 4 * 6 * 5
    keys = 4 * 20 * 2 * 4 * 4  # steps, keys and values, heads, numbers in each
    assert bytes_per_stream(network("transformer", "last"), 20) == keys
    assert bytes_per_stream(network("transformer", "max"), 20) == keys + 4 * 11


def test_a_gradient_reaches_back_through_the_state_where_the_last_is_pooled():
    task = ur.TextClassifier(**SMALL, pool="last", bidirectional=False)
    cells = ["elman", "transformer", "feed-forward"]
    found = ur.compare(task, *reviews(longest=30), architectures=cells, **QUICK)
    assert not any(entry.reach.direct for entry in found.entries)
    window = int(found.notes[-1].split("the last ")[1].split()[0])
    reach = found.entry("feed-forward").reach
    assert (reach.norms[window:] == 0).all() and (reach.norms[:window] > 0).all()
    assert not any(note.startswith(("All read one way", "pool:")) for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "columns", "message"),
    [
        ({}, {"series": "id"}, "series: expected nothing with a TextClassifier, got 'id'. Leave it out."),
        ({}, {"lengths": [1]}, "lengths: expected nothing with a TextClassifier, got list. Leave it out."),
        ({"frozen": True}, {}, "frozen: expected False to compare, got True. Leave it out: the vectors"),
        ({"pool": "sum"}, {}, "pool: expected one of last, max, mean, attention, got 'sum'."),
    ],
)
def test_what_does_not_fit_texts_is_refused_before_anything_is_trained(settings, columns, message):
    told = []
    with pytest.raises(ArgumentError) as error:
        ur.compare(ur.TextClassifier(**SMALL | settings), *reviews(), **columns, tell=told.append)
    assert message in str(error.value) and told == []


def test_data_of_other_tasks_takes_no_text():
    with pytest.raises(
        ArgumentError, match=r"text: expected nothing with a Forecaster, got 'review'\. Leave"
    ):
        ur.compare(ur.Forecaster(horizon=2), np.ones((300, 1)), text="review")
    with pytest.raises(ArgumentError, match=r"data: expected sequences of at least two steps, got one step"):
        ur.compare(ur.TextClassifier(**SMALL), ["fine", "dull"] * 20, ["+", "-"] * 20)
    with pytest.raises((ArgumentError, DataError), match="got 39"):
        ur.compare(ur.TextClassifier(**SMALL), ["fine day", "dull day"] * 20, (["+", "-"] * 20)[:39])
