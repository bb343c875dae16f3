from functools import cache

import numpy as np
import polars as pl
import pytest
from small_forecasts import DECODERS, QUIET, counted, fitted, ragged, small, wave, weights

from unrolled.data import Origins, Roles, Split, read_series
from unrolled.errors import ArgumentError, DataError
from unrolled.metrics import fit_offsets
from unrolled.tasks.forecast import guard
from unrolled.tasks.forecast.fit import halves, origins_in, thinned
from unrolled.tasks.forecast.losses import answers, scaled
from unrolled.tasks.forecast.settings import default_history, settle

SPLIT = (100, 30, 30)
decoders = pytest.mark.parametrize("decoder", DECODERS)


def changed(frame, start, stop, by=0.01):
    """The frame with the target moved a little in some rows."""
    rows = np.arange(len(frame))
    inside = (rows >= start) & (rows < stop)
    noise = by * np.random.default_rng(1).standard_normal(len(frame))
    return frame.with_columns(y=frame["y"].to_numpy() + np.where(inside, noise, 0.0))


def fit(frame, decoder):
    changes = {"decoder": decoder, "epochs": 2, "learning_rate": 0.02}
    return fitted(frame, time="t", split=SPLIT, changes=changes)


@cache
def plain(decoder):
    """Fitted on the series as it is; its head, which starts at 0, has learned."""
    model = fit(wave(), decoder)
    head = [value for name, value in model.network_.state_dict().items() if name.startswith("head")]
    assert head[0].abs().max() > 0
    return model


@decoders
def test_test_rows_change_nothing_of_the_network(decoder):
    other = fit(changed(wave(), 130, 160, by=5.0), decoder)
    assert weights(plain(decoder)) == weights(other)
    assert plain(decoder).inputs_.card() == other.inputs_.card()


@pytest.mark.parametrize("together", [1, 25, 10_000])
def test_forecasts_do_not_depend_on_how_many_paths_advance_together(together, monkeypatch):
    model, data = plain("recursive"), read_series(wave(), Roles(("y",), time="t"))
    rows = np.array([60, 159, 13, 61, 100])  # in any order
    judged = Origins(rows, np.zeros(5, np.int64))
    alone = [model.runner().at(data, Origins(rows[n : n + 1], judged.series[:1])) for n in range(5)]
    monkeypatch.setattr("unrolled.tasks.forecast.run.PATHS", together)
    np.testing.assert_allclose(model.runner().at(data, judged), np.concatenate(alone), rtol=1e-6)


@decoders
def test_the_calibration_half_changes_only_the_offsets(decoder):
    one, other = plain(decoder), fit(changed(wave(), 115, 130), decoder)
    before, after = weights(one), weights(other)
    assert [name for name in before if before[name] != after[name]] == ["offsets.values"]
    assert one.history_ == other.history_


@decoders
def test_the_stopping_half_changes_only_the_score_by_which_training_stops(decoder):
    one, other = plain(decoder), fit(changed(wave(), 100, 115), decoder)
    assert one.inputs_.card() == other.inputs_.card()
    for record, twin in zip(one.history_.epochs, other.history_.epochs, strict=True):
        assert record.train_loss == twin.train_loss
        assert record.validation != twin.validation


def test_offsets_come_from_the_second_half_of_validation_alone():
    frame = wave()
    model = fit(frame, "segment")  # its own, as its offsets are taken away
    network, runner = model.network_, model.runner()
    data = model._read(frame)
    judged = origins_in(data, np.array([[115, 130]]), model.settings_)
    assert judged.rows.min() == 115 and judged.rows.max() == 127
    network.offsets.values, kept = network.offsets.values * 0, network.offsets.values
    quantiles, truth = scaled(runner, data, judged, runner.at(data, judged))
    expected = fit_offsets(quantiles, truth, network.shape.quantiles)
    np.testing.assert_allclose(kept.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_parts_never_overlap_and_follow_one_another():
    model = fitted(ragged(), time="t", series="shop")
    split = model.split_
    assert (split.train[:, 1] == split.validation[:, 0]).all()
    assert (split.validation[:, 1] == split.test[:, 0]).all()
    data = model._read(ragged())
    last = max(data.stamps[stop - 1] for start, stop in split.train if start < stop)
    first = min(data.stamps[start] for start, stop in split.test if start < stop)
    assert last < first


def test_halves():
    stop, calibrate = halves(np.array([[10, 21], [30, 30]]))
    assert stop.tolist() == [[10, 15], [30, 30]] and calibrate.tolist() == [[15, 21], [30, 30]]


def test_thinned_keeps_both_ends():
    data = counted(40)
    found = origins_in(data, np.array([[0, 40]]), settings_of(data))
    few = thinned(found, 4)
    assert few.rows.tolist() == [found.rows[0], 18, 27, found.rows[-1]]


def settings_of(data, **changes):
    parameters = small(**changes).get_params()
    return settle(parameters, data, np.stack([data.offsets[:-1], data.offsets[1:]], 1))


def test_answers_are_the_rows_from_the_origin_on():
    data = counted(20)
    found = origins_in(data, np.array([[10, 15]]), settings_of(data))
    assert answers(data, found, 3)[:, :, 0].tolist() == [[10, 11, 12], [11, 12, 13], [12, 13, 14]]


def test_default_history_fits_the_data():
    assert default_history(100, 24) == 24
    assert default_history(10_000, 24, 24) == 336


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"horizon": 0}, "horizon: expected a whole number >= 1, got 0. Say how many rows to forecast."),
        ({"decoder": "segments"}, "got 'segments'. Did you mean 'segment'?"),
        ({"cell": "gruu"}, "got 'gruu'. Did you mean 'gru'?"),
        ({"quantiles": (0.9, 0.1)}, "quantiles: expected rising numbers between 0 and 1"),
        ({"quantiles": ()}, "quantiles: expected rising numbers between 0 and 1"),
        ({"dropout": 1.0}, "dropout: expected a number >= 0 and < 1, got 1.0. 0 turns it off."),
        (
            {"decoder": "direct", "segment": 4},
            "segment: expected the decoder 'segment', got decoder 'direct'",
        ),
        ({"scaling": "none"}, "scaling: expected one of auto, series, global, got 'none'"),
        ({"learning_rate": 0}, "learning_rate: expected a number > 0, got 0"),
    ],
)
def test_wrong_parameters_are_named(change, error):
    with pytest.raises(ArgumentError) as caught:
        small(**change).fit(wave(), "y", time="t", reporter=QUIET)
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("split", "part", "got"),
    [
        ((8, 40, 40), "training part", "at most 8 rows, 0 rows before them"),
        ((100, 4, 30), "first half of the validation part", "at most 2 rows, 100 rows before them"),
        ((100, 30, 2), "test part", "at most 2 rows, 130 rows before them"),
    ],
)
def test_a_part_without_a_window_is_named_before_training(split, part, got):
    with pytest.raises(DataError) as caught:
        small(epochs=10**6).fit(wave(), "y", time="t", split=split, reporter=QUIET)
    assert str(caught.value).startswith(
        f"{part}: expected a window: 8 rows to look back at and 3 to forecast"
    )
    assert got in str(caught.value) and "Lower history or horizon" in str(caught.value)


@pytest.mark.parametrize(("start", "stop", "part"), [(0, 100, "training part"), (130, 160, "test part")])
def test_a_part_without_a_value_is_named_before_training(start, stop, part):
    row = pl.int_range(pl.len())
    frame = wave().with_columns(y=pl.when((row >= start) & (row < stop)).then(None).otherwise("y"))
    with pytest.raises(
        DataError, match=rf"{part}: expected a value of y, got {stop - start} rows without any"
    ):
        small(epochs=10**6).fit(frame, "y", time="t", split=SPLIT, reporter=QUIET)


def test_the_recursive_decoder_refuses_past_columns():
    with pytest.raises(ArgumentError, match=r"past: expected no past columns with the decoder 'recursive'"):
        small(decoder="recursive").fit(wave(), "y", time="t", past="x", reporter=QUIET)


@decoders
def test_a_series_of_one_row_is_passed_over_and_named(decoder):
    tiny = wave(1).with_columns(shop=pl.lit("tiny")).select("t", "y", "shop")
    frame = pl.concat([tiny, ragged((120, 110)).select("t", "y", "shop")])
    model = fitted(frame, time="t", series="shop", changes={"decoder": decoder})
    assert model.summary()["too short"].startswith("1 of 3 series have fewer than")
    assert model.summary()["too short"].endswith("nothing is learned from them: tiny")
    assert any("1 of 3 series are not scored" in note and "tiny" in note for note in model.evaluation_.notes)


def test_rows_of_series_that_lie_apart_are_the_same_data():
    frame = ragged((100, 100))
    turns = frame[np.arange(200).reshape(2, 100).T.ravel()]
    one = fitted(frame, time="t", series="shop", past="x", static="town")
    other = fitted(turns, time="t", series="shop", past="x", static="town")
    assert weights(one) == weights(other)
    assert one.predict(frame).equals(other.predict(turns))


def test_the_split_may_leave_rows_out():
    model = fitted(wave(), time="t", split=(90, 20, 20))
    assert model.split_.rows == (90, 20, 20)
    assert model.summary()["left out"] == "30 rows beyond the split"
    assert isinstance(model.split_, Split)


def test_the_season_of_the_longest_series_chooses_the_history():
    tiny = wave(2).with_columns(shop=pl.lit("tiny"))
    long = wave(500).with_columns(shop=pl.lit("long"))
    data = read_series(pl.concat([tiny, long]), Roles("y", time="t", series="shop"))
    found = settings_of(data, history=None, horizon=20)
    assert found.history == default_history(500, 20, 24) and found.history % 24 == 0


def test_without_a_gain_the_untrained_network_is_kept(monkeypatch):
    monkeypatch.setattr(guard, "helped", lambda gain: False)
    monkeypatch.setattr(guard, "clearly_helped", lambda gain: False)
    model = fit(wave(), "segment")
    assert not model.kept_
    assert model.network_.state_dict()["head.dense.weight"].abs().max() == 0
    assert "last value" in model.summary()["training"]
