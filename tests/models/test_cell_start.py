"""How the cells of a network start, and that it is the same after a file and in a stream."""

import numpy as np
import pytest
import torch

from unrolled import errors
from unrolled.models import CellStart, build
from unrolled.runtime import Stream
from unrolled.tasks import Forecaster, SequenceClassifier, load
from unrolled.training import SilentReporter

SHAPES = {
    "sequence": {"features": 2, "classes": 2},
    "segment": {"history": 8, "horizon": 2},
    "direct": {"horizon": 2},
    "recursive": {"horizon": 2},
    "text classifier": {"words": 5, "answers": 2},
    "tagger": {"words": 5, "answers": 2},
}


@pytest.mark.parametrize("kind", SHAPES)
def test_every_network_starts_its_cells_so(kind):
    cells = {"forget_bias": 2.0, "orthogonal": True, "layer_norm": True}
    network = build({"kind": kind, "shape": SHAPES[kind], "cell": "lstm", "hidden": 4, "cells": cells})
    layer = network.recurrent.layers[0]
    layer = getattr(layer, "layer_forward", layer)
    assert (layer.bias_ih[4:8] == 2.0).all() and (layer.bias_hh[4:8] == 0.0).all()
    gate = layer.weight_hh[:4]
    torch.testing.assert_close(gate @ gate.T, torch.eye(4))
    assert layer.gain_hh is not None
    assert build(network.configuration).configuration == network.configuration


def test_the_usual_start_is_torch_nns():
    torch.manual_seed(0)
    plain = build({"kind": "direct", "shape": {"horizon": 2}, "cell": "lstm", "hidden": 4})
    torch.manual_seed(0)
    told = build(
        {"kind": "direct", "shape": {"horizon": 2}, "cell": "lstm", "hidden": 4, "cells": CellStart().card()}
    )
    assert torch.equal(plain.recurrent.layers[0].weight_hh, told.recurrent.layers[0].weight_hh)


def test_what_a_cell_does_not_have_is_refused():
    with pytest.raises(errors.ArgumentError, match=r"forget_bias: expected None with cell='gru', got 1\.0\."):
        SequenceClassifier(forget_bias=1.0).fit([np.zeros((2, 1))] * 9, [0, 1, 0] * 3)
    with pytest.raises(errors.ArgumentError, match=r"cell: .*got cell='transformer' with orthogonal\. Leave"):
        Forecaster(cell="transformer", orthogonal=True).fit({"y": np.arange(99.0)}, "y")
    with pytest.raises(errors.ArgumentError, match=r"cells: expected only .* got 'forgetbias'"):
        CellStart.from_card({"forgetbias": 1})
    with pytest.raises(errors.ArgumentError, match=r"memory: expected None beside forget_bias, got 9\. Give"):
        CellStart(forget_bias=1.0, memory=9)
    with pytest.raises(errors.ArgumentError, match=r"layer_norm: expected True or False, got 1"):
        CellStart(layer_norm=1)


def test_a_normalised_model_is_the_same_after_a_file_and_in_a_stream(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 6, 2)).astype(np.float32)
    model = SequenceClassifier("lstm", 4, forget_bias=1.0, layer_norm=True, epochs=1, device="cpu")
    model.fit(X, X[:, 0, 0] > 0, reporter=SilentReporter())
    model.save(tmp_path / "m.unrolled")
    again = load(tmp_path / "m.unrolled")
    assert again.get_params() == model.get_params()
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    stream = Stream(tmp_path / "m.unrolled")
    for row in X[0]:
        scores = stream.step(dict(zip(model.columns_.features, row, strict=True)))
    shares = np.exp(scores - scores.max())
    np.testing.assert_allclose(shares / shares.sum(), model.predict_proba(X[:1])[0], atol=1e-5)
