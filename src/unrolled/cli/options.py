"""Options that several commands share.

A default is written where the work is done: None here means 'not given'.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled.errors import ArgumentError, explain

FLAG = " "  # an option without a value: Typer would print its type
COLUMNS, FORECAST, NETWORK, TRAINING, RUN = "Columns", "The task", "The network", "Training", "The run"

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="A .csv, .tsv or .parquet file.", show_default=False)
]
ModelPath = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .unrolled model file.", show_default=False)
]


def option(text: str, *flags: str, metavar: str | None = None, panel: str | None = None) -> Any:
    """An option that may be left out; without `flags` its argument names it."""
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=panel)


Time = Annotated[
    str | None,
    option("The stamp's column, or several: year,month,day,hour.", metavar="COLUMNS", panel=COLUMNS),
]
Target = Annotated[
    str | None, option("The column to learn, several, or 'all'.", metavar="COLUMNS", panel=COLUMNS)
]
Series = Annotated[
    str | None, option("The column that tells the series apart.", metavar="COLUMN", panel=COLUMNS)
]
Known = Annotated[
    str | None, option("Known in advance, such as a price plan.", metavar="COLUMNS", panel=COLUMNS)
]
Past = Annotated[str | None, option("Known up to now only.", metavar="COLUMNS", panel=COLUMNS)]
Static = Annotated[str | None, option("The same in all rows of a series.", metavar="COLUMNS", panel=COLUMNS)]
Plot = Annotated[str | None, option("Draw a picture into a .png file.", metavar="FILE")]
AsJson = Annotated[bool, option("Print JSON for machines on standard output.", "--json", metavar=FLAG)]


EXAMPLES = {"--split": "0.7,0.1,0.2", "--lags": "10,50,200"}  # lists of numbers; else quantiles


def parse_numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    """A comma-separated list of numbers; whole numbers stay whole.

    Raises: ArgumentError.

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
        cure = f"For example {EXAMPLES.get(name, '0.1,0.5,0.9')}."
        raise ArgumentError(explain(name, "numbers with commas between", repr(text), cure)) from None


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def check_outputs(inputs: Iterable[str | None], outputs: dict[str, str | None]) -> None:
    """Refuse outputs that cannot be written, or that would replace an input or one another: before any work.

    Raises: ArgumentError, OutputError.
    """
    from unrolled.format import check_output

    taken = {Path(path).resolve(): f"'{path}', which is read" for path in inputs if path}
    for flag, path in outputs.items():
        if path is None:
            continue
        where = check_output(path).resolve()
        if where in taken:
            raise ArgumentError(explain(flag, "a file of its own", taken[where], "Choose another name."))
        taken[where] = f"'{path}' twice"


def check_picture(path: str | None) -> None:
    """Refuse a picture that is not called .png. Raises: ArgumentError."""
    if path is not None and Path(path).suffix.lower() != ".png":
        raise ArgumentError(explain("--plot", "a file ending in .png", repr(path), "Name it so."))
