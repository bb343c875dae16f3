"""`unrolled train forecast data.csv`: what comes next in one series or many."""

from typing import Annotated

from unrolled.cli import options
from unrolled.cli.options import FLAG, FORECAST, RUN, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks.run import train

EXAMPLE = "unrolled train forecast data.csv --time date --target y -o m.unrolled"

Horizon = Annotated[int | None, option("Rows to forecast.", panel=FORECAST)]
History = Annotated[int | None, option("Rows that a forecast looks at.", panel=FORECAST)]
Quantiles = Annotated[str | None, option("Quantiles to forecast.", metavar="Q,Q,...", panel=FORECAST)]
Decoder = Annotated[str | None, option("segment, direct or recursive.", panel=FORECAST)]
BatchSize = Annotated[int | None, option("Windows in a step.", panel=TRAINING)]
Bptt = Annotated[int | None, option("Steps of truncated BPTT (direct, recursive).", panel=TRAINING)]
LeakTest = Annotated[bool, option("Look for leaks afterwards.", "--leak-test", metavar=FLAG, panel=RUN)]


def forecast(
    data: options.Data,
    out: training.Out,
    plot: options.Plot = None,
    as_json: options.AsJson = False,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    split: training.Split = None,
    horizon: Horizon = None,
    history: History = None,
    quantiles: Quantiles = None,
    decoder: Decoder = None,
    cell: training.Cell = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    dropout: training.Dropout = None,
    forget_bias: training.ForgetBias = None,
    memory: training.Memory = None,
    orthogonal: training.Orthogonal = None,
    layer_norm: training.LayerNorm = None,
    epochs: training.Epochs = None,
    batch_size: BatchSize = None,
    lr: training.Lr = None,
    clip: training.Clip = None,
    bptt: Bptt = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = None,
    device: training.Device = None,
    checkpoint: training.Checkpoint = None,
    resume: training.Resume = None,
    watch: training.Watch = None,
    leak_test: LeakTest = False,
) -> None:
    """Forecast the next rows of one series or many, with quantiles.

    What is not given is chosen by the data, or is the task's usual value; the printed summary names it.
    """
    train("Forecaster", (data,), locals())
