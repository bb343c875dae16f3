import numpy as np
import pytest
from small_forecasts import counted

from unrolled.data import Origins
from unrolled.tasks.forecast.inputs import ForecastInputs
from unrolled.tasks.forecast.sources import (
    ChunkSource,
    WindowSource,
    chunk_batch,
    cut_strips,
    fill_lanes,
    window_batch,
)

NAN = float("nan")


def inputs_of(data, train=None):
    whole = np.stack([data.offsets[:-1], data.offsets[1:]], 1) if train is None else np.array(train)
    return ForecastInputs.fit(data, whole, per_series=False, time_features=False)


def flat(tensor):
    return tensor.flatten().tolist()


def test_a_window_holds_the_rows_before_its_origin_and_the_answers_from_it_on():
    data = counted(20, past="x", known="k")
    batch = window_batch(inputs_of(data), data, Origins(np.array([5, 9]), np.array([0, 0])), 4, 3)
    assert batch["target"][..., 0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert batch["past"][0, :, 0].tolist() == [1001, 1002, 1003, 1004]
    assert batch["known"][0, :, 0].tolist() == [2001, 2002, 2003, 2004, 2005, 2006, 2007]
    assert batch["future"][..., 0].tolist() == [[5, 6, 7], [9, 10, 11]]


def test_words_of_a_window_are_those_of_its_rows():
    data = counted(20, past="word")
    batch = window_batch(inputs_of(data), data, Origins(np.array([5]), np.array([0])), 4, 3)
    assert flat(batch["past_codes"]) == [2, 1, 2, 1]  # odd, even, odd, even


def test_known_words_reach_over_the_horizon():
    data = counted(20, known="word")
    batch = window_batch(inputs_of(data), data, Origins(np.array([5]), np.array([0])), 2, 3)
    assert flat(batch["known_codes"]) == [2, 1, 2, 1, 2]


def chunk(data, ranges, start, stop, series, time, horizon, inputs=None):
    one = (np.array([number]) for number in (start, stop, series))
    return chunk_batch(inputs or inputs_of(data), data, np.array(ranges), *one, time, horizon)


def test_a_chunk_holds_its_rows_what_follows_them_and_the_known_rows_ahead():
    data = counted(20, past="x", known="k")
    batch = chunk(data, [[0, 20]], 4, 7, 0, time=5, horizon=2)
    np.testing.assert_array_equal(flat(batch["target"]), [4, 5, 6, NAN, NAN])
    np.testing.assert_array_equal(flat(batch["past"]), [1004, 1005, 1006, NAN, NAN])
    assert flat(batch["after"]) == [7, 8]
    assert flat(batch["known"]) == [2004, 2005, 2006, 2007, 2008, 2009, 2010]
    assert batch["lengths"].tolist() == [3]


def test_no_answer_of_a_chunk_lies_outside_its_range():
    data = counted(20, known="k")
    batch = chunk(data, [[0, 8]], 4, 7, 0, time=3, horizon=3)
    np.testing.assert_array_equal(flat(batch["after"]), [7, NAN, NAN])


def test_no_row_of_a_chunk_is_of_another_series():
    data = counted(10, series=2, known="k")
    batch = chunk(data, [[0, 10], [10, 20]], 7, 10, 0, time=4, horizon=2)
    np.testing.assert_array_equal(flat(batch["target"]), [7, 8, 9, NAN])
    np.testing.assert_array_equal(flat(batch["after"]), [NAN, NAN])
    assert flat(batch["known"]) == [2007, 2008, 2009, 0, 0, 0]  # past the end, where no answer counts


def window_source(data, batch_size=4, per_epoch=100, seed=0):
    origins = Origins(np.arange(4, 18), np.zeros(14, np.int64))
    options = {"history": 4, "horizon": 3, "batch_size": batch_size, "per_epoch": per_epoch, "seed": seed}
    return WindowSource(inputs_of(data), data, origins, **options)


def firsts(source, epoch, count):
    """The first answer of every window in the first batches of an epoch."""
    return [int(row) for index in range(count) for row in source.batch(epoch, index)["future"][:, 0, 0]]


def test_a_pass_visits_every_window_once_in_an_order_of_its_own():
    source = window_source(counted(20))
    assert sorted(firsts(source, 0, 4)) == list(range(4, 18))
    assert firsts(source, 0, 4) != firsts(source, 1, 4)
    assert firsts(source, 0, 4) == firsts(window_source(counted(20)), 0, 4)
    assert firsts(source, 0, 4) != firsts(window_source(counted(20), seed=1), 0, 4)


def test_batches_do_not_depend_on_what_was_asked_before():
    source, fresh = window_source(counted(20)), window_source(counted(20))
    firsts(source, 3, 4)
    assert flat(source.batch(1, 2)["future"]) == flat(fresh.batch(1, 2)["future"])


def test_every_batch_of_an_epoch_has_windows():
    source = window_source(counted(20), batch_size=5)
    sizes = [len(source.batch(0, index)["target"]) for index in range(source.steps)]
    assert min(sizes) >= 1 and max(sizes) == 5


def test_a_batch_of_one_window():
    source = window_source(counted(20), batch_size=1, per_epoch=3)
    assert len(source.batch(0, 0)["target"]) == 1


@pytest.mark.parametrize("bptt", [1, 3, 64])
def test_a_pass_over_strips_reads_every_training_row_once(bptt):
    data = counted(40, series=3)
    ranges = np.array([[0, 33], [40, 58], [80, 120]])
    source = ChunkSource(inputs_of(data), data, ranges, horizon=2, bptt=bptt, batch_size=4, seed=0)
    seen, fresh = [], []
    for index in range(source._steps):
        batch = source.batch(0, index)
        for row, length, new in zip(batch["target"][..., 0], batch["lengths"], batch["fresh"], strict=True):
            seen += [int(value) for value in row[: int(length)]]
            fresh.append(bool(new))
    strips = cut_strips(ranges, bptt, 4)
    assert sorted(seen) == sorted(row for start, stop, _ in strips for row in range(start, stop))
    assert fresh[: len(source._lanes)] == [True] * len(source._lanes)


def test_chunks_of_a_strip_follow_one_another():
    data = counted(40)
    source = ChunkSource(inputs_of(data), data, np.array([[0, 30]]), horizon=2, bptt=8, batch_size=1, seed=0)
    firsts_, fresh = [], []
    for index in range(4):
        batch = source.batch(0, index)
        firsts_.append(int(batch["target"][0, 0, 0]))
        fresh.append(bool(batch["fresh"][0]))
    assert (firsts_, fresh) == ([0, 8, 16, 24], [True, False, False, False])


def test_a_lane_that_has_ended_holds_nothing():
    data = counted(40, series=2)
    ranges = np.array([[0, 40], [40, 44]])
    source = ChunkSource(inputs_of(data), data, ranges, horizon=2, bptt=4, batch_size=2, seed=0)
    batch = source.batch(0, source._steps - 1)
    short = int(batch["lengths"].argmin())
    assert batch["lengths"][short] == 0 and batch["target"][short].isnan().all()


def test_strips_are_whole_chunks_and_no_strip_is_a_single_row():
    strips = cut_strips(np.array([[0, 33], [40, 41]]), 4, 2)
    assert strips.tolist() == [[0, 20, 0], [20, 33, 0]]


def test_lanes_are_of_nearly_equal_length():
    strips = np.array([[0, 8, 0], [8, 16, 0], [16, 24, 0], [24, 28, 0], [28, 32, 0]])
    lanes = fill_lanes(strips, np.array([2, 2, 2, 1, 1]), 2)
    assert sorted(len(lane) for lane in lanes) == [2, 3]
    assert sorted(start for lane in lanes for start, _, _ in lane) == [0, 8, 16, 24, 28]
