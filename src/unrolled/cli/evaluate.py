"""`unrolled evaluate model.unrolled data.csv`: the scores on unseen data, beside the baselines."""

from typing import Annotated, Any

import typer

from unrolled import arguments
from unrolled.cli import options, output
from unrolled.errors import ArgumentError, explain

EXAMPLE = "unrolled evaluate m.unrolled data.csv"

Truth = Annotated[
    str | None,
    typer.Argument(metavar="TARGET", help="The true texts, of a translator.", show_default=False),
]


Encoding = Annotated[str | None, options.option("Of a text file; utf-8.")]


def evaluate(
    model: options.ModelPath,
    data: options.Data,
    truth: Truth = None,
    as_json: options.AsJson = False,
    encoding: Encoding = None,
) -> None:
    """Score a model on data that it has not seen, beside the plain baselines, with the verdict.

    A forecaster is scored on the rows after its training period, a translator on two files of texts, the
    others on new sequences.
    """
    arguments.part("torch", "train")
    import unrolled

    loaded: Any = unrolled.load(model)
    sources = read(loaded, data, truth)
    if encoding is None:
        output.evaluation(loaded.evaluate(*sources), as_json)
        return
    if type(loaded) not in (unrolled.TextClassifier, unrolled.Tagger, unrolled.Translator):
        got = f"a {type(loaded).__name__}"
        raise ArgumentError(explain("--encoding", "the model of texts", got, "Leave it out."))
    output.evaluation(loaded.evaluate(*sources, encoding=encoding), as_json)


def read(loaded: Any, data: str, truth: str | None) -> tuple[str, ...]:
    """The files that this kind of model is scored on. Raises: ArgumentError for one too many or too few."""
    import unrolled

    pairs = isinstance(loaded, unrolled.Translator)
    if pairs and truth is None:
        cure = f"Write it behind the other: MODEL {data} TARGET"
        raise ArgumentError(explain("TARGET", "the file of the true texts", "nothing", cure))
    if not pairs and truth is not None:
        got = f"{truth!r} for a {type(loaded).__name__}"
        raise ArgumentError(explain("TARGET", "a translator's true texts", got, "Leave it out."))
    return (data,) if truth is None else (data, truth)
