"""`unrolled compare TASK data.csv`: architectures on one's own data; `--synthetic`: on classic problems."""

import inspect
import sys
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from unrolled import arguments
from unrolled.cli import options, output
from unrolled.cli.options import COLUMNS, FLAG, FORECAST, NETWORK, RUN, TRAINING, option
from unrolled.cli.tasks import options as training
from unrolled.cli.tasks import sequence
from unrolled.cli.tasks import text as texts
from unrolled.cli.wording import SPELLED
from unrolled.errors import ArgumentError, explain

EXAMPLE = "unrolled compare forecast data.csv --time date --target y --horizon 24 -o compare.html"
TASKS = {"forecast": "Forecaster", "classify": "SequenceClassifier", "regress": "SequenceRegressor"}
SYNTHETIC = "Classic problems (--synthetic)"
# Options of the command itself, and of a comparison on classic problems.
OWN = ("task", "data", "out", "as_json", "synthetic")
CLASSIC = ("probes", "lags", "steps", "advice", "clipping")

TaskName = Annotated[
    str | None,
    typer.Argument(metavar="TASK", help="forecast, classify or regress.", show_default=False),
]
OptionalData = Annotated[
    str | None, typer.Argument(metavar="DATA", help="A .csv, .tsv or .parquet file.", show_default=False)
]
Page = Annotated[str | None, typer.Option("-o", "--output", metavar="FILE", help="Where the page goes.")]
Architectures = Annotated[
    str | None,
    option("Those to compare: feed-forward,elman,lstm,gru,transformer.", metavar="A,B,...", panel=NETWORK),
]
Parameters = Annotated[int | None, option("Parameters of each network.", panel=NETWORK)]
Seeds = Annotated[int | None, option("Runs of each, from another start.", panel=RUN)]
Seconds = Annotated[float | None, option("Training of a run at most.", panel=TRAINING)]
Horizon = Annotated[int | None, option("Rows to forecast.", panel=FORECAST)]
History = Annotated[int | None, option("Rows that a forecast looks at.", panel=FORECAST)]
Head = Annotated[str | None, option("last, mean or every (classify, regress).", panel=FORECAST)]
Synthetic = Annotated[
    bool, option("Classic problems at growing lags, without data.", "--synthetic", metavar=FLAG)
]
Probes = Annotated[
    str | None,
    option("adding,copying,recall; also parity,brackets,order.", metavar="P,Q,...", panel=SYNTHETIC),
]
Lags = Annotated[str | None, option("Steps to remember.", metavar="N,N,...", panel=SYNTHETIC)]
Steps = Annotated[int | None, option("Training steps of a run.", panel=SYNTHETIC)]
Advice = Annotated[
    bool | None,
    option("Also cells started for long memories.", "--advice", metavar=FLAG, panel=SYNTHETIC),
]
Clipping = Annotated[
    bool | None,
    option("Also an exploding gradient, clipped and not.", "--clipping", metavar=FLAG, panel=SYNTHETIC),
]
Split = Annotated[
    str | None, option("Training, validation, test: shares or counts.", metavar="A,B,C", panel=COLUMNS)
]


def compare(
    task: TaskName = None,
    data: OptionalData = None,
    out: Page = None,
    as_json: options.AsJson = False,
    synthetic: Synthetic = False,
    time: options.Time = None,
    target: options.Target = None,
    series: options.Series = None,
    known: options.Known = None,
    past: options.Past = None,
    static: options.Static = None,
    text: texts.Text = None,
    validation: texts.Validation = None,
    test: texts.Test = None,
    encoding: texts.Encoding = None,
    split: Split = None,
    horizon: Horizon = None,
    history: History = None,
    head: Head = None,
    tokenizer: sequence.Tokens = None,
    min_count: texts.MinCount = None,
    architectures: Architectures = None,
    parameters: Parameters = None,
    hidden: training.Hidden = None,
    layers: training.Layers = None,
    pool: sequence.Pool = None,
    embedding_size: texts.Embedding = None,
    dropout: training.Dropout = None,
    seconds: Seconds = None,
    epochs: training.Epochs = None,
    lr: training.Lr = None,
    clip: training.Clip = None,
    seeds: Seeds = None,
    seed: training.Seed = None,
    device: training.Device = None,
    probes: Probes = None,
    lags: Lags = None,
    steps: Steps = None,
    advice: Advice = None,
    clipping: Clipping = None,
) -> None:
    """Train the architectures with equal budgets, measure all of them, say which to take.

    Texts are a column of a table (--text), or a file for each class: a folder, or a pattern in quotes.
    With --synthetic on classic problems, whose answer lies a known number of steps back.
    """
    arguments.part("torch", "train")
    given = training.gathered({name: value for name, value in locals().items() if name not in OWN})
    options.check_outputs([data], {"-o": out})
    tell = (lambda text: None) if as_json else say_aside
    if synthetic:
        found = on_classics(task, given, tell)
    else:
        found = on_data(task, data, given, tell)
    if out is not None:
        found.save(out)
    if as_json:
        output.as_json_line(found.to_dict() | {"page": out})
        return
    (show_classics if synthetic else show)(found)
    output.files({"page": out})


def on_data(task: str | None, data: str | None, given: dict[str, Any], tell: Any) -> Any:
    """Compare on a task. Raises: ArgumentError for an option that it does not have."""
    import unrolled

    if task is None:
        cure = f"For example: {EXAMPLE}"
        raise ArgumentError(explain("TASK", "forecast, classify or regress, or --synthetic", "nothing", cure))
    name = TASKS[arguments.one_of("TASK", task, TASKS)]
    if data is None:
        raise ArgumentError(explain("DATA", "a file", "nothing", f"For example: {EXAMPLE}"))
    kind = getattr(unrolled, sequence.classifier_of(data, given.get("text")) if task == "classify" else name)
    refuse(given, CLASSIC, "an option with --synthetic alone")
    wanted = listed(given)
    known = inspect.signature(kind).parameters
    columns = [name for name in wanted if name in inspect.signature(unrolled.compare).parameters]
    settings = {name: wanted.pop(name) for name in list(wanted) if name not in columns}
    refuse({n: v for n, v in settings.items() if n not in known}, tuple(settings), f"an option of {task}")
    return unrolled.compare(kind(**settings), data, **wanted, tell=tell)


def on_classics(task: str | None, given: dict[str, Any], tell: Any) -> Any:
    """Compare on classic problems. Raises: ArgumentError for an option that belongs to data."""
    import unrolled

    if task is not None:
        raise ArgumentError(explain("TASK", "nothing with --synthetic", repr(task), "Leave it out."))
    allowed = (*CLASSIC, "architectures", "seeds", "parameters")
    refuse(given, tuple(name for name in given if name not in allowed), "an option for data")
    return unrolled.compare_synthetic(**listed(given), tell=tell)


def refuse(given: dict[str, Any], names: tuple[str, ...], expected: str) -> None:
    """Refuse options that do not belong here. Raises: ArgumentError."""
    for name in names:
        if name in given:
            flag = SPELLED.get(name, "--" + name.replace("_", "-"))
            raise ArgumentError(explain(flag, expected, "it here", "Leave it out."))


def listed(given: dict[str, Any]) -> dict[str, Any]:
    """The options, lists as lists."""
    wanted = dict(given)
    for name in ("architectures", "probes"):
        if name in wanted:
            wanted[name] = [word.strip() for word in wanted[name].split(",")]
    if "lags" in wanted:
        wanted["lags"] = options.parse_numbers("--lags", wanted["lags"])
    return wanted


def say_aside(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def show(found: Any) -> None:
    """Print a comparison on a task."""
    from unrolled.insight.comparison import told_budget

    output.say(Text(found.title, "bold"))
    output.say(told_budget(found.budget))
    output.say("")
    best = {entry.title for entry in found.entries if entry.name == found.conclusion.best}
    columns, rows = found.table()
    output.say(table_of(columns, rows, best | {found.conclusion.best}))
    output.say("")
    for note in found.notes:
        output.say(output.grid([(Text("Note", "cyan"), Text(note))], gap=3))
    output.say(output.grid([(Text("Verdict", "bold"), Text(found.conclusion.text))]))


def show_classics(found: Any) -> None:
    """Print a comparison on classic problems."""
    from unrolled.insight.compare_synthetic import foretold, told_clipping, told_settings

    output.say(told_settings(found))
    output.say("")
    columns, rows = found.table()
    output.say(table_of(columns, rows, set()))
    output.say("")
    lines = [("Verdict", found.verdict())]
    lines += [("Omen", text) for probe in found.probes if (text := foretold(found, probe))]
    lines += [("Clipping", told_clipping(found.clipping).partition(": ")[2])] if found.clipping else []
    output.say(output.grid((Text(name, "bold"), Text(text)) for name, text in lines))


def table_of(columns: list[str], rows: list[list[str]], best: set[str]) -> Table:
    """A table without lines; the rows of the best in green."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 1, 0, 0)
    )
    for place, column in enumerate(columns):
        justify: Any = "right" if place else "left"
        table.add_column(column.replace(" ", "\n", 1), justify=justify, vertical="bottom")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row), style="green" if row[0] in best else "")
    return table
