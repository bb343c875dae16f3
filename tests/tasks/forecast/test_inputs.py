import numpy as np
import polars as pl
import pytest
from small_forecasts import counted, fitted, hours, ragged, rows_of, wave

from unrolled.data import Roles, read_series
from unrolled.errors import DataError
from unrolled.tasks.forecast.inputs import ForecastInputs, fit_scaler, longest_stamps, take

NAN = float("nan")


def test_scalers_are_fitted_on_training_rows_only():
    data = counted(20, past="x", known="k")
    inputs = ForecastInputs.fit(data, np.array([[0, 10]]), per_series=False, time_features=False)
    assert inputs.target_scaler.mean.tolist() == [[4.5]]
    np.testing.assert_allclose(inputs.target_scaler.scale, np.arange(10).std(), rtol=1e-6)
    assert inputs.covariate_scalers["past"].mean.tolist() == [[1004.5]]
    assert inputs.covariate_scalers["known"].mean.tolist() == [[2004.5]]


def test_each_series_has_a_scale_of_its_own():
    data = counted(10, series=2)
    inputs = ForecastInputs.fit(data, np.array([[0, 4], [10, 16]]), per_series=True, time_features=False)
    assert inputs.target_scaler.mean.tolist() == [[1.5], [12.5]]
    assert inputs.scaler_rows(data).tolist() == [0, 1]


def test_one_scale_serves_all_where_it_is_global():
    data = counted(10, series=2)
    inputs = ForecastInputs.fit(data, np.array([[0, 4], [10, 14]]), per_series=False, time_features=False)
    assert inputs.target_scaler.mean.tolist() == [[6.5]]
    assert inputs.scaler_rows(data).tolist() == [0, 0]


def test_a_series_without_training_values_takes_the_scale_of_all():
    values = np.array([[1.0], [3.0], [NAN], [NAN], [50.0]], np.float32)
    scaler = fit_scaler(values, np.array([[0, 2], [2, 4], [4, 4]]), per_series=True)
    assert scaler.mean.tolist() == [[2.0], [2.0], [2.0]]
    assert scaler.scale.tolist() == [[1.0], [1.0], [1.0]]


def test_a_series_that_starts_after_the_training_part_is_scaled_in_its_own_units():
    late = wave(30, seed=9, start="2024-01-05").with_columns(y=wave(30, seed=9)["y"] + 1000)
    late = late.select("t", "y", shop=pl.lit("late"))
    frame = pl.concat([ragged((120, 110)).select("t", "y", "shop"), late])
    model = fitted(frame, time="t", series="shop")
    assert model.inputs_.target_scaler.scale[2, 0] > 10  # of the other two together, not 1
    assert "late" in model.summary()["too short"]


def test_the_words_are_those_of_the_training_rows():
    frame = {"y": np.arange(6.0), "w": ["a", "b", "a", "c", None, "b"]}
    data = read_series(frame, Roles("y", past="w"))
    inputs = ForecastInputs.fit(data, np.array([[0, 3]]), per_series=False, time_features=False)
    assert inputs.vocabularies["w"].words == ("a", "b")
    batch = inputs.batch(data, np.array([[0, 1, 3, 4, -1]]), np.array([[0]]), np.array([0]))
    assert batch["past_codes"].flatten().tolist() == [1, 2, 0, 0, 0]


@pytest.mark.parametrize("decoder", ["segment", "direct"])
def test_an_unknown_word_counts_as_a_missing_one(decoder):
    frame = wave()
    model = fitted(frame, time="t", past=["x", "sky"], changes={"decoder": decoder})
    last = pl.int_range(pl.len()) >= 155
    hail = frame.with_columns(sky=pl.when(last).then(pl.lit("hail")).otherwise("sky"))
    none = frame.with_columns(sky=pl.when(last).then(None).otherwise("sky"))
    assert model.predict(hail).equals(model.predict(none))


def test_an_unknown_word_ahead_is_no_error():
    frame = wave()
    model = fitted(frame[:-3], time="t", known="sky")
    odd = frame.with_columns(sky=np.array(["hail"] * len(frame)))
    found = model.predict(frame[:-3], future=odd)
    stream = model.stream()
    answer = stream.last(rows_of(frame[:-3].select("t", "y", "sky")), rows_of(odd.tail(3).select("t", "sky")))
    np.testing.assert_array_equal(answer[:, 0, 1], found["y"].to_numpy())


def test_static_columns_are_those_of_the_series():
    frame = ragged()
    data = read_series(frame, Roles("y", time="t", series="shop", static="size,town"))
    train = np.stack([data.offsets[:-1], data.offsets[1:]], 1)
    inputs = ForecastInputs.fit(data, train, per_series=True, time_features=False)
    batch = inputs.batch(data, np.array([[130], [5]]), np.array([[130], [5]]), np.array([1, 0]))
    assert batch["static"].tolist() == [[1.0], [0.0]]
    assert batch["static_codes"].tolist() == [[1], [2]]  # north, south
    assert batch["series"].tolist() == [1, 0]


def test_missing_values_need_a_model_that_knows_them():
    frame = wave()
    model = fitted(frame, time="t", past="x")
    hole = frame.with_columns(x=np.where(np.arange(160) == 7, NAN, frame["x"]))
    with pytest.raises(DataError, match=r"x, row 8: expected a number, got a missing value. The model was"):
        model.predict(hole)


def test_the_row_of_a_missing_value_is_the_files_own():
    frame = ragged((60, 60))
    order = np.arange(120).reshape(2, 60).T.ravel()  # the rows of the two series take turns
    model = fitted(frame, time="t", series="shop")
    hole = frame.with_columns(y=np.where(np.arange(120) == 60, NAN, frame["y"]))[order]
    with pytest.raises(DataError, match=r"y, row 2"):
        model.predict(hole)


def test_missing_values_are_masked_not_filled():
    frame = wave()
    hole = frame.with_columns(y=np.where(np.arange(160) % 7 == 3, NAN, frame["y"]))
    model = fitted(hole, time="t")
    assert model.network_.shape.masked_target and not model.network_.shape.masked_past
    assert np.isfinite(model.predict(hole)["y"].to_numpy()).all()


def test_time_features_stand_behind_the_known_columns():
    data = counted(20, known="k")
    inputs = ForecastInputs.fit(data, np.array([[0, 20]]), per_series=False, time_features=True)
    assert inputs.feature_count == 0  # 20 hours are no season
    frame = wave(200)
    data = read_series(frame, Roles("y", time="t", known="x"))
    inputs = ForecastInputs.fit(data, np.array([[0, 200]]), per_series=False, time_features=True)
    assert inputs.time_features.names[:2] == ("sin hour of day", "cos hour of day")
    rows = np.array([[6, -1]])
    known = inputs.batch(data, rows, rows, np.array([0]))["known"]
    np.testing.assert_allclose(known[0, 0, 0], frame["x"][6], rtol=1e-6)
    np.testing.assert_allclose(known[0, 0, 1:3], [1.0, 0.0], atol=1e-6)  # six o'clock
    assert known[0, 1].tolist() == [0.0] * known.shape[-1]


def test_the_card_gives_equal_inputs():
    frame = ragged()
    roles = Roles("y", time="t", series="shop", past="x", known="sky", static="size,town")
    data = read_series(frame, roles)
    train = np.stack([data.offsets[:-1], data.offsets[:-1] + 50], 1)
    inputs = ForecastInputs.fit(data, train, per_series=True, time_features=True)
    again = ForecastInputs.from_card(inputs.card())
    assert again.card() == inputs.card()
    assert again.roles == roles and again.kinds == inputs.kinds


def test_take_answers_nan_for_no_row():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(take(values, np.array([2, -1])).numpy(), [[4, 5], [NAN, NAN]])


def test_step_and_season_are_seen_in_the_longest_series():
    frame = {"t": np.append(hours(1), hours(5)), "id": ["a", *["b"] * 5], "y": np.arange(6.0)}
    data = read_series(frame, Roles("y", time="t", series="id"))
    assert longest_stamps(data).tolist() == hours(5).tolist()
