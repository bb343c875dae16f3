"""From a sequence network to its Program: scores at every row."""

from typing import TYPE_CHECKING

from unrolled.models.lowering import Builder, both_ends, dense_layers, run_stack
from unrolled.runtime import Program
from unrolled.runtime import operations as ops

if TYPE_CHECKING:  # the network calls in here
    from unrolled.models.sequence import SequenceNetwork


def lower_sequence(network: "SequenceNetwork") -> Program:
    """Scores at every row; those of the last row are the sequence's."""
    shape, b = network.shape, Builder()
    x = b.input("x", (shape.features,), missing=shape.masked)
    x = b.add("scaled", ops.Scale(), x, b.constant("mean"), b.constant("scale"))
    if shape.masked:
        x = b.add("masked", ops.Mask(), x)
    hidden = _whole_window(b, network, x) if network.steps else _pooled(b, network, x)
    scores = b.dense("head", hidden)
    if shape.targets:
        scores = b.add(
            "answers", ops.Unscale(), scores, b.constant("target_mean"), b.constant("target_scale")
        )
    return b.program(network, "scores", scores)


def _pooled(b: Builder, network: "SequenceNetwork", x: str) -> str:
    """What the head reads: the rows themselves, their mean, or the last state of both ends."""
    if network.pool != "last" or not network.bidirectional:
        hidden = run_stack(b, network.recurrent, x)
        return b.add("pooled", ops.Pool("mean"), hidden) if network.pool == "mean" else hidden
    return both_ends(b, network.recurrent, x)


def _whole_window(b: Builder, network: "SequenceNetwork", x: str) -> str:
    """Dense layers over the last `steps` rows."""
    window = b.add("window", ops.Window(network.steps), x)
    flat = b.add("flat", ops.Reshape((network.steps * network.input_size,)), window)
    return dense_layers(b, network.recurrent, flat)
