"""The program `unrolled`: its commands, and the one place where an error becomes a line and an exit code."""

import sys
from collections.abc import Sequence

import typer

from unrolled import __version__
from unrolled.cli import check, demo, evaluate, predict, train
from unrolled.errors import ArgumentError, TrainingInterrupted, UnrolledError

DONE, FAILED, WRONG_USE = 0, 1, 2

app = typer.Typer(
    name="unrolled",
    help="Recurrent networks on your own sequences: check, train, forecast, judge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(check.check)
app.command()(train.train)
app.command()(predict.predict)
app.command()(evaluate.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"unrolled {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with 0 (done), 1 (failed) or 2 (wrong use); never a traceback for a user's mistake."""
    sys.exit(status(sys.argv[1:] if arguments is None else arguments))


def status(arguments: Sequence[str]) -> int:
    """The exit code of one call. Whatever goes wrong by the user's doing is one line on standard error."""
    try:
        return app(list(arguments), prog_name="unrolled", standalone_mode=False) or DONE
    except ArgumentError as error:
        return _say(error, WRONG_USE)
    except TrainingInterrupted as error:
        return _say(error, FAILED)
    except UnrolledError as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return _say("stopped", FAILED)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        sys.stderr.close()
        return FAILED
    except Exception as error:
        # Typer's errors of use bring their own code; their class moved between versions of Typer.
        code = getattr(error, "exit_code", None)
        if code is None or not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            return WRONG_USE
        return _say(error.format_message(), WRONG_USE)


def _say(message: object, code: int) -> int:
    line = " ".join(str(message).split())
    print(f"unrolled: {line}", file=sys.stderr)
    return code
