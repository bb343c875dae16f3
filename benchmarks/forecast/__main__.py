"""`python -m benchmarks.forecast ETTh1 [--horizons 96,720] [--seeds 0,1] [--data FOLDER]`.

Model selection never sees the test part: early stopping uses the first half of the validation part, the
choice between what was learned and the last value the second half, and every setting is fixed here.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from unrolled import Forecaster
from unrolled.training import SilentReporter


class Series(NamedTuple):
    """A file of the data folder, the columns' roles, the split, and the horizons to forecast."""

    file: str
    columns: dict[str, Any]
    horizons: tuple[int, ...]
    settings: dict[str, Any]


SERIES = {
    "ETTh1": Series(
        "ETTh1.csv",
        {"target": "all", "time": "date", "split": (8640, 2880, 2880)},
        (96, 192, 336, 720),
        {"history": 720},
    ),
    "ETTh1-OT": Series("ETTh1.csv", {"target": "OT", "time": "date", "split": (8640, 2880, 2880)}, (24,), {}),
    "sp500": Series(
        "sp500-2000.csv", {"target": "close", "time": "date", "split": (0.7, 0.1, 0.2)}, (5, 20), {}
    ),
    "seattle": Series(
        "seattle-weather.csv", {"target": "temp_max", "time": "date", "split": (731, 365, 365)}, (7,), {}
    ),
    "beijing": Series(
        "beijing-pm25.csv",
        {
            "target": "pm2.5",
            "time": "year,month,day,hour",
            "past": "DEWP,TEMP,PRES,cbwd,Iws,Is,Ir",
            "split": (29208, 5856, 8760),
        },
        (24,),
        {},
    ),
}


def main() -> None:
    """Run the series that were asked for, one horizon and seed after the other."""
    options = parse()
    folder = Path(options.data) / "forecast"
    for name in options.series or list(SERIES):
        series = SERIES[name]
        horizons = [int(h) for h in options.horizons.split(",")] if options.horizons else series.horizons
        for horizon in horizons:
            for seed in (int(s) for s in options.seeds.split(",")):
                measure(name, series, folder, horizon, seed)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecast", description=__doc__.splitlines()[0]
    )
    parser.add_argument("series", nargs="*", choices=[*SERIES, []], help=", ".join(SERIES))
    parser.add_argument("--horizons", default="", help="rows to forecast, with commas between")
    parser.add_argument("--seeds", default="0", help="with commas between")
    parser.add_argument("--data", default=os.environ.get("UNROLLED_DATA", ""), help="or UNROLLED_DATA")
    options = parser.parse_args()
    if not options.data:
        sys.exit("benchmarks.forecast: name the data folder with --data or UNROLLED_DATA (docs/data.md)")
    return options


def measure(name: str, series: Series, folder: Path, horizon: int, seed: int) -> None:
    """Train and print the table."""
    started = time.perf_counter()
    forecaster = Forecaster(horizon, seed=seed, **series.settings)
    forecaster.fit(folder / series.file, reporter=SilentReporter(), **series.columns)
    taken = time.perf_counter() - started
    print(f"\n{name}, horizon {horizon}, seed {seed}: {taken:.0f} s with baselines")
    for what, text in forecaster.summary().items():
        print(f"  {what:<9} {text}")
    print(forecaster.evaluation_)
    for target, covered in forecaster.evaluation_.model.coverage_by_target.items():
        print(f"  {target}: interval covers {covered:.1%}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
