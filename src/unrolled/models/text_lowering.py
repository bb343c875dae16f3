"""Networks of texts as Programs: a row is a word, as its code and, where they are read, the code of its
shape, how many characters it has, and the codes of those.
"""

from typing import TYPE_CHECKING

from unrolled.models.lowering import Builder, both_ends, cell_attributes, run_stack
from unrolled.models.text import TextInputs
from unrolled.nn import Spelling
from unrolled.preprocess.word_shapes import LONGEST
from unrolled.runtime import Program
from unrolled.runtime import operations as ops

if TYPE_CHECKING:  # the networks call in here
    from unrolled.models.text_classifier import TextClassifierNetwork
    from unrolled.models.text_tagger import TaggerNetwork


def lower_text_classifier(network: "TextClassifierNetwork") -> Program:
    """Scores at every word; those of the last word are the text's."""
    b, pool = Builder(), network.pooling.kind
    x = _embedded(b, network.inputs)
    if pool == "last" and network.bidirectional:
        hidden = both_ends(b, network.recurrent, x)
    else:
        hidden = _pooled(b, pool, run_stack(b, network.recurrent, x))
    scores = b.add("sharp", ops.Combine("multiply"), b.dense("head", hidden), b.constant("sharpness"))
    return b.program(network, "scores", scores)


def lower_tagger(network: "TaggerNetwork") -> Program:
    """The score of each tag at every word, before the chain."""
    b = Builder()
    hidden = run_stack(b, network.recurrent, _embedded(b, network.inputs))
    return b.program(network, "scores", b.dense("head", hidden))


def _pooled(b: Builder, pool: str, hidden: str) -> str:
    """One vector for the words so far."""
    if pool == "last":
        return hidden
    if pool == "mean":
        return b.add("pooled", ops.Pool("mean"), hidden)
    if pool == "max":
        return b.add("pooled", ops.PoolMax(), hidden)
    squashed = b.add("squashed", ops.Activation("tanh"), b.dense("pooling.hidden", hidden))
    score = b.dense("pooling.vector", squashed, bias=False)
    return b.add("pooled", ops.PoolAttention(), hidden, score)


def _embedded(b: Builder, inputs: TextInputs) -> str:
    """The vectors of a word, of its shape and of its characters."""
    tables = ["inputs.words.weight"] + (["inputs.shapes.weight"] if inputs.shapes is not None else [])
    spelled = 0 if inputs.spelling is None else 1 + LONGEST
    codes = b.input("x_codes", (len(tables) + spelled,), "int64")
    parts = []
    for place, table in enumerate(tables):
        one = b.add(f"code_{place}", ops.Slice(place, place + 1), codes)
        parts.append(
            b.add(f"embedded_{place}", ops.Embed(table), b.add(f"number_{place}", ops.Reshape(()), one))
        )
    if inputs.spelling is not None:
        length = b.add("length_code", ops.Slice(len(tables), len(tables) + 1), codes)
        length = b.add("length", ops.Reshape(()), length)
        characters = b.add("characters", ops.Slice(len(tables) + 1, len(tables) + spelled), codes)
        parts.append(_spelled(b, inputs.spelling, characters, length))
    return b.concat("embedded", parts)


def _spelled(b: Builder, spelling: Spelling, characters: str, length: str) -> str:
    """The vector of a word from the codes of its characters (LONGEST,)."""
    prefix = "inputs.spelling"
    x = b.add("spelled", ops.Embed(f"{prefix}.table.weight"), characters)  # (LONGEST, width)
    if spelling.kind == "cnn":
        x = b.add("spelled_cut", ops.Cut(), x, length)
        x = b.add("convolved", ops.Convolve(f"{prefix}.reader.weight", f"{prefix}.reader.bias"), x)
        return b.add("spelling", ops.PoolSteps("max"), x, length)
    ends = []
    for way in ("forward", "backward"):
        layer, name = getattr(spelling.reader, f"layer_{way}"), f"{prefix}.reader.layer_{way}"
        given = x if way == "forward" else b.add("spelled_back", ops.Reverse(), x, length)
        y = b.add(name, ops.Scan(**cell_attributes(layer, name)), given)
        ends.append(b.add(f"{name}.end", ops.PoolSteps("last"), y, length))
    return b.concat("spelling", ends)
