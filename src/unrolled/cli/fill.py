"""`unrolled fill model.unrolled "the ___ sat"`: the likeliest words for each blank; without PyTorch."""

from typing import Annotated

import typer
from rich.text import Text

from unrolled.cli import options, output

EXAMPLE = 'unrolled fill m.unrolled "the ___ sat"'

Sentence = Annotated[str, typer.Argument(metavar="TEXT", help="A text with blanks: ___.", show_default=False)]
Top = Annotated[int | None, options.option("Candidates for a blank; 5.")]


def fill(model: options.ModelPath, text: Sentence, top: Top = None, as_json: options.AsJson = False) -> None:
    """Fill the blanks of a text by a masked language model: candidates and their probabilities."""
    from unrolled.runtime import BlankFiller

    found = BlankFiller.load(model).fill(text, **options.given({"top": top}))
    if as_json:
        blanks = [[candidate._asdict() for candidate in blank] for blank in found]
        output.as_json_line({"text": text, "blanks": blanks})
        return
    for number, blank in enumerate(found, start=1):
        if len(found) > 1:
            output.heading(f"Blank {number}")
        output.say(output.grid((Text(f"{c.probability:6.1%}"), Text(c.token)) for c in blank))
