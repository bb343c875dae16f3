import numpy as np
import polars as pl
import pytest
from small_forecasts import DECODERS, QUIET, fitted, hours, ragged, rows_of, small, stirred, wave, weights

import unrolled
from unrolled.errors import ArgumentError, ModelFileError
from unrolled.format import read_model, write_model

decoders = pytest.mark.parametrize("decoder", DECODERS)


def learned(frame, target="y", changes=None, **columns):
    """A forecaster none of whose weights is 0."""
    return stirred(fitted(frame, target, changes, **columns))


def streamed(model, frame, series=None, future=None):
    """The last answer of a fresh stream fed every row of a frame."""
    stream = model.stream(series)
    return stream.last(rows_of(frame), None if future is None else rows_of(future))


def close(answer, found, target, model):
    """Stream and predict agree within the contract's bound."""
    levels = model.network_.shape.quantiles
    base = model.network_.offsets.base
    place = model.inputs_.roles.target.index(target)
    deviation = model.inputs_.target_scaler.scale[:, place].max()
    for number, level in enumerate(levels):
        column = target if number == base and level == 0.5 else f"{target}_q{level:g}"
        expected = found[column].to_numpy()
        error = np.abs(answer[:, place, number] - expected)
        assert (error <= 1e-5 * np.maximum(np.abs(expected), deviation)).all()


@decoders
@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_every_cell_streams_what_it_predicts(decoder, cell):
    frame = wave(200)
    model = learned(frame, time="t", changes={"decoder": decoder, "cell": cell, "layers": 2})
    close(streamed(model, frame.select("t", "y")), model.predict(frame), "y", model)


@decoders
def test_every_role_streams_what_it_predicts(decoder):
    frame = ragged((130, 110))
    past = {} if decoder == "recursive" else {"past": ["w", "wind"]}
    frame = frame.with_columns(w=pl.col("x") * 2, wind=pl.col("sky").str.to_uppercase())
    model = learned(
        frame,
        time="t",
        series="shop",
        known=["x", "sky"],
        static=["size", "town"],
        changes={"decoder": decoder},
        **past,
    )
    ahead = pl.concat([wave(3, 5, "2024-01-06T10:00"), wave(3, 6, "2024-01-05T14:00")]).with_columns(
        shop=pl.Series(["s0"] * 3 + ["s1"] * 3)
    )
    found = model.predict(frame, future=ahead)
    columns = ["t", "shop", "y", "x", "sky", "size", "town", *past.get("past", [])]
    for name in ("s0", "s1"):
        own = pl.col("shop") == name
        answer = streamed(
            model, frame.filter(own).select(columns), name, ahead.filter(own).select("t", "x", "sky")
        )
        close(answer, found.filter(own), "y", model)


@decoders
def test_missing_rows_stream_what_they_predict(decoder):
    frame = wave(200)
    gaps = np.where(np.arange(200) % 7 == 3, np.nan, frame["y"].to_numpy())
    gaps[-2:] = np.nan
    frame = frame.with_columns(y=gaps)
    model = learned(frame, time="t", changes={"decoder": decoder})
    close(streamed(model, frame.select("t", "y")), model.predict(frame), "y", model)
    assert np.isfinite(model.evaluation_.model.mse)


@decoders
def test_nothing_but_missing_values_in_sight(decoder):
    frame = wave(200).with_columns(y=pl.when(pl.int_range(pl.len()) >= 190).then(None).otherwise("y"))
    model = learned(frame, time="t", changes={"decoder": decoder})
    found = model.predict(frame)
    assert np.isfinite(found["y"].to_numpy()).all()
    close(streamed(model, frame.select("t", "y")), found, "y", model)


@decoders
def test_several_targets_stream_what_they_predict(decoder):
    frame = wave(200)
    model = learned(frame, ["x", "y"], time="t", changes={"decoder": decoder})
    found = model.predict(frame)
    answer = streamed(model, frame.select("t", "x", "y"))
    close(answer, found, "x", model)
    close(answer, found, "y", model)
    assert found.columns[1:] == ["x", "x_q0.1", "x_q0.9", "y", "y_q0.1", "y_q0.9"]


@decoders
def test_no_stamps_and_counted_stamps_stream_what_they_predict(decoder):
    for frame, time in ((wave().drop("t"), None), (wave().with_columns(t=pl.int_range(pl.len())), "t")):
        model = learned(frame, time=time, changes={"decoder": decoder})
        close(streamed(model, frame.drop("x", "sky")), model.predict(frame), "y", model)


def test_a_row_of_a_stream_may_hold_the_stamp_the_model_does_not_read():
    frame = wave()
    model = learned(frame, time="t", changes={"time_features": False})
    close(streamed(model, frame.select("t", "y")), model.predict(frame), "y", model)


@decoders
def test_stamps_of_several_columns_stream(decoder):
    frame = wave(200)
    stamps = frame["t"]
    parts = frame.select(
        "y", year=stamps.dt.year(), month=stamps.dt.month(), day=stamps.dt.day(), hour=stamps.dt.hour()
    )
    model = learned(parts, time="year,month,day,hour", changes={"decoder": decoder})
    answer = streamed(model, parts.with_columns(time=stamps))
    close(answer, model.predict(parts), "y", model)


@decoders
@pytest.mark.parametrize("history", [1, 9])
def test_a_horizon_of_one(decoder, history):
    frame = wave()
    model = learned(frame, time="t", changes={"decoder": decoder, "horizon": 1, "history": history})
    found = model.predict(frame)
    assert len(found) == 1
    close(streamed(model, frame.select("t", "y")), found, "y", model)


@decoders
def test_batches_of_one(decoder):
    model = fitted(
        wave(60), time="t", changes={"decoder": decoder, "batch_size": 1, "history": 2, "horizon": 1}
    )
    assert len(model.predict(wave(60))) == 1


@decoders
@pytest.mark.parametrize(
    ("levels", "columns", "level"),
    [
        ((0.5,), ["y"], None),
        ((0.2, 0.9), ["y", "y_q0.2", "y_q0.9"], None),
        ((0.3,), ["y", "y_q0.3"], None),
        ((0.05, 0.1, 0.9, 0.95), ["y", "y_q0.05", "y_q0.1", "y_q0.9", "y_q0.95"], 0.9),
        ([0.25, 0.5, 0.75], ["y", "y_q0.25", "y_q0.75"], 0.5),
    ],
)
def test_lists_of_quantiles(decoder, levels, columns, level):
    frame = wave(120)
    model = fitted(frame, time="t", changes={"decoder": decoder, "quantiles": levels})
    found = model.predict(frame)
    assert found.columns == ["t", *columns]
    assert model.evaluation_.level == (None if level is None else pytest.approx(level))
    assert str(model.evaluation_)


def test_one_scale_for_all_or_one_each():
    frame = ragged((120, 110))
    own = fitted(frame, time="t", series="shop").inputs_.target_scaler
    one = fitted(frame, time="t", series="shop", changes={"scaling": "global"}).inputs_.target_scaler
    assert own.mean.shape == (2, 1) and one.mean.shape == (1, 1)
    assert own.mean[0, 0] < one.mean[0, 0] < own.mean[1, 0]


def test_one_series_may_have_a_scale_of_its_own_by_name():
    frame = wave().with_columns(shop=pl.lit("s0"))
    model = learned(frame, time="t", series="shop", changes={"scaling": "series"})
    close(streamed(model, frame.select("t", "y", "shop")), model.predict(frame), "y", model)


def test_a_stream_of_many_series_must_say_whose_rows_come():
    frame = ragged((120, 110))
    model = fitted(frame, time="t", series="shop")
    with pytest.raises(
        ArgumentError, match=r"series: expected one of s0, s1, got None. Each series has its own"
    ):
        model.stream()
    with pytest.raises(ArgumentError, match=r"got 's7'"):
        model.stream("s7")


def test_a_global_scale_forecasts_series_it_has_not_seen():
    model = learned(ragged((120, 110)), time="t", series="shop", changes={"scaling": "global"})
    new = wave(30).with_columns(shop=pl.lit("new"))
    found = model.predict(new)
    assert found["shop"].to_list() == ["new"] * 3
    close(streamed(model, new.select("t", "y", "shop")), found, "y", model)


@decoders
def test_series_do_not_see_one_another(decoder):
    frame = ragged((120, 110, 100))
    model = learned(frame, time="t", series="shop", changes={"decoder": decoder})
    alone = frame.filter(pl.col("shop") == "s1")
    together = model.predict(frame).filter(pl.col("shop") == "s1")
    one = model.predict(alone)
    assert one["t"].equals(together["t"])
    np.testing.assert_allclose(one["y"].to_numpy(), together["y"].to_numpy(), rtol=1e-6)


@decoders
def test_a_constant_series_is_forecast_as_it_is(decoder):
    frame = pl.DataFrame({"t": hours(160), "y": np.full(160, 7.0)})
    model = learned(frame, time="t", changes={"decoder": decoder})
    assert model.evaluation_.model.mase != model.evaluation_.model.mase  # nothing to scale by
    assert str(model.evaluation_)
    if decoder != "recursive":
        np.testing.assert_allclose(model.predict(frame)["y"].to_numpy(), 7.0, atol=0.5)


def test_a_loaded_model_that_is_fitted_again_is_saved_as_it_is_now(tmp_path):
    frame, path = wave(), tmp_path / "wave.unrolled"
    fitted(frame, time="t").save(path)
    model = unrolled.load(path)
    model.set_params(horizon=2).fit(frame, "y", time="t", reporter=QUIET)
    model.save(path)
    assert len(unrolled.load(path).predict(frame)) == 2


def test_a_loaded_model_judges_as_before(tmp_path):
    frame, path = wave(), tmp_path / "wave.unrolled"
    model = fitted(frame, time="t")
    model.save(path)
    loaded = unrolled.load(path)
    assert loaded.evaluate(frame).to_dict() == model.evaluate(frame).to_dict()
    assert loaded.summary() == model.summary()
    assert loaded.get_params() == model.get_params()


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        (("parameters", "paths"), "many", "card.parameters: paths: expected a whole number >= 2, got 'many'"),
        (("parameters", "seed"), -1, "card.parameters: seed: expected a whole number >= 0, got -1"),
        (("parameters", "quantiles"), "0.5", "quantiles"),
        (("naive", ""), [1.0, 2.0], r"card.naive\[''\]: expected 1 numbers, got \[1.0, 2.0\]"),
        (("naive", ""), ["a"], "card.naive"),
        (("naive",), {}, "card.naive: expected the scales of each series, got none"),
        (("periods", "test"), "soon", "card.periods.test: expected a stamp, got 'soon'"),
        (("periods", "season"), 0, "card.periods"),
        (("inputs", "masked"), ["target"], "card.network.shape.masked_target: expected True, got False"),
        (("step", "unit"), "week", "card.step"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, place, value, error):
    path = tmp_path / "wave.unrolled"
    fitted_once().save(path)
    card, tensors = read_model(path)
    within = card
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    write_model(path, card, tensors)
    with pytest.raises(ModelFileError, match=error):
        unrolled.load(path)


def fitted_once(made=[]):  # noqa: B006
    if not made:
        made.append(fitted(wave(), time="t"))
    return made[0]


def test_what_was_learned_is_told():
    summary = fitted_once().summary()
    assert summary["data"].startswith(
        "160 rows, 1 series, 1 target, 2024-01-01 to 2024-01-07 15:00, step 1 hour"
    )
    assert summary["split"] == "112 training, 16 validation (half to stop, half to calibrate), 32 test"
    assert "too short" not in summary and "left out" not in summary


def test_wrong_columns_are_named():
    with pytest.raises(ArgumentError, match=r"Did you mean 'sky'"):
        small().fit(wave(), "y", time="t", past="skye", reporter=QUIET)
    with pytest.raises(
        ArgumentError, match=r"known: expected a column in one role, got 'y' in target and known"
    ):
        small().fit(wave(), "y", time="t", known="y", reporter=QUIET)


def test_a_checkpoint_in_no_folder_is_refused_before_anything(tmp_path):
    with pytest.raises(OSError, match=r"nowhere"):
        small().fit("missing.csv", "y", checkpoint=tmp_path / "nowhere" / "run.checkpoint")


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    frame, path = wave(), tmp_path / "run.checkpoint"
    whole = fitted(frame, time="t", checkpoint=path)
    again = fitted(frame, time="t", checkpoint=path, resume=True)
    assert weights(whole) == weights(again)
    with pytest.raises(ArgumentError):
        fitted(wave(seed=1), time="t", checkpoint=path, resume=True)


def test_whatever_does_not_fit_in_a_file_is_a_fault_of_the_file(tmp_path):
    path = tmp_path / "m.unrolled"
    fitted(wave(), time="t").save(path)
    file = read_model(path)
    file.card["inputs"]["roles"]["target"] = []
    write_model(path, file.card, file.tensors)
    with pytest.raises(ModelFileError, match=r"m\.unrolled, .*expected"):
        unrolled.load(path)
    file.card["inputs"]["roles"]["target"] = ["y"]
    write_model(path, file.card, file.tensors | {"a\nb": np.zeros(1, np.float32)})
    with pytest.raises(ModelFileError, match=r"array 'a\\nb': expected an array of the network") as error:
        unrolled.load(path)
    assert "\n" not in str(error.value)
