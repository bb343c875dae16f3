"""`unrolled train TASK data.csv`: learn, judge beside the baselines, save one file."""

import inspect
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled import arguments
from unrolled.cli import options, output, pictures, progress
from unrolled.cli.options import COLUMNS, FLAG, FORECAST, NETWORK, RUN, TRAINING, option
from unrolled.cli.wording import SPELLED
from unrolled.errors import ArgumentError, OutputError, TrainingInterrupted, explain

# Task -> the public class that does it.
TASKS = {"forecast": "Forecaster", "classify": "SequenceClassifier", "regress": "SequenceRegressor"}
EXAMPLE = "unrolled train forecast data.csv --time date --target y -o m.unrolled"

Out = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where the model goes.")]
Task = Annotated[str, typer.Argument(metavar="TASK", help=f"One of {', '.join(TASKS)}.", show_default=False)]
Split = Annotated[
    str | None, option("Training, validation, test: shares or counts.", metavar="A,B,C", panel=COLUMNS)
]
Horizon = Annotated[int | None, option("Rows to forecast (forecast).", panel=FORECAST)]
History = Annotated[int | None, option("Rows that a forecast looks at (forecast).", panel=FORECAST)]
Quantiles = Annotated[
    str | None, option("Quantiles to forecast (forecast).", metavar="Q,Q,...", panel=FORECAST)
]
Decoder = Annotated[str | None, option("segment, direct or recursive (forecast).", panel=FORECAST)]
Head = Annotated[str | None, option("last, mean or every (classify, regress).", panel=FORECAST)]
ClassWeight = Annotated[str | None, option("'balanced': each class counts alike (classify).", panel=FORECAST)]
Cell = Annotated[str | None, option("elman, lstm or gru.", panel=NETWORK)]
Hidden = Annotated[int | None, option("Units in a recurrent layer.", panel=NETWORK)]
Layers = Annotated[int | None, option("Recurrent layers.", panel=NETWORK)]
BothWays = Annotated[
    bool | None, option("Read both ways (classify, regress).", "--bidirectional", metavar=FLAG, panel=NETWORK)
]
Dropout = Annotated[float | None, option("Share of units dropped in training.", panel=NETWORK)]
Epochs = Annotated[int | None, option("Passes over the training part at most.", panel=TRAINING)]
BatchSize = Annotated[int | None, option("Windows or sequences in a step.", panel=TRAINING)]
Lr = Annotated[float | None, option("Learning rate.", panel=TRAINING)]
Clip = Annotated[float | None, option("Largest global norm of the gradient; 0: off.", panel=TRAINING)]
Bptt = Annotated[int | None, option("Steps of truncated BPTT (direct, recursive).", panel=TRAINING)]
Patience = Annotated[int | None, option("Epochs without a better score; 0: no early end.", panel=TRAINING)]
Precision = Annotated[str | None, option("fp32 or bf16.", panel=TRAINING)]
Seed = Annotated[int | None, option("Same seed, same bits.", panel=RUN)]
Device = Annotated[str | None, option("auto, cpu or cuda.", panel=RUN)]
Checkpoint = Annotated[str | None, option("Keep the state of the run here.", metavar="FILE", panel=RUN)]
Resume = Annotated[bool | None, option("Go on from the checkpoint.", "--resume", metavar=FLAG, panel=RUN)]
LeakTest = Annotated[
    bool, option("Look for leaks afterwards (forecast).", "--leak-test", metavar=FLAG, panel=RUN)
]


def train(
    task: Task,
    data: options.Data,
    out: Out,
    plot: options.Plot = None,
    as_json: options.AsJson = False,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    split: Split = None,
    horizon: Horizon = None,
    history: History = None,
    quantiles: Quantiles = None,
    decoder: Decoder = None,
    head: Head = None,
    class_weight: ClassWeight = None,
    cell: Cell = None,
    hidden: Hidden = None,
    layers: Layers = None,
    bidirectional: BothWays = None,
    dropout: Dropout = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Lr = None,
    clip: Clip = None,
    bptt: Bptt = None,
    patience: Patience = None,
    precision: Precision = None,
    seed: Seed = None,
    device: Device = None,
    checkpoint: Checkpoint = None,
    resume: Resume = None,
    leak_test: LeakTest = False,
) -> None:
    """Train a recurrent network, judge it beside the plain baselines, save one file.

    What is not given is chosen by the data, or is the task's usual value; the printed summary names it.
    """
    arguments.one_of("TASK", task, TASKS)
    arguments.part("torch", "train")
    settings = options.given(
        {
            "horizon": horizon, "history": history, "decoder": decoder, "head": head, "cell": cell,
            "class_weight": class_weight, "bidirectional": bidirectional, "hidden_size": hidden,
            "layers": layers, "dropout": dropout, "epochs": epochs, "batch_size": batch_size,
            "learning_rate": lr, "clip": clip, "bptt": bptt, "patience": patience, "precision": precision,
            "seed": seed, "device": device, "quantiles": options.parse_numbers("--quantiles", quantiles),
        }
    )  # fmt: skip
    columns = options.given(
        {
            "time": time, "target": target, "series": series, "known": known, "past": past, "static": static,
            "split": options.parse_numbers("--split", split), "checkpoint": checkpoint, "resume": resume,
        }
    )  # fmt: skip
    options.check_picture(plot)
    options.check_outputs((data,), {"-o": out, "--plot": plot, "--checkpoint": checkpoint})
    estimator = build(task, settings, columns, leak_test, plot)
    estimator.fit(data, **columns, reporter=progress.reporter(as_json))
    report(estimator, data, out, plot, leak_test, as_json)


def build(
    task: str, settings: dict[str, Any], columns: dict[str, Any], leak_test: bool, plot: str | None
) -> Any:
    """The estimator of a task with the settings that were given.

    Raises: ArgumentError for an option that the task does not have.
    """
    import unrolled

    kind = getattr(unrolled, TASKS[task])
    other = [name for name in settings if name not in inspect.signature(kind).parameters]
    other += [name for name in columns if name not in inspect.signature(kind.fit).parameters]
    other += ["leak_test"] if leak_test and not hasattr(kind, "leak_test") else []
    other += ["plot"] if plot and task == "regress" else []
    if other:
        flag = SPELLED.get(other[0], "--" + other[0].replace("_", "-"))
        raise ArgumentError(explain(flag, f"an option of '{task}'", "one of another task", "Leave it out."))
    return kind(**settings)


def report(estimator: Any, data: str, out: str, plot: str | None, leak_test: bool, as_json: bool) -> None:
    """Save the model first, then say what was learned and where it is, then look for leaks."""
    save(estimator, out)
    if plot is not None:
        pictures.draw_trained(estimator, data, plot)
    if not as_json:
        output.summary(estimator.summary())
        output.evaluation(estimator.evaluation_, as_json=False)
        output.files({"model": out, "picture": plot})
    leaks = leaks_of(estimator, data, out, as_json) if leak_test else None
    if as_json:
        found = {"model": out, "picture": plot, "summary": estimator.summary()}
        found["evaluation"] = estimator.evaluation_.to_dict()
        output.as_json_line(found if leaks is None else found | {"leaks": [leak.to_dict() for leak in leaks]})
    elif leaks is not None:
        output.leak_findings(leaks)


def save(estimator: Any, out: str) -> None:
    """Write the model; where its disk is full, beside it in the folder for temporary files.

    Raises: OutputError, which says where the model is.
    """
    try:
        estimator.save(out)
    except OutputError as error:
        kept = Path(tempfile.mkdtemp(prefix="unrolled-")) / Path(out).name
        try:
            estimator.save(kept)
        except OutputError:
            kept.parent.rmdir()
            raise error from None
        raise OutputError(f"{error} The model is kept in {kept}.") from None


def leaks_of(estimator: Any, data: str, out: str, as_json: bool) -> Any:
    """The findings of the leak test. Raises: TrainingInterrupted, which says that the model stands."""
    try:
        return estimator.leak_test(data, reporter=progress.reporter(as_json))
    except (TrainingInterrupted, KeyboardInterrupt):
        cure = f"The model is whole: {out}"
        raise TrainingInterrupted(explain("leak test", "its end", "Ctrl-C", cure)) from None
