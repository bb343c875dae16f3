"""`unrolled predict model.unrolled data.csv`: forecasts after the last row, or a label for each sequence."""

from typing import Annotated

from unrolled import arguments
from unrolled.cli import options, output, pictures
from unrolled.errors import ArgumentError, explain

EXAMPLE = "unrolled predict m.unrolled data.csv -o forecast.csv"

Out = Annotated[
    str | None, options.option("The answer's file: .csv or .parquet.", "-o", "--output", metavar="FILE")
]
Future = Annotated[str | None, options.option("The known columns of the rows to forecast.", metavar="FILE")]


def predict(
    model: options.ModelPath,
    data: options.Data,
    out: Out = None,
    future: Future = None,
    plot: options.Plot = None,
    as_json: options.AsJson = False,
) -> None:
    """Forecast the rows after the last one, or label each sequence.

    The answer is written to a file, or printed as CSV.
    """
    arguments.part("torch", "train")
    import unrolled
    from unrolled.data import check_table_path

    if out is not None:
        check_table_path(out)
    options.check_picture(plot)
    options.check_outputs((model, data, future), {"-o": out, "--plot": plot})
    loaded = unrolled.load(model)
    pictures.check_drawable(loaded, plot)
    if future is not None and not isinstance(loaded, unrolled.Forecaster):
        got = f"a {type(loaded).__name__}"
        raise ArgumentError(explain("--future", "the model of a forecast", got, "Leave it out."))
    found = loaded.predict(data) if future is None else loaded.predict(data, future=future)
    if plot is not None:
        pictures.draw_ahead(loaded, data, found, plot)
    output.frame(found, out, plot, as_json)
