"""Every task with a recurrent layer can be looked into; what is found is told, and nothing is changed."""

import json
import re

import numpy as np
import pytest
import torch

import unrolled as ur
from unrolled import nn
from unrolled.errors import ArgumentError
from unrolled.insight import inspect
from unrolled.insight.findings import changes_of
from unrolled.models import build
from unrolled.tasks.examples import examples_of
from unrolled.training import SilentReporter

TOPICS = ["gradient reach", "memory used", "Jacobian", "gates", "inputs", "clipping", "learning"]
HEADINGS = [
    "Step by step",
    *[topic[0].upper() + topic[1:] for topic in TOPICS],
    "Cost",
    "How it was measured",
]


def test_everything_is_measured(looked_into):
    found = looked_into.found
    assert [finding.topic for finding in found.findings] == TOPICS
    assert all(finding.sentence.endswith(".") for finding in found.findings)
    cells = [spectrum.name for spectrum in found.spectra]
    assert cells == [gates.name for gates in found.gates] == [reach.name for reach in found.reach]
    assert all(np.isfinite(spectrum.exponents).all() for spectrum in found.spectra)
    assert all(reach.norms[0] > 0 for reach in found.reach)
    if looked_into.kind == "translate":
        assert found.memory is None and found.importance is None
    else:
        assert np.isfinite(found.memory.losses).all() and np.isfinite(found.importance.by_lag).all()
    assert found.cost.parameters > 0 and found.cost.weight_bytes == 4 * found.cost.parameters
    streams = looked_into.kind in ("segment", "direct", "recursive", "classify", "regress every step", "lm")
    assert (found.cost.microseconds is not None) == streams or found.cost.why_not == ""
    assert (found.history.epochs[0].clip_rate >= 0) and len(found.history.epochs) == 1


def test_nothing_is_changed(looked_into):
    assert looked_into.unchanged
    assert not any(module._forward_hooks for module in looked_into.model.network_.modules())
    assert not looked_into.model.network_.training


def test_it_is_json_and_a_page(looked_into):
    told = json.loads(json.dumps(looked_into.found.to_dict(), allow_nan=False))
    assert told["gradient_reach"][0]["lags"][0] == 0
    assert told["changes"] == changes_of(looked_into.found.findings)
    page = looked_into.page
    assert re.findall(r"<h2>(.*?)</h2>", page) == HEADINGS
    assert not re.search(r'(?:src|href)="(?!#|data:)', page) and "NaN" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_loaded_model_tells_the_same(looked_into, tmp_path):
    looked_into.model.save(tmp_path / "m.unrolled")
    again = inspect(ur.load(tmp_path / "m.unrolled"), *looked_into.data)
    assert [f.sentence for f in again.findings] == [f.sentence for f in looked_into.found.findings]
    assert (tmp_path / "m.unrolled").exists()


def test_a_page_is_written_whole(looked_into, tmp_path):
    if looked_into.kind == "classify":
        looked_into.found.save(tmp_path / "page.html")
        assert (tmp_path / "page.html").read_text(encoding="utf-8") == looked_into.page
        assert "gradient reach: " in str(looked_into.found)


def test_a_bare_network_and_a_batch():
    network = build({"kind": "sequence", "shape": {"features": 2, "classes": 2}, "hidden": 4})
    batch = {"x": torch.randn(20, 9, 2), "label": torch.randint(0, 2, (20,))}
    found = inspect(network, batch)
    assert found.window == 9 and found.cost.microseconds is None and found.history is None
    assert "bare network" in found.html()


def test_long_sequences_are_sampled_and_it_says_so():
    x = np.random.default_rng(0).normal(size=(300, 60, 1)).astype(np.float32)
    y = x[:, 0, 0] > 0
    model = ur.SequenceClassifier(hidden_size=4, epochs=1, device="cpu").fit(x, y, reporter=SilentReporter())
    found = inspect(model, x, y, rows=50, steps=20)
    assert found.window == 20 and found.notes[0] == "50 of 300 sequences are taken, evenly spread."
    assert found.notes[1] == "Sequences are long (up to 60 steps): the last 20 steps of each are taken."
    assert found.notes[1] in found.html()


def test_bad_input_is_one_line():
    network = build({"kind": "sequence", "shape": {"features": 2, "classes": 2}, "hidden": 4})
    label = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(
        ArgumentError, match=r"batch: expected rows of at least two steps, got one step\. Give"
    ):
        inspect(network, {"x": torch.randn(4, 1, 2), "label": label})
    with pytest.raises(
        ArgumentError, match=r"lags: expected at most 8, as the longest row has 9 steps, got 20"
    ):
        inspect(network, {"x": torch.randn(4, 9, 2), "label": label}, lags=20)
    dense = build(
        {"kind": "sequence", "shape": {"features": 2, "classes": 2}, "cell": "feed-forward", "steps": 9}
    )
    with pytest.raises(
        ArgumentError,
        match=r"model: expected a network with a recurrent layer, got a network of feed-forward layers\. ",
    ):
        inspect(dense, {"x": torch.randn(4, 9, 2), "label": label})
    with pytest.raises(ArgumentError, match=r"model: expected a task or a network, got int\. Pass what"):
        inspect(3, {})
    with pytest.raises(ArgumentError, match=r"SequenceClassifier: expected a fitted one"):
        inspect(ur.SequenceClassifier(), np.zeros((2, 2, 1)))


def test_the_last_answer_of_the_live_picture_is_the_forecast(looked_into):
    if looked_into.kind != "segment":
        return
    network = looked_into.model.network_
    examples = examples_of(looked_into.model, *looked_into.data)
    with torch.no_grad():
        network.offsets.values.zero_()
        true = network.forecast(examples.batch)[0][0, 0, 0, network.offsets.base]
    (line,) = looked_into.found.live.answers.values()
    assert line[-1] == pytest.approx(float(true), rel=1e-5) and len(line) == len(
        looked_into.found.live.labels
    )


def sequences(rows=12, steps=9):
    x = np.random.default_rng(0).normal(size=(rows, steps, 2)).astype(np.float32)
    return x, x[:, 0, 0] > 0


@pytest.fixture(scope="module")
def small():
    x, y = sequences(40)
    return ur.SequenceClassifier("lstm", 4, epochs=1, device="cpu").fit(x, y, reporter=SilentReporter())


def test_one_sequence_alone(small):
    x, y = sequences()
    found = ur.inspect(small, x[:1], y[:1])
    assert found.finding("memory used").sentence == "Not measured: a sequence alone has no other."
    assert dict(found.facts)["Measured on"].startswith("1 sequence of")
    assert any("1 sequence is few" in note for note in found.notes)
    assert found.cost.state_bytes == 4 * 2 * 4  # h and c, four units of float32


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (
            lambda m, x, y: ur.inspect(m, x[:, :1], y),
            r"data: expected rows of at least two steps, got one step",
        ),
        (lambda m, x, y: ur.inspect(m.network_, x, y), "data: expected a batch of a network, got ndarray"),
        (
            lambda m, x, y: ur.inspect(nn.GRU(2, 3), {"x": torch.ones(3, 4, 2)}),
            "a network with a loss, got GRU",
        ),
        (
            lambda m, x, y: ur.inspect(m.network_, {"x": torch.ones(3, 4, 2)}),
            "batch: expected the key 'label', got x. Add it",
        ),
        (lambda m, x, y: ur.inspect(m, x, y).finding("gate"), "topic: expected one of gradient reach"),
    ],
)
def test_wrong_use_is_one_line(small, ask, told):
    with pytest.raises(ArgumentError, match=told):
        ask(small, *sequences())


@pytest.mark.parametrize("cell", ["feed-forward", "transformer"])
def test_a_model_without_a_recurrent_layer_is_named(cell):
    x, y = sequences(40)
    model = ur.SequenceClassifier(cell, 4, epochs=1, device="cpu").fit(x, y, reporter=SilentReporter())
    with pytest.raises(ArgumentError, match=f"got a network of {cell} layers.*compare looks at the others"):
        ur.inspect(model, x, y)


def test_lags_of_segments():
    wave = np.sin(np.arange(300) / 5)[:, None]
    model = ur.Forecaster(6, 24, hidden_size=4, epochs=1, device="cpu").fit(wave, reporter=SilentReporter())
    assert ur.inspect(model, wave, lags=7).reach[0].lags.tolist() == [0, 6, 12]  # at least 7
    with pytest.raises(
        ArgumentError, match="lags: expected at most 18, as the longest row has 4 segments of 6"
    ):
        ur.inspect(model, wave, lags=20)
