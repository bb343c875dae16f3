import json

import numpy as np
import pytest

from unrolled.errors import ArgumentError, ModelFileError, ShapeError
from unrolled.preprocess import StandardScaler, scalers


def test_numbers_of_two_groups_with_missing_values():
    values = np.array([[1, 10], [3, np.nan], [5, 30], [100, 7], [102, 7]], np.float32)
    scaler = StandardScaler.fit(values, [0, 3, 5])
    assert scaler.mean.dtype == scaler.scale.dtype == np.float32
    np.testing.assert_allclose(scaler.mean, [[3, 20], [101, 7]])
    np.testing.assert_allclose(scaler.scale, [[np.sqrt(8 / 3), 10], [1, 1]], rtol=1e-6)


def test_constant_and_empty_columns():
    values = np.full((100_000, 2), 0.1, np.float64)
    values[:, 1] = np.nan
    scaler = StandardScaler.fit(values)
    np.testing.assert_allclose(scaler.mean, [[0.1, 0.0]], rtol=1e-6)
    assert scaler.scale.tolist() == [[1.0, 1.0]]


def test_blocks_agree_with_one_pass_in_float64(monkeypatch):
    monkeypatch.setattr(scalers, "BLOCK", 64)
    rng = np.random.default_rng(0)
    values = (1e6 + rng.normal(size=(5000, 3))).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:200, 0] = np.nan
    scaler = StandardScaler.fit(values)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(scaler.mean[0], np.nanmean(exact, 0), rtol=1e-7)
    np.testing.assert_allclose(scaler.scale[0], np.nanstd(exact, 0), rtol=1e-6)


def test_an_empty_group_scales_by_one():
    scaler = StandardScaler.fit(np.array([[2.0], [4.0]]), [0, 0, 2])
    assert scaler.mean.tolist() == [[0.0], [3.0]] and scaler.scale.tolist() == [[1.0], [1.0]]


def test_transform_and_inverse_by_group():
    scaler = StandardScaler([[0, 10], [5, 20]], [[1, 2], [4, 5]])
    batch = np.array([[[1, 14], [2, 10]], [[9, 20], [5, 30]]], np.float32)  # (batch, time, column)
    scaled = scaler.transform(batch, [0, 1])
    assert scaled.tolist() == [[[1, 2], [2, 0]], [[1, 0], [0, 2]]]
    np.testing.assert_array_equal(scaler.inverse(scaled, [0, 1]), batch)
    assert scaler.transform([9, 20], 1).tolist() == [1, 0]


def test_the_card_is_exact_json():
    scaler = StandardScaler.fit(np.random.default_rng(1).normal(size=(50, 3)), [0, 20, 50])
    again = StandardScaler.from_card(json.loads(json.dumps(scaler.card())))
    np.testing.assert_array_equal(again.mean, scaler.mean)
    np.testing.assert_array_equal(again.scale, scaler.scale)


@pytest.mark.parametrize(
    "damage",
    [
        {"scale": [[0.0]]},
        {"mean": [[1.0, 2.0]]},
        {"kind": "robust"},
        {"mean": "x"},
        {"scale": [[float("nan")]]},
    ],
)
def test_a_damaged_card_is_refused(damage):
    card = StandardScaler([[1.0]], [[2.0]]).card() | damage
    with pytest.raises(ModelFileError, match=r"scaler: expected a standard scaler's card.*Save it anew"):
        StandardScaler.from_card(card)


def test_bad_arguments():
    with pytest.raises(
        ShapeError, match=r"values: expected \(rows, columns\), got \(3,\).*values\[:, None\]"
    ):
        StandardScaler.fit(np.arange(3.0))
    with pytest.raises(ShapeError, match=r"offsets: expected row numbers rising from 0 to 3, got \[0, 2\]"):
        StandardScaler.fit(np.ones((3, 1)), [0, 2])
    for bad in (np.inf, -np.inf):
        with pytest.raises(ArgumentError, match="values: expected finite numbers or NaN, got infinity"):
            StandardScaler.fit(np.array([[1.0], [bad]]))
    scaler = StandardScaler([[1.0]], [[2.0]])
    with pytest.raises(ShapeError, match=r"values: expected \(\.\.\., 1\), got \(4, 2\)"):
        scaler.transform(np.ones((4, 2)))
    with pytest.raises(ArgumentError, match=r"groups: expected 0 to 0, got 3 to 3"):
        scaler.transform(np.ones((4, 1)), 3)
