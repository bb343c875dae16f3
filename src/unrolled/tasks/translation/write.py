"""Write target texts: search with the network, then from codes to text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.models import Hypothesis, SearchOptions, TranslationNetwork, search
from unrolled.models.translation import BEGIN, END, UNKNOWN
from unrolled.tasks.translation.data import Codes, Pairs, Sides, source_batch
from unrolled.training import to_device

HYPOTHESES = 512  # that one call advances


@dataclass(frozen=True)
class Written:
    """One answer: its text, how many tokens (the end counted), log-probability, what it is ordered by."""

    text: str
    tokens: int
    log_probability: float
    score: float


def write(
    network: TranslationNetwork, sides: Sides, source: Codes, texts: Sequence[str], options: SearchOptions
) -> list[list[Written]]:
    """The best answers to source texts, read as codes, likeliest first.

    Where the target has unknown tokens, one that is written is replaced by the source token that the decoder
    looked at most; without attention none is written.
    """
    found = searched(network, source, options, _never(network, sides))
    return [
        [written(network, sides, codes, text, answer) for answer in row]
        for codes, text, row in zip(source, texts, found, strict=True)
    ]


def written(
    network: TranslationNetwork, sides: Sides, source: np.ndarray, text: str, answer: Hypothesis
) -> Written:
    """A hypothesis as text."""
    own = text_of(network, sides, source, text, answer)
    return Written(own, len(answer.tokens) + 1, answer.log_probability, answer.score)


@torch.no_grad()
def searched(
    network: TranslationNetwork, source: Codes, options: SearchOptions, never: tuple[int, ...]
) -> list[list[Hypothesis]]:
    """The hypotheses of each source, those of like length searched together."""
    network.eval()
    device = next(network.parameters()).device
    order = np.argsort([len(row) for row in source], kind="stable")
    found: list[list[Hypothesis]] = [[] for _ in source]
    rows = max(1, HYPOTHESES // options.beam)
    for start in range(0, len(order), rows):
        places = order[start : start + rows]
        batch = to_device(source_batch([source[place] for place in places]), device)
        state = network.encode(batch["source"], batch["source_lengths"])
        answers = search(stepper(network, device), state, len(places), BEGIN, END, options, never)
        for place, answer in zip(places, answers, strict=True):
            found[place] = answer
    return found


def stepper(network: TranslationNetwork, device: torch.device) -> Any:
    """One step of the decoder for a search: tokens in, log-probabilities and the next state out."""

    def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        sentence, before = state
        out, _, after = network.decoder.advance(sentence, before, tokens[:, None].to(device))
        return network.decoder.logits(out[:, 0]).float().log_softmax(-1).cpu(), (sentence, after)

    return step


def text_of(
    network: TranslationNetwork, sides: Sides, source: np.ndarray, text: str, answer: Hypothesis
) -> str:
    """An answer as text, unknown tokens replaced by what was looked at."""
    codes = list(answer.tokens)
    if UNKNOWN not in codes:
        return sides.write(codes)
    tokens, looks = sides.split_source(text), looks_of(network, source, np.array(codes, np.int64))
    words = sides.target.vocabulary.decode(codes)
    chosen = [
        tokens[int(looks[place].argmax())] if word is None else word for place, word in enumerate(words)
    ]
    return sides.target.splitter.join(chosen)


@torch.no_grad()
def looks_of(network: TranslationNetwork, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where the decoder looks as it writes a target: (target tokens and the end, source tokens)."""
    network.eval()
    batch = to_device(Pairs([source], [target]).batch(np.array([0])), next(network.parameters()).device)
    looks = network.looks(batch)
    assert looks is not None
    return looks[0].float().cpu().numpy()


def _never(network: TranslationNetwork, sides: Sides) -> tuple[int, ...]:
    can_replace = network.decoder.attention != "none" and sides.target.kind != "bpe"
    return (BEGIN,) if can_replace else (UNKNOWN, BEGIN)
