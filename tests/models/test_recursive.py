import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import ForecastShape, RecursiveNetwork, path_quantiles
from unrolled.models.heads import START_WIDTH
from unrolled.models.recurrent import join_states, map_state
from unrolled.models.recursive import LEAST_SPREAD


def chunk(batch, start, stop, horizon=4):
    cut = {key: value[:, start : stop + horizon] for key, value in batch.items() if key.startswith("known")}
    kept = {key: value for key, value in batch.items() if key.startswith("static") or key == "series"}
    return cut | kept | {"target": batch["target"][:, start:stop]}


def parts_of(state):
    parts = []
    map_state(lambda part: parts.append(part) or part, state)
    return parts


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_chunks_with_carried_state_equal_the_whole(cell, shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape, cell=cell, layers=2), make_batch(shape, time=12)
    batch["target"][0, 4:7] = torch.nan
    whole, state = network.loss(batch)
    first, carried = network.loss(chunk(batch, 0, 5))
    second, carried = network.loss(chunk(batch, 5, 12), carried)
    for part, twin in zip(parts_of(carried), parts_of(state), strict=True):
        torch.testing.assert_close(part, twin)
        assert not part.requires_grad
    count = int((~batch["target"][:, :5].isnan()).sum())
    total = int((~batch["target"].isnan()).sum())
    torch.testing.assert_close((count * first + (total - count) * second) / total, whole)


def test_untrained_loss_is_the_likelihood_around_the_last_value(make_batch):
    shape = ForecastShape(horizon=2)
    network = RecursiveNetwork(shape, hidden=3)
    network.inputs.set_scaling({"target_mean": [[20.0]], "target_scale": [[2.0]]})
    batch = make_batch(shape, rows=1, time=30, missing=0.3)
    series = batch["target"].flatten().numpy()
    spread, anchor, losses = START_WIDTH + LEAST_SPREAD, 20.0, []
    for value in series[~np.isnan(series)]:
        error = (value - anchor) / 2 / spread
        losses.append(0.5 * error**2 + np.log(spread) + 0.5 * np.log(2 * np.pi))
        anchor = value
    assert network.loss(batch)[0].item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_without_noise_the_path_is_that_of_the_means(shape_of, make_batch, make_network):
    """Each mean fed back as if it had been observed."""
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape), make_batch(shape, time=7)
    paths = network.paths(network.start(batch), torch.zeros(1, 2, 4, 2))
    _, scale = network.inputs.target_scaling(batch)
    _, state = network.loss(batch)
    for step in range(4):
        one = chunk(batch, 7 + step, 8 + step)
        one["target"] = torch.zeros(3, 1, 2)
        one["known"], one["known_codes"] = (
            torch.cat([batch[key][:, 7 + step : 8 + step]] * 5, dim=1) for key in ("known", "known_codes")
        )
        mean, _, anchor, _ = network.read(one, state)
        one["target"] = anchor + scale[:, None] * mean
        _, state = network.loss(one, state)
        torch.testing.assert_close(paths[:, 0, step], one["target"][:, 0])
    assert torch.equal(paths[:, 0], paths[:, 1])


def test_noise_moves_a_path_by_its_spread(shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape, stirred=False), make_batch(shape)
    noise = torch.tensor([1.0, -2.0])[None, :, None, None].expand(1, 2, 4, 2)
    paths = network.paths(network.start(batch), noise)
    steps = torch.arange(1.0, 5.0)[:, None] * (START_WIDTH + LEAST_SPREAD)
    last = batch["target"][:, -1:]
    torch.testing.assert_close(paths[:, 0], last + steps)
    torch.testing.assert_close(paths[:, 1], last - 2 * steps)


def test_ragged_and_fresh_rows_equal_the_rows_alone(shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape), make_batch(shape, time=9)
    noise = torch.randn(1, 3, 4, 2)
    _, before = network.loss(make_batch(shape, time=5, seed=1))
    extra = {"lengths": torch.tensor([9, 3, 0]), "fresh": torch.tensor([True, False, False])}
    batch["target"][0, :, 0] = torch.nan  # the anchor of a fresh row must not come from the series before
    padded = batch["target"].clone()
    padded[1, 3:] = 1e6
    padded[2] = torch.nan
    together, _ = network.forecast(batch | extra | {"target": padded}, before, noise)
    for row, length in ((0, 9), (1, 3)):
        alone = {key: value[row : row + 1] for key, value in chunk(batch, 0, length).items()}
        state = None if row == 0 else map_state(lambda part, r=row: part[r : r + 1], before)
        torch.testing.assert_close(network.forecast(alone, state, noise)[0], together[row : row + 1])
    _, after = network.loss(batch | extra | {"target": padded}, before)
    for part, twin in zip(parts_of(after), parts_of(before), strict=True):
        torch.testing.assert_close(part[2], twin[2])


def test_a_row_at_a_time_equals_the_whole(shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape), make_batch(shape, time=6)
    noise = torch.randn(1, 3, 4, 2)
    whole, _ = network.forecast(batch, None, noise)
    state = None
    for step in range(6):
        answer, state = network.forecast(chunk(batch, step, step + 1), state, noise)
    torch.testing.assert_close(answer, whole)


@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_origins_together_equal_the_origins_alone(cell, shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape, cell=cell, layers=2), make_batch(shape, time=9)
    noise = torch.randn(6, 5, 4, 2)
    starts = [network.start(chunk(batch, 0, 4)), network.start(batch)]
    together = network.quantiles(join_states(starts), noise)
    for part, start in zip(together.split(3), starts, strict=True):
        own = noise[:3] if start is starts[0] else noise[3:]
        torch.testing.assert_close(part, network.quantiles(start, own))


@pytest.mark.parametrize("count", [1, 2, 9, 100])
def test_path_quantiles_are_linear_between_order_statistics(count):
    paths = torch.randn(2, count, 3, 2, dtype=torch.float64)
    levels = (0.05, 0.5, 0.77)
    expected = np.moveaxis(np.quantile(paths, levels, axis=1), 0, -1)
    np.testing.assert_allclose(path_quantiles(paths, levels), expected, rtol=1e-12)


def test_past_columns_are_refused():
    with pytest.raises(
        ArgumentError, match=r"past: expected no past columns .* got 2 columns. Call them `known`"
    ):
        RecursiveNetwork(ForecastShape(past=1, past_codes=(3,)))


def test_wrong_noise_is_refused(shape_of, make_batch, make_network):
    shape = shape_of("recursive")
    network, batch = make_network("recursive", shape), make_batch(shape)
    with pytest.raises(
        ArgumentError, match=r"noise: expected standard normals \(3 or 1, paths, 4, 2\), got None."
    ):
        network.forecast(batch)
    with pytest.raises(ShapeError, match=r"got \(2, 5, 4, 2\). Draw one number"):
        network.forecast(batch, None, torch.zeros(2, 5, 4, 2))


def test_cost_is_the_sum_of_its_products():
    assert RecursiveNetwork(ForecastShape(known=2), "gru", hidden=3).cost() == 3 * 3 * (3 + 3) + 3 * 2
