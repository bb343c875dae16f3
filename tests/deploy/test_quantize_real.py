"""Int8 on the real sets: the metric of a trained forecaster moves by less than one part in a hundred."""

import numpy as np
import polars as pl
import pytest

from unrolled import Forecaster
from unrolled.deploy import quantize
from unrolled.runtime import Program, Stream

pytestmark = pytest.mark.real_data

SETS = {
    "ETTh1.csv": {"target": "OT", "time": "date", "past": "HUFL,MUFL"},
    "seattle-weather.csv": {"target": "wind", "time": "date", "past": "temp_max,temp_min"},
}
ROWS, HELD_OUT = 1400, 400


def pinball(program: Program, rows: dict[str, np.ndarray], truth: np.ndarray) -> float:
    """Of every forecast along the rows."""
    horizon, levels = program.horizon, np.array(program.levels)
    given = {name: column[:-horizon] for name, column in rows.items()}
    needs_future = any(name.startswith("future_") for name in program.inputs)
    future = {name: column[-horizon:] for name, column in rows.items()} if needs_future else None
    answers = Stream(program).run(given, future)[program.history - 1 :, :, 0]  # (rows, horizon, levels)
    ahead = np.lib.stride_tricks.sliding_window_view(truth[program.history :], horizon)
    error = ahead[..., None] - answers
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


@pytest.mark.parametrize("decoder", ["segment", "direct", "recursive"])
@pytest.mark.parametrize("name", SETS)
def test_int8_costs_less_than_a_hundredth(real_data, name, decoder):
    columns = dict(SETS[name])
    if decoder == "recursive":  # it would need the past columns of rows to come
        columns.pop("past")
    frame = pl.read_csv(real_data / "forecast" / name, try_parse_dates=True)[:ROWS]
    options = {"horizon": 6, "history": 24, "hidden_size": 40, "layers": 2, "epochs": 3, "paths": 30}
    model = Forecaster(decoder=decoder, batch_size=64, device="cpu", **options).fit(frame, **columns)
    program = model.program()
    rows = {name: frame[name].to_numpy() for name in Stream(program).columns}
    held_out = {name: column[-HELD_OUT:] for name, column in rows.items()}
    truth = held_out[columns["target"]]
    calibration = {name: column[:-HELD_OUT] for name, column in rows.items()}
    small = quantize(model, calibration, lambda p: pinball(p, held_out, truth), held_out)
    assert small.before != small.after, "the metric does not see the recurrent layers"
    assert abs(small.change) < 0.01
    assert small.drift.last < 0.05
