"""Watching tells what it sees, and changes nothing."""

import csv
import hashlib

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled.errors import ArgumentError, OutputError
from unrolled.probe import few_rows
from unrolled.training import SilentReporter, Watch, Watching

QUIET = SilentReporter()


def sequences(rows=48, time=12):
    x = np.random.default_rng(0).normal(size=(rows, time, 2)).astype(np.float32)
    return x, x[:, 3, 0] > 0


def fitted(folder, watch, **options):
    x, y = sequences()
    given = {"hidden_size": 4, "epochs": 2, "batch_size": 8, "device": "cpu"} | options
    model = ur.SequenceClassifier(**given).fit(x, y, reporter=QUIET, watch=watch)
    model.save(folder / "m.unrolled")
    return hashlib.sha256((folder / "m.unrolled").read_bytes()).hexdigest()


def rows_of(folder):
    with (folder / "watch.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_the_model_is_the_same_to_the_byte(tmp_path, cell):
    plain = fitted(tmp_path, None, cell=cell, dropout=0.3)
    watched = fitted(tmp_path, Watch(7, tmp_path / "w"), cell=cell, dropout=0.3)
    assert plain == watched
    rows = rows_of(tmp_path / "w")
    assert [int(row["step"]) for row in rows] == list(range(7, 61, 7))
    assert {row["layer"] for row in rows} == {"layer 1"} and rows[-1]["epoch"] == "2"
    for row in rows:
        assert 0 <= float(row["saturation"]) <= 1 and 0 <= float(row["clip_rate"]) <= 1
        assert float(row["loss"]) > 0 and float(row["largest"]) >= 1
        assert (row["time_constant"] == "") == (cell == "elman")


def test_events_for_tensorboard(tmp_path):
    fitted(tmp_path, Watch(20, tmp_path / "w", tensorboard=True))
    (events,) = (tmp_path / "w").glob("events.out.tfevents.*")
    content = events.read_bytes()
    assert b"layer_1/saturation" in content and b"clip_rate" in content and b"validation" in content
    fitted(tmp_path, Watch(20, tmp_path / "none", tensorboard=False))
    assert [path.name for path in (tmp_path / "none").iterdir()] == ["watch.csv"]


def test_every_task_can_be_watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = {"hidden_size": 4, "epochs": 1, "device": "cpu"}
    frame = {"y": np.sin(np.arange(300) / 5)}
    for place, decoder in enumerate(("segment", "direct", "recursive")):
        model = ur.Forecaster(4, 16, decoder=decoder, paths=4, **quick)
        model.fit(frame, "y", reporter=QUIET, watch=Watch(10, tmp_path / str(place)))
        assert len(rows_of(tmp_path / str(place))) >= 5
    text = "to be or not to be that is the question " * 40
    ur.LanguageModel(**quick, layers=2).fit([text], reporter=QUIET, watch=1)
    assert {row["layer"] for row in rows_of(tmp_path / "watch")} == {"layer 1", "layer 2"}
    words = [["in", "Rome"], ["Rome", "sleeps"], ["it", "sleeps"]] * 8
    tags = [["O", "B-place"], ["B-place", "O"], ["O", "O"]] * 8
    ur.Tagger(embedding_size=4, **quick).fit(words, tags, reporter=QUIET, watch=Watch(1, tmp_path / "t"))
    assert {row["layer"] for row in rows_of(tmp_path / "t")} == {"layer 1 forward", "layer 1 backward"}


def test_a_run_that_goes_on_keeps_its_rows(tmp_path):
    watch = Watch(5, tmp_path)
    watching = Watching(watch, QUIET)
    watching.start(2, 10, 0)
    with (tmp_path / "watch.csv").open("a") as file:
        file.write("5,1,layer 1,1,1,0,,1,1,0,\n15,2,layer 1,1,1,0,,1,1,0,\n")
    watching.close()
    again = Watching(watch, QUIET)
    again.start(2, 10, 10)
    again.close()
    assert [row["step"] for row in rows_of(tmp_path)] == ["5"]


def test_a_network_without_a_recurrent_layer_is_refused_before_training(tmp_path):
    x, y = sequences()
    model = ur.SequenceClassifier("transformer", 4, epochs=1, device="cpu")
    with pytest.raises(
        ArgumentError, match=r"model: expected a network with a recurrent layer, got .* Only Elman"
    ):
        model.fit(x, y, reporter=QUIET, watch=Watch(1, tmp_path))


def test_wrong_use(tmp_path):
    with pytest.raises(ArgumentError, match=r"watch: expected a whole number >= 1, got 0\. 100 costs"):
        Watch(0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"watch: expected a folder, got .*file.* Name a folder"):
        Watching(Watch(1, tmp_path / "file"), QUIET).start(1, 1, 0)


def test_rows_of_one_step_are_passed_over_with_a_note(tmp_path, capsys):
    noted = []

    class Noting(SilentReporter):
        def note(self, text):
            noted.append(text)

    x = np.random.default_rng(0).normal(size=(48, 1, 2)).astype(np.float32)
    model = ur.SequenceClassifier(hidden_size=4, epochs=1, device="cpu")
    model.fit(x, x[:, 0, 0] > 0, reporter=Noting(), watch=Watch(30, tmp_path))
    told = "batch: expected rows of at least two steps, got one step. Give longer sequences"
    assert len(noted) == 1 and noted[0].startswith(f"watch, step 30: {told}")


def test_what_rows_share_is_not_cut():
    batch = {"words": torch.zeros(20, 3), "spelled": torch.zeros(15, 2), "sampling": torch.tensor(0.5)}
    found = few_rows(batch, slice(8))
    assert found["words"].shape == (8, 3) and found["spelled"].shape == (15, 2) and found["sampling"] == 0.5
