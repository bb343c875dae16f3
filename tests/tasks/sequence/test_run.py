import numpy as np
import pytest
import torch

from unrolled.data import read_sequences
from unrolled.models import SequenceNetwork, SequenceShape
from unrolled.tasks.sequence import run as sequence_run
from unrolled.tasks.sequence.run import answers_of, batches, scores_of
from unrolled.tasks.sequence.scoring import by_owner


@pytest.mark.parametrize("head", ["last", "mean", "every"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_scores_do_not_depend_on_their_neighbours(head, bidirectional, monkeypatch):
    draw = np.random.default_rng(0)
    data = read_sequences([draw.normal(size=(n, 2)) for n in (5, 60, 1, 17, 17)])
    torch.manual_seed(0)
    network = SequenceNetwork(SequenceShape(2, classes=3), hidden=6, head=head, bidirectional=bidirectional)
    together = scores_of(network, data, np.arange(5))
    alone = np.concatenate([scores_of(network, data, np.array([i])) for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    monkeypatch.setattr(sequence_run, "STEPS", 20)
    np.testing.assert_allclose(scores_of(network, data, np.arange(5)), alone, atol=1e-6)
    turned = scores_of(network, data, np.array([3, 0]))
    ends = np.append(0, np.cumsum(data.lengths if head == "every" else np.ones(5, int)))
    np.testing.assert_allclose(
        turned, np.concatenate([alone[ends[i] : ends[i + 1]] for i in (3, 0)]), atol=1e-6
    )


def test_batches_hold_every_place_once_and_no_more_than_they_may():
    lengths = np.random.default_rng(1).integers(1, 3000, 500)
    found = list(batches(lengths))
    assert sorted(np.concatenate(found).tolist()) == list(range(500))
    assert max(len(places) * lengths[places].max() for places in found) <= sequence_run.STEPS
    assert max(map(len, found)) <= sequence_run.SEQUENCES
    assert [p.tolist() for p in batches(np.array([sequence_run.STEPS * 2]))] == [[0]]


def test_whose_each_answer_is():
    data = read_sequences([np.zeros((n, 1)) for n in (2, 3, 1)], y=[[0, 1], [1, 0, 1], [0]])
    places, owner = answers_of(data, np.array([2, 0]))
    assert places.tolist() == [5, 0, 1] and owner.tolist() == [0, 1, 1]
    assert by_owner(np.array([4.0, 1.0, 3.0]), owner).tolist() == [4.0, 2.0]
