import numpy as np
import pytest
import torch

from unrolled.errors import ArgumentError, ShapeError
from unrolled.models import ForecastShape
from unrolled.models.inputs import ScaledInputs, fill, last_valid, valid_steps

NAN = float("nan")


def test_last_valid_carries_over_missing_values():
    values = torch.tensor([[[NAN, 1.0], [2.0, NAN], [NAN, NAN]], [[NAN, NAN], [NAN, 5.0], [NAN, 6.0]]])
    before = torch.tensor([[9.0, 9.0], [NAN, 8.0]])
    expected = [[[9.0, 1.0], [2.0, 1.0], [2.0, 1.0]], [[NAN, 8.0], [NAN, 5.0], [NAN, 6.0]]]
    np.testing.assert_array_equal(last_valid(values, before), expected)


def test_fill_marks_what_is_there():
    values, mask = fill(torch.tensor([1.0, NAN]), masked=True)
    assert values.tolist() == [1.0, 0.0]
    assert mask.tolist() == [1.0, 0.0]
    assert len(fill(torch.tensor([NAN]), masked=False)) == 1


def test_features_are_scaled_masked_and_embedded():
    inputs = ScaledInputs(ForecastShape(static=2, static_codes=(3,), masked_static=True))
    inputs.set_scaling({"static_mean": np.float32([1, 2]), "static_scale": np.float32([2, 4])})
    batch = {"static": torch.tensor([[5.0, NAN]]), "static_codes": torch.tensor([[2]])}
    values, mask, words = inputs.features("static", batch)
    assert values.tolist() == [[2.0, 0.0]]
    assert mask.tolist() == [[1.0, 0.0]]
    assert torch.equal(words[0], inputs.embeddings["static"][0].weight[2])
    assert inputs.sizes == {"past": 0, "known": 0, "static": 4 + 3}


def test_target_scaling_is_picked_by_series():
    inputs = ScaledInputs(ForecastShape(series=2))
    inputs.set_scaling({"target_mean": [[1.0], [2.0]], "target_scale": [[3.0], [4.0]]})
    batch = {"target": torch.zeros(3, 5, 1), "series": torch.tensor([1, 0, 1])}
    mean, scale = inputs.target_scaling(batch)
    assert mean.tolist() == [[2.0], [1.0], [2.0]]
    assert scale.tolist() == [[4.0], [3.0], [4.0]]


def test_valid_steps_end_at_the_lengths():
    batch = {"target": torch.zeros(3, 2, 1), "lengths": torch.tensor([0, 2, 1])}
    assert valid_steps(batch).tolist() == [[False, False], [True, True], [True, False]]
    assert valid_steps({"target": torch.zeros(1, 2, 1)}).tolist() == [[True, True]]


def test_wrong_scaling_is_refused():
    inputs = ScaledInputs(ForecastShape(targets=2))
    with pytest.raises(ShapeError, match=r"target_mean: expected \(1, 2\), got \(2,\). Fit it on"):
        inputs.set_scaling({"target_mean": [0.0, 0.0]})
    with pytest.raises(ArgumentError, match="got 'target_std'"):
        inputs.set_scaling({"target_std": [[0.0, 0.0]]})


def test_a_batch_that_does_not_fit_is_refused(make_batch):
    shape = ForecastShape(targets=2, known=1, series=2, history=6, horizon=2)
    inputs, batch = ScaledInputs(shape), make_batch(shape)
    inputs.check(batch)
    with pytest.raises(ShapeError, match=r"batch\['known'\]: expected 1 columns, got 0. Build the batch"):
        inputs.check({key: value for key, value in batch.items() if key != "known"})
    with pytest.raises(ShapeError, match=r"batch\['known'\]: expected 8 steps, got 6. Known columns reach"):
        inputs.check(batch | {"known": batch["known"][:, :6]})
    with pytest.raises(ShapeError, match=r"batch\['past'\]: expected 0 columns, got 3"):
        inputs.check(batch | {"past": torch.zeros(3, 6, 3)})
    with pytest.raises(ShapeError, match=r"batch\['series'\]: expected \(batch,\) of int64, got nothing"):
        inputs.check({key: value for key, value in batch.items() if key != "series"})
