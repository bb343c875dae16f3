"""The program `unrolled`: its commands, and the one place where an error becomes a line and an exit code."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup

from unrolled import __version__
from unrolled.cli import (
    check,
    compare,
    demo,
    evaluate,
    export,
    fill,
    generate,
    import_onnx,
    inspect,
    predict,
    stream,
    train,
)
from unrolled.cli.options import FLAG
from unrolled.cli.usage import is_wrong_use, told
from unrolled.cli.wording import for_the_shell
from unrolled.errors import ArgumentError, UnrolledError

DONE, FAILED, WRONG_USE = 0, 1, 2
FIRST = ("demo", "check", "train", "predict", "evaluate")


class Stopped(UnrolledError):
    """Ctrl-C outside a training, which has its own words for it."""


class Commands(TyperGroup):
    """The commands in the order of the work. Ctrl-C is told like any other end, whatever Typer does."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names: those that every user needs, then the others."""
        return sorted(
            super().list_commands(ctx), key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)
        )

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped("stopped by Ctrl-C") from None


app = typer.Typer(
    cls=Commands,
    name="unrolled",
    help="Recurrent networks on your own sequences: check the data, train, judge honestly, predict.",
    epilog="Start here: unrolled demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(train.app, name="train")
for command, example in (
    (demo.demo, demo.EXAMPLE),
    (check.check, check.EXAMPLE),
    (predict.predict, predict.EXAMPLE),
    (evaluate.evaluate, evaluate.EXAMPLE),
    (compare.compare, compare.EXAMPLE),
    (inspect.inspect, inspect.EXAMPLE),
    (stream.stream, stream.EXAMPLE),
    (generate.generate, generate.EXAMPLE),
    (fill.fill, fill.EXAMPLE),
    (export.export, export.EXAMPLE),
    (import_onnx.import_onnx, import_onnx.EXAMPLE),
):
    app.command(epilog=f"[bold]Example:[/] {example}")(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"unrolled {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, metavar=FLAG, help="Print the version."
    ),
) -> None:
    pass


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with 0 (done), 1 (failed) or 2 (wrong use)."""
    sys.exit(status(sys.argv[1:] if arguments is None else arguments))


def status(arguments: Sequence[str]) -> int:
    """The exit code of one call. Whatever goes wrong by the user's doing is one line on standard error."""
    try:
        code = app(list(arguments), prog_name="unrolled", standalone_mode=False) or DONE
        sys.stdout.flush()  # a full disk behind a pipe is found here, not while the program ends
        return code
    except UnrolledError as error:
        return _say(for_the_shell(error), WRONG_USE if isinstance(error, ArgumentError) else FAILED)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        _silence(sys.stdout)
        return FAILED
    except OSError as error:
        if error.filename is None:
            _silence(sys.stdout)
        return _say(f"{error.filename or 'output'}: {(error.strerror or str(error)).lower()}", FAILED)
    except Exception as error:
        if not is_wrong_use(error):
            raise
        message = told(error, arguments)
        return _say(message, WRONG_USE) if message else WRONG_USE


def _say(message: str, code: int) -> int:
    with suppress(OSError):
        print(f"unrolled: {' '.join(message.split())}", file=sys.stderr, flush=True)
    return code


def _silence(stream: Any) -> None:
    """Let nothing more be written to a stream that cannot be written to: Python flushes it at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
