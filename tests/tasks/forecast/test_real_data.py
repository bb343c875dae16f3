"""Forecasters on the real sets: gaps, words, stamps in four columns, and no false alarm of the leak test."""

import numpy as np
import polars as pl
import pytest
from small_forecasts import QUIET, Forecaster, rows_of

from unrolled.data import read_frame, read_series

pytestmark = pytest.mark.real_data

SETS = {
    "ETTh1.csv": {"target": "OT", "time": "date", "past": "HUFL,MUFL"},
    "seattle-weather.csv": {"target": "temp_max", "time": "date", "past": "weather,wind"},
    "beijing-pm25.csv": {"target": "pm2.5", "time": "year,month,day,hour", "past": "TEMP,cbwd"},
}


def small(**changes):
    options = {"horizon": 6, "history": 24, "hidden_size": 8, "epochs": 1, "batch_size": 256, "device": "cpu"}
    return Forecaster(**options | changes)


def head(real_data, name, rows=1400):
    """The first rows of a set, as the tool reads them."""
    frame = read_frame(real_data / "forecast" / name)
    return pl.DataFrame({column: frame.column(column) for column in frame.columns})[:rows]


@pytest.mark.parametrize("name", list(SETS))
def test_no_false_alarm(real_data, name):
    frame = head(real_data, name)
    columns = dict(SETS[name])
    columns["known"] = columns["past"].split(",")[0]
    columns["past"] = columns["past"].split(",")[1]
    model = small().fit(frame, **columns, reporter=QUIET)
    leaks = model.leak_test(frame, QUIET)
    assert [leak.kind for leak in leaks if leak.found] == []


def test_gaps_are_neither_dropped_nor_filled(real_data):
    frame = head(real_data, "beijing-pm25.csv")
    assert frame["pm2.5"].null_count() > 24
    model = small(decoder="direct", bptt=32).fit(frame, **SETS["beijing-pm25.csv"], reporter=QUIET)
    data = read_series(frame, model.inputs_.roles)
    assert model.split_.rows[0] + model.split_.rows[1] + model.split_.rows[2] == len(frame) == data.rows
    assert model.network_.shape.masked_target and np.isfinite(model.evaluation_.model.mse)


@pytest.mark.parametrize("decoder", ["segment", "direct"])
def test_a_stream_of_real_rows_answers_what_predict_does(real_data, decoder):
    frame = head(real_data, "beijing-pm25.csv", 900)
    model = small(decoder=decoder, bptt=32).fit(frame, **SETS["beijing-pm25.csv"], reporter=QUIET)
    stamp = pl.datetime("year", "month", "day", "hour")
    rows = frame.select("pm2.5", "TEMP", "cbwd", time=stamp)
    if model.stream().columns[-1] != "time":
        rows = rows.drop("time")
    found, answer = model.predict(frame), model.stream().last(rows_of(rows))
    bound = 1e-5 * np.maximum(found["pm2.5"].abs().to_numpy(), float(model.inputs_.target_scaler.scale[0, 0]))
    assert (np.abs(answer[:, 0, 1] - found["pm2.5"].to_numpy()) <= bound).all()


def test_all_channels_at_once(real_data):
    frame = head(real_data, "ETTh1.csv")
    model = small().fit(frame, None, time="date", split=(900, 250, 250), reporter=QUIET)
    assert len(model.inputs_.roles.target) == 7 and model.evaluation_.windows == 245
    truth = frame["OT"].to_numpy()
    last = np.array([np.abs(truth[row : row + 6] - truth[row - 1]).mean() for row in range(1150, 1395)])
    assert model.evaluation_.score("last value").raw_mae["OT"] == pytest.approx(last.mean(), rel=1e-4)
