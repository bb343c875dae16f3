"""Fitted models as ONNX: `predict` of a whole frame and one call of the sequence graph answer alike."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tasks"))
from small_forecasts import DECODERS, fitted, ragged, rows_of, stirred, wave

from unrolled.deploy import BOUND, export, replay
from unrolled.deploy.onnx_export import is_once, sequence_model
from unrolled.deploy.onnx_session import open_session
from unrolled.tasks import SequenceClassifier
from unrolled.training import SilentReporter

NAMES = ("s0", "s1")


def forecaster(decoder, frame):
    past = {} if decoder == "recursive" else {"past": ["w", "wind"]}
    roles = {"time": "t", "series": "shop", "known": ["x", "sky"], "static": ["size", "town"], **past}
    model = stirred(fitted(frame, "y", {"decoder": decoder, "layers": 2}, **roles))
    columns = ["t", "shop", "y", "x", "sky", "size", "town", *past.get("past", [])]
    return model, columns


def ragged_batch(program, replays):
    """The inputs of several series as one batch, padded with what must not matter."""
    lengths = np.array([len(one.rows) for one in replays])
    feeds = {"lengths": lengths}
    for name in program.inputs:
        each = [one.inputs[name] for one in replays]
        if is_once(name):
            feeds[name] = np.stack([values[-1] for values in each])
            continue
        padded = np.full((len(each), lengths.max(), *each[0].shape[1:]), 77, each[0].dtype)
        for place, values in enumerate(each):
            padded[place, : len(values)] = values
        feeds[name] = padded
    return feeds


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_sequence_graph_answers_what_predict_answers(decoder, tmp_path):
    frame = ragged((130, 110)).with_columns(w=pl.col("x") * 2, wind=pl.col("sky").str.to_uppercase())
    frame = frame.with_columns(y=pl.when(pl.int_range(pl.len()) % 11 == 3).then(None).otherwise("y"))
    model, columns = forecaster(decoder, frame)
    ahead = pl.concat([wave(3, 5, "2024-01-06T10:00"), wave(3, 6, "2024-01-05T14:00")])
    ahead = ahead.with_columns(shop=pl.Series(["s0"] * 3 + ["s1"] * 3))
    found, program = model.predict(frame, future=ahead), model.program()
    replays = []
    for name in NAMES:
        own = pl.col("shop") == name
        future = rows_of(ahead.filter(own).select("t", "x", "sky"))
        replays.append(replay(program, rows_of(frame.filter(own).select(columns)), future, name))
    session = open_session(sequence_model(program).SerializeToString())
    got = session.run(["quantiles"], ragged_batch(program, replays))[0]  # (2, 3, 1, 3)
    scale = model.inputs_.target_scaler.scale
    for place, name in enumerate(NAMES):
        frame_of = found.filter(pl.col("shop") == name)
        wanted = frame_of.select("y_q0.1", "y", "y_q0.9").to_numpy()
        distance = np.abs(got[place, :, 0] - wanted)
        assert (distance <= BOUND * np.maximum(np.abs(wanted), scale[place, 0])).all()
    assert export(program, tmp_path / "net", to="onnx", replays=replays).parity.holds


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_fitted_classifier_on_ragged_sequences(bidirectional, tmp_path):
    random = np.random.default_rng(0)
    x = [random.normal(place % 2, 1, (5 + place % 6, 2)).astype(np.float32) for place in range(40)]
    y = np.array([place % 2 for place in range(40)])
    model = SequenceClassifier(hidden_size=6, epochs=2, bidirectional=bidirectional, device="cpu")
    model.fit(x, y, reporter=SilentReporter())
    program = model.program()
    session = open_session(sequence_model(program).SerializeToString())
    scores = session.run(["scores"], ragged_batch(program, [replay(program, one) for one in x]))[0]
    shares = torch.from_numpy(scores.astype(np.float64)).softmax(-1).numpy()
    np.testing.assert_allclose(shares, model.predict_proba(x), atol=1e-5)
    tried = [replay(program, one) for one in x[:4]]
    assert export(program, tmp_path / "net", to="onnx", replays=tried).parity.holds
