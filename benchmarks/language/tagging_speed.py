"""Training speed of taggers in words a second: our layers beside torch.nn's on packed batches.

The batches are those of an epoch on WNUT17's training file; a step is the loss, its gradients, clipping,
AdamW and the average of the weights, as `train tag` does it. Each pair takes the same batch on both sides.
`python -m benchmarks.language.tagging_speed [--pairs N] [--threads N]`.
"""

import argparse
import copy
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.kernels.measure import interleave
from benchmarks.language.data import folder
from benchmarks.language.lm_speed import run_of
from unrolled import Tagger, nn
from unrolled.data import TaggedSet, read_conll
from unrolled.tasks.text.batches import TextSource
from unrolled.tasks.text.tagging_data import encode_tags
from unrolled.training import train_step
from unrolled.training.loop import network_loss
from unrolled.types import LSTMState

CASES: dict[str, dict[str, Any]] = {
    "defaults (CNN over characters)": {},
    "LSTM over characters": {"characters": "lstm"},
    "words alone, GRU": {"cell": "gru", "characters": "none"},
    "hidden 256, 2 layers, 2000 words": {"hidden_size": 256, "layers": 2, "batch_tokens": 2000},
}


class Packed(torch.nn.Module):
    """torch.nn's layers in the place of ours, on packed sequences."""

    def __init__(self, layer: nn.Layer) -> None:
        super().__init__()
        self.layer = nn.to_torch(layer)
        self.output_size = layer.output_size

    def forward(self, x: torch.Tensor, state: None, lengths: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Our `layer(x, None, lengths)`: y, and of an LSTM both directions' last states."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, after = self.layer(packed)
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
        h = after[0] if isinstance(after, tuple) else after
        return y, tuple(LSTMState(own, own) for own in h[-2:])


def on_torch(network: Any) -> Any:
    """The same network with the same weights on torch.nn's layers."""
    peer = copy.deepcopy(network)
    peer.recurrent = Packed(peer.recurrent)
    if peer.inputs.spelling is not None and peer.inputs.spelling.kind == "lstm":
        peer.inputs.spelling.reader = Packed(peer.inputs.spelling.reader)
    return peer


def turns(network: Any, batches: list[dict[str, torch.Tensor]]) -> Callable[[], None]:
    """A training step on the next batch, each time it is called."""
    run, numbers = run_of(network), count()

    def step() -> None:
        train_step(run, batches[next(numbers) % len(batches)], network_loss)

    return step


def both(options: dict[str, Any], train: TaggedSet, most: int) -> tuple[Any, Any, list[Any], int]:
    """The network on torch.nn layers, ours, the first batches of an epoch, and the words in them."""
    sentences = [list(train.sentence(i)) for i in range(len(train))]
    tags = [list(train.sentence_tags(i)) for i in range(len(train))]
    model = Tagger(**options, epochs=1, seed=0, device="cpu")
    model.fit(sentences, tags, validation=(sentences[:64], tags[:64]), test=(sentences[:64], tags[:64]))
    source = TextSource(
        model.words_.encode(train),
        np.arange(len(train)),
        ("tags", encode_tags(train, model.tags_)),
        model.batch_tokens,
        0,
    )
    batches = [source.batch(0, index) for index in range(min(most, source.steps))]
    words = sum(int(batch["lengths"].sum()) for batch in batches)
    return on_torch(model.network_), model.network_, batches, words


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language.tagging_speed")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    train = read_conll(folder() / "ner" / "wnut17-train.conll")
    print(f"{'words a second':<36}{'packed':>10}{'ours':>10}{'ratio':>8}{'quartiles':>14}")
    for name, options in CASES.items():
        peer, ours, batches, words = both(options, train, told.pairs)
        found = interleave(turns(peer, batches), turns(ours, batches), told.pairs)
        rates = [words / len(batches) / float(np.mean(taken)) for taken in found]
        low, middle, high = found.quartiles
        spread = f"{low:.2f}-{high:.2f}"
        print(f"{name:<36}{rates[0]:>10,.0f}{rates[1]:>10,.0f}{middle:>8.2f}{spread:>14}", flush=True)


if __name__ == "__main__":
    main()
