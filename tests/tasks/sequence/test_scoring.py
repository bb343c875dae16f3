from types import SimpleNamespace

import numpy as np
import pytest

from unrolled.baselines import statistics
from unrolled.data import read_sequences
from unrolled.tasks.sequence import scoring as sequence_scoring
from unrolled.tasks.sequence.answers import Classes, Numbers
from unrolled.tasks.sequence.baselines import PlainModel
from unrolled.tasks.sequence.scoring import evaluate_sequences


def network(head="last", weights=(1.0, 1.0)):
    return SimpleNamespace(cell="gru", pool=head, bidirectional=False, class_weights=np.array(weights))


def constant(name, scores, width=8):
    scores = np.asarray(scores, float)
    return PlainModel(name, np.zeros(width), np.ones(width), np.zeros((len(scores), width)), scores)


@pytest.fixture
def scores(monkeypatch):
    """Whatever a test puts in here is what the network answers."""
    found = {}
    monkeypatch.setattr(sequence_scoring, "scores_of", lambda *_: found["scores"])
    return found


def test_model_and_baselines_on_the_same_sequences(scores):
    data = read_sequences([np.full((n, 1), float(n)) for n in (2, 3, 4, 5)], y=np.array([0, 1, 1, 0]))
    scores["scores"] = np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    found = evaluate_sequences(
        network(), Classes(("a", "b")), (constant("even", [0, 0]),), data, np.array([0, 1, 2]), ["A note."]
    )
    assert found.title == "3 sequences" and found.notes == ("A note.",) and found.sequences == 3
    assert found.model.name == "GRU (last)" and found.model.metrics["accuracy"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(found.losses["GRU (last)"], -np.log([0.9, 0.8, 0.4]))
    np.testing.assert_allclose(found.losses["even"], np.log([2, 2, 2]))
    assert found.score("even").metrics["log loss"] == pytest.approx(np.log(2))
    assert found.confusion.tolist() == [[1, 0], [1, 1]] and found.verdict.baseline == "even"
    columns, rows = found.table()
    assert columns == ["", "accuracy", "macro-F1", "log loss"] and rows[0][:2] == ["GRU (last)", "66.7%"]
    text = str(found).splitlines()
    assert text[0] == "3 sequences" and text[-2] == "A note." and text[-1].startswith("Verdict: ")
    card = found.to_dict()
    assert card["classes"] == ["a", "b"] and card["scores"][1]["name"] == "even"


def test_steps_are_judged_by_sequence(scores):
    data = read_sequences([np.zeros((2, 1)), np.zeros((3, 1))], y=[[1.0, 3.0], [2.0, 2.0, 2.0]])
    scores["scores"] = np.array([[1.0], [1.0], [2.0], [3.0], [4.0]])
    found = evaluate_sequences(network("every"), Numbers(), (constant("two", [2.0]),), data, np.arange(2))
    assert found.title == "5 steps of 2 sequences" and "32 steps up to each step" in found.notes[0]
    np.testing.assert_allclose(found.losses["GRU (every)"], [2.0, 5 / 3])
    np.testing.assert_allclose(found.losses["two"], [1.0, 0.0])
    assert found.model.metrics["MAE"] == pytest.approx(1.0)
    assert found.model.metrics["RMSE"] == pytest.approx(np.sqrt(9 / 5))
    assert found.confusion is None and found.table()[0] == ["", "MAE", "RMSE", "R2"]


def test_a_metric_that_is_no_number_is_none_in_json(scores):
    data = read_sequences([np.zeros((2, 1))], y=[4.0])
    scores["scores"] = np.array([[5.0]])
    found = evaluate_sequences(network(), Numbers(), (constant("mean", [3.5]),), data, np.array([0]))
    assert np.isnan(found.model.metrics["R2"]) and found.to_dict()["scores"][0]["R2"] is None
    assert found.table()[1][0][-1] == "-" and found.title == "1 sequence"
    assert found.verdict.kind == "as good" and "one window tells nothing more" in found.verdict.text


def test_what_a_reader_should_know(scores, monkeypatch):
    data = read_sequences([np.zeros((30, 1))], y=[[0] * 30])
    scores["scores"] = np.zeros((30, 3))
    monkeypatch.setattr(sequence_scoring, "MOST", 10)
    plain = (constant("even", [0, 0, 0]),)
    notes = evaluate_sequences(
        network("every", (1.0, 2.0, 1.0)), Classes(("a", "b", "c")), plain, data, np.array([0])
    ).notes
    assert notes[0] == "10 of 30 answers are scored, evenly spaced."
    assert notes[2] == "Not scored, as none is among these sequences: b, c."
    assert notes[3].startswith("Class weights trade log loss")


def test_baselines_read_the_statistics(scores):
    data = read_sequences([np.full((3, 1), level) for level in (1.0, 4.0)], y=[1.0, 4.0])
    scores["scores"] = np.zeros((2, 1))
    weight = np.eye(8)[:1]  # the first statistic: the mean
    plain = PlainModel("level", np.zeros(8), np.ones(8), weight, np.zeros(1))
    assert statistics([np.full((3, 1), 4.0)])[0, 0] == 4.0
    found = evaluate_sequences(network(), Numbers(), (plain,), data, np.arange(2))
    assert found.losses["level"].tolist() == [0.0, 0.0] and found.verdict.kind != "better"
