import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from unrolled.data import check_table_path, to_csv, to_records, write_frame
from unrolled.errors import ArgumentError, OutputError

HOURS = np.datetime64("2024-05-01", "us") + np.arange(3) * np.timedelta64(1, "h")
TABLE = pl.DataFrame({"time": HOURS, "y": np.array([0.5, np.nan, 0.1], np.float32), "name": ["a", None, "c"]})


@pytest.mark.parametrize("kind", [lambda t: t, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_every_kind_of_frame_is_written_and_read_back(tmp_path, kind):
    write_frame(kind(TABLE), tmp_path / "t.parquet")
    found = pl.read_parquet(tmp_path / "t.parquet")
    assert found["time"].to_numpy().tolist() == HOURS.tolist()
    assert found["y"].fill_nan(None).to_list() == [0.5, None, pytest.approx(0.1, abs=1e-8)]
    assert found["name"].to_list() == ["a", None, "c"]


def test_a_csv_is_as_a_person_would_write_it(tmp_path):
    write_frame(TABLE.select("time", "name"), tmp_path / "t.csv")
    text = "time,name\n2024-05-01 00:00:00,a\n2024-05-01 01:00:00,\n2024-05-01 02:00:00,c\n"
    assert (tmp_path / "t.csv").read_text() == text


def test_parts_of_a_second_are_kept():
    assert to_csv({"t": np.array(["2024-05-01T00:00:00.25"], "datetime64[us]")}) == (
        "t\n2024-05-01 00:00:00.250000\n"
    )


def test_records_hold_what_json_can_hold():
    assert to_records(TABLE)[1] == {"time": "2024-05-01 01:00:00", "y": None, "name": None}
    assert to_records(pd.DataFrame({"y": [1.5]})) == [{"y": 1.5}]
    assert to_records(pa.table({"n": [1, 2]})) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("name", "got"), [("t.cvs", "'.cvs'. Did you mean '.csv'?"), ("t", "no ending. Name")]
)
def test_another_ending_is_refused_before_anything_is_written(tmp_path, name, got):
    with pytest.raises(ArgumentError, match=re.escape(f"ending in .csv or .parquet, got {got}")):
        write_frame(TABLE, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(OutputError, match=r"expected a folder that exists, got .* mkdir -p"):
        check_table_path(tmp_path / "none" / "t.csv")


def test_an_old_file_survives_a_frame_that_cannot_be_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(pl.exceptions.ComputeError):
        write_frame(pl.DataFrame({"list": [[1, 2]]}), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
