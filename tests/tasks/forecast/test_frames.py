import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from small_forecasts import DECODERS, HOUR, fitted, hours, ragged, wave

from unrolled.data import Roles, read_frame
from unrolled.errors import ArgumentError, DataError
from unrolled.tasks.forecast.frames import roles_of

FRAME = wave()
PAST, AHEAD = FRAME[:-3], FRAME.tail(3)


@pytest.fixture(scope="module")
def plain():
    return fitted(FRAME, time="t")


@pytest.fixture(scope="module")
def knowing():
    return fitted(PAST, time="t", known=["x", "sky"])


@pytest.fixture(scope="module")
def shops():
    return fitted(ragged(), time="t", series="shop", known="x")


def test_without_a_target_every_free_number_column_is_one():
    frame = read_frame(FRAME)
    assert roles_of(frame, None, "t", None, known="x") == Roles("y", "t", known="x")
    assert roles_of(frame, "all", "t", None) == Roles("y,x", "t")
    assert roles_of(frame, ["x", "y"], "t", None) == Roles("x,y", "t")


def test_no_free_column_is_an_error():
    with pytest.raises(
        ArgumentError, match=r"target: expected a column of numbers, got none without another"
    ):
        roles_of(read_frame(FRAME), None, "t", None, known="x,y", past="sky")


def test_the_answer_has_a_row_a_step_and_a_column_a_quantile(plain):
    found = plain.predict(FRAME)
    assert found.columns == ["t", "y", "y_q0.1", "y_q0.9"]
    assert found["t"].to_list() == list(hours(163)[160:].astype(object))
    assert (found["y_q0.1"] <= found["y"]).all() and (found["y"] <= found["y_q0.9"]).all()


def test_the_answer_is_of_the_kind_that_came_in(plain, tmp_path):
    expected = plain.predict(FRAME)
    path = tmp_path / "wave.csv"
    FRAME.write_csv(path)
    parquet = tmp_path / "wave.parquet"
    FRAME.write_parquet(parquet)
    kinds = {
        pd.DataFrame: pd.DataFrame({name: FRAME[name].to_numpy() for name in FRAME.columns}),
        pa.Table: FRAME.to_arrow(),
        pl.DataFrame: FRAME,
    }
    for kind, given in kinds.items():
        found = plain.predict(given)
        assert type(found) is kind
        columns = found.column_names if kind is pa.Table else list(found.columns)
        assert columns == expected.columns
        np.testing.assert_array_equal(np.asarray(found["y"]), expected["y"].to_numpy())
    for given in (path, str(parquet), {name: FRAME[name].to_numpy() for name in FRAME.columns}):
        found = plain.predict(given)
        assert found.equals(expected)


def test_an_array_gives_steps():
    array = FRAME["y"].to_numpy()
    found = fitted(array, None).predict(array)
    assert found.columns == ["step", "x0", "x0_q0.1", "x0_q0.9"] and found["step"].to_list() == [1, 2, 3]


def test_two_columns_of_an_array():
    array = FRAME.select("y", "x").to_numpy()
    found = fitted(array, None).predict(array)
    assert found.columns == ["step", "x0", "x0_q0.1", "x0_q0.9", "x1", "x1_q0.1", "x1_q0.9"]


def test_stamps_of_several_columns_are_given_as_one(tmp_path):
    stamps = FRAME["t"]
    parts = FRAME.with_columns(
        year=stamps.dt.year(), month=stamps.dt.month(), day=stamps.dt.day(), hour=stamps.dt.hour()
    ).drop("t")
    model = fitted(parts, time="year,month,day,hour")
    found = model.predict(parts)
    assert found.columns[0] == "time" and found["time"][0] == hours(161)[-1].astype(object)
    assert found["y"].equals(fitted(FRAME, time="t").predict(FRAME)["y"])


def test_counted_stamps_give_steps():
    frame = FRAME.with_columns(t=pl.int_range(pl.len()))
    found = fitted(frame, time="t").predict(frame)
    assert found.columns[0] == "step"


def test_series_come_back_as_they_were_named():
    frame = ragged((100, 100)).with_columns(shop=pl.col("shop").str.slice(1).cast(pl.Int64) + 7)
    found = fitted(frame, time="t", series="shop").predict(frame)
    assert found["shop"].to_list() == [7, 7, 7, 8, 8, 8]
    pandas = pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})
    assert fitted(pandas, time="t", series="shop").predict(pandas)["shop"].tolist() == [7, 7, 7, 8, 8, 8]


def test_a_series_called_007_stays_so(tmp_path):
    frame = ragged((100, 100)).with_columns(shop=pl.col("shop").replace({"s0": "007", "s1": "012"}))
    path = tmp_path / "agents.csv"
    frame.write_csv(path)
    model = fitted(path, time="t", series="shop")
    assert model.inputs_.series_names == ("007", "012")
    assert model.predict(path)["shop"].unique().sort().to_list() == ["007", "012"]
    assert model.evaluate(path).windows == model.evaluation_.windows
    assert model.predict(frame).equals(model.predict(path))


def test_a_frame_where_each_series_ends_by_itself(shops):
    frame = ragged()
    ahead = pl.concat(
        [wave(160).select("t", "x").with_columns(shop=pl.lit(f"s{place}")) for place in range(3)]
    )
    found = shops.predict(frame, future=ahead)
    for place, length in enumerate((120, 100, 90)):
        own = found.filter(pl.col("shop") == f"s{place}")
        assert own["t"].to_list() == list(hours(length + 3)[length:].astype(object))


@pytest.mark.parametrize("decoder", DECODERS)
def test_known_columns_matter_and_only_those_of_the_horizon(decoder):
    changes = {"decoder": decoder, "learning_rate": 0.02}
    model = fitted(PAST, time="t", known="x", changes=changes)
    right = model.predict(PAST, future=AHEAD)
    other = model.predict(PAST, future=AHEAD.with_columns(pl.col("x") + 3))
    assert not right["y"].equals(other["y"])
    longer = pl.concat([FRAME, wave(5, start="2024-03-01")])  # rows of other stamps are passed over
    assert model.predict(PAST, future=longer).equals(right)


def test_a_future_without_the_other_columns(knowing):
    narrow = AHEAD.select("t", "x", "sky")
    assert knowing.predict(PAST, future=narrow).equals(knowing.predict(PAST, future=AHEAD))


def test_a_future_in_another_order_of_words_is_the_same(knowing):
    both = pl.concat([wave(3, start="2023-01-01").with_columns(sky=pl.lit("aaa")), AHEAD])
    assert knowing.predict(PAST, future=both).equals(knowing.predict(PAST, future=AHEAD))


def test_a_missing_future_is_refused(knowing):
    with pytest.raises(
        ArgumentError, match=r"future: expected the next 3 rows of x, sky, got none. Pass future="
    ):
        knowing.predict(PAST)


def test_a_future_without_a_stamp_is_refused(knowing):
    with pytest.raises(
        DataError, match=r"future: expected a row for 2024-01-07T15:00:00, got none. Give every"
    ):
        knowing.predict(PAST, future=AHEAD[:2])


def test_a_future_without_a_column_is_refused(knowing):
    with pytest.raises(ArgumentError, match=r"known: expected a column of the data, got 'sky'"):
        knowing.predict(PAST, future=AHEAD.drop("sky"))


def test_a_future_with_a_hole_is_refused(knowing):
    with pytest.raises(
        DataError, match=r"x, row 1: expected a value, got None. A known column must be known"
    ):
        knowing.predict(PAST, future=AHEAD.with_columns(x=pl.Series([None, 1.0, 2.0])))


def test_a_future_of_a_series_that_misses_is_refused(shops):
    ahead = ragged((130, 130, 130)).filter(pl.col("shop") != "s2")
    with pytest.raises(DataError, match=r"future: expected rows of series 's2', got none. Add them."):
        shops.predict(ragged(), future=ahead)


def test_without_stamps_a_future_has_exactly_the_horizon():
    model = fitted(PAST.drop("t"), known="x")
    assert len(model.predict(PAST.drop("t"), future=AHEAD.drop("t"))) == 3
    for rows in (2, 4):
        with pytest.raises(
            DataError, match=rf"future: expected 3 rows, got {rows}. Without a time column give"
        ):
            model.predict(PAST.drop("t"), future=FRAME.tail(rows).drop("t"))


def test_a_frame_without_a_column_is_refused(plain):
    with pytest.raises(ArgumentError, match=r"target: expected a column of the data, got 'y'"):
        plain.predict(FRAME.drop("y"))


def test_too_few_rows_to_look_back_at(plain, shops):
    assert len(plain.predict(FRAME.tail(8))) == 3
    with pytest.raises(
        DataError, match=r"data: expected at least 8 rows to look back at, got 7. Give more rows"
    ):
        plain.predict(FRAME.tail(7))
    short = ragged((120, 5, 90))
    ahead = ragged((130, 130, 130))
    with pytest.raises(DataError, match=r"series 's1': expected at least 8 rows to look back at, got 5"):
        shops.predict(short, future=ahead)


def test_months_go_on_by_the_calendar():
    stamps = np.arange("2000-01", "2012-01", dtype="datetime64[M]").astype("datetime64[us]")
    frame = pl.DataFrame({"t": stamps, "y": np.sin(np.arange(144) / 12 * 2 * np.pi)})
    found = fitted(frame, time="t").predict(frame)
    assert [stamp.isoformat()[:10] for stamp in found["t"]] == ["2012-01-01", "2012-02-01", "2012-03-01"]


def test_a_gap_at_the_end_does_not_change_the_step(plain):
    gap = FRAME.with_columns(
        t=pl.when(pl.int_range(pl.len()) == 159).then(pl.col("t") + pl.duration(days=9)).otherwise("t")
    )
    found = plain.predict(gap)
    assert np.diff(found["t"].to_numpy()).tolist() == [HOUR, HOUR]
