"""Networks to compare with: a Transformer and dense layers where a recurrent stack would be."""

import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import SequenceShape, build
from unrolled.models.feed_forward import FeedForward, last_steps
from unrolled.runtime import Stream
from unrolled.runtime.stream import run_sequence

OTHERS = ("transformer", "feed-forward")
others = pytest.mark.parametrize("cell", OTHERS)
CLASSES = SequenceShape(features=2, classes=3).card()


def sequences(cell, head="last", **options):
    torch.manual_seed(3)
    steps = {"steps": 6} if cell == "feed-forward" else {}
    options |= {"cell": cell, "head": head, "hidden": 5}
    return build({"kind": "sequence", "shape": CLASSES, **options, **steps}).eval()


@others
def test_a_forecast_by_another_architecture(cell, shape_of, make_batch, make_network):
    shape = shape_of("segment")
    network = make_network("segment", shape, cell=cell, layers=2)
    batch = make_batch(shape, rows=5, missing=0.2)
    together, _ = network.forecast(batch)
    assert together.shape == (5, 4, 2, 3) and together.isfinite().all()
    for row in range(5):
        alone = {key: value[row : row + 1] for key, value in batch.items()}
        torch.testing.assert_close(network.forecast(alone)[0], together[row : row + 1])
    loss, _ = network.loss(batch)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    again = build(network.configuration)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval().forecast(batch)[0], together)


@others
def test_what_a_window_holds_is_read(cell, shape_of, make_batch, make_network):
    """The first row of the window counts: nothing is cut off."""
    shape = shape_of("segment", masked_target=False, masked_past=False, masked_static=False)
    network, batch = make_network("segment", shape, cell=cell), make_batch(shape)
    other = {key: value.clone() for key, value in batch.items()}
    other["target"][:, 0] += 5
    assert (network.forecast(batch)[0] != network.forecast(other)[0]).any()


@others
def test_a_sequence_by_another_architecture(cell):
    network, x = sequences(cell, layers=2), torch.randn(4, 6, 2)
    scores = network.scores({"x": x})
    assert scores.shape == (4, 3)
    torch.testing.assert_close(network.scores({"x": x[2:3]}), scores[2:3])
    full = {"x": x, "lengths": torch.full((4,), 6)}
    assert torch.equal(network.scores(full), scores)
    assert build(network.configuration).configuration == network.configuration


def test_a_transformer_takes_any_length():
    network, x = sequences("transformer"), torch.randn(2, 9, 2)
    ragged = network.scores({"x": x, "lengths": torch.tensor([9, 4])})
    torch.testing.assert_close(network.scores({"x": x[1:, :4]})[0], ragged[1])
    assert sequences("transformer", head="every").scores({"x": x}).shape == (2, 9, 3)
    assert sequences("transformer", head="mean").scores({"x": x}).shape == (2, 3)


def test_a_feed_forward_network_refuses_another_length():
    network = sequences("feed-forward")
    with pytest.raises(ShapeError, match=r"x: expected sequences of 6 steps, got one of 5\. .*cell='gru'"):
        network.scores({"x": torch.zeros(2, 5, 2)})
    with pytest.raises(ShapeError, match=r"x: expected sequences of 6 steps, got one of 4\. A feed-forward"):
        network.scores({"x": torch.zeros(2, 6, 2), "lengths": torch.tensor([6, 4])})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "feed-forward"}, "steps: expected a whole number >= 1, got 0. A feed-forward network"),
        ({"cell": "feed-forward", "steps": 6, "head": "mean"}, "head: expected 'last' with cell='feed-f"),
        ({"cell": "gru", "steps": 6}, "steps: expected 0 but for cell='feed-forward', got 6. Leave it out."),
        ({"cell": "transformer", "bidirectional": True}, "bidirectional: expected False with cell='transf"),
        ({"cell": "transformers"}, "Did you mean 'transformer'?"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ArgumentError) as error:
        build({"kind": "sequence", "shape": CLASSES, **options})
    assert message in str(error.value)


def test_a_transformer_has_no_program(shape_of, make_network):
    cure = "train with cell='gru' to stream or export"
    for network in (
        sequences("transformer"),
        make_network("segment", shape_of("segment"), cell="transformer"),
    ):
        with pytest.raises(
            ArgumentError, match=f"program: expected .* fixed size, got a Transformer.*{cure}"
        ):
            network.lower()


@pytest.mark.parametrize("runtime", ["native", "numpy"])
def test_a_feed_forward_network_streams_its_window(runtime, monkeypatch):
    monkeypatch.setenv("UNROLLED_RUNTIME", runtime)
    network = sequences("feed-forward", layers=2)
    rows = np.random.default_rng(1).normal(size=(9, 2)).astype(np.float32)
    program = network.lower()
    assert program.multiply_adds == network.cost() and program.history == 6
    answers = run_sequence(program, rows)
    stream = Stream(program)
    for stop in range(1, 10):
        answer = stream.step(rows[stop - 1])
        assert (answer is None) == (stop < 6)
        if answer is not None:
            window = torch.from_numpy(rows[stop - 6 : stop])[None]
            wanted = network.scores({"x": window})[0].detach().numpy()
            np.testing.assert_allclose(answer, wanted, atol=1e-5)
            np.testing.assert_allclose(answers[stop - 1], answer, atol=1e-6)


def test_a_step_more_needs_a_network_that_goes_on():
    network = FeedForward(2, 4, steps=3)
    _, state = network(torch.zeros(1, 3, 2))
    with pytest.raises(ArgumentError, match=r"state: expected None, got tuple\. Pass the whole window"):
        network(torch.zeros(1, 1, 2), state)


def test_cost_counts_the_keys_a_transformer_looks_at(shape_of, make_network):
    """By hand: one target, no covariates, two segments read and one answered, one block."""
    shape = shape_of(
        "segment",
        targets=1,
        series=1,
        past=0,
        known=0,
        static=0,
        past_codes=[],
        known_codes=[],
        static_codes=[],
        masked_target=False,
        masked_past=False,
        masked_static=False,
    )
    network = make_network("segment", shape, cell="transformer", segment=5)
    d, inner = 6, 4 * 2
    step = d * d + 4 * d * inner + 8 * d * d
    look = 2 * inner * (1 + 2 + 3)
    assert network.cost() == 2 * 5 * d + 3 * step + look + d * 5 * 3


def texts(cell, pool="last", **options):
    torch.manual_seed(3)
    steps = {"steps": 4} if cell == "feed-forward" else {}
    shape = {"words": 20, "answers": 3}
    options |= {"cell": cell, "pool": pool, "bidirectional": False, "hidden": 5, "width": 6}
    return build({"kind": "text classifier", "shape": shape, **options, **steps}).eval()


WORDS = torch.randint(1, 20, (3, 7), generator=torch.Generator().manual_seed(0))
POOLED = [("feed-forward", "last"), *(("transformer", pool) for pool in ("last", "max", "mean", "attention"))]


@pytest.mark.parametrize(("cell", "pool"), POOLED)
def test_a_text_by_another_architecture(cell, pool):
    network, lengths = texts(cell, pool, layers=2), torch.tensor([7, 4, 2])
    batch = {"words": WORDS, "lengths": lengths, "label": torch.tensor([0, 1, 2])}
    together = network(batch)
    for row, length in enumerate(lengths.tolist()):  # padding and other rows change nothing
        alone = {"words": WORDS[row : row + 1, :length], "lengths": lengths[row : row + 1]}
        torch.testing.assert_close(network(alone), together[row : row + 1])
    network.loss(batch)[0].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    again = build(network.configuration)
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.eval()(batch), together) and network.cost() > 0


def test_a_feed_forward_network_of_texts_reads_the_last_words_alone():
    network = texts("feed-forward")
    whole = network({"words": WORDS})
    torch.testing.assert_close(network({"words": WORDS[:, 3:]}), whole)
    for place in range(7):
        other = WORDS.clone()
        other[:, place] = 0
        assert bool((network({"words": other}) != whole).any()) == (place >= 3)


def test_what_a_shorter_text_lacks_is_0():
    x = torch.arange(1.0, 13.0).reshape(2, 3, 2)
    found = last_steps(x, 4, torch.tensor([3, 1]))
    assert torch.equal(found[0], torch.cat([torch.zeros(1, 2), x[0]]))
    assert torch.equal(found[1], torch.cat([torch.zeros(3, 2), x[1, :1]]))
    network = texts("feed-forward")
    h = network.inputs.words(WORDS[:, :2]).flatten(1)  # behind two words' zeros
    first = network.recurrent.layers[0]
    h = (h @ first.weight[:, 12:].T + first.bias).relu()
    torch.testing.assert_close(network({"words": WORDS[:, :2]}), network.head(h))


def test_a_transformer_of_texts_is_causal():
    """The scores of a text are those of its words so far: what comes later changes no step before."""
    network = texts("transformer", "max")
    y, _ = network.recurrent(network.inputs({"words": WORDS}))
    shorter, _ = network.recurrent(network.inputs({"words": WORDS[:, :4]}))
    torch.testing.assert_close(shorter, y[:, :4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"pool": "max", "steps": 4},
            r"pool: expected 'last' with cell='feed-forward', got 'max'\. It reads a",
        ),
        ({"steps": 0}, "steps: expected a whole number >= 1, got 0"),
        (
            {"steps": 4, "bidirectional": True},
            r"bidirectional: expected False .*, got True\. Read one way, or",
        ),
        (
            {"steps": 4, "cells": {"layer_norm": True}},
            "cell: expected a recurrent one, got cell='feed-forward'",
        ),
        ({"cell": "gru", "steps": 4}, "steps: expected 0 but for cell='feed-forward', got 4"),
    ],
)
def test_what_a_network_of_texts_refuses(options, message):
    given = {
        "shape": {"words": 9, "answers": 2},
        "cell": "feed-forward",
        "pool": "last",
        "bidirectional": False,
    }
    with pytest.raises(ArgumentError, match=message):
        build({"kind": "text classifier", **given, **options})
