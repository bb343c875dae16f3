"""From a language network to its Program: codes in, the scores of every token out."""

from typing import TYPE_CHECKING

from unrolled.models.language import TokenScores
from unrolled.models.lowering import Builder, cell_attributes
from unrolled.nn import Stack
from unrolled.runtime import Program
from unrolled.runtime import operations as ops

if TYPE_CHECKING:  # the networks call in here
    from unrolled.models.language_model import LanguageNetwork
    from unrolled.models.masked_language_model import MaskedLanguageNetwork

TABLE = "reader.weight"


def lower_language(network: "LanguageNetwork") -> Program:
    """The scores of the token after each row."""
    b = Builder()
    hidden = run_stack(b, network.recurrent, "recurrent", embedded(b))
    return b.program(network, "scores", answered(b, network.head, hidden))


def lower_masked(network: "MaskedLanguageNetwork") -> Program:
    """The scores of the token one row before: its left side ends two rows before, its right side here."""
    b = Builder()
    x = embedded(b)
    before = run_stack(b, network.from_left, "from_left", x)
    for name in ("before_1", "before_2"):
        before = b.add(name, ops.Mask(channels=False), b.add(f"{name}_delay", ops.Delay(), before))
    behind = run_stack(b, network.from_right, "from_right", x, direction="backward")
    mixed = b.dense("mix", b.concat("around", [before, behind]))
    mixed = b.add("mixed_relu", ops.Activation("relu"), mixed)
    return b.program(network, "scores", answered(b, network.head, mixed))


def embedded(b: Builder) -> str:
    """The vector of a row's code."""
    code = b.add("code", ops.Reshape(()), b.input("x_codes", (1,), "int64"))
    return b.add("embedded", ops.Embed(TABLE), code)


def run_stack(b: Builder, stack: Stack, prefix: str, x: str, direction: str = "forward") -> str:
    """The output of a stack at each row; with `residual` each layer but the first adds what it reads."""
    for number, layer in enumerate(stack.layers):
        name = f"{prefix}.layers.{number}"
        y = b.add(name, ops.Recurrent(**cell_attributes(layer, name), direction=direction), x)
        x = b.sum(f"{name}.sum", y, x) if stack.residual and number else y
    return x


def answered(b: Builder, head: TokenScores, hidden: str) -> str:
    """A score for each token."""
    if head.projection is not None:
        hidden = b.dense("head.projection", hidden)
    table = TABLE if head.weight is None else "head.weight"
    return b.add("scores", ops.Dense(table, "head.bias"), hidden)
