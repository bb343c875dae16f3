"""Options that several commands share. A default is written where the work is done: None here means 'not given'."""

from typing import Annotated, Any

import typer

from unrolled.errors import ArgumentError, explain

Data = Annotated[str, typer.Argument(metavar="DATA", help="A CSV or Parquet file.")]
ModelPath = Annotated[str, typer.Argument(metavar="MODEL", help="A .unrolled model file.")]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="COLUMNS", help="The stamp's column, or several: year,month,day,hour."),
]
Target = Annotated[
    str | None, typer.Option("--target", metavar="COLUMNS", help="The column to learn, several, or 'all'.")
]
Series = Annotated[
    str | None, typer.Option("--series", metavar="COLUMN", help="The column that tells the series apart.")
]
Known = Annotated[
    str | None,
    typer.Option("--known", metavar="COLUMNS", help="Columns known in advance, such as a price plan."),
]
Past = Annotated[str | None, typer.Option("--past", metavar="COLUMNS", help="Columns known up to now only.")]
Static = Annotated[
    str | None, typer.Option("--static", metavar="COLUMNS", help="Columns constant in a series.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines on standard output.")]


def parse_numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    """A comma-separated list of numbers; whole numbers stay whole.

    Example:
        >>> parse_numbers("--split", "8640,2880,2880")
        (8640, 2880, 2880)
        >>> parse_numbers("--quantiles", "0.1,0.5")
        (0.1, 0.5)
    """
    if text is None:
        return None
    try:
        return tuple(
            int(part) if part.strip().lstrip("-").isdigit() else float(part) for part in text.split(",")
        )
    except ValueError:
        raise ArgumentError(
            explain(name, "numbers with commas between", repr(text), "For example 0.7,0.1,0.2.")
        ) from None


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}
