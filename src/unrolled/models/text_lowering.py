"""Networks of texts as Programs: a row is a word, as its code and, where it is read, the code of its
shape.
"""

from typing import TYPE_CHECKING

from unrolled.errors import ArgumentError, explain
from unrolled.models.lowering import Builder, both_ends, run_stack
from unrolled.models.text import TextInputs
from unrolled.runtime import Program
from unrolled.runtime import operations as ops

if TYPE_CHECKING:  # the networks call in here
    from unrolled.models.text_classifier import TextClassifierNetwork
    from unrolled.models.text_tagger import TaggerNetwork


def lower_text_classifier(network: "TextClassifierNetwork") -> Program:
    """Scores at every word; those of the last word are the text's."""
    b, pool = Builder(), network.pooling.kind
    if pool not in ("last", "mean"):
        cure = "Train with pool='last' or pool='mean' to stream or export it."
        raise ArgumentError(explain("pool", "'last' or 'mean'", repr(pool), cure))
    x = _embedded(b, network.inputs)
    if pool == "last" and network.bidirectional:
        hidden = both_ends(b, network.recurrent, x)
    else:
        hidden = run_stack(b, network.recurrent, x)
        hidden = b.add("pooled", ops.Pool("mean"), hidden) if pool == "mean" else hidden
    scores = b.add("sharp", ops.Combine("multiply"), b.dense("head", hidden), b.constant("sharpness"))
    return b.program(network, "scores", scores)


def lower_tagger(network: "TaggerNetwork") -> Program:
    """The score of each tag at every word, before the chain."""
    b = Builder()
    hidden = run_stack(b, network.recurrent, _embedded(b, network.inputs))
    return b.program(network, "scores", b.dense("head", hidden))


def _embedded(b: Builder, inputs: TextInputs) -> str:
    """The vectors of a word and its shape. Raises: ArgumentError where characters are read."""
    if inputs.spelling is not None:
        cure = "Train with characters='none' to stream or export it."
        raise ArgumentError(explain("characters", "'none'", repr(inputs.spelling_kind), cure))
    tables = ["inputs.words.weight"] + (["inputs.shapes.weight"] if inputs.shapes is not None else [])
    codes = b.input("x_codes", (len(tables),), "int64")
    parts = []
    for place, table in enumerate(tables):
        one = b.add(f"code_{place}", ops.Slice(place, place + 1), codes)
        parts.append(
            b.add(f"embedded_{place}", ops.Embed(table), b.add(f"number_{place}", ops.Reshape(()), one))
        )
    return b.concat("embedded", parts)
