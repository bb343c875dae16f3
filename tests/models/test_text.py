"""What the networks of texts promise."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import build
from unrolled.runtime import Stream
from unrolled.runtime.stream import run_sequence

LENGTHS = torch.tensor([5, 3, 1])
SHAPE = {"words": 9, "answers": 3, "characters": 6, "shapes": 4}
CLASSIFY, TAG = {"kind": "text classifier"}, {"kind": "tagger"}
KINDS = [
    CLASSIFY | {"pool": pool, "bidirectional": both, "cell": cell}
    for pool, both, cell in (("max", True, "lstm"), ("attention", True, "gru"), ("mean", False, "gru"))
]
KINDS += [CLASSIFY | {"pool": "last", "spelling": "lstm"}, CLASSIFY | {"pool": "last", "layers": 2}]
KINDS += [TAG | {"spelling": "cnn"}, TAG | {"crf": False, "bidirectional": False, "layers": 2}]
every = pytest.mark.parametrize("options", KINDS, ids=lambda o: " ".join(map(str, o.values())))


def made(options, **changes):
    torch.manual_seed(0)
    network = build({"shape": SHAPE, "hidden": 4, "width": 5} | options | changes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return network.eval()


def batch(rows=slice(None), time=5):
    draw = torch.Generator().manual_seed(1)
    words = torch.randint(0, 9, (3, 5), generator=draw)
    found = {
        "words": words,
        "shapes": torch.randint(0, 4, (3, 5), generator=draw),
        "spelling": torch.randint(0, 4, (3, 5), generator=draw),
        "tags": torch.randint(0, 3, (3, 5), generator=draw),
        "lengths": LENGTHS,
        "label": torch.tensor([2, 0, 1]),
    }
    found = {name: v[rows, :time] if v.ndim == 2 else v[rows] for name, v in found.items()}
    spelled = torch.tensor([[1, 2, 3], [4, 0, 0], [5, 1, 0], [2, 2, 2]])
    return found | {"spelled": spelled, "spelled_lengths": torch.tensor([3, 1, 2, 3])}


@every
def test_a_configuration_makes_an_equal_network(options):
    network = made(options)
    again = build(network.configuration)
    again.load_state_dict(network.state_dict())
    assert again.configuration == network.configuration
    assert torch.equal(again.eval()(batch()), network(batch()))


@every
def test_padding_and_other_rows_change_nothing(options):
    network, whole = made(options), made(options)(batch())
    for row, length in enumerate(LENGTHS.tolist()):
        alone = network(batch(slice(row, row + 1), length))
        mine = whole[row, :length] if options["kind"] == "tagger" else whole[row]
        torch.testing.assert_close(alone[0], mine, rtol=1e-5, atol=1e-6)


@every
def test_the_loss_reaches_every_parameter_that_is_trained(options):
    network = made(options).train()
    loss, state = network.loss(batch(), None)
    loss.backward()
    assert state is None and loss.isfinite() and loss > 0
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert network.cost() > 0


@every
def test_the_program_answers_what_the_network_does(options):
    network = made(options, spelling="none")
    if options["kind"] != "tagger":
        network.set_scaling({"sharpness": [0.5]})
    whole = network(batch()) if options["kind"] == "tagger" else network.scores(batch())
    rows = torch.stack([batch()["words"][0], batch()["shapes"][0]], -1)
    found = run_sequence(network.lower(), rows.numpy())
    mine = whole[0] if options["kind"] == "tagger" else whole[0][None]
    np.testing.assert_allclose(found[-len(mine) :], mine.detach().numpy(), rtol=1e-4, atol=1e-5)
    if not network.bidirectional:
        assert Stream(network.lower()).program.not_streamable is None


def test_word_dropout_reads_unknown_words_and_only_in_training():
    network = made(TAG, word_dropout=0.95, input_dropout=0.0, dropout=0.0)
    unknown = batch() | {"words": torch.zeros(3, 5, dtype=torch.int64)}
    assert torch.equal(network(batch()), network(batch()))
    near = (network.train()(batch())[0] - network.eval()(unknown)[0]).abs().sum(-1)
    assert int((near < 1e-6).sum()) >= 1


def test_a_tagger_without_a_chain_learns_words_one_by_one():
    network = made(TAG, crf=False).train(False)
    scores = network(batch())
    flat = [scores[row, step] for row, n in enumerate(LENGTHS) for step in range(n)]
    tags = [batch()["tags"][row, step] for row, n in enumerate(LENGTHS) for step in range(n)]
    expected = torch.nn.functional.cross_entropy(torch.stack(flat), torch.stack(tags))
    torch.testing.assert_close(network.loss(batch())[0], expected)
    assert not any(parameter.requires_grad for parameter in network.chain.parameters())


def test_frozen_vectors_and_refusals():
    network = made(CLASSIFY, frozen=True)
    assert not network.inputs.words.weight.requires_grad
    with pytest.raises(ShapeError, match=r"batch\['words'\]: expected \(batch, time\), got \(5,\)"):
        network.inputs({"words": torch.zeros(5, dtype=torch.int64)})
    with pytest.raises(ArgumentError, match=r"word_dropout: expected a number >= 0 and <= 0.95, got 1"):
        made(CLASSIFY, word_dropout=1)
