import numpy as np
import pytest
from drawn_programs import lowered, sequence

from unrolled.deploy import compare, draw_rows, replay
from unrolled.deploy.export import replay_drawn
from unrolled.deploy.parity import demand
from unrolled.errors import ArgumentError, DataError, ExportError
from unrolled.runtime import Program, Stream
from unrolled.runtime.stream import run_sequence


@pytest.fixture(scope="module")
def program() -> Program:
    return lowered("direct", cell="gru")


def own_answers(one):
    return one.answers


def test_a_replay_is_what_the_stream_answers(program):
    rows, future = draw_rows(program, 9)
    one = replay(program, rows, future, "south")
    assert one.series == 1
    np.testing.assert_array_equal(one.answers, Stream(program, "south").run(rows, future))
    assert one.inputs["target"].shape == (9, 2) and one.inputs["future_known_codes"].shape == (9, 5, 2)
    last = one.inputs["future_stamp"][-1]
    np.testing.assert_array_equal(np.diff(last), np.full(4, 3_600_000_000))


def test_rows_can_be_given_by_name(program):
    rows, future = draw_rows(program, 9)
    names = [column.name for column in program.columns.ordered]
    table = dict(zip(names, rows[:, :-1].T, strict=True))
    for name in ("past word 1", "known word 1", "known word 2", "static word 1"):
        listed = next(c for c in program.columns.columns if c.name == name).words
        table[name] = [None if code == 0 else listed[int(code) - 1] for code in table[name]]
    table["date"] = rows[:, -1].astype(np.int64).astype("datetime64[us]")
    one, other = replay(program, table, future, 0), replay(program, rows, future, 0)
    np.testing.assert_array_equal(one.answers, other.answers)
    np.testing.assert_array_equal(one.rows, other.rows)


def test_the_noise_of_sample_paths_is_an_input():
    program = lowered("recursive", cell="lstm")
    one = replay_drawn(program)
    assert one.inputs["noise"].shape == (len(one.rows), 7, 5, 2)
    assert np.isfinite(one.answers).all()


def test_of_a_model_that_pools_a_whole_sequence_the_last_row_counts():
    program = sequence({"features": 2, "classes": 3}, hidden=4, bidirectional=True)
    rows, _ = draw_rows(program, 8)
    one = replay(program, rows)
    assert np.isnan(one.answers[:-1]).all()
    np.testing.assert_array_equal(one.answers[-1], run_sequence(program, rows)[-1])


def test_the_bound_is_of_the_answer_or_of_the_training_spread(program):
    one = replay_drawn(program)
    assert compare([one], own_answers).share == 0
    scale = program.weights["inputs.target_scale"][0]  # (targets,)
    beyond = 1.1e-5 * np.maximum(np.abs(one.answers), scale[:, None])
    worse = compare([one], lambda r: r.answers + beyond)
    assert worse.share == pytest.approx(1.1e-5, rel=0.02) and not worse.holds
    assert worse.answers == one.answers.size
    assert compare([one], lambda r: r.answers + 0.8 * beyond).holds


def test_an_answer_that_is_no_number_is_infinitely_far(program):
    one = replay_drawn(program)
    assert compare([one], lambda r: np.full_like(r.answers, np.nan)).share == np.inf


def test_too_large_a_difference_is_told_with_the_bound(program):
    found = compare([replay_drawn(program)], lambda r: r.answers * np.float32(1.001))
    with pytest.raises(
        ExportError, match=r"export to c: difference .* at most 1e-05, got 0\.001 .*Nothing was"
    ):
        demand(found, "export to c")


def test_rows_without_an_answer_prove_nothing():
    program = lowered("segment", cell="gru", segment=3)
    rows, future = draw_rows(program, 11)
    with pytest.raises(ArgumentError, match=r"rows: expected enough for an answer, got 11\. Pass more rows"):
        compare([replay(program, rows, future, 0)], own_answers)


def test_answers_of_another_shape_and_rows_of_another_model_are_refused(program):
    one = replay_drawn(program)
    with pytest.raises(ExportError, match=r"export: expected answers \(65, 5, 2, 4\), got \(64, 5, 2, 4\)"):
        compare([one], lambda r: r.answers[1:])
    with pytest.raises(DataError, match="column 'wind'"):
        replay(program, {"wind": [1.0]})


def test_drawn_rows_follow_the_scalers_and_hold_what_may_be_missing(program):
    rows, future = draw_rows(program, 400)
    names = Stream(program, 0).columns
    target = rows[:, names.index("target 1 (°C)")]
    mean, scale = (program.weights[f"inputs.target_{name}"][0, 0] for name in ("mean", "scale"))
    assert abs(np.nanmean(target) - mean) < scale and 0.4 * scale < np.nanstd(target) < 2 * scale
    assert 0.05 < np.isnan(target).mean() < 0.2
    assert not np.isnan(rows[:, names.index("known 1 (°C)")]).any()
    assert set(rows[:, names.index("known word 2")]) == {0, 1, 2, 3, 4}
    assert future is not None and future.shape == (5, 6)
