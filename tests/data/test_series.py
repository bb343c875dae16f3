import dataclasses
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import polars as pl
import pytest

from unrolled.data import Codes, Roles, read_series
from unrolled.errors import ArgumentError, DataError
from unrolled.preprocess import Vocabulary

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_columns_stand_in_the_order_of_the_roles():
    data = read_series(
        {"s": [7, 7, 7], "k": [1, 2, 3], "y": [4.0, None, 6.0], "p": [True, None, False], "t": DAYS},
        Roles("y", time="t", known=["k"], past=["p"], static=["s"]),
    )
    assert data.columns == ("y", "p", "k", "s")
    assert data.values.dtype == np.float32
    np.testing.assert_array_equal(data.values, [[4, 1, 1, 7], [np.nan, np.nan, 2, 7], [6, 0, 3, 7]])
    assert data.stamps.dtype == "datetime64[us]" and data.stamps.astype("M8[D]").astype(str).tolist() == DAYS
    assert data.names == ("",) and data.offsets.tolist() == [0, 3] and data.order is None
    assert data.numeric("target") == slice(0, 1) and data.numeric("known") == slice(2, 3)
    assert set(data.kinds.values()) == {"number"}


def test_text_becomes_categories_and_is_encoded():
    data = read_series(
        {
            "y": [1, 2, 3, 4],
            "sky": ["sun", None, "fog", "sun"],
            "w": pl.Series(["b", "a", "b", "b"], dtype=pl.Categorical),
        },
        Roles("y", past="sky", known="w"),
    )
    assert data.categories["sky"].words == ("fog", "sun")
    assert data.categories["sky"].codes.tolist() == [1, -1, 0, 1]
    assert data.categories["sky"].codes.dtype == np.int32
    assert data.categories["w"].words == ("a", "b") and data.categories["w"].codes.tolist() == [1, 0, 1, 1]
    assert data.categories["sky"].encode(Vocabulary(["sun"])).tolist() == [1, 0, 0, 1]
    assert data.columns == ("y",) and data.kinds == {"y": "number", "sky": "category", "w": "category"}
    assert Codes(np.array([-1], np.int32), ()).encode(Vocabulary(["a"])).tolist() == [0]


def test_rows_of_a_series_may_lie_apart():
    data = read_series(
        {
            "id": ["b", "a", "b", "a"],
            "t": [DAYS[0], DAYS[0], DAYS[1], DAYS[1]],
            "y": [1, 2, 3, 4],
            "c": list("wxyz"),
        },
        Roles("y", time="t", series="id", past="c"),
    )
    assert data.names == ("b", "a") and data.offsets.tolist() == [0, 2, 4]
    assert data.values[:, 0].tolist() == [1, 3, 2, 4] and data.order.tolist() == [0, 2, 1, 3]
    assert data.categories["c"].codes.tolist() == [0, 2, 1, 3]


def test_series_in_one_piece_are_not_moved():
    data = read_series({"id": [2, 2, 10, 1], "y": [1, 2, 3, 4]}, Roles("y", series="id"))
    assert data.names == ("2", "10", "1") and data.offsets.tolist() == [0, 2, 3, 4] and data.order is None


def test_series_names_of_a_file_stay_as_written(tmp_path):
    (tmp_path / "d.csv").write_text("id,y\n007,1\n007,2\n7,3\n")
    assert read_series(tmp_path / "d.csv", Roles("y", series="id")).names == ("007", "7")


def test_kinds_are_demanded(tmp_path):
    (tmp_path / "d.csv").write_text("y,line\n1,05\n2,7\n")
    data = read_series(tmp_path / "d.csv", Roles("y", past="line"), kinds={"line": "category"})
    assert data.categories["line"].words == ("05", "7")
    frame = {"y": [1, 2], "line": [5.0, 7.0]}
    assert read_series(frame, Roles("y", past="line"), {"line": "category"}).categories["line"].words == (
        "5",
        "7",
    )
    frame = {"y": [1, 2], "line": ["5", None]}
    np.testing.assert_array_equal(
        read_series(frame, Roles("y", past="line"), {"line": "number"}).values[:, 1], [5, np.nan]
    )
    frame = {"y": [1, 2], "line": ["5", "x"]}
    with pytest.raises(DataError, match=r"line, row 2: expected a number, got 'x'. Correct the value"):
        read_series(frame, Roles("y", past="line"), {"line": "number"})
    with pytest.raises(ArgumentError, match=r"kinds\['line'\]: expected one of number, category, got 'text'"):
        read_series(frame, Roles("y", past="line"), {"line": "text"})


def test_a_column_without_values_is_a_number_column():
    data = read_series({"y": [1.0, 2.0], "p": pl.Series([None, None], dtype=pl.String)}, Roles("y", past="p"))
    assert data.columns == ("y", "p") and np.isnan(data.values[:, 1]).all()


def test_roles_and_kinds_go_through_json():
    roles = Roles("y", time="t", series="id", known=["k"], past="p,q", static=())
    assert Roles(**json.loads(json.dumps(dataclasses.asdict(roles)))) == roles


def test_rows_to_come_have_no_target():
    data = read_series({"t": DAYS, "k": [1, 2, 3], "c": ["a", "b", "a"]}, Roles(time="t", known="k,c"))
    assert data.columns == ("k",) and data.values.tolist() == [[1], [2], [3]]
    assert data.categories["c"].words == ("a", "b") and data.numeric("known") == slice(0, 1)


def test_truth_and_infinity_in_a_file(tmp_path):
    (tmp_path / "d.csv").write_text("y,p,q\n1,True,false\n2,False,true\n")
    assert read_series(tmp_path / "d.csv", Roles("y", past="p,q")).values.tolist() == [[1, 1, 0], [2, 0, 1]]
    (tmp_path / "d.csv").write_text("y\n1.5\ninf\n")
    with pytest.raises(DataError, match=r"y, row 2: expected a finite number that fits float32, got inf"):
        read_series(tmp_path / "d.csv", Roles("y"))


def test_plain_counters_are_checked_but_are_no_stamps():
    assert read_series({"n": [5, 6, 8], "y": [1, 2, 3]}, Roles("y", time="n")).stamps is None
    with pytest.raises(DataError, match=r"n, row 3: expected stamps that rise, got 4 after 6 \(row 2\)"):
        read_series({"n": [5, 6, 4], "y": [1, 2, 3]}, Roles("y", time="n"))


def read(frame, **roles):
    return read_series(frame, Roles(**roles))


@pytest.mark.parametrize(
    ("frame", "roles", "message"),
    [
        (
            {"t": [DAYS[0], DAYS[2], DAYS[1]], "y": [1, 2, 3]},
            {"target": "y", "time": "t"},
            r"t, row 3: expected stamps that rise, got 2024-01-02.* after 2024-01-03.*Sort the rows first",
        ),
        (
            {"t": [DAYS[0], DAYS[1], DAYS[1]], "y": [1, 2, 3]},
            {"target": "y", "time": "t"},
            r"t, row 3: expected each stamp once, got 2024-01-02 00:00:00 after .*00 \(row 2\). Drop one",
        ),
        (
            {"id": ["a", "b", "b", "a"], "t": [DAYS[0], DAYS[0], DAYS[0], DAYS[1]], "y": [1, 2, 3, 4]},
            {"target": "y", "time": "t", "series": "id"},
            r"t, row 3: expected each stamp once, got .* \(row 2\) in series 'b'",
        ),
        (
            {"y": ["1", "2", "oops"]},
            {"target": "y"},
            r"y, row 3: expected a number, got 'oops'. Correct the value",
        ),
        (
            {"y": [1, 2, 3], "p": ["1", "2", "err"]},
            {"target": "y", "past": "p"},
            r"p, row 3: expected a number, as in most rows, got 'err'",
        ),
        (
            {"y": [1.0, np.inf]},
            {"target": "y"},
            r"y, row 2: expected a finite number that fits float32, got inf",
        ),
        (
            {"y": [1.0, -1e39]},
            {"target": "y"},
            r"y, row 2: expected a finite number that fits float32, got -1e\+39",
        ),
        (
            {"y": [1, 2], "k": [1.0, np.nan]},
            {"target": "y", "known": "k"},
            r"k, row 2: expected a value, got None. A known column must be known at every row",
        ),
        (
            {"y": [1, 2], "k": ["a", None]},
            {"target": "y", "known": "k"},
            r"k, row 2: expected a value, got None",
        ),
        (
            {"id": ["a", "a", "b"], "y": [1, 2, 3], "s": [1, 2, 2]},
            {"target": "y", "series": "id", "static": "s"},
            r"s, row 2: expected one value in a series, as it is static, got another one in series 'a'",
        ),
        (
            {"id": ["a", "b", "b"], "y": [1, 2, 3], "s": ["u", "v", None]},
            {"target": "y", "series": "id", "static": "s"},
            r"s, row 3: .* got another one in series 'b'. Make it the same",
        ),
        (
            {"id": ["a", None], "y": [1, 2]},
            {"target": "y", "series": "id"},
            r"id, row 2: expected the name of a series, got None",
        ),
        (
            {"id": pl.Series([[1], [2]]), "y": [1, 2]},
            {"target": "y", "series": "id"},
            r"id: expected a column of words or numbers, got type List",
        ),
        (
            {"t": np.array(DAYS, "datetime64[D]"), "y": [1, 2, 3]},
            {"target": "t"},
            r"t: expected a column of numbers or text, got one of type Datetime.*Name it in `time`",
        ),
    ],
)
def test_wrong_data(frame, roles, message):
    with pytest.raises(DataError, match=message) as caught:
        read(frame, **roles)
    assert "\n" not in str(caught.value)


def test_wrong_roles():
    with pytest.raises(ArgumentError, match=r"series: expected one column, got \['a', 'b'\]. Join several"):
        Roles("y", series=["a", "b"])
    assert Roles("y", series=["a"]).series == "a"
    with pytest.raises(
        ArgumentError, match=r"past: expected a column in one role, got 'y' in target and past"
    ):
        Roles("y", past=["y"])
    with pytest.raises(
        ArgumentError, match=r"known: expected a column in one role, got 't' in time and known"
    ):
        Roles("y", time="t", known="t")
    with pytest.raises(
        ArgumentError, match=r"past: expected a column of the data, got 'hufl'. Did you mean 'HUFL'"
    ):
        read_series({"y": [1], "HUFL": [2]}, Roles("y", past="hufl"))


MEMORY = """
    import resource, sys
    import numpy as np
    kind, ragged = sys.argv[1], sys.argv[2] == "ragged"
    rows, columns = 400_000, 20
    rng = np.random.default_rng(0)
    made = {f"c{i}": rng.random(rows) for i in range(columns)}
    roles = dict(target="c0", past=[f"c{i}" for i in range(1, columns)])
    if ragged:
        lengths = rng.multinomial(rows - 1000, np.full(1000, 0.001)) + 1
        made["id"] = np.repeat(np.arange(1000), lengths)
        roles["series"] = "id"
    import pandas, polars
    from unrolled.data import Roles, read_series
    frame = polars.DataFrame(made) if kind == "polars" else pandas.DataFrame(made)
    del made
    small = frame.head(1000)
    read_series(small, Roles(**roles))
    def peak():
        return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
    def resident():
        return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    before = resident()
    data = read_series(frame, Roles(**roles))
    print((peak() - before) * 1024 / (rows * columns * 8), len(data.names))
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
@pytest.mark.parametrize(("kind", "shape"), [("polars", "lone"), ("pandas", "ragged")])
def test_reading_a_frame_grows_by_less_than_the_frame(kind, shape):
    pytest.importorskip("pandas")
    code = [sys.executable, "-c", textwrap.dedent(MEMORY), kind, shape]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    growth, series = done.stdout.split()
    assert int(series) == (1 if shape == "lone" else 1000)
    assert 0.4 < float(growth) < 0.9  # the float32 matrix is half of the frame
