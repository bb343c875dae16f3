from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from unrolled.errors import ArgumentError, DataError, ModelFileError, ShapeError, UnrolledError
from unrolled.format import new_card, write_model
from unrolled.runtime import Columns, Graph, Input, Interval, Node, Program, Stream
from unrolled.runtime import operations as ops
from unrolled.runtime.stream import run_sequence

NOON = datetime(2024, 5, 1, 12)


@pytest.fixture(autouse=True, params=["native", "numpy"])
def runtime(request, monkeypatch) -> str:
    """Every test here holds in both runtimes."""
    monkeypatch.setenv("UNROLLED_RUNTIME", request.param)
    return request.param


def rows_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)


def gru_by_hand(program: Program, rows: np.ndarray) -> np.ndarray:
    """The equations in float64, written out once more."""
    w = {name: array.astype(np.float64) for name, array in program.weights.items()}
    h, answers = np.zeros(3), []
    for x in rows.astype(np.float64):
        a, u = w["w_ih"] @ x + w["b_ih"], w["w_hh"] @ h + w["b_hh"]
        r, z = (1 / (1 + np.exp(-(a[i : i + 3] + u[i : i + 3]))) for i in (0, 3))
        h = (1 - z) * np.tanh(a[6:] + r * u[6:]) + z * h
        answers.append(w["head"] @ h)
    return np.array(answers)


def test_a_stream_computes_the_equations(gru_program):
    rows = rows_of(20)
    stream = Stream(gru_program)
    answers = np.array([stream.step(row) for row in rows])
    np.testing.assert_allclose(answers, gru_by_hand(gru_program, rows), rtol=0, atol=1e-6)
    assert answers.dtype == np.float32 and stream.rows == 20


def test_any_split_gives_the_same_bits(gru_program):
    rows = rows_of(20)
    whole = Stream(gru_program).run(rows)
    stream = Stream(gru_program)
    parts = [stream.run(rows[:7]), stream.run(rows[7:8]), stream.run(rows[8:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(Stream(gru_program).last(rows), whole[-1])
    np.testing.assert_allclose(run_sequence(gru_program, rows), whole, atol=1e-6)


def test_a_row_by_name_in_any_order(gru_program):
    by_name = Stream(gru_program).step({"load": 2, "speed": 1.5})
    np.testing.assert_array_equal(by_name, Stream(gru_program).step([1.5, 2]))
    assert Stream(gru_program).columns == ("speed", "load")


def test_rows_are_not_modified_and_answers_not_shared(gru_program):
    rows = rows_of(5)
    before, stream = rows.copy(), Stream(gru_program)
    first = stream.step(rows[0])
    kept = first.copy()
    first += 1
    stream.step(rows[1])
    other = Stream(gru_program)
    np.testing.assert_array_equal(other.step(rows[0]), kept)
    np.testing.assert_array_equal(rows, before)


def test_a_row_may_hold_what_the_program_says_it_does_not_read(gru_program):
    columns = replace(gru_program.columns, unread=("date", "place"))
    row = {"load": 2, "speed": 1.5, "date": "2024-05-01"}
    answer = Stream(replace(gru_program, columns=columns)).step(row)
    np.testing.assert_array_equal(answer, Stream(gru_program).step([1.5, 2]))
    with pytest.raises(DataError, match=r"row: column 'date': expected a column of the model, got another"):
        Stream(gru_program).step(row)


def test_an_answer_can_go_into_an_array(gru_program):
    out = np.empty(2, np.float32)
    assert Stream(gru_program).step([1, 2], out=out) is out
    np.testing.assert_array_equal(out, Stream(gru_program).step([1, 2]))
    stream = Stream(gru_program)
    with pytest.raises(
        ShapeError, match=r"out: expected float32 \(2,\), got float64 \(2,\). Or leave it out."
    ):
        stream.step([1, 2], out=np.empty(2))
    assert stream.rows == 0


BAD_ROWS = [
    ({"speed": 1}, DataError, r"row: column 'load': expected a value, got none. Write None"),
    ({"speed": 1, "laod": 2}, DataError, r"row: column 'laod': .* got another. Did you mean 'load'\?"),
    ({"speed": "fast", "load": 2}, DataError, "column 'speed': expected a number, got 'fast'. Turn it"),
    (
        {"speed": None, "load": 2},
        DataError,
        "column 'speed': expected a finite number, got a missing value. The",
    ),
    (
        {"speed": 1, "load": float("inf")},
        DataError,
        "column 'load': expected a finite number, got inf. Correct",
    ),
    ({"speed": 1, "load": 1e39}, DataError, "column 'load': expected a finite number, got 1e\\+39"),
    ([1, np.nan], DataError, "column 'load': expected a finite number, got a missing value"),
    ([1, 2, 3], ShapeError, r"row: expected 2 columns \(speed, load\), got 3. Keep this order."),
    ([[1, 2], [3, 4]], ShapeError, r"row: expected \(columns,\), got \(2, 2\). Several rows\? Use run"),
    (["a", "b"], DataError, "row: expected numbers, got <U1. Pass text and stamps by name"),
    ("12", ArgumentError, "row: expected numbers or a mapping, got '12'"),
    (None, ArgumentError, "row: expected numbers or a mapping, got None"),
]


@pytest.mark.parametrize(("row", "error", "message"), BAD_ROWS)
def test_a_bad_row_is_refused_and_the_state_stays(gru_program, row, error, message):
    stream = Stream(gru_program)
    stream.step([1, 2])
    before = stream.state
    with pytest.raises(error, match=message) as caught:
        stream.step(row)
    assert "\n" not in str(caught.value)
    assert stream.state == before


def test_of_many_rows_the_bad_one_is_named(gru_program):
    with pytest.raises(DataError, match="column 'load', row 2: expected a finite number"):
        Stream(gru_program).run([[1, 2], [3, np.nan]])
    with pytest.raises(DataError, match="rows: expected columns of one length, got speed: 2, load: 1"):
        Stream(gru_program).run({"speed": [1, 2], "load": [1]})
    with pytest.raises(ArgumentError, match="rows: expected at least one row, got 0"):
        Stream(gru_program).last(np.empty((0, 2)))
    assert Stream(gru_program).run(np.empty((0, 2))).shape == (0, 2)


def test_a_saved_state_goes_on_to_the_bit(gru_program):
    rows = rows_of(12)
    first = Stream(gru_program)
    first.run(rows[:5])
    second = Stream(gru_program)
    second.restore(first.state)
    assert second.rows == 5
    np.testing.assert_array_equal(second.run(rows[5:]), first.run(rows[5:]))
    assert second.state == first.state
    second.reset()
    assert second.state == Stream(gru_program).state


def test_a_state_is_bound_to_its_model(gru_program, forecaster):
    with pytest.raises(
        ArgumentError, match=r"state: expected a state of this model, got another model's. Pass"
    ):
        Stream(gru_program).restore(Stream(forecaster, series="north").state)


def test_a_cut_or_altered_state_is_refused(gru_program):
    stream = Stream(gru_program)
    stream.step([1, 2])
    blob = stream.state
    other = Stream(gru_program)
    other.step([3, 4])
    before = other.state
    broken = [blob[:n] for n in range(len(blob))] + [blob + b"\0"]
    for place in range(len(blob)):
        broken.append(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])
    for bad in broken:
        with pytest.raises(ArgumentError, match=r"^state: expected"):
            other.restore(bad)
    with pytest.raises(ArgumentError, match="state: expected bytes, got str"):
        other.restore("state")
    assert other.state == before


def test_a_bidirectional_model_says_what_to_do(gru_program):
    node = Node("gru", ops.Recurrent("gru", "w_ih", "w_hh", direction="backward"), ("x",))
    graph = Graph(gru_program.graph.inputs, (node, gru_program.graph.nodes[1]), {"scores": "scores"})
    program = Program(graph, gru_program.weights)
    with pytest.raises(
        ArgumentError, match=r"reads the sequence backward.*Pass the whole sequence to run_sequence"
    ):
        Stream(program)
    answers = run_sequence(program, rows_of(4))
    turned = run_sequence(Program(gru_program.graph, _without_biases(gru_program)), rows_of(4)[::-1])
    np.testing.assert_allclose(answers, turned[::-1], atol=1e-6)


def _without_biases(program: Program) -> dict:
    return {name: array * (not name.startswith("b_")) for name, array in program.weights.items()}


def test_a_stream_opens_a_model_file(gru_program, tmp_path):
    path = tmp_path / "m.unrolled"
    card = new_card("model", "classify", {"program": gru_program.to_card()})
    write_model(path, card, dict(gru_program.weights))
    np.testing.assert_array_equal(Stream(path).run(rows_of(5)), Stream(gru_program).run(rows_of(5)))
    write_model(path, new_card("model", "classify", {}), {})
    with pytest.raises(ModelFileError, match=r"card.program: expected a program to run, got none. Save"):
        Stream(path)


def row(hour: int, load: float | None = 3.0, weather: str | None = "sun") -> dict:
    return {"load": load, "weather": weather, "time": NOON + timedelta(hours=hour)}


def test_a_forecast_by_hand(forecaster):
    """Rows at 12, 13 and 14 o'clock; the answers are for 15 (sine -1/sqrt 2) and 16 o'clock (cosine -1/2)."""
    stream = Stream(forecaster, series="south")
    future = {"weather": ["rain", None]}
    assert stream.step(row(0)) is None
    assert stream.step(row(1, load=None)) is None and not stream.ready
    answer = stream.step(row(2, load=6.0), future)
    level = 1000 + (3 + 0 + 6) / 3
    wanted = [level + 100 + 10 * np.sin(np.pi * 15 / 12) + np.cos(np.pi * 15 / 12)]
    wanted += [level + 10 * np.sin(np.pi * 16 / 12) + np.cos(np.pi * 16 / 12)]
    np.testing.assert_allclose(answer.ravel(), wanted, rtol=1e-6)
    assert answer.shape == (2, 1, 1) and stream.ready


def test_words_stamps_and_codes_mean_the_same(forecaster):
    ticks = np.datetime64(NOON, "us").astype(np.int64)
    by_word = Stream(forecaster, series=1)
    by_code = Stream(forecaster, series=1)
    assert by_word.columns == ("load", "weather", "time")
    for hour in range(4):
        named = by_word.step(row(hour), {"weather": ["sun", "hail"]})
        stamp = float(ticks + hour * 3_600_000_000)
        coded = by_code.step(np.array([3.0, 2.0, stamp]), np.array([[2], [0]]))
    np.testing.assert_array_equal(named, coded)


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-05-01T14:00",
        "2024-05-01 14:00:00",
        np.datetime64("2024-05-01T14"),
        datetime(2024, 5, 1, 14),
        datetime(2024, 5, 1, 14, tzinfo=UTC),
        datetime(2024, 5, 1, 16, tzinfo=timezone(timedelta(hours=2))),
        "2024-05-01T16:00+02:00",
        1714572000000000,
    ],
)
def test_a_stamp_may_be_written_in_many_ways(forecaster, stamp):
    future = {"weather": ["sun", "sun"]}
    rows = {"load": [1, 2, 3], "weather": ["sun"] * 3, "time": ["2024-05-01T12", "2024-05-01T13", stamp]}
    plain = rows | {"time": ["2024-05-01T12", "2024-05-01T13", "2024-05-01T14"]}
    if isinstance(stamp, int):
        rows["time"] = np.array([stamp - 7_200_000_000, stamp - 3_600_000_000, stamp])
    got = Stream(forecaster, series=0).last(rows, future)
    np.testing.assert_array_equal(got, Stream(forecaster, series=0).last(plain, future))


def test_given_stamps_of_the_future_are_obeyed(forecaster):
    rows = {"load": [1, 2, 3], "weather": ["sun"] * 3, "time": [NOON + timedelta(hours=h) for h in range(3)]}
    regular = {"weather": ["sun", "sun"], "time": ["2024-05-01T15:00", "2024-05-01T16:00"]}
    later = {"weather": ["sun", "sun"], "time": ["2024-05-01T18:00", "2024-05-01T19:00"]}
    alone = Stream(forecaster, series=0).last(rows, {"weather": ["sun", "sun"]})
    np.testing.assert_array_equal(Stream(forecaster, series=0).last(rows, regular), alone)
    assert np.abs(Stream(forecaster, series=0).last(rows, later) - alone).max() > 1


BAD_FUTURES = [
    (None, "future: expected the columns weather, got None. Pass their next 2 rows as future="),
    ({}, "future: column 'weather': expected a value, got none"),
    ({"weather": ["sun"]}, "future: column 'weather': expected 2 rows, got 1"),
    ({"weather": ["sun", 2]}, "column 'weather', row 2: expected a word, got 2. Turn it into text"),
    ({"weather": ["sun", "sun"], "load": [1, 1]}, None),
    (np.array([[1], [9]]), r"column 'weather', row 2: expected a code in 0..2, got 9. Pass the word itself"),
    (np.array([[1.5], [1]]), r"column 'weather', row 1: expected a code in 0..2, got 1.5"),
]


@pytest.mark.parametrize(("future", "message"), BAD_FUTURES)
def test_a_bad_future_is_refused_and_the_state_stays(forecaster, future, message):
    stream = Stream(forecaster, series="north")
    stream.step(row(0))
    stream.step(row(1))
    before = stream.state
    if message is None:  # columns of a row that are not known ahead are simply not read
        assert stream.step(row(2), future).shape == (2, 1, 1)
        return
    with pytest.raises(UnrolledError, match=message) as caught:
        stream.step(row(2), future)
    assert "\n" not in str(caught.value)
    assert stream.state == before


def test_a_stamp_that_is_none_is_refused(forecaster):
    stream = Stream(forecaster, series="north")
    for bad in ("noon", None, np.datetime64("NaT")):
        with pytest.raises(
            DataError, match=r"column 'time': expected a stamp, got .* Write it like 2024-05-01T06:00"
        ):
            stream.step(row(0) | {"time": bad})
    with pytest.raises(DataError, match="row: column 'time': expected microseconds in float64, got float32"):
        stream.step(np.zeros(3, np.float32))


def test_a_series_is_named(forecaster):
    with pytest.raises(ArgumentError, match=r"series: expected one of north, south, got None. Each series"):
        Stream(forecaster)
    with pytest.raises(
        ArgumentError, match=r"series: expected one of north, south, got 'nort'. Did you mean 'north'\?"
    ):
        Stream(forecaster, series="nort")
    with pytest.raises(ArgumentError, match=r"series: expected a whole number in 0..1, got 2"):
        Stream(forecaster, series=2)


def test_a_row_of_another_series_is_refused(forecaster):
    columns = replace(forecaster.columns, series_column="place")
    stream = Stream(replace(forecaster, columns=columns), series="north")
    assert stream.step(row(0) | {"place": "north"}) is None
    with pytest.raises(
        DataError, match=r"column 'place': expected 'north', got 'south'. Open a stream for each"
    ):
        stream.step(row(1) | {"place": "south"})
    assert stream.rows == 1


def test_without_an_interval_the_stamps_must_come(forecaster):
    columns = Columns(forecaster.columns.columns, stamp="time", series=forecaster.columns.series)
    stream = Stream(Program(forecaster.graph, forecaster.weights, (0.5,), columns=columns), series="north")
    stream.step(row(0))
    stream.step(row(1))
    with pytest.raises(
        DataError, match=r"future: column 'time': expected stamps, got none. Pass the next 2 stamps"
    ):
        stream.step(row(2), {"weather": ["sun", "sun"]})


@pytest.mark.parametrize(
    ("interval", "last", "wanted"),
    [
        (Interval("microsecond", 3_600_000_000), "2024-12-31T23", ["2025-01-01T00", "2025-01-01T01"]),
        (Interval("month", 1, day=31), "2023-01-31T06", ["2023-02-28T06", "2023-03-31T06"]),
        (Interval("month", 3, day=30), "2023-11-30", ["2024-02-29", "2024-05-30"]),
        (Interval("business day", 1), "2024-05-03T08", ["2024-05-06T08", "2024-05-07T08"]),
    ],
)
def test_the_next_stamps(interval, last, wanted):
    ticks = np.datetime64(last, "us").astype(np.int64)
    got = interval.after(ticks, 2).astype("datetime64[us]")
    np.testing.assert_array_equal(got, np.array(wanted, "datetime64[us]"))


def test_noise_follows_the_rows_seen():
    graph = Graph(
        (Input("target", ops.Spec((1,))), Input("noise", ops.Spec((4, 2, 1)))),
        (
            Node("paths", ops.Combine("add"), ("noise", "target")),
            Node("q", ops.PathQuantiles((0.5,)), ("paths",)),
        ),
        {"quantiles": "q"},
    )
    program = Program(graph, {}, levels=(0.5,), seed=7)
    stream, again = Stream(program), Stream(program)
    answers = [stream.step([0.0]) for _ in range(3)]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
    np.testing.assert_array_equal(again.run(np.zeros((3, 1))), np.array(answers))
    other = Stream(Program(graph, {}, levels=(0.5,), seed=8)).step([0.0])
    assert np.abs(answers[0] - other).max() > 1e-3
