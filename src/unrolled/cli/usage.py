"""Typer's own errors of use, in the house's form of a message.

They are told by what they carry: their classes moved between versions of Typer.
"""

from collections.abc import Sequence
from typing import Any

from unrolled.cli.wording import SPELLED
from unrolled.errors import explain, nearest

# What Typer's wording of a value that cannot be read holds -> what was expected.
KINDS = {"integer": "a whole number", "number": "a number", "float": "a number"}


def is_wrong_use(error: Exception) -> bool:
    """Whether Typer raised it for what stands on the command line."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def told(error: Any, given: Sequence[str]) -> str:
    """What is wrong with the arguments, and what to do; '' where the help was printed instead."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""
    context = getattr(error, "ctx", None)
    program = context.command_path if context else "unrolled"
    see = f"See: {program} --help"
    wrong = getattr(error, "option_name", None)
    if wrong is not None and context:
        flags = [flag for option in context.command.get_params(context) for flag in option.opts]
        known = [flag for flag in flags if flag.startswith("--")]
        in_python = SPELLED.get(wrong.lstrip("-").replace("-", "_"), wrong)
        cure = nearest(in_python if in_python in known else wrong, known) or see
        return explain(wrong, f"an option of '{program}'", "no such option", cure)
    message = error.format_message().rstrip()
    parameter = getattr(error, "param", None)
    flag = parameter.opts[0] if parameter is not None else ""
    kind = next((kind for word, kind in KINDS.items() if f"valid {word}" in message), None)
    if flag in given[:-1] and kind is not None:
        last = max(place for place, word in enumerate(given[:-1]) if word == flag)
        return explain(flag, kind, repr(given[last + 1]), see)
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} {see}"
