"""What every forecasting network promises."""

import io

import pytest
import torch
from torch.func import functional_call

from unrolled.models import ForecastShape, build

KINDS = ("segment", "direct", "recursive")
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_untrained_forecasts_exactly_the_last_valid_value(
    kind, shape_of, make_batch, make_network, noise_for
):
    shape = shape_of(kind)
    network = make_network(kind, shape, stirred=False)
    network.inputs.set_scaling({"target_mean": [[18.7, 0.3]] * 2, "target_scale": [[3.3, 0.7]] * 2})
    batch = make_batch(shape)
    batch["target"][0, -3:, 0] = torch.nan
    batch["target"][1, :, 1] = torch.nan
    quantiles, _ = network.forecast(batch, None, noise_for(kind, shape, zero=True))
    expected = batch["target"][:, -1].clone()
    expected[0, 0] = batch["target"][0, -4, 0]
    expected[1, 1] = 0.3  # none is valid: the mean
    assert torch.equal(quantiles[..., 1], expected[:, None].expand(-1, shape.horizon, -1))


@kinds
def test_quantiles_never_cross(kind, shape_of, make_batch, make_network, noise_for):
    shape = shape_of(kind, quantiles=[0.05, 0.3, 0.6, 0.9])
    network = make_network(kind, shape)
    network.offsets.values.normal_()
    quantiles, _ = network.forecast(make_batch(shape, rows=20), None, noise_for(kind, shape))
    assert quantiles.shape == (20, 4, 2, 4)
    assert (quantiles.diff(dim=-1) >= 0).all()


@kinds
def test_missing_values_do_not_poison(kind, shape_of, make_batch, make_network, noise_for):
    shape = shape_of(kind)
    network = make_network(kind, shape)
    batch = make_batch(shape, missing=0.4)
    batch["target"][0] = batch["future"][0] = batch["after"][0] = torch.nan
    loss, _ = network.loss(batch, None)
    loss.backward()
    assert loss.isfinite() and loss > 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert network.forecast(batch, None, noise_for(kind, shape))[0].isfinite().all()


@kinds
def test_rows_are_independent(kind, shape_of, make_batch, make_network, noise_for):
    shape = shape_of(kind)
    network, batch = make_network(kind, shape), make_batch(shape, missing=0.2)
    noise = noise_for(kind, shape)
    together, _ = network.forecast(batch, None, noise)
    for row in range(3):
        alone = {key: value[row : row + 1] for key, value in batch.items()}
        torch.testing.assert_close(network.forecast(alone, None, noise)[0], together[row : row + 1])


@kinds
def test_raw_units_do_not_matter(kind, shape_of, make_batch, make_network, noise_for):
    shape = shape_of(kind)
    network, batch = make_network(kind, shape).double(), make_batch(shape, dtype=torch.float64)
    noise = noise_for(kind, shape, dtype=torch.float64)
    loss, _ = network.loss(batch, None)
    plain, _ = network.forecast(batch, None, noise)
    for role in ("target", "past", "known", "static"):
        if role in batch:
            batch[role] = batch[role] * 7 - 40
            mean, scale = (getattr(network.inputs, f"{role}_{part}") for part in ("mean", "scale"))
            network.inputs.set_scaling({f"{role}_mean": mean - 40, f"{role}_scale": scale * 7})
    batch |= {key: batch[key] * 7 - 40 for key in ("future", "after")}
    torch.testing.assert_close(network.forecast(batch, None, noise)[0], plain * 7 - 40)
    torch.testing.assert_close(network.loss(batch, None)[0], loss)


@kinds
def test_inputs_are_not_modified(kind, shape_of, make_batch, make_network, noise_for):
    shape = shape_of(kind)
    network, batch = make_network(kind, shape), make_batch(shape, missing=0.2)
    copies = {key: value.clone() for key, value in batch.items()}
    network.loss(batch, None)
    network.forecast(batch, None, noise_for(kind, shape))
    for key, value in batch.items():
        torch.testing.assert_close(value, copies[key], rtol=0, atol=0, equal_nan=True)


@kinds
@pytest.mark.parametrize("cell", ["elman", "lstm", "gru2014"])
def test_configuration_and_weights_make_the_same_network(
    kind, cell, shape_of, make_batch, make_network, noise_for
):
    shape = shape_of(kind)
    network = make_network(kind, shape, cell=cell, layers=2)
    network.inputs.set_scaling({"target_scale": torch.full((2, 2), 3.0)})
    network.offsets.values.normal_()
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    buffer.seek(0)
    other = build(network.configuration).eval()
    other.load_state_dict(torch.load(buffer))
    batch, noise = make_batch(shape), noise_for(kind, shape)
    assert other.configuration == network.configuration
    assert torch.equal(other.forecast(batch, None, noise)[0], network.forecast(batch, None, noise)[0])


@kinds
def test_a_network_without_memory_takes_loaded_weights(kind, shape_of, make_batch, make_network, noise_for):
    """So that a loader can build from a card it does not trust yet: sizes cost nothing on the meta device."""
    shape = shape_of(kind)
    network = make_network(kind, shape)
    with torch.device("meta"):
        other = build(network.configuration).eval()
    other.load_state_dict(network.state_dict(), assign=True)
    batch, noise = make_batch(shape), noise_for(kind, shape)
    assert torch.equal(other.forecast(batch, None, noise)[0], network.forecast(batch, None, noise)[0])


@kinds
def test_gradients_are_right(kind, make_batch, make_network):
    shape = ForecastShape(known=1, static_codes=(2,), history=5, horizon=3, masked_target=True)
    network = make_network(kind, shape, hidden=3).double()
    batch = make_batch(shape, rows=2, missing=0.2, dtype=torch.float64)
    names = [name for name, _ in network.named_parameters()]

    def loss(*values):
        class Loss(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.network = network

            def forward(self):
                return self.network.loss(batch, None)[0]

        return functional_call(Loss(), {f"network.{n}": v for n, v in zip(names, values, strict=True)}, ())

    assert torch.autograd.gradcheck(loss, tuple(network.parameters()), fast_mode=True)


@kinds
def test_half_precision_products_change_the_loss_a_little(kind, shape_of, make_batch, make_network):
    shape = shape_of(kind)
    network, batch = make_network(kind, shape), make_batch(shape)
    full, _ = network.loss(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half, _ = network.loss(batch)
    half.backward()
    assert half.dtype == torch.float32
    assert half != full
    assert half.item() == pytest.approx(full.item(), rel=0.03)


@kinds
def test_it_learns_a_period(kind, make_network, noise_for):
    shape = ForecastShape(history=16, horizon=4)
    network = make_network(kind, shape, stirred=False, hidden=16).train()
    phase = torch.arange(8)[:, None, None] + torch.arange(20)[None, :, None]
    wave = 50 + 10 * torch.sin(phase * (torch.pi / 4))
    network.inputs.set_scaling({"target_mean": [[50.0]], "target_scale": [[7.0]]})
    batch = {"target": wave[:, :16], "future": wave[:, 16:], "after": wave[:, 16:]}
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        loss, _ = network.loss(batch, None)
        loss.backward()
        optimizer.step()
    quantiles, _ = network.eval().forecast(batch, None, noise_for(kind, shape, zero=True))
    error = (quantiles[..., 1] - batch["future"]).abs().mean()
    last = (batch["target"][:, -1:] - batch["future"]).abs().mean()
    assert error < 0.15 * last


@kinds
def test_dropout_is_off_in_evaluation(kind, shape_of, make_batch, make_network):
    shape = shape_of(kind)
    network, batch = make_network(kind, shape, dropout=0.5, layers=2), make_batch(shape)
    assert network.loss(batch, None)[0] == network.loss(batch, None)[0]
    network.train()
    assert network.loss(batch, None)[0] != network.loss(batch, None)[0]
