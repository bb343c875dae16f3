"""`unrolled check data.csv`: what is wrong with the data, before anything is learned from it."""

from typing import Annotated, Any

import typer

from unrolled import arguments
from unrolled.cli import options, output

EXAMPLE = "unrolled check data.csv --time date --target y"

Horizon = Annotated[
    int | None, options.option("Rows to forecast: is each series long enough?", panel=options.FORECAST)
]
History = Annotated[int | None, options.option("Rows that a forecast looks at.", panel=options.FORECAST)]


def check(
    data: options.Data,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    horizon: Horizon = None,
    history: History = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what is wrong with the data before anything is learned from it.

    Repeated stamps, gaps, missing and odd values, columns that give the answer away. Nothing is changed.

    Ends with 1 if a finding is an error.
    """
    arguments.part("polars", "train")
    from unrolled import data as data_room

    for name, value in (("horizon", horizon), ("history", history)):
        if value is not None:
            arguments.integer(name, value, 1, "Say how many rows.")
    roles = data_room.Roles(
        () if target in (None, "all") else target, time, series, known=known, past=past, static=static
    )
    if target == "all":
        roles = every_number(data, roles)
    found = data_room.check(data, roles, history=history, horizon=horizon)
    output.findings(found, as_json)
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(1)


def every_number(data: str, roles: Any) -> Any:
    """The roles with every number column that has none yet as a target."""
    from unrolled.data import read_frame
    from unrolled.tasks.forecast.frames import roles_of

    covariates = {"known": roles.known, "past": roles.past, "static": roles.static}
    return roles_of(read_frame(data), "all", roles.time, roles.series, **covariates)
