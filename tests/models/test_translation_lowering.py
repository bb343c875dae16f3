"""The two Programs of an encoder-decoder answer as the network does."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.models import TranslationNetwork, build
from unrolled.preprocess.sides import BEGIN, END
from unrolled.runtime import EncoderDecoder, Program, SearchOptions, Stream
from unrolled.runtime.translation import looks_of, search_texts
from unrolled.tasks.translation.decoding import NetworkDecoding

SHAPE = {"source_words": 20, "target_words": 30}
KINDS = {
    "none": {"attention": "none", "cell": "gru"},
    "luong": {"attention": "luong", "tied": False},
    "luong, input feeding": {"attention": "luong", "input_feeding": True, "cell": "elman"},
    "bahdanau": {"attention": "bahdanau", "cell": "gru", "embedding": 12},
    "bahdanau, coverage": {"attention": "bahdanau", "coverage": True},
}
BOUND = 1e-5


def made(**options) -> TranslationNetwork:
    torch.manual_seed(0)
    network = build(
        {"kind": "translation", "shape": SHAPE, "embedding": 8, "hidden": 12, "layers": 2, **options}
    )
    assert isinstance(network, TranslationNetwork)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape) * 0.4)
    return network.eval()


def sources(count: int = 6) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 20, length) for length in random.integers(1, 9, count)]


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((np.abs(a - b) <= BOUND * np.maximum(np.abs(b), 1)).all())


@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_every_step_is_the_networks(options):
    network, given = made(**options), sources()
    programs, trained = network.lower(), NetworkDecoding(network)
    states = [decoding.start(given) for decoding in (programs, trained)]
    tokens = np.full(len(given), BEGIN)
    random = np.random.default_rng(2)
    for _ in range(5):
        found, looks, states[0] = programs.advance(tokens, states[0])
        wanted, true_looks, states[1] = trained.advance(tokens, states[1])
        assert close(found, wanted)
        assert (looks is None) == (true_looks is None) == (options["attention"] == "none")
        if looks is not None:
            assert close(looks, true_looks)
            assert all((row[len(source) :] == 0).all() for row, source in zip(looks, given, strict=True))
        tokens = random.integers(0, 30, len(given))


@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_a_search_finds_the_same(options):
    network, given = made(**options), sources(12)
    rules = SearchOptions(beam=3, best=2, no_repeat=2, minimum=2, maximum=7, length_penalty=0.6)
    found, wanted = (
        search_texts(decoding, given, rules, (0, BEGIN))
        for decoding in (network.lower(), NetworkDecoding(network))
    )
    for row, true in zip(found, wanted, strict=True):
        assert [answer.tokens for answer in row] == [answer.tokens for answer in true]
        assert [a.score for a in row] == pytest.approx([a.score for a in true], abs=1e-4)


def test_company_changes_no_bit():
    programs, given = made().lower(), sources(5)
    together = search_texts(programs, given, SearchOptions(maximum=6), (BEGIN,))
    for source, row in zip(given, together, strict=True):
        assert search_texts(programs, [source], SearchOptions(maximum=6), (BEGIN,)) == [row]


def test_where_it_looks_is_where_the_network_looks():
    network, target = made(attention="bahdanau", coverage=True), np.array([5, 9, 0])
    source = np.array([4, 7, 19, 3])
    batch = {
        "source": torch.tensor(source)[None], "source_lengths": torch.tensor([4]),
        "target": torch.tensor([[BEGIN, *target, END]]), "target_lengths": torch.tensor([5]),
    }  # fmt: skip
    wanted = network._run(batch)[1][0].detach().numpy()
    for decoding in (network.lower(), NetworkDecoding(network)):
        assert close(looks_of(decoding, source, target), wanted)


@pytest.mark.parametrize("options", KINDS.values(), ids=list(KINDS))
def test_the_card_makes_the_same_programs(options):
    programs = made(**options).lower()
    again = EncoderDecoder.from_card(programs.to_card(), programs.weights)
    assert again.encoder.fingerprint == programs.encoder.fingerprint
    assert again.decoder.fingerprint == programs.decoder.fingerprint
    assert again.decoder.states == {} and again.attention == (options["attention"] != "none")


def test_neither_program_streams():
    programs = made().lower()
    with pytest.raises(ArgumentError, match=r"layers\.0\.layer_backward' needs the whole sequence"):
        Stream(programs.encoder)
    with pytest.raises(ArgumentError, match="got it is the decoder of an encoder-decoder"):
        Stream(programs.decoder)


def altered(card: dict, part: str, change) -> dict:
    change(card[part])
    return card


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("decoder", lambda card: card["outputs"].pop("state"), "outputs: expected one of quantiles, scores"),
        ("decoder", lambda card: card["outputs"].pop("covered"), "output 'covered': expected as the input"),
        ("encoder", lambda card: card["outputs"].pop("keys"), r"output 'keys': expected one of \(12,\)"),
        (
            "decoder",
            lambda card: card["inputs"][2].update(shape=[4, 24]),
            r"node 'context' \(weighted_sum\): input 1: expected float32 \(any, memory\)",
        ),
        (
            "decoder",
            lambda card: card["nodes"].append(
                {"name": "t", "operation": "transpose", "inputs": ["memory"], "attributes": {"axes": [1, 0]}}
            ),
            r"node 't' \(transpose\): inputs: expected values of a known shape, got float32 \(any, 24\)",
        ),
    ],
)  # fmt: skip
def test_a_card_that_does_not_fit_is_refused(part, change, message):
    programs = made(attention="bahdanau", coverage=True).lower()
    card = altered(programs.to_card(), part, change)
    with pytest.raises(ModelFileError, match=message):
        EncoderDecoder.from_card(card, programs.weights)


def test_two_of_different_networks_do_not_fit():
    one, other = made().lower(), made(hidden=9).lower()
    with pytest.raises(ArgumentError, match=r"encoder: output 'state': expected one of \(36,\), got \(48,\)"):
        EncoderDecoder(one.encoder, other.decoder)
    with pytest.raises(ArgumentError, match="encoder: expected the program of encoders of tokens"):
        EncoderDecoder(one.decoder, one.decoder)
    assert isinstance(one.encoder, Program)
