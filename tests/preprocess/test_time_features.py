import calendar
import datetime
import json
import math

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError
from unrolled.preprocess import TimeFeatures
from unrolled.preprocess.time_features import PHASES


def stamps(start, step, count):
    return np.datetime64(start, "us") + np.arange(count) * np.timedelta64(*step)


@pytest.mark.parametrize(
    ("made", "phases"),
    [
        (stamps("2020-01-01", (1, "h"), 24 * 600), ["hour of day", "day of week", "day of year"]),
        (stamps("2020-01-01", (1, "h"), 24 * 300), ["hour of day", "day of week"]),
        (stamps("2020-01-01", (1, "h"), 24 * 2), ["hour of day"]),
        (stamps("2020-01-01", (15, "m"), 4 * 24 * 30), ["minute of hour", "hour of day", "day of week"]),
        (stamps("2020-01-01", (1, "D"), 1000), ["day of week", "day of year"]),
        (stamps("2020-01-01", (7, "D"), 200), ["day of year"]),
        (np.arange("2000-01", "2010-01", dtype="datetime64[M]"), ["month of year"]),
        (np.arange("2000-01", "2010-01", 3, dtype="datetime64[M]"), ["month of year"]),
        (np.arange("1950", "2010", dtype="datetime64[Y]"), []),
        (stamps("2020-01-01", (1, "s"), 200), ["second of minute"]),
        (stamps("2020-01-01", (1, "D"), 2), []),
        (stamps("2020-01-01", (1, "D"), 0), []),
    ],
)
def test_the_phases_that_fit(made, phases):
    assert list(TimeFeatures.choose(made).phases) == phases


def test_series_one_after_another_do_not_change_the_choice():
    one = stamps("2020-01-01", (1, "h"), 1000)
    assert TimeFeatures.choose(np.concatenate([one, one, one])).phases == TimeFeatures.choose(one).phases


def test_numbers_against_the_calendar_module():
    rng = np.random.default_rng(0)
    ticks = rng.integers(-(10**15), 4 * 10**15, 400)  # 1938 to 2096
    made = ticks.astype("datetime64[us]")
    features = TimeFeatures(PHASES).encode(made)
    assert features.dtype == np.float32 and features.shape == (400, 12)
    for row, stamp in zip(features, made.tolist(), strict=True):
        year_days = 366 if calendar.isleap(stamp.year) else 365
        midnight = stamp.replace(hour=0, minute=0, second=0, microsecond=0)
        hours = (stamp - midnight) / datetime.timedelta(hours=1)
        shares = [
            (stamp.second + stamp.microsecond / 1e6) / 60,
            hours % 1,
            hours / 24,
            stamp.weekday() / 7,
            (stamp.timetuple().tm_yday - 1) / year_days,
            (stamp.month - 1) / 12,
        ]
        expected = [wave(2 * math.pi * share) for share in shares for wave in (math.sin, math.cos)]
        np.testing.assert_allclose(row, expected, atol=2e-7)


def january_first(year):
    def leaps(n):
        return n // 4 - n // 100 + n // 400

    return 365 * (year - 1970) + leaps(year - 1) - leaps(1969)


@pytest.mark.parametrize("year", [1900, 1969, 1970, 1999, 2000, 2001, 2024, 2100, 2101])
def test_the_documented_formula_of_january_first(year):
    assert january_first(year) == np.datetime64(f"{year}-01-01", "D").astype(int)


def test_shape_names_and_card():
    features = TimeFeatures(["hour of day", "day of week"])
    assert features.names == ("sin hour of day", "cos hour of day", "sin day of week", "cos day of week")
    assert features.encode(np.zeros((2, 3), "datetime64[s]")).shape == (2, 3, 4)
    assert TimeFeatures.from_card(json.loads(json.dumps(features.card()))).phases == features.phases
    assert TimeFeatures().encode(np.zeros(5, "datetime64[us]")).shape == (5, 0)


def test_bad_arguments():
    with pytest.raises(ArgumentError, match=r"phases: expected of .*, got 'moon'"):
        TimeFeatures(["moon"])
    with pytest.raises(ArgumentError, match=r"stamps: expected datetime64, got float64.*astype"):
        TimeFeatures.choose(np.arange(3.0))
    with pytest.raises(ArgumentError, match="stamps: expected a time in every row, got NaT"):
        TimeFeatures(["hour of day"]).encode(np.array(["NaT"], "datetime64[us]"))
    with pytest.raises(ModelFileError, match=r"time features: expected a card of time features.*moon"):
        TimeFeatures.from_card({"kind": "time features", "phases": ["moon"]})


def test_cycles_that_a_window_shows_are_left_out():
    hours = np.arange("2020-01-01", "2023-01-01", dtype="datetime64[h]").astype("datetime64[us]")
    assert TimeFeatures.choose(hours).phases == ("hour of day", "day of week", "day of year")
    assert TimeFeatures.choose(hours, window=24).phases == ("day of week", "day of year")
    assert TimeFeatures.choose(hours, window=720).phases == ("day of year",)
