"""What the commands print: results on standard output, as text or as JSON."""

import json
import math
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}
VERDICTS = {"better": "bold green", "as good": "bold yellow", "worse": "bold red"}
WIDEST = 110  # letters of a line of words on a wide terminal
UNBROKEN = 10_000  # a pipe gets whole lines: programs read them
HIGH = ("accuracy", "macro-F1", "F1", "precision", "recall", "R2")  # scores that are best where they are high
LONGEST_NAME = 24  # beside six columns of figures


def console() -> Console:
    """Standard output: coloured and folded on a terminal, plain whole lines elsewhere."""
    if not sys.stdout.isatty():
        return Console(highlight=False, width=UNBROKEN)
    return Console(highlight=False, width=min(WIDEST, shutil.get_terminal_size().columns))


def as_json_line(value: Any) -> None:
    """One JSON document on standard output; a number that is not finite is null."""
    print(json.dumps(plain(value), ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """A value as JSON can hold it.

    Example:
        >>> plain({"a": (1.5, float("nan"))})
        {'a': [1.5, None]}
    """
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def grid(rows: Iterable[tuple[Text, Text]], gap: int = 2) -> Table:
    """Two columns without lines; long text is folded under itself."""
    table = Table.grid(padding=(0, gap, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def say(renderable: Any) -> None:
    """Print, without the blanks that pad a table's last column."""
    out = console()
    with out.capture() as captured:
        out.print(renderable)
    lines = captured.get().split("\n")
    sys.stdout.write("\n".join(line.rstrip() for line in lines))
    sys.stdout.flush()  # in order with what goes to standard error


def score_table(evaluation: Any) -> Table:
    """The scores of a model and its baselines, the model first, the best of each column in green."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 0, 0, 1)
    )
    columns, rows = evaluation.table()
    longest = LONGEST_NAME + 9 * max(0, 7 - len(columns))
    for number, column in enumerate(columns):
        justify: Any = "right" if number else "left"
        table.add_column(folded(column), justify=justify, vertical="bottom", no_wrap=True)
    best = [best_of(column, [row[number] for row in rows]) for number, column in enumerate(columns)]
    for number, row in enumerate(rows):
        cells = [
            Text(shortened(cell, longest), "green" if number in best[place] else "")
            for place, cell in enumerate(row)
        ]
        table.add_row(*cells, style="bold" if number == 0 else "")
    return table


def folded(heading: str) -> Text:
    r"""A heading of two words in two lines, so that the table fits 80 columns.

    Example:
        >>> folded("MAE (temp_max)").plain, folded("MASE").plain
        ('MAE\n(temp_max)', 'MASE')
    """
    first, _, rest = heading.partition(" ")
    below = f"({shortened(rest[1:-1], 8)})" if rest.startswith("(") else rest
    return Text(f"{first}\n{below}" if rest else heading)


def shortened(name: str, longest: int) -> str:
    """At most so many letters."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def best_of(column: str, cells: list[str]) -> set[int]:
    """The rows of the best figures of a column: the highest of a share that should be high, else the lowest.

    Example:
        >>> best_of("MSE (scaled)", ["0.30", "0.25", "-"]), best_of("accuracy", ["91.0%", "90.0%"])
        ({1}, {0})
    """
    if not column or "covers" in column:  # a coverage is best near its level, not high or low
        return set()
    values = {}
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell.rstrip("%"))
        except ValueError:
            continue
    if not values:
        return set()
    wanted = max(values.values()) if column in HIGH else min(values.values())
    return {row for row, value in values.items() if value == wanted}


def evaluation(found: Any, as_json: bool) -> None:
    """Print the scores beside the baselines, the notes and the verdict."""
    if as_json:
        as_json_line(found.to_dict())
        return
    say(Text(found.title, "bold"))
    say("")
    say(score_table(found))
    say("")
    for note in found.notes:
        say(grid([(Text("Note", "cyan"), Text(note))], gap=3))
    say(grid([(Text("Verdict", "bold"), Text(found.verdict.text, VERDICTS.get(found.verdict.kind, "")))]))
    for detail in getattr(found, "details", list)():
        details(detail)


def details(detail: Any) -> None:
    """Print a table below the verdict, such as the worst errors."""
    heading(detail.heading)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in detail.columns:
        table.add_column(column, overflow="fold")
    for row in detail.rows:
        table.add_row(*(Text(cell) for cell in row))
    say(table)


def summary(lines: dict[str, str]) -> None:
    """Print what was learned from what."""
    say(grid((Text(name, "bold"), Text(text)) for name, text in lines.items()))
    say("")


def heading(text: str) -> None:
    """Print a line that begins a part."""
    say("")
    say(Text(text, "bold"))


def files(written: Mapping[str, str | None]) -> None:
    """Print where things are: what they are, and the path."""
    say("")
    say(grid((Text(name, "bold"), Text(path)) for name, path in written.items() if path is not None))


def leak_findings(leaks: Sequence[Any]) -> None:
    """Print each part of the leak test with what it found."""
    heading("Leak test")
    marks = {True: Text("LEAK", "bold red"), False: Text("ok", "green")}
    say(grid((marks[leak.found], Text(leak.text)) for leak in leaks))


def findings(found: Sequence[Any], as_json: bool) -> None:
    """Print what is wrong with the data, the worst first."""
    if as_json:
        as_json_line([asdict(finding) for finding in found])
        return
    if not found:
        say(Text("Nothing wrong was found.", "green"))
        return
    say(grid((Text(finding.severity, COLOURS[finding.severity]), detail(finding)) for finding in found))
    say("")
    say(counted(found))


def detail(finding: Any) -> Text:
    """Where, what, and what to do."""
    where, _, rest = str(finding).removeprefix(f"{finding.severity}: ").partition(f"{finding.detail}")
    return Text.assemble((where, "bold"), finding.detail, (rest, "dim"))


def counted(found: Sequence[Any]) -> str:
    """How many findings of each kind.

    Example:
        >>> from unrolled.data import Finding
        >>> counted([Finding("gap", "warning", "A gap."), Finding("gap", "warning", "Another.")])
        '0 errors, 2 warnings'
    """
    counts = [sum(finding.severity == kind for finding in found) for kind in ("error", "warning")]
    return ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}"
        for count, kind in zip(counts, ("error", "warning"), strict=True)
    )


def frame(found: Any, path: str | None, plot: str | None, as_json: bool) -> None:
    """Write a table to a file, or print it as CSV or JSON; then say where things are."""
    from unrolled.data import to_csv, to_records, write_frame

    if path is not None:
        write_frame(found, path)
    if as_json:
        rows = to_records(found)
        as_json_line({"output": path, "plot": plot, "rows": len(rows)} if path else rows)
    elif path is None:
        sys.stdout.write(to_csv(found))
    else:
        files({f"{len(found):,} rows": path, "picture": plot})


def texts(
    source: Sequence[str], found: Sequence[Any], path: str | None, plot: str | None, json: bool
) -> None:
    """Write texts to a file, a line each, or print them; of several answers to a text one after the other."""
    from unrolled.format import write_atomically

    lines = [" ".join(answer.text.split("\n")) for row in found for answer in row]
    if path is not None:
        write_atomically(path, ["".join(f"{line}\n" for line in lines).encode()])
    if json:
        answers = [
            {"source": text, "answers": [asdict(answer) for answer in row]}
            for text, row in zip(source, found, strict=True)
        ]
        as_json_line({"output": path, "plot": plot, "texts": len(found)} if path else answers)
    elif path is None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        if plot is not None:
            print(f"picture {plot}", file=sys.stderr)
    else:
        files({f"{len(lines):,} lines": path, "picture": plot})
