"""Errors are written for Python; here their arguments get the names that they have on the command line."""

import re
import shlex

from unrolled.errors import ArgumentError

# Options that are spelled like the argument they stand for, and those that are not.
PLAIN = (
    "time target series known past static horizon history split decoder head bidirectional cell layers "
    "quantiles dropout class_weight epochs batch_size clip bptt patience precision seed device checkpoint "
    "resume watch future tokenizer lines text encoding lowercase min_count tied residual layer_norm "
    "input_dropout "
    "forget_bias memory orthogonal embedding_dropout weight_drop ar tar optimizer weight_decay average "
    "length temperature top_k top_p top "
    "pool characters scheme repair vectors frozen word_dropout batch_tokens target_tokenizer attention "
    "input_feeding coverage smoothing sampling architectures seeds parameters seconds probes lags steps "
    "rows fix validation test"
).split()
SPELLED = {name: "--" + name.replace("_", "-") for name in PLAIN}
SPELLED |= {"hidden_size": "--hidden", "learning_rate": "--lr"}
SPELLED |= {"embedding_size": "--embedding", "vocabulary_size": "--vocabulary"}

_NAME = "|".join(SPELLED)
_FIRST = re.compile(rf"^({_NAME})(?=[:\[])")
_GIVEN = re.compile(rf"(?<![\w.'\"-])({_NAME})=(\([^)]*\)|'[^']*'|(?:[\w.]*\w)?)")
_BARE = re.compile(r"(?<![\w.'\"=-])(hidden_size|learning_rate|batch_size)(?![\w=])")
_ASIDE = re.compile(r"(?:(pass|Pass|by|with|Use) )?(\S+) \((--)?([\w-]+) on the command line\)")


def for_the_shell(error: Exception) -> str:
    """An error's line, in the words of the command line.

    Example:
        >>> for_the_shell(ArgumentError("hidden_size: expected a whole number >= 1, got 0. 128 is good."))
        '--hidden: expected a whole number >= 1, got 0. 128 is good.'
        >>> for_the_shell(ArgumentError("split: expected fractions. For example split=(0.7, 0.1, 0.2)."))
        '--split: expected fractions. For example --split 0.7,0.1,0.2.'
    """
    text = " ".join(str(error).split())
    text = _ASIDE.sub(_aside, text)
    text = _GIVEN.sub(_given, text)
    text = _BARE.sub(lambda match: SPELLED[match[1]], text)
    # A column may have an option's name: only a wrong argument is surely one.
    return _FIRST.sub(lambda match: SPELLED[match[1]], text) if isinstance(error, ArgumentError) else text


def _given(match: re.Match[str]) -> str:
    flag, value = SPELLED[match[1]], match[2]
    if value in ("True", ""):
        return flag
    if value == "None":
        return f"no {flag}"
    plain = value.strip("()'").replace(", ", ",")
    return f"{flag} {shlex.quote(plain)}"


def _aside(match: re.Match[str]) -> str:
    """'resume=True and checkpoint='x' (--resume on the command line)' needs no aside any more."""
    verb, python, flag, word = match[1], match[2], match[3], match[4]
    if flag is None:  # a task, as in "Use SequenceRegressor (regress on the command line)"
        return f"Use 'unrolled train {word}'"
    return f"{verb} {python}" if verb else python
