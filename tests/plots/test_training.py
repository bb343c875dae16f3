import numpy as np
import pytest

from unrolled.errors import OutputError, ShapeError
from unrolled.plots import plot_training


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_curves_and_the_best_epoch():
    figure = plot_training([3.0, 2.0, 1.5], [4.0, 2.5, 2.0, 2.25], [1.0, 0.5, 0.0], loss_name="pinball loss")
    losses, clipped = figure.axes
    drawn = lines(losses)
    np.testing.assert_array_equal(drawn["training"].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(drawn["validation"].get_xdata(), [0, 1, 2, 3])
    assert (drawn["best, kept"].get_xdata()[0], drawn["best, kept"].get_ydata()[0]) == (2, 2.0)
    assert [bar.get_height() for bar in clipped.patches] == [100, 50, 0]
    assert losses.get_ylabel() == "pinball loss"
    assert "Lowest validation pinball loss 2, after epoch 2 of 3." in [t.get_text() for t in figure.texts]


def test_validation_after_each_epoch_only_and_a_training_that_never_helped():
    (axes,) = plot_training([3.0, 2.0], [1.0, 5.0]).axes
    np.testing.assert_array_equal(lines(axes)["validation"].get_xdata(), [1, 2])
    figure = plot_training([3.0, 2.0], [1.0, 4.0, 5.0])
    assert "before the first epoch" in figure.texts[1].get_text()


def test_losses_over_many_sizes_get_a_logarithmic_axis():
    assert plot_training([100.0, 1.0], [90.0, 2.0]).axes[0].get_yscale() == "log"
    assert plot_training([100.0, -1.0], [90.0, 2.0]).axes[0].get_yscale() == "linear"


def test_losses_that_are_no_numbers_are_left_out():
    figure = plot_training([1.0, np.nan], [np.nan, np.nan])
    assert "best, kept" not in lines(figure.axes[0])


def test_errors_name_the_value_and_the_cure(tmp_path):
    with pytest.raises(
        ShapeError, match=r"validation: expected 2 or 3 losses, at least one, got 1. Give one"
    ):
        plot_training([1.0, 2.0], [1.0])
    with pytest.raises(ShapeError, match=r"clipped: expected 2 shares, got 1. Give one for each epoch"):
        plot_training([1.0, 2.0], [1.0, 2.0], [0.5])
    with pytest.raises(OutputError, match="nowhere"):
        plot_training([1.0], [1.0], path=tmp_path / "nowhere" / "a.png")
