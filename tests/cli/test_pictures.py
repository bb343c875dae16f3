"""What the pictures of --plot show."""

import numpy as np
import polars as pl
import pytest

import unrolled
from unrolled import plots
from unrolled.cli import pictures
from unrolled.training import SilentReporter


@pytest.fixture
def drawn(monkeypatch):
    """What was handed to the room that draws."""
    kept = {}

    def keep(panels, stamps, title, note, path):
        kept.update(panels=panels, stamps=stamps, title=title, note=note)

    monkeypatch.setattr(plots, "plot_forecast", keep)
    return kept


@pytest.fixture(scope="module")
def two():
    """Two series of 120 and 150 days with two targets, and a forecaster of 3 days."""
    random = np.random.default_rng(0)
    days = np.datetime64("2024-01-01", "us") + np.arange(150) * np.timedelta64(1, "D")
    parts = [
        pl.DataFrame(
            {"who": [name] * n, "day": days[:n], "a": random.normal(size=n), "b": random.normal(size=n)}
        )
        for name, n in (("short", 120), ("long", 150))
    ]
    frame = pl.concat(parts)
    model = unrolled.Forecaster(horizon=3, history=6, hidden_size=4, epochs=1)
    columns = {"time": "day", "series": "who"}
    return model.fit(frame, ["a", "b"], **columns, reporter=SilentReporter()), frame


def test_a_forecast_stands_behind_the_rows_of_its_series(two, drawn):
    model, frame = two
    found = model.predict(frame)
    pictures.draw_ahead(model, frame, found, "unused.png")
    assert (drawn["title"], drawn["note"]) == ("a, b: the next 3 rows", "Series 'short', one of 2.")
    first, second = drawn["panels"]
    assert first.history == pytest.approx(frame["a"][72:120].to_numpy())
    assert second.quantiles[:, 1] == pytest.approx(found["b"][:3].to_numpy())
    assert second.quantiles[:, 0] == pytest.approx(found["b_q0.1"][:3].to_numpy())
    assert str(drawn["stamps"][48])[:10] == "2024-04-30" and len(drawn["stamps"]) == 51


def test_what_was_judged_stands_beside_what_came_true(two, drawn):
    model, frame = two
    pictures.draw_trained(model, frame, "unused.png")
    number = int(model.evaluation_.losses.series[0])
    name, last = ("short", 120) if number == 0 else ("long", 150)
    rows = frame.filter(pl.col("who") == name)
    assert (
        drawn["note"] == f"Series '{name}', one of 2." and drawn["title"] == "a, b: 3 rows of the test part"
    )
    assert drawn["panels"][0].truth == pytest.approx(rows["a"][last - 3 :].to_numpy())
    assert drawn["panels"][1].history == pytest.approx(rows["b"][last - 51 : last - 3].to_numpy())
    assert str(drawn["stamps"][-1]) == str(rows["day"].to_numpy()[-1])
