"""What a stranger sees first."""

import shlex
import sys

import pytest
from typer.main import get_command

from unrolled import __version__
from unrolled.cli import main, train
from unrolled.cli.main import app

COMMANDS = [
    "demo", "check", "train", "predict", "evaluate", "compare", "inspect", "export", "generate", "fill",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", [80, 120])
def test_help_shows_an_example_and_fits(call, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = call(command, "--help")
    assert done.code == 0
    assert max(len(line) for line in done.out.splitlines()) <= width
    assert any(line.strip().startswith(f"Example: unrolled {command}") for line in done.out.splitlines())


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])
def test_the_example_is_a_call_that_is_understood(command):
    example = shlex.split(getattr(main, command).EXAMPLE)
    assert example[:2] == ["unrolled", command]
    group = get_command(app)
    group.commands[command].make_context(command, example[2:])  # raises where an option is wrong


@pytest.mark.parametrize("place", range(len(train.TASKS)))
@pytest.mark.parametrize("width", [80, 120])
def test_each_task_shows_an_example_that_is_understood(call, monkeypatch, place, width):
    example = train.TASKS[place][1].split()
    monkeypatch.setenv("COLUMNS", str(width))
    done = call("train", example[2], "--help")
    assert done.code == 0 and " ".join(example[:3]) in " ".join(done.out.split())
    assert max(len(line) for line in done.out.splitlines()) <= width
    get_command(train.app).commands[example[2]].make_context(example[2], example[3:])


def test_unrolled_alone_shows_its_help(call):
    shown = call()
    assert shown.code in (0, 2)
    assert all(name in shown.out + shown.err for name in COMMANDS)
    assert call("--help").code == 0


def test_the_version(call):
    assert call("--version").out == f"unrolled {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["demo"], "torch"),
        (["check", "a.csv"], "polars"),
        (["train", "forecast", "a.csv", "-o", "m"], "torch"),
        (["predict", "m", "a.csv"], "torch"),
        (["evaluate", "m", "a.csv"], "torch"),
        (["inspect", "m", "a.csv"], "torch"),
    ],
)
def test_without_the_training_part_the_command_that_installs_it_is_named(
    call, monkeypatch, arguments, missing
):
    monkeypatch.setitem(sys.modules, missing, None)
    done = call(*arguments)
    assert (done.code, done.out) == (1, "")
    told = "expected the part 'unrolled[train]', got no such module. pip install 'unrolled[train]'"
    assert done.lines == [f"unrolled: {missing}: {told}"]
