"""`unrolled predict model.unrolled data.csv`: forecasts after the last row, or a label a sequence."""

from typing import Annotated

import typer

from unrolled import arguments
from unrolled.cli import options, output


def predict(
    model: options.ModelPath,
    data: options.Data,
    out: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="A .csv or .parquet file.")
    ] = None,
    future: Annotated[
        str | None,
        typer.Option("--future", metavar="FILE", help="The known columns of the rows to forecast."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Predict with a model: printed, or written to a file.

    Example: unrolled predict co2.unrolled co2.csv -o forecast.csv
    """
    arguments.part("torch", "train")
    import unrolled
    from unrolled.format import check_output

    if out is not None:
        check_output(out)
    loaded = unrolled.load(model)
    frame = loaded.predict(data) if future is None else loaded.predict(data, future=future)
    output.frame(frame, out, as_json)
