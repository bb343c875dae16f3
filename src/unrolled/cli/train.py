"""`unrolled train TASK data.csv`: learn, judge beside the baselines, save one file."""

import inspect
from typing import Annotated, Any

import typer

from unrolled import arguments
from unrolled.cli import options, output
from unrolled.errors import ArgumentError, explain

# Task -> the public class that does it.
TASKS = {"forecast": "Forecaster", "classify": "SequenceClassifier", "regress": "SequenceRegressor"}


def train(
    task: Annotated[str, typer.Argument(metavar="TASK", help=f"One of {', '.join(TASKS)}.")],
    data: options.Data,
    out: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where the model goes.")],
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    horizon: Annotated[int | None, typer.Option(help="How many rows to forecast.")] = None,
    history: Annotated[int | None, typer.Option(help="How many rows a forecast looks at.")] = None,
    split: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Training, validation, test: fractions or row counts.")
    ] = None,
    decoder: Annotated[str | None, typer.Option(help="segment, direct or recursive.")] = None,
    head: Annotated[str | None, typer.Option(help="last, mean or every (classify, regress).")] = None,
    bidirectional: Annotated[
        bool | None, typer.Option("--bidirectional", help="Read both ways (classify, regress).")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="elman, lstm or gru.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Units in a recurrent layer.")] = None,
    layers: Annotated[int | None, typer.Option(help="Recurrent layers.")] = None,
    quantiles: Annotated[str | None, typer.Option(metavar="Q,Q,...", help="Quantiles to forecast.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of units dropped in training.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Windows or sequences in a step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest global norm of the gradient.")] = None,
    bptt: Annotated[int | None, typer.Option(help="Steps of truncated BPTT (direct, recursive).")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better score before stopping.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same bits.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep the state of the run here.")
    ] = None,
    resume: Annotated[bool | None, typer.Option("--resume", help="Go on from the checkpoint.")] = None,
    leak_test: Annotated[
        bool, typer.Option("--leak-test", help="Look for leaks: in windows, labels, known columns.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Train a recurrent network, print its scores beside the plain baselines, save one file.

    Example: unrolled train forecast co2.csv --time date --target co2 --horizon 26 -o co2.unrolled
    """
    arguments.one_of("TASK", task, TASKS)
    from unrolled.format import check_output

    check_output(out)
    settings = options.given(
        {
            "horizon": horizon, "history": history, "decoder": decoder, "head": head, "bidirectional": bidirectional,
            "cell": cell, "hidden_size": hidden, "layers": layers, "dropout": dropout, "epochs": epochs,
            "quantiles": options.parse_numbers("--quantiles", quantiles), "batch_size": batch_size,
            "learning_rate": lr, "clip": clip, "bptt": bptt, "patience": patience, "precision": precision,
            "seed": seed, "device": device,
        }
    )  # fmt: skip
    columns = options.given(
        {
            "time": time, "target": target, "series": series, "known": known, "past": past, "static": static,
            "split": options.parse_numbers("--split", split), "checkpoint": checkpoint, "resume": resume,
        }
    )  # fmt: skip
    estimator = build(task, settings, columns)
    estimator.fit(data, **columns, reporter=output.reporter(as_json))
    estimator.save(out)
    leaks = estimator.leak_test(data) if leak_test else None
    output.trained(estimator, out, leaks, as_json)


def build(task: str, settings: dict[str, Any], columns: dict[str, Any]) -> Any:
    """The estimator of a task with the settings that were given.

    Raises: ArgumentError for an option that the task does not have.
    """
    arguments.part("torch", "train")
    import unrolled

    kind = getattr(unrolled, TASKS[task])
    for name, allowed in ((settings, inspect.signature(kind)), (columns, inspect.signature(kind.fit))):
        for option in name:
            if option not in allowed.parameters:
                raise ArgumentError(
                    explain(flag_of(option), f"an option of '{task}'", "one of another task", "Leave it out.")
                )
    return kind(**settings)


def flag_of(parameter: str) -> str:
    """How a constructor's parameter is spelled on the command line."""
    spelled = {"hidden_size": "hidden", "learning_rate": "lr"}.get(parameter, parameter)
    return "--" + spelled.replace("_", "-")
