"""The architectures that are compared, the sizes that make them equal, and what each keeps of a stream."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.errors import ArgumentError, explain
from unrolled.models import SegmentNetwork, SequenceNetwork, TextClassifierNetwork

CONTENDERS = ("feed-forward", "elman", "lstm", "gru", "transformer")
TITLES = {
    "feed-forward": "Feed-forward",
    "elman": "Elman",
    "lstm": "LSTM",
    "gru": "GRU",
    "gru2014": "GRU (2014)",
    "transformer": "Transformer",
}
# Numbers that a pool keeps beside one for each unit; "last" keeps nothing.
POOLS = {"max": 1, "mean": 1, "attention": 2}
WIDEST = 1 << 14  # hidden units at most
MEASURED = 30  # steps whose median is a latency


def solve_hidden(count: Callable[[int], int], budget: int, name: str = "") -> int:
    """The hidden size whose number of parameters is nearest to a budget; `count` rises with the size.

    Raises: ArgumentError where even one hidden unit is more than twice the budget.

    Example:
        >>> solve_hidden(lambda hidden: 3 * hidden * (hidden + 10), 10_000)
        53
    """
    if count(1) > 2 * budget:
        got = f"{budget:,}, and one hidden unit has {count(1):,}"
        cure = "Raise the budget, or shorten the window."
        raise ArgumentError(explain("parameters", f"enough for {name or 'the network'}", got, cure))
    low, high = 1, 2
    while count(high) < budget and high < WIDEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return min((low, high), key=lambda hidden: abs(count(hidden) - budget))


def bytes_per_stream(network: SegmentNetwork | SequenceNetwork | TextClassifierNetwork, steps: int) -> int:
    """What must be kept of a stream between two rows, in bytes of float32, after `steps` rows.

    A network that reads a window anew keeps its rows; a recurrent one its state; a Transformer the keys and
    values of all it has read. The pool of a text adds what it has come to.
    """
    if isinstance(network, SegmentNetwork):
        sizes = network.inputs.widths
        columns = sum(sizes[key] for key in ("target", "past", "known", "past_codes", "known_codes"))
        return 4 * network.shape.history * columns
    if network.steps:
        return 4 * network.steps * network.input_size
    pool = network.pooling.kind if isinstance(network, TextClassifierNetwork) else "last"
    pooled = 4 * (network.hidden + POOLS[pool]) if pool in POOLS else 0
    if network.cell == "transformer":
        layer = network.recurrent.layers[0]
        return pooled + 4 * steps * 2 * len(layer.blocks) * layer.heads * layer.width
    return pooled + 4 * network.hidden * network.layers * (2 if network.cell == "lstm" else 1)


def median_seconds(step: Callable[[], Any], count: int = MEASURED) -> float:
    """The median duration of a call, after a few to warm up."""
    for _ in range(3):
        step()
    durations = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations))


@torch.no_grad()
def torch_step(
    network: SegmentNetwork | SequenceNetwork | TextClassifierNetwork, batch: dict[str, Tensor]
) -> Callable[[], Any]:
    """One new row through PyTorch, as a function to be timed: what carries a state reads only the new row.

    `batch` holds one row: a whole window or sequence.
    """
    network.eval()
    if isinstance(network, SegmentNetwork):
        return torch.no_grad()(lambda: network.forecast(batch))
    if network.steps:
        return torch.no_grad()(lambda: network.scores(batch))
    if isinstance(network, TextClassifierNetwork):
        _, state = network.recurrent(network.inputs(batch))
        word = {"words": batch["words"][:, -1:]}  # a pool but adds it to what came before
        return torch.no_grad()(lambda: network.head(network.recurrent(network.inputs(word), state)[0][:, 0]))
    x = batch["x"]
    values = (x - network.mean) / network.scale
    values = torch.cat([values.nan_to_num(), (~x.isnan()).to(x)], -1) if network.shape.masked else values
    _, state = network.recurrent(values)
    return torch.no_grad()(lambda: network.head(network.recurrent(values[:, -1:], state)[0]))
