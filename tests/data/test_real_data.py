"""The real sets read as they are known to be, and nothing is found wrong where nothing is."""

import os
from pathlib import Path

import numpy as np
import pytest

from unrolled.data import (
    Roles,
    check,
    future_stamps,
    origins,
    read_series,
    season_length,
    split_rows,
    step_of,
)
from unrolled.preprocess import StandardScaler, TimeFeatures

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        "UNROLLED_DATA" not in os.environ, reason="UNROLLED_DATA names no folder of real data"
    ),
]

ETTH1 = Roles("OT", time="date", past="HUFL,HULL,MUFL,MULL,LUFL,LULL")
BEIJING = Roles("pm2.5", time="year,month,day,hour", past="DEWP,TEMP,PRES,cbwd,Iws,Is,Ir")


def path(name):
    return Path(os.environ["UNROLLED_DATA"]) / "forecast" / name


def test_etth1_read_split_windowed():
    data = read_series(path("ETTh1.csv"), ETTH1)
    assert data.values.shape == (17420, 7) and data.columns[0] == "OT"
    assert str(step_of(data.stamps)) == "1 hour" and season_length(data.stamps) == 24
    parts = split_rows(data, (8640, 2880, 2880))
    assert len(origins(data, parts.test, 336, 96)) == 2785
    scaler = StandardScaler.fit(data.values[: parts.train[0, 1]])
    np.testing.assert_allclose(scaler.mean[0, 0], 17.128, atol=1e-3)
    np.testing.assert_allclose(scaler.scale[0, 0], 9.176, atol=1e-3)
    assert TimeFeatures.choose(data.stamps).phases == ("hour of day", "day of week", "day of year")


@pytest.mark.parametrize("role", ["past", "known"])
@pytest.mark.parametrize("target", ["OT", "HUFL", "MULL"])
def test_nothing_is_wrong_with_etth1(target, role):
    rest = [name for name in ("OT", "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL") if name != target]
    assert check(path("ETTh1.csv"), Roles(target, time="date", **{role: rest}), 336, 96) == []


@pytest.mark.parametrize("target", ["temp_max", "temp_min", "precipitation", "wind"])
def test_nothing_is_wrong_with_seattle(target):
    rest = [n for n in ("precipitation", "temp_max", "temp_min", "wind", "weather") if n != target]
    assert check(path("seattle-weather.csv"), Roles(target, time="date", known=rest), 28, 7) == []


def test_seattle_has_a_categorical_column():
    data = read_series(path("seattle-weather.csv"), Roles("temp_max", time="date", past="weather,wind"))
    assert data.categories["weather"].words == ("drizzle", "fog", "rain", "snow", "sun")
    assert str(step_of(data.stamps)) == "1 day" and data.columns == ("temp_max", "wind")


def test_beijing_lacks_values_and_nothing_else():
    (found,) = check(path("beijing-pm25.csv"), BEIJING, 168, 24)
    assert (
        found.kind == "missing"
        and found.column == "pm2.5"
        and "2067 missing values among 43824" in found.detail
    )
    data = read_series(path("beijing-pm25.csv"), BEIJING)
    assert int(np.isnan(data.values).sum()) == 2067 and data.categories["cbwd"].words == (
        "NE",
        "NW",
        "SE",
        "cv",
    )
    assert data.stamps[0] == np.datetime64("2010-01-01") and str(step_of(data.stamps)) == "1 hour"


def test_the_prices_hold_one_column_twice():
    roles = Roles("close", time="date", past="open,high,low,adjclose,volume")
    findings = check(path("sp500-2000.csv"), roles)
    assert [(f.kind, f.column) for f in findings] == [("gap", "date"), ("copy", "adjclose")]
    assert "first after 2001-09-10" in findings[0].detail
    data = read_series(path("sp500-2000.csv"), roles)
    assert str(step_of(data.stamps)) == "business day"
    assert not (np.diff(future_stamps(data.stamps, 30).astype("datetime64[D]").astype(int)) > 3).any()
    known = Roles("close", time="date", known="open,adjclose")
    assert "leak" in [f.kind for f in check(path("sp500-2000.csv"), known) if f.severity == "error"]
