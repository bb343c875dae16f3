"""What training does for every task: fit, say what was learned beside the baselines, save one file."""

import inspect
import tempfile
from pathlib import Path
from typing import Any

from unrolled import arguments
from unrolled.cli import options, output, pictures, progress
from unrolled.cli.tasks.options import gathered
from unrolled.cli.wording import SPELLED
from unrolled.errors import ArgumentError, OutputError, TrainingInterrupted, explain

OWN = ("data", "out", "plot", "as_json", "leak_test")  # options of the command, not of the task


def train(kind: str, data: tuple[str, ...], given: dict[str, Any]) -> None:
    """Fit the public class `kind` on files, judge it, save it.

    `given` are the command's options by name: those of the class's constructor go there, the rest to `fit`.
    Raises: ArgumentError, DataError, OutputError before any work.
    """
    arguments.part("torch", "train")
    import unrolled

    out, plot = given["out"], given.get("plot")
    options.check_picture(plot)
    options.check_outputs(data, {"-o": out, "--plot": plot, "--checkpoint": given.get("checkpoint")})
    task = getattr(unrolled, kind)
    wanted = gathered({name: value for name, value in given.items() if name not in OWN})
    settings = {name: wanted.pop(name) for name in list(wanted) if name in inspect.signature(task).parameters}
    refuse_others(task, wanted)
    as_json, seen = given["as_json"], None
    if "watch" in wanted:
        seen = Path(out).with_suffix(".watch")
        wanted["watch"] = unrolled.Watch(wanted["watch"], seen)
    estimator = task(**settings)
    estimator.fit(*data, **wanted, reporter=progress.reporter(as_json))
    report(estimator, data[0], out, plot, given.get("leak_test", False), as_json)
    if seen is not None and not as_json:
        output.files({"watch": str(seen / "watch.csv")})


def refuse_others(task: type, wanted: dict[str, Any]) -> None:
    """Refuse options of a command that this kind of data does not have. Raises: ArgumentError."""
    for name in wanted:
        if name not in inspect.signature(task.fit).parameters:  # type: ignore[attr-defined]
            flag = SPELLED.get(name, "--" + name.replace("_", "-"))
            got = f"one that a {task.__name__} does not have"
            raise ArgumentError(explain(flag, "an option for this data", got, "Leave it out."))


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
