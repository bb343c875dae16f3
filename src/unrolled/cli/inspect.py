"""`unrolled inspect model.unrolled data.csv -o report.html`: gradients, memory and gates of a model."""

from typing import Annotated, Any

import typer
from rich.text import Text

from unrolled import arguments
from unrolled.cli import options, output, progress
from unrolled.cli.evaluate import read
from unrolled.cli.options import FLAG, option
from unrolled.cli.wording import for_the_shell
from unrolled.errors import ArgumentError, explain

EXAMPLE = "unrolled inspect m.unrolled data.csv -o report.html"
MARKS = {"good": Text("fine", "green"), "note": Text("look", "yellow"), "bad": Text("change", "bold red")}
FIX = "Train again (--fix)"

Truth = Annotated[
    str | None,
    typer.Argument(metavar="TARGET", help="The true texts, of a translator.", show_default=False),
]
Out = Annotated[str | None, option("The page, one HTML file.", "-o", "--output", metavar="FILE")]
Lags = Annotated[int | None, option("Steps that the gradient is followed back; all there are.", metavar="N")]
Rows = Annotated[int | None, option("Sequences looked at, at most; 128.", metavar="N")]
Steps = Annotated[int | None, option("Steps of each, at most; 512.", metavar="N")]
Fix = Annotated[bool, option("Train again with the advice.", "--fix", metavar=FLAG, panel=FIX)]
Fixed = Annotated[str | None, option("Where the new model goes.", "--fixed", metavar="FILE", panel=FIX)]
Split = Annotated[str | None, option("That of the training: shares or counts.", metavar="A,B,C", panel=FIX)]


def inspect(
    model: options.ModelPath,
    data: options.Data,
    truth: Truth = None,
    out: Out = None,
    as_json: options.AsJson = False,
    lags: Lags = None,
    rows: Rows = None,
    steps: Steps = None,
    fix: Fix = False,
    fixed: Fixed = None,
    split: Split = None,
) -> None:
    """Look inside a model: how far gradients and memory reach, gates, inputs, cost; with advice.

    With --fix the model is trained again on the data with that advice, and both are shown side by side. The
    model's own file is never changed.
    """
    arguments.part("torch", "train")
    import unrolled
    from unrolled.insight import fix as fix_model

    check_fix(fix, {"--fixed": fixed, "--split": split})
    options.check_outputs((model, data, truth), {"-o": out, "--fixed": fixed})
    loaded: Any = unrolled.load(model)
    sources = read(loaded, data, truth)
    looked = options.given({"lags": lags, "rows": rows, "steps": steps})
    if fix:
        parts = options.parse_numbers("--split", split)
        found: Any = fix_model(loaded, *sources, split=parts, **looked, reporter=progress.reporter(as_json))
        if fixed is not None:
            found.model.save(fixed)
    else:
        found = unrolled.inspect(loaded, *sources, **looked)
    if out is not None:
        found.save(out)
    if as_json:
        output.as_json_line(found.to_dict() | {"page": out} | ({"model": fixed} if fix else {}))
        return
    show(found)
    output.files({"page": out, "model": fixed})


def check_fix(fix: bool, given: dict[str, str | None]) -> None:
    """Refuse what only --fix has. Raises: ArgumentError."""
    for name, value in given.items():
        if value is not None and not fix:
            raise ArgumentError(explain(name, "--fix beside it", "none", "Write --fix, or leave it out."))


def show(found: Any) -> None:
    """Print each finding with its advice; of two models what was changed first."""
    after = getattr(found, "after", found)
    if after is not found:
        for line in str(found).split("\n\n")[0].splitlines():
            output.say(Text(line, "bold"))
        output.say("")
    output.say(Text(after.title, "bold"))
    output.say(output.grid((Text(name, "bold"), Text(value)) for name, value in after.facts))
    output.say("")
    rows = []
    for finding in after.findings:
        told = [(f"{finding.topic}: ", "bold"), finding.sentence]
        if finding.advice:
            told.append((f"\nadvice: {for_the_shell(ValueError(finding.advice))}", "cyan"))
        rows.append((MARKS.get(finding.mark, Text("-")), Text.assemble(*told)))
    output.say(output.grid(rows))
    for note in after.notes:
        output.say(Text(note, "dim"))
