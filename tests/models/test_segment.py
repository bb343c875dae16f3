import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import ForecastShape, SegmentNetwork, default_segment
from unrolled.models.segment import cut, spread

# Longer than two segments, so that the start is padded; the horizon ends inside a segment.
SHAPE = ForecastShape(
    targets=2,
    past=1,
    known=1,
    static=1,
    history=7,
    horizon=4,
    quantiles=(0.2, 0.5, 0.9),
    masked_target=True,
)


def numpy_forecast(network, batch):
    """The equations once more, of an Elman network with SHAPE, one row and one column at a time."""
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    batch = {name: value.double().numpy() for name, value in batch.items()}

    def dense(name, x):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def elman(x, h):
        w = {k: weights[f"recurrent.layers.0.{k}"] for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        return np.tanh(w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"])

    length, answers = network.segment, np.zeros((len(batch["target"]), 4, 2, 3))
    for row in range(len(answers)):
        known = np.pad(batch["known"][row], ((2, 2), (0, 0)))  # 7 + 2 steps read, 4 + 2 answered
        past = np.pad(batch["past"][row], ((2, 0), (0, 0)))
        for column in range(2):
            target = batch["target"][row, :, column]
            there = ~np.isnan(target)
            anchor = target[there][-1]
            scaled = np.pad(np.where(there, target - anchor, 0.0), (2, 0))
            mask = np.pad(there.astype(float), (2, 0))
            h = np.zeros(network.hidden)
            for start in range(0, 9, length):
                steps = slice(start, start + length)
                own = np.stack([scaled[steps], mask[steps]], axis=1).ravel()
                shared = np.concatenate([past[steps], known[steps]], axis=1).ravel()
                h = elman(np.maximum(dense("embed_own", own) + dense("embed_shared", shared), 0.0), h)
            for segment in range(2):
                steps = slice(9 + segment * length, 9 + (segment + 1) * length)
                x = np.concatenate([weights["position"][segment], weights["channel"][column]])
                x = x + dense("decode_known", known[steps].ravel())
                x = x + dense("decode_static", batch["static"][row])
                x = x + dense("decode_level", np.array([anchor, np.std((target - anchor)[there])]))
                raw = dense("head.dense", elman(x, h)).reshape(length, 3)
                width = np.log1p(np.exp(raw))
                quantiles = np.stack([raw[:, 1] - width[:, 0], raw[:, 1], raw[:, 1] + width[:, 2]], axis=1)
                left = answers[row, segment * length : (segment + 1) * length, column]
                left[:] = anchor + quantiles[: len(left)]
    return answers


def test_forecast_equals_the_equations(make_batch, make_network):
    network = make_network("segment", SHAPE, cell="elman", hidden=5, segment=3, level="normal").double()
    batch = make_batch(SHAPE, rows=2)
    batch["target"][0, 2, 0] = batch["target"][1, -2:, 1] = torch.nan
    expected = numpy_forecast(network, batch)
    np.testing.assert_allclose(network.forecast(batch)[0].detach(), expected, rtol=1e-12)


def test_columns_are_independent(make_batch, make_network):
    network, batch = make_network("segment", SHAPE), make_batch(SHAPE)
    before, _ = network.forecast(batch)
    batch["target"][..., 0] *= -3
    after, _ = network.forecast(batch)
    assert torch.equal(after[:, :, 1], before[:, :, 1])
    assert not torch.isclose(after[:, :, 0], before[:, :, 0]).any()


def test_level_is_seen_only_where_it_is_fed(make_batch, make_network):
    """Without a level a window and its copy 100 higher have the same answer, 100 higher."""
    batch = make_batch(SHAPE)
    higher = batch | {"target": batch["target"] + 100}
    for level, equal in (("off", True), ("zero", False)):
        network = make_network("segment", SHAPE, level=level).double()
        rise = network.forecast(higher)[0] - network.forecast(batch)[0]
        assert torch.allclose(rise, torch.full_like(rise, 100.0), atol=1e-3) is equal


def test_level_starts_without_effect_at_zero_and_small_at_normal(make_network):
    zero = make_network("segment", SHAPE, stirred=False, level="zero").decode_level.weight
    normal = make_network("segment", SHAPE, stirred=False, level="normal").decode_level.weight
    assert torch.equal(zero, torch.zeros(6, 2))
    assert 0 < normal.abs().max() < 0.1


def test_default_segment_divides_evenly_where_it_can():
    for history, horizon in [
        (720, 96),
        (720, 720),
        (336, 24),
        (168, 24),
        (96, 96),
        (60, 10),
        (1, 1),
        (5, 300),
    ]:
        segment = default_segment(history, horizon)
        assert 1 <= segment <= min(48, history)
        assert history % segment == 0
    assert default_segment(720, 96) == default_segment(5000, 3) == 48
    assert default_segment(336, 24) == 24


def test_cut_pads_on_the_side_asked_for():
    values = torch.arange(1.0, 6.0).reshape(5, 1)
    assert cut(values, 3, at_end=False).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert cut(values, 3, at_end=True).tolist() == [[1, 2, 3], [4, 5, 0]]


def test_spread_leaves_missing_values_out():
    values = torch.tensor([[1.0, 5.0], [torch.nan, 5.0], [3.0, 5.0]])[None]
    torch.testing.assert_close(spread(values), torch.tensor([[1.0, 0.0]]), atol=2e-6, rtol=0)


def test_cost_is_the_sum_of_its_products():
    """2 segments of 3 steps read, 1 answered; Elman with 4 units; one column; one known column."""
    network = SegmentNetwork(ForecastShape(known=1, history=6, horizon=3), "elman", hidden=4, segment=3)
    reading = 2 * (3 * 4 + 3 * 4 + 4 * 8)
    assert network.cost() == reading + 4 * 8 + 3 * 4 + 4 * 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cell": "grw"},
            "cell: expected one of elman, lstm, gru, gru2014, transformer, feed-forward, got 'grw'. Did you"
            " mean 'gru'?",
        ),
        ({"level": "zeros"}, "level: expected one of off, zero, normal, got 'zeros'. Did you mean 'zero'?"),
        ({"segment": 0}, "segment: expected a whole number >= 1, got 0. Give the steps of one segment"),
        ({"hidden": 0}, "hidden: expected a whole number >= 1, got 0. Give the number of hidden units"),
        ({"layers": 0}, "layers: expected a whole number >= 1, got 0. One layer is often enough"),
        ({"dropout": 1.0}, "dropout: expected a number >= 0 and <= 0.95, got 1.0. Give the share"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ArgumentError) as error:
        SegmentNetwork(SHAPE, **options)
    assert message in str(error.value)


def test_a_window_of_another_length_is_refused(make_batch, make_network):
    network = make_network("segment", SHAPE)
    with pytest.raises(
        ShapeError, match=r"expected 7 steps, got 6 steps. A shorter window is filled up with NaN"
    ):
        network.forecast(make_batch(SHAPE, time=6))


def test_a_highway_adds_a_line_through_the_last_values(make_batch):
    shape = ForecastShape(targets=2, history=6, horizon=3, quantiles=(0.5,), masked_target=True)
    torch.manual_seed(0)
    network = SegmentNetwork(shape, hidden=4, segment=2, highway=4).eval()
    batch = make_batch(shape, missing=0.2)
    before, anchor, scale = network(batch)
    weight = torch.arange(12.0).reshape(3, 4)
    with torch.no_grad():
        network.highway.weight.copy_(weight)
    after, _, _ = network(batch)
    last = torch.nan_to_num((batch["target"][:, -4:] - anchor[:, None]) / scale[:, None])
    torch.testing.assert_close(after - before, torch.einsum("hk,bkc->bhc", weight, last)[..., None])


def test_a_highway_is_no_longer_than_the_history():
    with pytest.raises(ArgumentError, match=r"highway: expected at most 6 steps, got 7\. 0 is none"):
        SegmentNetwork(ForecastShape(history=6, horizon=2), highway=7)
