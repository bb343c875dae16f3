import numpy as np
import pytest

from unrolled.errors import ShapeError
from unrolled.plots import plot_attention


def test_each_cell_shows_its_weight(tmp_path):
    weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    figure = plot_attention(["ein", "Hund", "."], ["a", "dog"], weights, path=tmp_path / "a.png")
    axes = figure.axes[0]
    assert np.array_equal(axes.images[0].get_array(), weights)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ein", "Hund", "."]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "dog"]
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_long_text_is_cut_and_says_so():
    figure = plot_attention(["x"] * 50, ["y"] * 60, np.full((60, 50), 0.02))
    assert figure.axes[0].images[0].get_array().shape == (40, 40)
    assert any("The first 40 tokens." in text.get_text() for text in figure.texts)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"weights: expected \(2, 1\), got \(1, 2\)\. A row a target token"):
        plot_attention(["x"], ["a", "b"], np.ones((1, 2)))
