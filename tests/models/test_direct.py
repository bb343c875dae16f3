import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError
from unrolled.models import DirectNetwork, ForecastShape
from unrolled.models.recurrent import map_state

H = 4  # the horizon of the shapes here


def chunk(batch, start, stop):
    """Rows start to stop of every series of a batch, with what a chunk needs of the rows behind it."""
    rows = torch.cat([batch["target"], batch["after"]], dim=1)
    cut = {
        key: value[:, start:stop] for key, value in batch.items() if key in ("target", "past", "past_codes")
    }
    cut |= {key: value[:, start : stop + H] for key, value in batch.items() if key.startswith("known")}
    cut |= {key: value for key, value in batch.items() if key.startswith("static") or key == "series"}
    return cut | {"after": rows[:, stop : stop + H]}


def same_state(one, other):
    parts = []
    map_state(lambda part: parts.append(part) or part, one)
    others = []
    map_state(lambda part: others.append(part) or part, other)
    for part, twin in zip(parts, others, strict=True):
        torch.testing.assert_close(part, twin, equal_nan=True)


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_chunks_with_carried_state_equal_the_whole(cell, shape_of, make_batch, make_network):
    shape = shape_of("direct")
    network, batch = make_network("direct", shape, cell=cell, layers=2), make_batch(shape, time=12)
    batch["target"][0, 4:7] = torch.nan
    whole, state = network.loss(batch)
    first, carried = network.loss(chunk(batch, 0, 5))
    second, carried = network.loss(chunk(batch, 5, 12), carried)
    same_state(carried, state)
    steps = torch.arange(12)
    forecasts, _ = network.forecast_at(batch, steps)
    _, carried = network.forecast_at(chunk(batch, 0, 5), steps[:5])
    later, _ = network.forecast_at(chunk(batch, 5, 12), steps[:7], carried)
    torch.testing.assert_close(later, forecasts[:, 5:])
    counts = [int((~answers_of(part)[0].isnan()).sum()) for part in (chunk(batch, 0, 5), chunk(batch, 5, 12))]
    torch.testing.assert_close((counts[0] * first + counts[1] * second) / sum(counts), whole)


def answers_of(batch, lengths=None):
    """The answers and the anchors of every step, by plain loops: (B, T, H, C) and (B, T, C)."""
    target, after = batch["target"].numpy(), batch["after"].numpy()
    rows, time, columns = target.shape
    answers = np.full((rows, time, H, columns), np.nan)
    anchors = np.full((rows, time, columns), np.nan)
    for row in range(rows):
        length = time if lengths is None else lengths[row]
        series = np.concatenate([target[row, :length], after[row]])
        for step in range(length):
            ahead = series[step + 1 : step + 1 + H]
            answers[row, step, : len(ahead)] = ahead
            for column in range(columns):
                there = series[: step + 1, column][~np.isnan(series[: step + 1, column])]
                anchors[row, step, column] = there[-1] if len(there) else 0.0
    return torch.from_numpy(answers), torch.from_numpy(anchors)


@pytest.mark.parametrize("lengths", [None, [9, 3, 0]])
@pytest.mark.parametrize("stride", [1, 4])
def test_untrained_loss_is_that_of_the_last_value(lengths, stride, make_batch):
    shape = ForecastShape(targets=2, horizon=H, quantiles=(0.5,), masked_target=True)
    network = DirectNetwork(shape, hidden=3, stride=stride).eval()
    batch = make_batch(shape, time=9, missing=0.3)
    answers, anchors = answers_of(batch, lengths)
    errors = (answers - anchors[:, :, None]).abs()[:, range(8 % stride, 9, stride)]
    if lengths is not None:
        batch["lengths"] = torch.tensor(lengths)
        for row, length in enumerate(lengths):
            batch["target"][row, length:] = 1e6  # padding: must not matter
    huber = torch.where(errors < 1, 0.5 * errors.square(), errors - 0.5)
    assert network.loss(batch)[0].item() == pytest.approx((errors + huber).nanmean().item(), rel=1e-5)


def test_ragged_rows_equal_the_rows_alone(shape_of, make_batch, make_network):
    shape = shape_of("direct")
    network, batch = make_network("direct", shape), make_batch(shape, time=9)
    _, before = network.loss(make_batch(shape, time=5, seed=1))
    lengths = torch.tensor([9, 3, 0])
    together, state = network.forecast(batch | {"lengths": lengths}, before)
    for row, length in enumerate(lengths[:2]):
        alone = {k: v[row : row + 1] for k, v in chunk(batch, 0, int(length)).items()}
        forecast, after = network.forecast(alone, map_state(lambda p, r=row: p[r : r + 1], before))
        torch.testing.assert_close(forecast, together[row : row + 1])
        same_state(after, map_state(lambda p, r=row: p[r : r + 1], state))
    same_state(map_state(lambda p: p[2:], state), map_state(lambda p: p[2:], before))


def test_fresh_rows_start_anew(shape_of, make_batch, make_network):
    shape = shape_of("direct")
    network, batch = make_network("direct", shape), make_batch(shape)
    batch["target"][..., 0] = torch.nan  # the anchor of a fresh row must not come from the series before
    _, before = network.loss(make_batch(shape, seed=1))
    fresh = torch.tensor([True, False, True])
    mixed, _ = network.forecast(batch | {"fresh": fresh}, before)
    anew, _ = network.forecast(batch, None)
    carried, _ = network.forecast(batch, before)
    torch.testing.assert_close(mixed, torch.where(fresh[:, None, None, None], anew, carried))
    assert not torch.allclose(anew, carried)


def test_the_state_between_chunks_carries_no_gradient(shape_of, make_batch, make_network):
    shape = shape_of("direct")
    _, state = make_network("direct", shape).loss(make_batch(shape))
    map_state(lambda part: pytest.fail("a gradient") if part.requires_grad else part, state)


def test_forecast_is_the_last_of_forecast_at(shape_of, make_batch, make_network):
    shape = shape_of("direct")
    network, batch = make_network("direct", shape), make_batch(shape)
    network.offsets.values.normal_()
    last, _ = network.forecast(batch)
    every, _ = network.forecast_at(batch, torch.tensor([2, 9]))
    torch.testing.assert_close(every[:, 1], last)


def test_what_is_known_ahead_is_used_and_no_more(shape_of, make_batch, make_network):
    shape = shape_of("direct")
    network, batch = make_network("direct", shape), make_batch(shape)
    steps = torch.tensor([3])
    before, _ = network.forecast_at(batch, steps)
    for place, changes in ((7, True), (8, False)):  # step 3 answers 4 to 7
        known = batch["known"].clone()
        known[:, place] += 1
        after, _ = network.forecast_at(batch | {"known": known}, steps)
        assert torch.equal(after, before) is not changes


def test_cost_is_the_sum_of_its_products():
    network = DirectNetwork(ForecastShape(known=2, horizon=H), "lstm", hidden=3)
    assert network.cost() == 4 * 3 * (3 + 3) + (3 + 2 * H) * 3 + 3 * H * 3


def test_wrong_stride_is_refused():
    with pytest.raises(
        ArgumentError, match=r"stride: expected a whole number >= 1, got 0\. 1 takes the loss at"
    ):
        DirectNetwork(ForecastShape(), stride=0)
