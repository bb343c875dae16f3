"""`unrolled generate model.unrolled "prompt"`: a text that goes on, token by token; without PyTorch."""

import sys
from typing import Annotated

import typer

from unrolled.cli import options, output

EXAMPLE = 'unrolled generate m.unrolled "ROMEO:" --length 400 --temperature 0.8'

Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help="How the text begins.", show_default=False)]
Length = Annotated[int | None, options.option("Tokens at most; 200.")]
Temperature = Annotated[float | None, options.option("Below 1 bolder choices get rarer; 0: the likeliest.")]
TopK = Annotated[int | None, options.option("Only the k likeliest tokens.", "--top-k")]
TopP = Annotated[float | None, options.option("Only the likeliest tokens of this share.", "--top-p")]
Seed = Annotated[int | None, options.option("Same seed, same text.")]


def generate(
    model: options.ModelPath,
    prompt: Prompt = "",
    length: Length = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Seed = None,
    as_json: options.AsJson = False,
) -> None:
    """Go on with a text by a language model, printed as it is drawn.

    A text of its own, such as a line, ends where the model ends it.
    """
    from unrolled.runtime import Sampling, TextGenerator

    chosen = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    sampling = Sampling(**options.given(chosen))
    generator = TextGenerator.load(model)
    pieces = generator.pieces(prompt, sampling=sampling, **options.given({"length": length}))
    if as_json:
        output.as_json_line({"prompt": prompt, "text": prompt + "".join(pieces)})
        return
    sys.stdout.write(prompt)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
