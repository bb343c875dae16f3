"""Everything the CRF answers, against all paths written out."""

import itertools

import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.nn import CRF, Allowed

K, LENGTHS = 4, torch.tensor([5, 3, 1])


def chain(seed=0, forbidden=True):
    generator = torch.Generator().manual_seed(seed)
    crf = CRF(K)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    if forbidden:
        follow = torch.ones(K, K, dtype=torch.bool)
        follow[0, 2] = follow[1, 3] = follow[2, 2] = False
        start, end = torch.tensor([1, 1, 0, 1]).bool(), torch.tensor([1, 0, 1, 1]).bool()
        crf.allow(Allowed(start, follow, end))
    return crf, torch.randn(3, 5, K, generator=generator)


def paths(crf, emissions, length):
    """Every path of a row and its score, the best first."""
    start, follow, end = (score.tolist() for score in crf.scores())
    told = emissions[:length].tolist()
    found = []
    for path in itertools.product(range(K), repeat=length):
        score = start[path[0]] + end[path[-1]] + sum(told[t][tag] for t, tag in enumerate(path))
        score += sum(follow[a][b] for a, b in itertools.pairwise(path))
        found.append((score, path))
    return sorted(found, reverse=True)


def test_the_log_partition_is_the_sum_over_all_paths():
    for forbidden in (False, True):
        crf, emissions = chain(forbidden=forbidden)
        found = crf.log_partition(emissions, LENGTHS)
        for row, length in enumerate(LENGTHS.tolist()):
            scores = torch.tensor([s for s, _ in paths(crf, emissions[row], length)], dtype=torch.float64)
            torch.testing.assert_close(found[row].detach(), scores.logsumexp(0), rtol=1e-7, atol=1e-7)


def test_losses_are_probabilities_of_paths():
    crf, emissions = chain()
    tags = torch.tensor([[0, 1, 2, 3, 0], [3, 0, 0, 9, 9], [3, -1, -1, -1, -1]])
    loss = crf.loss(emissions, tags, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = {path: s for s, path in paths(crf, emissions[row], length)}
        total = torch.tensor(list(scores.values()), dtype=torch.float64).logsumexp(0)
        expected = total - scores[tuple(tags[row, :length].tolist())]
        torch.testing.assert_close(loss[row].detach(), expected, rtol=1e-6, atol=1e-6)


def test_the_gradient_is_that_of_the_sum_over_all_paths():
    crf, emissions = chain()
    crf, emissions = crf.double(), emissions.double().requires_grad_(True)
    inputs = (emissions, *crf.parameters())
    assert torch.autograd.gradcheck(
        lambda e, *_: crf.loss(e, torch.tensor([[0, 1, 2, 3, 0], [3, 0, 0, 0, 0], [3, 0, 0, 0, 0]]), LENGTHS),
        inputs,
        atol=1e-6,
    )


def test_marginals_are_sums_of_probabilities():
    crf, emissions = chain()
    found = crf.marginals(emissions, LENGTHS)
    assert found.requires_grad is False and bool((found[1, 3:] == 0).all())
    for row, length in enumerate(LENGTHS.tolist()):
        listed = paths(crf, emissions[row], length)
        share = torch.tensor([s for s, _ in listed], dtype=torch.float64).softmax(0)
        for step, tag in itertools.product(range(length), range(K)):
            expected = sum(
                p for p, (_, path) in zip(share.tolist(), listed, strict=True) if path[step] == tag
            )
            assert float(found[row, step, tag]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("count", [1, 4, 20])
def test_the_best_paths_are_those_of_all_paths(count):
    crf, emissions = chain()
    tags, scores = crf.best_paths(emissions, LENGTHS, count)
    assert tags.shape == (3, count, 5)
    for row, length in enumerate(LENGTHS.tolist()):
        expected = [(s, path) for s, path in paths(crf, emissions[row], length) if s > -1e8][:count]
        for place, (score, path) in enumerate(expected):
            assert tags[row, place, :length].tolist() == list(path)
            assert float(scores[row, place]) == pytest.approx(score, abs=1e-5)
        assert bool((scores[row, len(expected) :] == -torch.inf).all())
        assert bool((tags[row, :, length:] == 0).all())


def test_viterbi_is_the_best_path_however_wild_the_scores():
    crf, emissions = chain()
    tags, score = crf.viterbi(1000 * emissions, LENGTHS)
    assert torch.equal(tags, crf.best_paths(1000 * emissions, LENGTHS, 3)[0][:, 0])
    assert crf.log_partition(1000 * emissions, LENGTHS).detach().allclose(score, atol=1e-3)
    for row, length in zip(tags.tolist(), LENGTHS.tolist(), strict=True):
        moves = itertools.pairwise(row[:length])
        assert row[0] != 2 and row[length - 1] != 1 and not {(0, 2), (1, 3), (2, 2)} & set(moves)


def test_padding_and_other_rows_change_nothing():
    crf, emissions = chain()
    alone = crf.log_partition(emissions[1:2, :3], LENGTHS[1:2])
    assert torch.equal(crf.log_partition(emissions, LENGTHS)[1:2], alone)
    wild = emissions.clone()
    wild[1, 3:] = 1e6
    assert torch.equal(crf.viterbi(wild, LENGTHS)[0][1], crf.viterbi(emissions, LENGTHS)[0][1])


def test_refusals():
    crf, emissions = chain()
    with pytest.raises(ShapeError, match=r"lengths: expected each in 1..5, got 0 to 5\. Leave empty"):
        crf.viterbi(emissions, torch.tensor([5, 0, 1]))
    with pytest.raises(ShapeError, match=r"expected \(batch, time, tags\) and \(batch,\), got \(5, 4\)"):
        crf.log_partition(emissions[0], LENGTHS)
    none = torch.zeros(K, dtype=torch.bool)
    with pytest.raises(ArgumentError, match="a tag that may begin and end a sequence, got none"):
        crf.allow(Allowed(none, torch.ones(K, K, dtype=torch.bool), none))
    with pytest.raises(ShapeError, match=r"follow: expected \(4, 4\), got \(3, 3\)"):
        crf.allow(Allowed(~none, torch.ones(3, 3, dtype=torch.bool), ~none))
