"""Many sessions in one call: the bits of as many streams."""

import numpy as np
import pytest

from unrolled.errors import ArgumentError, DataError, ShapeError
from unrolled.runtime import Graph, Input, Node, Program, Stream, StreamPool
from unrolled.runtime import operations as ops

COUNT = 53  # more than a block, and no multiple of a tile


def rows_of(steps: int, count: int = COUNT, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(steps, count, columns)).astype(np.float32)


def windowed() -> Program:
    """The mean of the last 3 rows, and a carried anchor."""
    graph = Graph(
        (Input("target", ops.Spec((1,)), missing=True),),
        (
            Node("centre", ops.Fill(0.0, (1,)), ("target",)),
            Node("anchor", ops.CarriedAnchor(), ("target", "centre")),
            Node("window", ops.Window(3), ("target",)),
            Node("filled", ops.Mask(channels=False), ("window",)),
            Node("flat", ops.Reshape((3,)), ("filled",)),
            Node("both", ops.Concat(), ("flat", "anchor")),
            Node("mean", ops.Dense("thirds"), ("both",)),
        ),
        {"scores": "mean"},
    )
    return Program(graph, {"thirds": np.array([[1, 1, 1, 10]], np.float32) / 3})


def test_a_pool_gives_the_bits_of_its_streams(gru_program):
    pool, streams = StreamPool(gru_program, COUNT), [Stream(gru_program) for _ in range(COUNT)]
    for rows in rows_of(5):
        wanted = np.stack([stream.step(row) for stream, row in zip(streams, rows, strict=True)])
        np.testing.assert_array_equal(pool.step(rows), wanted)
    assert pool.state(17) == streams[17].state and pool.rows(17) == 5


def test_some_sessions_in_any_order(gru_program):
    pool, streams = StreamPool(gru_program, 9), [Stream(gru_program) for _ in range(9)]
    for chosen in ([3, 4, 5, 0], [8], [1, 0, 7, 8, 2]):
        rows = rows_of(1, len(chosen))[0]
        wanted = [streams[session].step(row) for session, row in zip(chosen, rows, strict=True)]
        np.testing.assert_array_equal(pool.step(rows, chosen), np.stack(wanted))
    assert [pool.rows(session) for session in range(9)] == [stream.rows for stream in streams]


def test_windows_fill_for_each_session_by_itself():
    program = windowed()
    pool, streams = StreamPool(program, 4), [Stream(program) for _ in range(4)]
    rows = rows_of(6, 4, 1)
    rows[1, 2] = np.nan
    pool.step(rows[0][:2], [0, 1])
    for stream, row in zip(streams[:2], rows[0], strict=False):
        stream.step(row)
    for step in rows[1:]:
        answers = pool.step(step)
        for session, stream in enumerate(streams):
            wanted = stream.step(step[session])
            if wanted is None:
                assert np.isnan(answers[session]).all()
            else:
                np.testing.assert_array_equal(answers[session], wanted)
    assert np.isfinite(answers).all()


def test_a_bad_row_is_named_and_no_session_changes(gru_program):
    pool, rows = StreamPool(gru_program, 3), rows_of(1, 3)[0]
    pool.step(rows)
    before = [pool.state(session) for session in range(3)]
    rows[2, 1] = np.nan
    with pytest.raises(DataError, match="column 'load', row 3: expected a finite number, got a missing"):
        pool.step(rows)
    with pytest.raises(ShapeError, match=r"rows: expected \(3, columns\), got \(2, 2\). One row for each"):
        pool.step(rows[:2])
    with pytest.raises(ShapeError, match=r"rows: expected 2 columns \(speed, load\), got 1"):
        pool.step(rows[:, :1])
    for chosen, message in (
        ([0, 3], r"sessions: expected numbers in 0..2, got 3. Count from 0"),
        ([1, 1], "sessions: expected each at most once, got one twice"),
        ([0.5, 1], "sessions: expected whole numbers"),
    ):
        with pytest.raises(ArgumentError, match=message):
            pool.step(rows[:2], chosen)
    assert [pool.state(session) for session in range(3)] == before


def test_a_session_moves_to_a_stream_and_back(gru_program):
    pool, stream = StreamPool(gru_program, 2), Stream(gru_program)
    rows = rows_of(4, 2)
    pool.step(rows[0])
    stream.restore(pool.state(1))
    stream.step(rows[1][1])
    pool.step(rows[1])
    assert pool.state(1) == stream.state
    pool.restore(0, stream.state)
    np.testing.assert_array_equal(pool.step(rows[2][:1], [0])[0], stream.step(rows[2][0]))
    pool.reset(0)
    assert pool.rows(0) == 0 and pool.state(0) == Stream(gru_program).state


def test_an_answer_goes_where_it_is_wanted(gru_program):
    pool, out = StreamPool(gru_program, 3), np.empty((3, 2), np.float32)
    rows = rows_of(1, 3)[0]
    assert pool.step(rows, out=out) is out
    np.testing.assert_array_equal(out, StreamPool(gru_program, 3).step(rows.astype(np.float64)))
    with pytest.raises(ShapeError, match=r"out: expected float32 \(3, 2\)"):
        pool.step(rows, out=np.empty((2, 2), np.float32))


def test_a_forecaster_with_known_columns_is_refused(forecaster):
    with pytest.raises(ArgumentError, match="program: expected one that needs no known columns"):
        StreamPool(forecaster, 2, series="north")
