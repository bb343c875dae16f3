"""`unrolled demo`: the main job, on a real series that comes with statsmodels."""

from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled import arguments
from unrolled.cli import options, output, pictures, progress
from unrolled.errors import OutputError, explain

EXAMPLE = "unrolled demo -o demo-out"
HORIZON = 26  # weeks: half a year
ABOUT = "weekly CO2 in the air at Mauna Loa, 1958 to 2001, in parts per million"

Folder = Annotated[str, typer.Option("-o", "--output", metavar="FOLDER", help="Where the files go.")]


def demo(out: Folder = "demo-out", as_json: options.AsJson = False) -> None:
    """Forecast a real series end to end in about a minute.

    Weekly CO2 at Mauna Loa, with its gaps: checked, learned, judged, forecast. All files go into a folder.
    """
    arguments.part("torch", "train")
    arguments.part("statsmodels", "train")
    import unrolled
    from unrolled.data import write_frame

    paths = make_folder(out)
    table = load_series()
    write_frame(table, paths["data"])
    if not as_json:
        output.heading(f"The data: {ABOUT}")
        look(table)
        output.heading(f"Training: {HORIZON} weeks ahead")
    reporter = progress.reporter(as_json)
    forecaster = unrolled.Forecaster(horizon=HORIZON)
    forecaster.fit(table, "co2", time="week", reporter=reporter)
    forecaster.save(paths["model"])
    if not as_json:
        output.summary(forecaster.summary())
    judged = forecaster.backtest(table, "co2", time="week", folds=3, reporter=reporter)
    found = forecaster.predict(table)
    write_frame(found, paths["forecast"])
    title = f"CO2 at Mauna Loa (ppm): the next {HORIZON} weeks"
    pictures.draw_ahead(forecaster, table, found, paths["picture"], title)
    if as_json:
        output.as_json_line({"files": paths, "summary": forecaster.summary(), "backtest": judged.to_dict()})
        return
    output.evaluation(judged, as_json=False)
    output.files(paths)
    say_what_next(paths)


def make_folder(out: str) -> dict[str, str]:
    """The folder of the demo, made if need be, and the paths of what goes there. Raises: OutputError."""
    from unrolled.format import check_output

    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = (error.strerror or str(error)).lower()
        raise OutputError(explain(out, "a folder that can be made", got, "Choose another with -o.")) from None
    names = {
        "data": "co2.csv",
        "model": "co2.unrolled",
        "forecast": "forecast.csv",
        "picture": "forecast.png",
    }
    paths = {kind: str(folder / name) for kind, name in names.items()}
    for path in paths.values():
        check_output(path)
    return paths


def load_series() -> Any:
    """The series as a polars frame: week, co2; 59 weeks are missing."""
    import polars as pl
    from statsmodels.datasets import co2

    frame = co2.load_pandas().data
    weeks = frame.index.to_numpy().astype("datetime64[us]")
    return pl.DataFrame({"week": weeks, "co2": frame["co2"].to_numpy()}).with_columns(
        pl.col("co2").fill_nan(None)
    )


def look(table: Any) -> None:
    """Print what the check finds in the data."""
    from unrolled.data import Roles, check

    output.findings(check(table, Roles("co2", time="week"), horizon=HORIZON), as_json=False)


def say_what_next(paths: dict[str, str]) -> None:
    """Print the commands to go on with, on these files and on one's own."""
    data, model = paths["data"], paths["model"]
    output.heading("Try next")
    for line in (
        f"unrolled predict {model} {data}",
        f"unrolled evaluate {model} {data}",
        "unrolled check YOUR.csv --time DATE --target COLUMN",
        "unrolled train forecast YOUR.csv --time DATE --target COLUMN -o my.unrolled",
    ):
        output.say(f"  {line}")
