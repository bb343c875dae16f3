"""What the commands print: results on standard output, progress on standard error, JSON where it is asked for."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
VERDICTS = {"better": "bold green", "as good": "yellow", "worse": "bold red"}


def console() -> Console:
    """Standard output; plain when it is not a terminal."""
    return Console(highlight=False, soft_wrap=True)


def as_json_line(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def reporter(quiet: bool) -> Any:
    """How training shows its progress: on standard error, not at all beside JSON."""
    from unrolled.training import SilentReporter, default_reporter

    return SilentReporter() if quiet else default_reporter()


def score_table(evaluation: Any) -> Table:
    """The scores of a model and its baselines, the model first."""
    table = Table(title=evaluation.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    columns, rows = evaluation.table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for number, row in enumerate(rows):
        table.add_row(*row, style="bold" if number == 0 else "")
    return table


def evaluation(found: Any, as_json: bool) -> None:
    """Print the scores beside the baselines, the notes and the verdict."""
    if as_json:
        as_json_line(found.to_dict())
        return
    out = console()
    out.print(score_table(found))
    for note in found.notes:
        out.print(Text(note, style="dim"))
    out.print(Text(f"Verdict: {found.verdict.text}", style=VERDICTS.get(found.verdict.kind, "")))


def trained(estimator: Any, path: str, leaks: Sequence[Any] | None, as_json: bool) -> None:
    """Print what was learned from what, the scores, the leaks looked for, and where the model is."""
    if as_json:
        found = {"model": path, "summary": estimator.summary(), "evaluation": estimator.evaluation_.to_dict()}
        as_json_line(found if leaks is None else found | {"leaks": [leak.to_dict() for leak in leaks]})
        return
    out = console()
    for name, text in estimator.summary().items():
        out.print(Text.assemble((f"{name:<9}", "bold"), " ", text))
    out.print()
    evaluation(estimator.evaluation_, as_json=False)
    if leaks is not None:
        leak_findings(leaks)
    out.print(f"Model written to {path}", markup=False)


def leak_findings(leaks: Sequence[Any]) -> None:
    """Print each part of the leak test with what it found."""
    out = console()
    out.print()
    out.print(Text("Leak test", style="bold"))
    for leak in leaks:
        mark, style = ("LEAK", "bold red") if leak.found else ("ok", "green")
        out.print(Text.assemble((f"  {mark:<5}", style), leak.text))


def findings(found: Sequence[Any], as_json: bool) -> None:
    """Print what is wrong with the data, the worst first."""
    if as_json:
        as_json_line([finding.to_dict() for finding in found])
        return
    out = console()
    for finding in found:
        out.print(Text.assemble((f"{finding.severity:<8}", COLOURS[finding.severity]), str(finding)))
    errors = sum(finding.severity == "error" for finding in found)
    warnings = sum(finding.severity == "warning" for finding in found)
    out.print(f"{errors} errors, {warnings} warnings" if found else "Nothing wrong was found.")


def frame(found: Any, path: str | None, as_json: bool) -> None:
    """Write a frame to a file, or print it as CSV or JSON."""
    if path is not None:
        from unrolled.data import write_frame

        write_frame(found, path)
        console().print(f"{len(found)} rows written to {path}", markup=False)
    elif as_json:
        print(found.write_json())
    else:
        print(found.write_csv(), end="")
