"""How it looks: tables that fit, colours on a terminal alone, whole lines in a pipe."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from unrolled.cli import output
from unrolled.cli.progress import reporter
from unrolled.data import Finding
from unrolled.metrics import judge
from unrolled.tasks.forecast.evaluation import Evaluation, Losses, Score
from unrolled.training import BarReporter, PlainReporter, SilentReporter


def made(target="co2"):
    """An evaluation with every column, and names as long as they come."""
    names = (
        "GRU (recursive)",
        "last value",
        "last season (336 steps)",
        "ridge regression",
        "exponential smoothing",
    )
    scores = tuple(
        Score(name, 0.5 + k, 0.25 + k, 0.4, 0.8, 1.5, {target: 1234.5 - k}, {target: 0.8})
        for k, name in enumerate(names)
    )
    losses = [1.0, 2.0, 1.5] * 20
    verdict = judge(losses, {"ridge regression": [loss + 0.1 for loss in losses]}, block=2)
    return Evaluation("60 windows", scores, verdict, 0.8, 60, ("A note.",), Losses({}, None, None))


def drawn(renderable, width):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(renderable)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("target", ["co2", "a_target_with_a_name_that_nobody_would_call_short"])
def test_the_widest_table_fits_80_columns_uncut(target):
    lines = drawn(output.score_table(made(target)), 80)
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert len(lines) == 2 + 1 + 5, "a row is folded"
    assert lines[1].split()[0] in ("(co2)", "(a_targe…)")
    assert lines[0].split() == ["MAE", "MAE", "MSE", "80%", "interval"]
    assert lines[1].split()[1:] == ["(scaled)", "(scaled)", "MASE", "covers", "score"]
    assert "last season (336 steps)" in lines[5] and lines[5].split()[-1] == "1.5000"


def test_the_best_of_each_column_is_green():
    table = output.score_table(made())
    cells = {column.header.plain.split("\n")[0]: column._cells for column in table.columns}
    assert [cell.style for cell in cells["MSE"]] == ["green", "", "", "", ""]
    assert {cell.style for cell in cells["80%"]} == {""}, "no coverage is best for being low"


def test_a_pipe_gets_plain_whole_lines(capsys):
    output.findings([Finding("gap", "warning", "A gap. " * 30, "Fill it.", "y", row=3)], as_json=False)
    out = capsys.readouterr().out
    assert out == "warning  y, row 3: " + "A gap. " * 30 + " Fill it.\n\n0 errors, 1 warning\n"


def test_a_terminal_gets_colours_and_folded_words(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: SimpleNamespace(columns=80))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(output, "console", lambda: Console(force_terminal=True, width=80, highlight=False))
    output.evaluation(made(), as_json=False)
    out = capsys.readouterr().out
    assert "\x1b[1;32mbetter than ridge regression" in out


def test_json_has_no_number_that_json_cannot_hold(capsys):
    output.as_json_line({"a": [float("inf"), (1, float("nan"))], 3: "ü"})
    assert capsys.readouterr().out == '{"a": [null, [1, null]], "3": "ü"}\n'


def test_progress_goes_where_somebody_looks(monkeypatch):
    assert isinstance(reporter(as_json=False), PlainReporter)
    assert isinstance(reporter(as_json=True), SilentReporter)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(reporter(as_json=True), BarReporter)
