"""A planted leak of each kind is found, and nothing is found where nothing leaks."""

import numpy as np
import polars as pl
import pytest
import torch
from small_forecasts import DECODERS, QUIET, counted, fitted, hours, ragged, wave

import unrolled
from unrolled.data import Split
from unrolled.errors import DataError
from unrolled.tasks.forecast import run as forecast_run
from unrolled.tasks.forecast import sources as forecast_sources
from unrolled.tasks.forecast.leak_test import (
    known_leak,
    shuffled_loss,
    with_noise,
    with_shuffled_moves,
    without_known,
)

decoders = pytest.mark.parametrize("decoder", DECODERS)


def walk(count=400):
    """A random walk: nothing can be known of it but its last value."""
    y = np.random.default_rng(0).standard_normal(count).cumsum()
    return pl.DataFrame({"t": hours(count), "y": y})


def found(leaks):
    return [leak.kind for leak in leaks if leak.found]


@pytest.fixture
def leaking_windows(monkeypatch):
    """The newest row that a network reads holds the answer."""
    window, chunk = forecast_sources.window_batch, forecast_sources.chunk_batch

    def leaking_window(inputs, data, origins, history, horizon, answers=True):
        batch = window(inputs, data, origins, history, horizon, answers)
        batch["target"][:, -1, 0] = torch.from_numpy(data.values[origins.rows, 0])
        return batch

    def leaking_chunk(inputs, data, ranges, start, stop, *rest):
        batch = chunk(inputs, data, ranges, start, stop, *rest)
        for place, row in enumerate(stop):
            if start[place] < row < len(data.values):
                batch["target"][place, row - start[place] - 1, 0] = float(data.values[row, 0])
        return batch

    monkeypatch.setattr(forecast_run, "window_batch", leaking_window)
    monkeypatch.setattr(forecast_run, "chunk_batch", leaking_chunk)


@decoders
def test_an_answer_in_the_windows_is_found(decoder, leaking_windows):
    model = fitted(walk(160), time="t", changes={"decoder": decoder})
    (windows, *_) = model.leak_test(walk(160), QUIET)
    assert windows.found and windows.kind == "windows"
    assert windows.text == "8 origins with noise after them: 8 forecasts changed"


@pytest.fixture
def leaking_anchor(monkeypatch):
    """Forecasts are made relative to the row after the origin, whatever was learned."""
    honest = forecast_run.ForecastRunner.at

    def at(self, data, origins):
        values = data.values[:, data.numeric("target")]
        moved = values[origins.rows] - values[origins.rows - 1]
        return honest(self, data, origins) + moved[:, None, :, None]

    monkeypatch.setattr(forecast_run.ForecastRunner, "at", at)


@decoders
def test_an_answer_in_the_anchor_is_found_after_training_on_shuffled_answers(decoder, leaking_anchor):
    model = fitted(walk(), time="t", changes={"decoder": decoder, "paths": 200, "learning_rate": 1e-4})
    leaks = {leak.kind: leak for leak in model.leak_test(walk(), QUIET)}
    assert leaks["labels"].found
    assert leaks["labels"].text.startswith("trained on shuffled answers: better than last value")


@pytest.mark.parametrize("decoder", ["segment", "direct"])
def test_a_known_column_that_holds_the_answer_is_found(decoder, monkeypatch):
    monkeypatch.setattr(forecast_sources, "STEPS", 30)
    frame = walk(300)
    frame = frame.with_columns(k=pl.col("y") - pl.col("y").shift(1, fill_value=0.0))
    changes = {"decoder": decoder, "horizon": 1, "epochs": 3, "learning_rate": 0.03, "bptt": 16}
    model = fitted(frame, time="t", known="k", changes=changes)
    known = known_leak(model, model._read(frame), model.split_, "k", QUIET)
    assert known.found and known.kind == "known"
    assert known.text.startswith("k: skill over the last value ")
    assert known.text.endswith(": does it hold the answer? Is it truly known in advance?")


@decoders
def test_no_alarm_on_clean_series(decoder):
    frame = wave()
    model = fitted(frame, time="t", known="x", changes={"decoder": decoder, "bptt": 16})
    leaks = model.leak_test(frame, QUIET)
    assert [leak.kind for leak in leaks] == ["windows", "labels", "known"] and found(leaks) == []
    assert leaks[0].text == "8 origins with noise after them: no forecasts changed"


@pytest.mark.parametrize("decoder", ["segment", "recursive"])
def test_no_alarm_on_many_series_with_words(decoder):
    frame = ragged((110, 100))
    past = {} if decoder == "recursive" else {"past": ["x", "town"]}
    model = fitted(
        frame.with_columns(town="sky"),
        time="t",
        series="shop",
        known="sky",
        changes={"decoder": decoder},
        **past,
    )
    leaks = model.leak_test(frame.with_columns(town="sky"), QUIET)
    assert found(leaks) == [] and leaks[2].text.startswith("sky: skill over the last value")


def test_data_without_stamps_is_split_as_it_was():
    frame = walk(160).drop("t")
    assert found(fitted(frame).leak_test(frame, QUIET)) == []


def test_a_loaded_model_needs_the_frame_it_was_trained_on(tmp_path):
    frame = walk(160)
    fitted(frame, time="t").save(tmp_path / "walk.unrolled")
    loaded = unrolled.load(tmp_path / "walk.unrolled")
    assert found(loaded.leak_test(frame, QUIET)) == []
    with pytest.raises(
        DataError, match=r"data: expected the rows the model was trained on, got none that are"
    ):
        loaded.leak_test(frame.tail(60), QUIET)


def test_noise_is_after_the_origin_in_one_series_and_spares_known_columns():
    data = counted(10, series=2, past="x,word", known="k")
    noisy = with_noise(data, 13, 1)
    moved = (noisy.values != data.values).any(axis=1)
    assert np.flatnonzero(moved).tolist() == list(range(13, 20))
    assert (noisy.values[:, 2] == data.values[:, 2]).all() and noisy.columns[2] == "k"
    assert (noisy.categories["word"].codes[:13] == data.categories["word"].codes[:13]).all()
    assert data.values[13, 0] == 13


def test_answers_are_dealt_out_among_windows_and_turned_by_the_toss_of_a_coin():
    model = fitted(walk(160), time="t")
    given = {}

    class Spy:
        inputs = model.network_.inputs

        def loss(self, batch, state):
            given.update(batch)
            return torch.tensor(0.0), None

    torch.manual_seed(0)
    target = torch.tensor([[[0.0], [1.0]], [[0.0], [5.0]], [[0.0], [9.0]]])
    future = torch.tensor([[[2.0]], [[7.0]], [[12.0]]])  # moves of 1, 2 and 3
    shuffled_loss(
        Spy(), {"target": target, "future": future, "series": torch.zeros(3, dtype=torch.long)}, None
    )
    moves = (given["future"] - target[:, -1:]).flatten()
    torch.testing.assert_close(moves.abs().sort().values, torch.tensor([1.0, 2.0, 3.0]))
    assert 0 < (moves < 0).sum() < 3, "some up, some down"


def test_moves_are_shuffled_up_and_down_and_the_test_part_is_left_alone():
    data = counted(20)
    data.values[5, 0] = np.nan
    data.values[:, 0] **= 2
    split = Split(np.array([[0, 10]]), np.array([[10, 14]]), np.array([[14, 20]]))
    mixed = with_shuffled_moves(data, split)
    assert np.isnan(mixed.values[5, 0])
    assert (mixed.values[14:] == data.values[14:]).all()
    known = np.delete(np.arange(14), 5)
    moves, own = np.diff(mixed.values[known, 0]), np.diff(data.values[known, 0])
    np.testing.assert_allclose(np.sort(abs(moves)), np.sort(abs(own)), atol=1e-3)
    assert abs(moves).tolist() != abs(own).tolist()
    assert 0 < (moves < 0).sum() < len(moves)


def test_a_known_column_is_taken_out_whole():
    data = counted(10, past="x", known="k,word")
    without = without_known(data, "word")
    assert without.roles.known == ("k",) and without.categories == {}
    without = without_known(data, "k")
    assert without.columns == ("y", "x") and without.values.shape == (10, 2)
    assert without.values[3].tolist() == [3, 1003]
