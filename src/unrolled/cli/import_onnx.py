"""`unrolled import-onnx net.onnx -o m.unrolled`: another library's recurrent model, ready to be streamed."""

from typing import Annotated, Any

import typer
from rich.text import Text

from unrolled.cli import options, output

EXAMPLE = "unrolled import-onnx net.onnx -o m.unrolled"

Net = Annotated[str, typer.Argument(metavar="NET", help="An .onnx file.", show_default=False)]
Out = Annotated[
    str, typer.Option("-o", "--output", metavar="FILE", help="The model file to write.", show_default=False)
]
Answer = Annotated[
    str | None, options.option("The output of the net to answer; else the first.", "--answer", metavar="NAME")
]
Named = Annotated[
    str | None,
    options.option("Names of a row's columns, in the net's order.", "--columns", metavar="COLUMNS"),
]


def import_onnx(
    net: Net, out: Out, answer: Answer = None, columns: Named = None, as_json: options.AsJson = False
) -> None:
    """Bring in an ONNX model with LSTM, GRU or RNN nodes, such as one that PyTorch or Keras has exported.

    Drawn rows go through both; a model that answers otherwise than the net is not written.
    """
    from unrolled import deploy

    options.check_outputs((net,), {"-o": out})
    names = None if columns is None else [name.strip() for name in columns.split(",")]
    imported = deploy.import_onnx(net, answer, names)
    imported.save(out)
    if as_json:
        output.as_json_line(_as_json(imported, out))
        return
    rows = [(Text(name, "bold"), Text(value)) for name, value in _lines(imported, out)]
    output.say(output.grid(rows))


def _lines(imported: Any, out: str) -> list[tuple[str, str]]:
    """What came in, in a few lines."""
    program = imported.program
    columns = list(program.columns.names)
    shown = ", ".join(columns[:12]) + (", ..." if len(columns) > 12 else "")
    count = program.output_shape[0]
    answers = f"{count} number{'' if count == 1 else 's'} ({imported.output})"
    when = "at each row" if imported.at_each_row else "after the last row"
    lines = [
        ("row", f"{len(columns)} columns: {shown}"),
        ("answer", f"{answers}, {when} of the net"),
        ("size", f"{program.parameter_bytes:,} bytes of weights, {program.state_bytes:,} of state"),
        ("stream", program.not_streamable or "row by row, also on from its saved state"),
        (
            "parity",
            f"largest difference {imported.parity.largest:.2g} over {imported.parity.answers:,} numbers",
        ),
        ("model", out),
    ]
    if imported.zeros:
        lines.insert(2, ("state", f"starts as zeros, kept by the stream: {', '.join(imported.zeros)}"))
    return lines


def _as_json(imported: Any, out: str) -> dict[str, Any]:
    program = imported.program
    return {
        "model": out,
        "columns": list(program.columns.names),
        "answer": {
            "output": imported.output,
            "numbers": program.output_shape[0],
            "at_each_row": imported.at_each_row,
        },
        "states": list(imported.zeros),
        "bytes": {"weights": program.parameter_bytes, "state": program.state_bytes},
        "streamable": program.streamable,
        "parity": {
            "largest": imported.parity.largest,
            "share": imported.parity.share,
            "numbers": imported.parity.answers,
        },
    }
