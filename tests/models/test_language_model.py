"""What the two language networks promise."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import NO_TOKEN, build
from unrolled.nn import parameter_count
from unrolled.runtime import Stream
from unrolled.runtime.stream import run_sequence

TOKENS = 9
OPTIONS = {
    "plain": {},
    "gru tied": {"cell": "gru", "tied": True},
    "tied by a projection, deep": {"tied": True, "layers": 3, "residual": True, "embedding": 5},
    "layer norm": {"cell": "lstm", "layer_norm": True, "layers": 2},
    "elman": {"cell": "elman"},
    "gru2014": {"cell": "gru2014", "layers": 2},
}
every = pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
DROPPED = {"dropout": 0.3, "input_dropout": 0.2, "embedding_dropout": 0.1, "weight_drop": 0.4}


def network(kind="language", **options):
    """A small network whose weights are far from 0, so that a missing one shows."""
    torch.manual_seed(3)
    sizes = {"kind": kind, "shape": {"tokens": TOKENS}, "hidden": 8, "embedding": 8}
    built = build(sizes | options).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return built


def codes(rows=3, time=12, seed=0):
    return torch.randint(0, TOKENS, (rows, time), generator=torch.Generator().manual_seed(seed))


@every
def test_a_stream_answers_what_the_batch_does(options):
    model, text = network(**options), codes(1)
    expected = model.scores({"tokens": text})[0][0].detach().numpy()
    stream = Stream(model.lower())
    found = np.stack([stream.step([code]) for code in text[0].tolist()])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert model.lower().multiply_adds == model.cost()


@every
def test_the_masked_program_answers_one_row_late(options):
    model, text = network("masked", **options), codes(1)
    expected = model.scores({"tokens": text})[0].detach().numpy()
    found = run_sequence(model.lower(), text[0].numpy()[:, None])
    np.testing.assert_allclose(found[2:], expected, rtol=1e-5, atol=1e-5)
    assert model.lower().multiply_adds == model.cost()
    assert "backward" in model.lower().not_streamable


@every
def test_the_state_goes_on(options):
    model, text = network(**options), codes()
    whole, _ = model.scores({"tokens": text})
    first, state = model.scores({"tokens": text[:, :5]})
    second, _ = model.scores({"tokens": text[:, 5:]}, state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    fresh = {"tokens": text[:, 5:], "fresh": torch.tensor([False, True, False])}
    mixed, _ = model.scores(fresh, state)
    torch.testing.assert_close(mixed[1:2], model.scores({"tokens": text[1:2, 5:]})[0])
    torch.testing.assert_close(mixed[0], second[0])


@every
def test_the_masked_word_is_never_seen(options):
    model, text = network("masked", **options), codes(1)
    before = model.scores({"tokens": text})[0].detach()
    for place in range(1, 11):
        other = text.clone()
        other[0, place] = (other[0, place] + 1) % TOKENS
        changed = (model.scores({"tokens": other})[0].detach() - before).abs().amax(-1)
        assert changed[place - 1] == 0  # its own answer alone stays, all others have read it
        assert (changed[torch.arange(10) != place - 1] > 0).all()


def test_a_row_of_a_ragged_batch_is_that_row_alone():
    text, lengths = codes(), torch.tensor([12, 7, 2])
    model = network("masked", layers=2)
    together = model.scores({"tokens": text, "lengths": lengths})
    for row, length in enumerate(lengths.tolist()):
        alone = model.scores({"tokens": text[row : row + 1, :length]})
        torch.testing.assert_close(together[row : row + 1, : length - 2], alone)


def test_the_loss_is_the_mean_nats_of_what_is_to_be_predicted():
    model, text = network(), codes()
    answers = text.roll(-1, 1)
    answers[:, -1] = NO_TOKEN
    answers[0, 3] = NO_TOKEN
    loss, _ = model.loss({"tokens": text, "next": answers})
    shares = model.scores({"tokens": text})[0].log_softmax(-1)
    each = [-shares[row, t, answers[row, t]] for row in range(3) for t in range(12) if answers[row, t] >= 0]
    assert loss.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)
    nothing, _ = model.loss({"tokens": text, "next": torch.full_like(text, NO_TOKEN)})
    assert nothing.item() == 0


def test_the_penalties_are_means_of_squares():
    text = codes()
    batch = {"tokens": text, "next": text.roll(-1, 1)}
    plain, active, slow = (network(ar=ar, tar=tar) for ar, tar in ((0, 0), (2.0, 0), (0, 3.0)))
    hidden, _, _ = plain.read(batch, None)
    difference = (active.loss(batch)[0] - plain.loss(batch)[0]).item()
    assert difference == pytest.approx(2 * hidden.square().mean().item(), rel=1e-4)
    difference = (slow.loss(batch)[0] - plain.loss(batch)[0]).item()
    assert difference == pytest.approx(3 * hidden.diff(dim=1).square().mean().item(), rel=1e-4)


@pytest.mark.parametrize("kind", ["language", "masked"])
def test_every_weight_learns_and_chance_works_in_training_only(kind):
    model = network(kind, layers=2, tied=True, embedding=5, **DROPPED)
    text = codes()
    batch = {"tokens": text, "next": text[:, 1:-1] if kind == "masked" else text.roll(-1, 1)}
    assert torch.equal(model.loss(batch)[0], model.loss(batch)[0])
    model.train()
    assert not torch.equal(model.loss(batch)[0], model.loss(batch)[0])
    model.loss(batch)[0].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_a_word_that_is_dropped_is_dropped_wherever_it_stands():
    reader = network(embedding_dropout=0.5).train().reader
    torch.manual_seed(1)
    vectors = reader(torch.tensor([[1, 2, 1, 2, 3, 4, 5, 6, 7, 8]]))[0]
    gone = (vectors == 0).all(-1)
    assert 0 < gone.sum() < 10
    assert gone[0] == gone[2] and gone[1] == gone[3]


def test_the_bias_starts_at_the_shares_of_the_tokens():
    model = network()
    counts = torch.tensor([0, 6, 2, 0, 0, 0, 0, 0, 2])
    model.head.start_at(counts)
    shares = model.head.bias.detach().softmax(0)
    assert shares[1] / shares[2] == pytest.approx(3.0)
    assert shares[0] / shares[2] == pytest.approx(0.25)


@pytest.mark.parametrize("kind", ["language", "masked"])
def test_a_configuration_builds_an_equal_network(kind):
    model = network(kind, tied=True, **DROPPED)
    other = build(model.configuration).eval()
    assert other.configuration == model.configuration
    other.load_state_dict(model.state_dict())
    assert parameter_count(other) == parameter_count(model)
    assert torch.equal(other.head.bias, model.head.bias)


def test_wrong_calls_are_refused_with_a_cure():
    with pytest.raises(ShapeError, match=r"batch\['tokens'\]: expected \(batch, time\).*codes\[None\]"):
        network().scores({"tokens": codes()[0]})
    with pytest.raises(ShapeError, match=r"batch\['next'\]: expected \(3, 12\), got \(3, 11\)"):
        network().loss({"tokens": codes(), "next": codes(3, 11)})
    with pytest.raises(ArgumentError, match=r"tokens: expected a whole number >= 2, got 1"):
        build({"kind": "language", "shape": {"tokens": 1}})
    with pytest.raises(ArgumentError, match=r"weight_drop: expected a number >= 0 and < 1, got 1"):
        network(weight_drop=1)
