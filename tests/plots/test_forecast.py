import numpy as np
import pytest

from unrolled.errors import ArgumentError, ShapeError
from unrolled.plots import Panel, plot_forecast, style
from unrolled.plots.forecast import bands

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def panel(**changed):
    quantiles = np.arange(4.0)[:, None] + np.array([-2, -1, 0, 1, 2])
    made = Panel("OT", np.array([5.0, 6, 7]), quantiles, LEVELS, np.ones(4), np.zeros(4), "°C")
    return made._replace(**changed)


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_forecast_grows_out_of_the_last_known_value():
    figure = plot_forecast([panel(history=np.array([5.0, 6.0, np.nan]))], title="Oil")
    (axes,) = figure.axes
    drawn = lines(axes)
    np.testing.assert_array_equal(drawn["forecast"].get_ydata(), [6, 0, 1, 2, 3])
    np.testing.assert_array_equal(drawn["forecast"].get_xdata(), [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(drawn["truth"].get_ydata(), [6, 1, 1, 1, 1])
    np.testing.assert_array_equal(drawn["baseline"].get_ydata(), [6, 0, 0, 0, 0])
    np.testing.assert_array_equal(drawn["history"].get_xdata(), [-2, -1, 0])
    assert drawn["forecast"].get_color() == style.MODEL
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["forecast", "90 % interval", "50 % interval", "truth", "baseline", "history"]
    assert axes.get_title("left") == "OT (°C)"
    assert "Oil" in [text.get_text() for text in figure.texts]


def test_an_interval_is_filled_from_its_lower_to_its_upper_quantile():
    (axes,) = plot_forecast([panel()]).axes
    widest = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (widest.min(), widest.max()) == (-2.0, 7.0)


def test_levels_without_a_partner_have_no_band():
    assert bands([0.05, 0.1, 0.5, 0.95]) == [(0, 3)]


def test_panels_share_one_axis_of_time(tmp_path):
    stamps = np.datetime64("2020-01-30") + np.arange(7)
    path = tmp_path / "two.png"
    figure = plot_forecast([panel(), panel(name="HUFL", truth=None, baseline=None)], stamps, path=path)
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    assert second.get_xlabel() == "time"
    assert set(lines(second)) == {"forecast", "history"}
    assert path.read_bytes().startswith(b"\x89PNG")
    plot_forecast(
        [panel(), panel(name="HUFL", truth=None, baseline=None)], stamps, path=tmp_path / "again.png"
    )
    assert (tmp_path / "again.png").read_bytes() == path.read_bytes()


def test_a_forecast_without_history_is_drawn():
    (axes,) = plot_forecast([panel(history=np.array([]))]).axes
    np.testing.assert_array_equal(lines(axes)["forecast"].get_ydata(), [0, 1, 2, 3])


def test_a_long_legend_takes_rows_instead_of_leaving_the_picture():
    figure = plot_forecast([panel()], baseline_name="a plain method with a very long name indeed " * 2)
    figure.canvas.draw()
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1
    assert figure.legends[0].get_window_extent().y0 > figure.axes[0].get_window_extent().y1


def test_errors_name_the_value_and_the_cure():
    with pytest.raises(ArgumentError, match=r"panels: expected at least one, got none. Pass a Panel"):
        plot_forecast([])
    with pytest.raises(ShapeError, match=r"levels: expected 5 levels, got 1. Name the level"):
        plot_forecast([panel(levels=[0.5])])
    with pytest.raises(ShapeError, match=r"truth: expected \(4,\), got \(3,\). Give one for each step"):
        plot_forecast([panel(truth=np.ones(3))])
    with pytest.raises(
        ShapeError, match=r"stamps: expected \(7,\), got \(4,\). Give the stamps of the history"
    ):
        plot_forecast([panel()], np.arange(4))
