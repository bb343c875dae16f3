import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.models import build
from unrolled.models.translation import TranslationNetwork, TranslationShape
from unrolled.preprocess.sides import BEGIN, END

SHAPE = {"source_words": 20, "target_words": 30}
KINDS = [
    {"attention": "none"},
    {"attention": "luong"},
    {"attention": "luong", "input_feeding": True},
    {"attention": "bahdanau"},
    {"attention": "bahdanau", "coverage": True},
]
SOURCE_LENGTHS, TARGET_LENGTHS = torch.tensor([7, 4, 2]), torch.tensor([6, 3, 4])


def made(cell: str = "lstm", **options) -> TranslationNetwork:
    torch.manual_seed(0)
    options = {"embedding": 8, "hidden": 12, "layers": 2, "dropout": 0.0, "smoothing": 0.0} | options
    network = build({"kind": "translation", "shape": SHAPE, "cell": cell, **options})
    assert isinstance(network, TranslationNetwork)
    return network


def batch() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    source = torch.randint(3, 20, (3, 7), generator=random)
    target = torch.randint(3, 30, (3, 6), generator=random)
    target[:, 0] = BEGIN
    target[torch.arange(3), TARGET_LENGTHS - 1] = END
    return {
        "source": source,
        "source_lengths": SOURCE_LENGTHS,
        "target": target,
        "target_lengths": TARGET_LENGTHS,
    }


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "gru2014"])
def test_token_by_token_is_the_same_as_all_at_once(cell, options):
    network, given = made(cell, **options).double().eval(), batch()
    with torch.no_grad():
        sentence, state = network.encode(given["source"], given["source_lengths"])
        out, looks = network.decoder.forced(sentence, state, given["target"][:, :-1], TARGET_LENGTHS - 1)
        for place in range(5):
            one, look, state = network.decoder.advance(sentence, state, given["target"][:, place : place + 1])
            there = place < TARGET_LENGTHS - 1
            assert torch.allclose(one[there, 0], out[there, place], atol=1e-12)
            if looks is not None:
                assert look is not None and torch.allclose(look[there, 0], looks[there, place], atol=1e-12)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_padding_changes_nothing(options):
    network, given = made(**options).eval(), batch()
    before = network.forced(given)[0]
    given["source"] = torch.cat([given["source"], torch.zeros(3, 4, dtype=torch.int64)], 1)
    given["source"][1, 4:], given["target"][2, 4:] = 19, 29
    assert torch.allclose(before, network.forced(given)[0], atol=1e-6)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_the_loss_is_the_mean_over_the_tokens(options):
    network, given = made(**options), batch()
    scores, answers = network.forced(given)
    assert answers.tolist() == [
        t for row, n in zip(given["target"], TARGET_LENGTHS, strict=True) for t in row[1:n]
    ]
    expected = -scores.log_softmax(-1)[torch.arange(len(answers)), answers].mean()
    assert network.loss(given)[0].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_every_weight_learns(options):
    network = made(**options)
    network.loss(batch())[0].backward()
    assert [name for name, w in network.named_parameters() if w.grad is None or not w.grad.any()] == []


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_an_equal_network_comes_of_its_configuration(options):
    network = made(**options, tied=False)
    again = build(network.configuration)
    again.load_state_dict(network.state_dict())
    assert again.configuration == network.configuration
    assert torch.equal(again.eval().forced(batch())[0], network.eval().forced(batch())[0])


def test_scheduled_sampling_reads_its_own_answers():
    network, given = made(input_feeding=True), batch()
    true = network.forced(given)[0]
    assert torch.equal(network.forced(given | {"sampling": torch.tensor(0.0)})[0], true)
    own = network.forced(given | {"sampling": torch.tensor(1.0)})[0]
    assert torch.equal(own[:1], true[:1])  # the first token is always the true one
    assert not torch.allclose(own, true, atol=1e-4)
    assert torch.equal(network.eval().forced(given | {"sampling": torch.tensor(1.0)})[0], true)


def test_the_fixed_context_is_all_that_passes_without_attention():
    network, given = made(attention="none", layers=1).eval(), batch()
    sentence, state = network.encode(given["source"], given["source_lengths"])
    assert sentence.memory is None and sentence.summary.shape == (3, 24)
    assert state.recurrent[0].h.shape == (3, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "lung"}, "attention: expected one of none, luong, bahdanau, got 'lung'"),
        ({"attention": "none", "input_feeding": True}, "input_feeding: expected attention='luong', got"),
        ({"coverage": True}, "coverage: expected attention='bahdanau', got attention='luong'"),
        ({"smoothing": 1.0}, "smoothing: expected a number"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        made(**options)


def test_a_shape_needs_words():
    with pytest.raises(ArgumentError, match="source_words: expected a whole number >= 4, got 3"):
        TranslationShape(3, 10)
