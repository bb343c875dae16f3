"""`unrolled export model.unrolled --to c -o DIR`: a model for another runtime, tried before it is written."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from unrolled.cli import options, output
from unrolled.errors import ArgumentError, explain

EXAMPLE = "unrolled export m.unrolled --to c -o pump/"
TEXT_TASKS = ("lm", "mlm", "classify text", "tag")
TABLES = (".csv", ".tsv", ".parquet")
LINES = 64  # of a text file that are tried: the last ones

To = Annotated[
    str, typer.Option("--to", metavar="TARGET", help="c, wasm, onnx or program.", show_default=False)
]
Folder = Annotated[
    str, typer.Option("-o", "--output", metavar="DIR", help="The folder to write into.", show_default=False)
]
Rows = Annotated[
    str | None,
    options.option(
        "Held-out rows to try it on; else rows are drawn by its scalers.", "--rows", metavar="FILE"
    ),
]
Int8 = Annotated[
    str | None,
    options.option("Weights in int8; these rows show how large values become.", "--int8", metavar="FILE"),
]
Name = Annotated[
    str | None, options.option("What the files are called; else as the folder.", "--name", metavar="NAME")
]


def export(
    model: options.ModelPath,
    to: To,
    out: Folder,
    rows: Rows = None,
    int8: Int8 = None,
    name: Name = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a model for another runtime: C99, WebAssembly, ONNX, or the program alone.

    The export answers held-out rows before it is written. If it differs from the model by more than 1e-5 of
    the answer, or of the target's deviation in training, nothing is written.
    """
    from unrolled import deploy
    from unrolled.arguments import one_of
    from unrolled.format import read_card
    from unrolled.runtime.stream import load_program

    one_of("--to", to, deploy.TARGETS)
    card = read_card(model) if Path(model).is_file() else {}
    if "programs" in card:
        done, tried = _translator(model, to, out, rows, int8, name)
        _tell(done, to, tried, {}, as_json)
        return
    if rows is not None and int8 is None and _reads_lines(card, rows):
        _tell(_tried_on_texts(model, to, out, rows, name), to, rows, {}, as_json)
        return
    program = load_program(model)
    told: dict[str, Any] = {}
    if int8 is not None:
        program, told = _in_int8(program, int8, rows or int8)
    replays = None if rows is None else deploy.replays_of(program, rows)
    done = deploy.export(program, out, to, name=name, replays=replays)
    _tell(done, to, "drawn rows" if rows is None else rows, told, as_json)


def _translator(
    model: str, to: str, out: str, rows: str | None, int8: str | None, name: str | None
) -> tuple[Any, str]:
    """An encoder-decoder for another runtime, tried on the lines of a text file."""
    from unrolled.deploy import export_translator
    from unrolled.runtime import TextTranslator

    if int8 is not None:
        got, cure = "an encoder-decoder", "Leave it out."
        raise ArgumentError(explain("--int8", "a model that answers row by row", got, cure))
    texts = None if rows is None else _texts(rows)
    done = export_translator(TextTranslator.load(model), out, to, texts=texts, name=name)
    return done, "drawn texts" if rows is None else rows


def _reads_lines(card: dict[str, Any], rows: str) -> bool:
    """Whether the rows to try are the lines of a text, and the model is one of texts."""
    is_table = Path(rows).suffix.lower() in TABLES
    return card.get("kind") == "model" and card.get("task") in TEXT_TASKS and not is_table


def _tried_on_texts(model: str, to: str, out: str, rows: str, name: str | None) -> Any:
    """A model of texts for another runtime, tried on the lines of a text file; of a tagger, also of CoNLL."""
    from unrolled.arguments import part

    part("torch", "train")
    import unrolled

    loaded: Any = unrolled.load(model)
    if not isinstance(loaded, unrolled.Tagger):
        return loaded.export(out, to, _texts(rows)[-LINES:], name)
    from unrolled.tasks.text.tagging_data import read_untagged

    data = read_untagged(rows, "utf-8")
    sentences = [data.sentence(place) for place in range(max(0, len(data) - LINES), len(data))]
    return loaded.export(out, to, sentences, name)


def _texts(path: str) -> list[str]:
    """The lines of a text file that are not empty."""
    from unrolled.arguments import part

    part("polars", "train")
    from unrolled.data import read_lines

    return [line for line in read_lines(path) if line.strip()]


def _tell(done: Any, to: str, tried: str, told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json_line(_as_json(done, to, tried) | ({"int8": told} if told else {}))
        return
    output.say(
        output.grid((Text(title, "bold"), Text(text)) for title, text in [*_told(told), *_lines(done, tried)])
    )


def _in_int8(program: Any, calibration: str, rows: str) -> tuple[Any, dict[str, Any]]:
    """The program with int8 weights, and what became of its size, forecasts and answers over the rows."""
    from unrolled import deploy

    first = deploy.held_out(program, calibration)[-1]
    small = deploy.quantize(program, first.columns, series=first.series)
    tried = deploy.held_out(program, rows)
    losses = [
        deploy.forecast_loss(one, [deploy.replay_held_out(one, part) for part in tried])
        for one in (program, small.program)
    ]
    drift = deploy.drift(program, small.program, tried[-1].columns, tried[-1].series)
    told: dict[str, Any] = {"weights": [small.bytes_before, small.bytes_after]}
    told |= {"drift": [drift.first, drift.last], "rows": rows}
    if losses[0] and losses[1]:
        told |= {"pinball": losses, "change": losses[1] / losses[0] - 1}
    return small.program, told


def _told(told: dict[str, Any]) -> list[tuple[str, str]]:
    """What int8 changed, in lines."""
    if not told:
        return []
    before, after = told["weights"]
    lines = [("int8", f"weights {before:,} -> {after:,} bytes")]
    if "change" in told:
        lines.append(("", f"pinball loss {told['change']:+.2%} over {told['rows']}"))
    first, last = told["drift"]
    return [*lines, ("", f"answers move by {first:.2g} of their deviation, at the end {last:.2g}")]


def _lines(done: Any, tried: str) -> list[tuple[str, str]]:
    lines = [(Path(file).name, f"{file}") for file in done.files]
    lines += [(title, f"{size:,} bytes") for title, size in done.sizes.items()]
    parity = done.parity
    told = (
        f"largest difference {parity.largest:.3g}, {parity.share:.3g} of the answer (bound {parity.bound:g})"
    )
    return [*lines, ("parity", f"{told}; {parity.answers:,} numbers, {tried}")]


def _as_json(done: Any, to: str, tried: str) -> dict[str, Any]:
    return {
        "to": to,
        "files": [str(file) for file in done.files],
        "sizes": dict(done.sizes),
        "parity": {
            "largest": done.parity.largest,
            "share": done.parity.share,
            "bound": done.parity.bound,
            "answers": done.parity.answers,
            "rows": tried,
        },
    }
