import subprocess
import sys

import numpy as np
import pytest

from unrolled.errors import ShapeError
from unrolled.plots import plot_confusion


def test_counts_are_written_and_rows_are_shaded_by_their_share():
    figure = plot_confusion([[8, 2], [0, 4]], ["no", "yes"], "Answers", "Accuracy 86 %.")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.8, 0.2], [0, 1]])
    assert {text.get_text(): text.get_position() for text in axes.texts} == {
        "8": (0, 0),
        "2": (1, 0),
        "4": (1, 1),
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no", "yes"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answered", "true")


def test_a_class_without_truth_and_a_long_name():
    (axes,) = plot_confusion(np.diag([3, 0]), ["a" * 40, "b"]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[1, 0], [0, 0]])
    assert axes.get_xticklabels()[0].get_text() == "a" * 17 + "…"
    assert axes.get_xticklabels()[0].get_rotation() == 90


def test_many_classes_are_drawn_without_numbers():
    (axes,) = plot_confusion(np.eye(40), [str(k) for k in range(40)]).axes
    assert not axes.texts


def test_names_stay_inside_the_picture():
    figure = plot_confusion(np.eye(3), ["walking", "running uphill", "standing still now"])
    figure.canvas.draw()
    box = figure.axes[0].get_tightbbox()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1


def test_errors_name_the_value_and_the_cure():
    with pytest.raises(ShapeError, match=r"matrix: expected \(3, 3\), got \(2, 2\). Name each class once"):
        plot_confusion(np.eye(2), ["a", "b", "c"])


def test_nothing_heavy_is_imported_before_a_picture_is_drawn():
    code = "import sys, unrolled.plots; print([m for m in ('matplotlib', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys, numpy; from unrolled.plots import plot_confusion"
    code += "; plot_confusion(numpy.eye(2), ['a', 'b']); print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
