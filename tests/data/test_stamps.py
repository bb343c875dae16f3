import numpy as np
import polars as pl
import pytest

from unrolled.data import read_frame, read_stamps
from unrolled.errors import ArgumentError, DataError


def stamps_of(columns, *names):
    made = read_stamps(read_frame(columns), names or tuple(columns))
    return made.astype("datetime64[s]").astype(str).tolist() if made.dtype.kind == "M" else made.tolist()


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["2024-05-31", "2024-06-01"], "2024-05-31T00:00:00"),
        (["2024-05-31 14:05:00", "2024-06-01 00:00:00"], "2024-05-31T14:05:00"),
        (["2024-05-31T14:05", "2024-06-01T00:00"], "2024-05-31T14:05:00"),
        (["2024-05-31T14:05:00.250", "2024-06-01T00:00:00"], "2024-05-31T14:05:00"),
        (["2024-05-31T14:05:00Z", "2024-06-01T00:00:00Z"], "2024-05-31T14:05:00"),
        (["2024-05-31T14:05:00+02:00", "2024-06-01T00:00:00+02:00"], "2024-05-31T12:05:00"),
        (["2024/05/31 14:05", "2024/06/01 00:00"], "2024-05-31T14:05:00"),
        (["31.05.2024", "01.06.2024"], "2024-05-31T00:00:00"),
        (["05/01/2024", "05/31/2024"], "2024-05-01T00:00:00"),
        (["01/05/2024", "31/05/2024"], "2024-05-01T00:00:00"),
        (["5/31/2024 2:05:00 PM", "6/1/2024 1:00:00 AM"], "2024-05-31T14:05:00"),
        (["31-May-2024", "01-Jun-2024"], "2024-05-31T00:00:00"),
        (["May 31, 2024", "Jun 1, 2024"], "2024-05-31T00:00:00"),
        (["2024-05", "2024-06"], "2024-05-01T00:00:00"),
        (["20240531", "20240601"], "2024-05-31T00:00:00"),
        (["03/03/2024", "04/04/2024"], "2024-03-03T00:00:00"),
    ],
)
def test_written_forms(words, first):
    assert stamps_of({"date": words})[0] == first


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("t", [0, 1, 2], [0, 1, 2]),
        ("t", [0.1, 0.2], [0.1, 0.2]),
        ("t", [1717164300, 1717164360], ["2024-05-31T14:05:00", "2024-05-31T14:06:00"]),
        ("t", [1717164300000, 1717164360000], ["2024-05-31T14:05:00", "2024-05-31T14:06:00"]),
        ("t", [1717164300000000], ["2024-05-31T14:05:00"]),
        ("t", [1717164300000000000], ["2024-05-31T14:05:00"]),
        ("t", [20240531, 20240601], ["2024-05-31T00:00:00", "2024-06-01T00:00:00"]),
        ("Year", [1999, 2000], ["1999-01-01T00:00:00", "2000-01-01T00:00:00"]),
        ("t", [1999, 2000], [1999, 2000]),
    ],
)
def test_numbers(name, numbers, expected):
    assert stamps_of({name: numbers}) == expected


def test_times_dates_and_zones():
    aware = pl.Series("t", ["2024-05-31T14:05:00"]).str.to_datetime().dt.replace_time_zone("Europe/Berlin")
    assert stamps_of({"t": aware}) == ["2024-05-31T12:05:00"]
    assert stamps_of({"t": aware.dt.date()}) == ["2024-05-31T00:00:00"]
    assert stamps_of({"t": np.array(["2024-05-31"], "datetime64[D]")}) == ["2024-05-31T00:00:00"]


def test_several_columns_by_name_and_by_place():
    by_name = {"hour": [5, 6], "Day": [31, 31], "month": [5, 5], "year": [2024, 2024]}
    assert stamps_of(by_name) == ["2024-05-31T05:00:00", "2024-05-31T06:00:00"]
    assert stamps_of({"y": [2024], "m": [2], "d": [29]}) == ["2024-02-29T00:00:00"]
    assert stamps_of({"year": [2024], "month": [2]}) == ["2024-02-01T00:00:00"]
    assert stamps_of({"date": ["2024-05-31"], "clock": ["14:05"]}) == ["2024-05-31T14:05:00"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"date": ["2024-05-31", "2024-05-32"]},
            r"date, row 2: expected a stamp like '2024-05-31', got '2024-05-32'",
        ),
        (
            {"date": ["soon", "2024-05-31"]},
            r"date, row 1: expected a stamp, got 'soon'. Write stamps like 2024",
        ),
        ({"date": ["24-05-31"]}, r"date, row 1: expected a stamp, got '24-05-31'"),
        ({"date": ["2024-05-31", None]}, r"date, row 2: expected a stamp, got None. Fill it in"),
        (
            {"date": ["03/04/2024", "04/04/2024"]},
            r"date, row 1: .*reads one way, got '03/04/2024'. Day or month",
        ),
        ({"t": np.array([1.0, np.nan])}, r"t, row 2: expected a stamp, got nan"),
        ({"y": [2024, 2023], "m": [2, 2], "d": [29, 29]}, r"d, row 2: expected a day of 2023-02, got 29"),
        ({"y": [2024], "m": [13]}, r"m, row 1: expected a month in 1..12, got 13. Correct the date"),
        ({"y": [24], "m": [1]}, r"y, row 1: expected a year in 1000..9999, got 24"),
        ({"t": [True, False]}, r"t: expected stamps, got a column of type Boolean"),
    ],
)
def test_wrong_stamps(columns, message):
    with pytest.raises(DataError, match=message):
        stamps_of(columns)


def test_wrong_parts():
    with pytest.raises(
        ArgumentError, match=r"time: expected columns in the order year, month.* got hour, minute"
    ):
        stamps_of({"hour": [1], "minute": [2]})
    with pytest.raises(
        ArgumentError, match=r"time: expected a column of the data, got 'dat'. Did you mean 'date'"
    ):
        stamps_of({"date": ["2024-05-31"]}, "dat")
