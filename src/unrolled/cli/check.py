"""`unrolled check data.csv`: what is wrong with the data, before anything is learned from it."""

from typing import Annotated

import typer

from unrolled import arguments
from unrolled.cli import options, output


def check(
    data: options.Data,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    horizon: Annotated[int | None, typer.Option(help="Rows to forecast: is each series long enough?")] = None,
    history: Annotated[int | None, typer.Option(help="Rows a forecast looks at.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what is wrong with the data, each finding with its column, series and first row.

    Ends with 1 if a finding is an error. Example: unrolled check data.csv --time date --target OT
    """
    arguments.part("polars", "train")
    from unrolled import data as data_room

    findings = data_room.check(
        data,
        time=time,
        target=target,
        series=series,
        known=known,
        past=past,
        static=static,
        horizon=horizon,
        history=history,
    )
    output.findings(findings, as_json)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
