from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from unrolled.data import read_sequences
from unrolled.errors import ArgumentError
from unrolled.tasks import SequenceClassifier
from unrolled.tasks.sequence.answers import Classes, Numbers
from unrolled.tasks.sequence.data import split_sequences
from unrolled.tasks.sequence.fit import SequenceSource, build_network, fit_sequences, validation_loss
from unrolled.tasks.sequence.settings import settle
from unrolled.training import SilentReporter

CLASSES = Classes((0, 1))


class Killed(Exception):
    pass


class Killer(SilentReporter):
    """Ends a run after some epochs, as a kill would: nothing is cleaned up."""

    def epoch(self, number, history):
        if number == 2:
            raise Killed


def examples(count=30, seed=0, every=False):
    draw = np.random.default_rng(seed)
    x = [draw.normal(size=(draw.integers(3, 9), 2)) for _ in range(count)]
    codes = np.array([int(piece[0, 0] > 0) for piece in x])
    data = read_sequences(x, y=codes)
    return data if not every else replace(data, labels=np.repeat(codes, data.lengths), every_step=True)


def settings(**changes):
    return settle(
        SequenceClassifier(**{"hidden_size": 4, "epochs": 4, "device": "cpu"} | changes).get_params()
    )


def test_each_pass_visits_every_sequence_once():
    data, indices = examples(), np.arange(3, 23)
    source = SequenceSource(CLASSES, data, indices, batch_size=6, seed=5)
    assert source.steps == 32  # 4 batches a pass, 8 passes: at least 30
    passes = [np.concatenate([source.batch(1, 4 * k + i)["label"] for i in range(4)]) for k in range(8)]
    assert all(sorted(found.tolist()) == sorted(data.labels[indices].tolist()) for found in passes)
    assert any(not np.array_equal(one, other) for one, other in pairwise(passes))
    again = SequenceSource(CLASSES, data, indices, batch_size=6, seed=5).batch(1, 7)
    assert all(torch.equal(again[key], value) for key, value in source.batch(1, 7).items())


def test_a_batch_is_what_the_network_takes():
    data = examples(every=True)
    source = SequenceSource(CLASSES, data, np.arange(30), batch_size=30, seed=0)
    batch = source.batch(0, 0)
    time = int(batch["lengths"].max())
    assert batch["x"].shape == (30, time, 2) and batch["label"].shape == (30, time)
    assert (
        batch["label"].dtype == torch.int64
        and ((batch["label"] == -1).sum(1) == time - batch["lengths"]).all()
    )
    numbers = SequenceSource(Numbers(), replace(data, labels=data.labels.astype(float)), np.arange(30), 30, 0)
    label = numbers.batch(0, 0)["label"]
    assert label.shape == (30, time, 1) and label.dtype == torch.float32
    assert (label.isnan()[..., 0].sum(1) == time - batch["lengths"]).all()


def test_scaling_is_of_the_training_part_alone():
    data = examples()
    network = build_network(settings(), CLASSES, data, np.array([4, 7]), {1: 3.0})
    rows = np.concatenate([data.values[data.offsets[i] : data.offsets[i + 1]] for i in (4, 7)])
    np.testing.assert_allclose(network.mean, rows.mean(0), rtol=1e-5)
    np.testing.assert_allclose(network.scale, rows.std(0), rtol=1e-5)
    assert network.class_weights.tolist() == [1, 3] and not network.shape.masked
    values = data.values.copy()
    values[-1, 0] = np.nan
    assert build_network(settings(), CLASSES, replace(data, values=values), np.array([0]), None).shape.masked


@pytest.mark.parametrize("head", ["last", "every"])
@pytest.mark.parametrize("answers", [CLASSES, Numbers()])
def test_the_validation_loss_is_the_loss_of_one_batch_of_all(head, answers):
    data = examples(every=head == "every")
    if answers.task == "regress":
        data = replace(data, labels=data.labels + np.random.default_rng(0).normal(size=len(data.labels)))
    network = build_network(settings(head=head), answers, data, np.arange(20), {0: 2.0}).eval()
    whole = SequenceSource(answers, data, np.arange(20, 30), batch_size=10, seed=0).batch(0, 0)
    expected = network.loss(whole)[0].item()
    assert validation_loss(network, data, np.arange(20, 30)) == pytest.approx(expected, rel=1e-5)


def test_a_run_that_was_ended_goes_on_to_the_same_bits(tmp_path):
    data, options = examples(), settings(dropout=0.2)
    parts = split_sequences(30, classes=data.labels)
    fit = lambda path, resume, reporter: fit_sequences(  # noqa: E731
        options, CLASSES, data, parts, None, path, resume, reporter
    )
    whole = fit(None, False, SilentReporter())
    with pytest.raises(Killed):
        fit(tmp_path / "run", False, Killer())
    resumed = fit(tmp_path / "run", True, SilentReporter())
    assert whole.history == resumed.history
    expected, found = (fitted.network.state_dict() for fitted in (whole, resumed))
    assert all(expected[name].numpy().tobytes() == found[name].numpy().tobytes() for name in expected)


@pytest.mark.parametrize("change", ["data", "labels", "hidden_size", "batch_size", "class_weight"])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change):
    data, parts, path = examples(), split_sequences(30), tmp_path / "run"
    with pytest.raises(Killed):
        fit_sequences(settings(), CLASSES, data, parts, None, path, False, Killer())
    options, weight = settings(), {1: 2.0} if change == "class_weight" else None
    if change == "data":
        data = replace(data, values=data.values + 1)
    elif change == "labels":
        data = replace(data, labels=1 - data.labels)
    elif change != "class_weight":
        options = settings(**{change: 7})
    with pytest.raises(ArgumentError, match="checkpoint: expected the run it was begun for"):
        fit_sequences(options, CLASSES, data, parts, weight, path, True, SilentReporter())


def test_the_test_part_has_no_say():
    data, parts = examples(), split_sequences(30)
    values, labels = data.values.copy(), data.labels.copy()
    for index in parts.test:
        values[data.offsets[index] : data.offsets[index + 1]] += 50
    labels[parts.test] = 1 - labels[parts.test]
    one, other = (
        fit_sequences(settings(), CLASSES, seen, parts, "balanced", reporter=SilentReporter())
        for seen in (data, replace(data, values=values, labels=labels))
    )
    assert one.history == other.history
    weights, others = one.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    for plain, again in zip(one.baselines, other.baselines, strict=True):
        assert (
            plain.weight.tobytes() == again.weight.tobytes() and plain.mean.tobytes() == again.mean.tobytes()
        )
