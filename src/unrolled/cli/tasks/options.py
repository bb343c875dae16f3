"""Options that training has for every task."""

from typing import Annotated, Any

import typer

from unrolled.cli import options
from unrolled.cli.options import COLUMNS, FLAG, NETWORK, RUN, TRAINING, option

Out = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where the model goes.")]
Split = Annotated[
    str | None, option("Training, validation, test: shares or counts.", metavar="A,B,C", panel=COLUMNS)
]
Cell = Annotated[str | None, option("elman, lstm or gru.", panel=NETWORK)]
Hidden = Annotated[int | None, option("Units in a recurrent layer.", panel=NETWORK)]
Layers = Annotated[int | None, option("Recurrent layers.", panel=NETWORK)]
Dropout = Annotated[float | None, option("Share of units dropped in training.", panel=NETWORK)]
ForgetBias = Annotated[float | None, option("Start of an LSTM's forget bias; 1 is usual.", panel=NETWORK)]
Memory = Annotated[int | None, option("Steps that an LSTM starts out to remember.", panel=NETWORK)]
Orthogonal = Annotated[
    bool | None, option("Orthogonal recurrent start.", "--orthogonal", metavar=FLAG, panel=NETWORK)
]
LayerNorm = Annotated[
    bool | None, option("Normalise the gates.", "--layer-norm", metavar=FLAG, panel=NETWORK)
]
Epochs = Annotated[int | None, option("Passes over the training part at most.", panel=TRAINING)]
Lr = Annotated[float | None, option("Learning rate.", panel=TRAINING)]
Clip = Annotated[float | None, option("Largest global norm of the gradient; 0: off.", panel=TRAINING)]
Patience = Annotated[int | None, option("Epochs without a better score; 0: no early end.", panel=TRAINING)]
Precision = Annotated[str | None, option("fp32 or bf16.", panel=TRAINING)]
Seed = Annotated[int | None, option("Same seed, same bits.", panel=RUN)]
Device = Annotated[str | None, option("auto, cpu or cuda.", panel=RUN)]
Checkpoint = Annotated[str | None, option("Keep the state of the run here.", metavar="FILE", panel=RUN)]
Watch = Annotated[int | None, option("Look inside every so many steps.", metavar="N", panel=RUN)]
Resume = Annotated[bool | None, option("Go on from the checkpoint.", "--resume", metavar=FLAG, panel=RUN)]


def gathered(values: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, by the names that Python has for them; a text of numbers as numbers."""
    parsed = {
        name: options.parse_numbers(f"--{name}", values[name])
        for name in ("split", "quantiles")
        if name in values
    }
    renamed = {"hidden": "hidden_size", "lr": "learning_rate"}
    return options.given({renamed.get(name, name): value for name, value in (values | parsed).items()})
